/**
 * Gives a server other work while its checks are timed, from a process of its own and with less right to
 * the CPU than the others, so that what is seen is the server's doing.
 */
import { setPriority } from 'node:os';
import { create, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { limits } from '../../src/base/limits.ts';
import { StreamedListObjectsRequestSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { WriteTuplesRequestSchema } from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { Grpc } from '../callers/grpc.ts';
import { Http } from '../callers/http.ts';
import type { Place } from '../callers/openfga-messages.ts';
import { createPlace } from '../contenders/peer.ts';
import type { Address } from '../contenders/served.ts';
import type { WorldName } from '../load.ts';
import type { World } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import { answer } from './remote.ts';

export interface DisturbRequest {
  /** `fill` leaves the store's graph a little short of being folded. */
  readonly with: 'load' | 'fill' | 'folds' | 'list';
  readonly address: Address;
  readonly place: Place;
  readonly world: WorldName;
  readonly ms: number;
}

const writesAtOnce = 4;
const nearlyFull = 0.8;

setPriority(10);
answer(async ({ with: what, address, place, world: name, ms }: DisturbRequest) => {
  const grpc = new Grpc(address.grpc);
  const world = worldOf(name);
  try {
    if (what === 'list') return await lists(grpc, place, world, ms);
    const into = what === 'load' ? await createPlace(grpc, world) : place;
    const fill = what === 'fill';
    return await writes(grpc, into, { world, ms, fill, http: new Http(address.http) });
  } finally {
    grpc.close();
  }
});

async function lists(grpc: Grpc, place: Place, world: World, ms: number): Promise<string> {
  const { hugeList: asked } = world;
  if (asked === undefined) throw new Error('this world has no list that is long enough');
  const { type, relation, subject: user } = asked;
  const json = { store_id: place.store, authorization_model_id: place.model, type, relation, user };
  const request = fromJson(StreamedListObjectsRequestSchema, json);
  const bytes = Buffer.from(toBinary(StreamedListObjectsRequestSchema, request));
  const start = performance.now();
  let count = 0;
  let objects = 0;
  do {
    objects += await grpc.stream('/openfga.v1.OpenFGAService/StreamedListObjects', bytes);
    count++;
  } while (performance.now() - start < ms);
  return `${count} lists of ${Math.round(objects / count).toLocaleString('en-US')} objects`;
}

interface WriteOptions {
  readonly world: World;
  readonly ms: number;
  /** Whether to write until the graph is nearly full, however long that takes. */
  readonly fill: boolean;
  readonly http: Http;
}

async function writes(
  grpc: Grpc,
  place: Place,
  { world, ms, fill, http }: WriteOptions,
): Promise<string> {
  const run = Date.now().toString(36);
  const start = performance.now();
  let next = 0;
  let changes = 0;
  let folds = 0;
  let full = false;
  const writer = async (first: boolean) => {
    while (fill ? !full : performance.now() - start < ms) {
      const tuples = Array.from({ length: limits.tuplesPerLargeWriteMax }, () =>
        world.written(`${run}-${next++}`),
      );
      const message = create(WriteTuplesRequestSchema, {
        ...{ storeId: place.store, modelId: place.model },
        writes: tuples.map(({ object, relation, subject }) => ({ object, relation, subject })),
      });
      const bytes = Buffer.from(toBinary(WriteTuplesRequestSchema, message));
      await grpc.unary('/pemba.v1.TupleService/WriteTuples', bytes);
      if (!first) continue;
      // A graph that has fewer changes beside its base than before has folded them in.
      const graph = graphOf(await http.ask(`/graphs?store_id=${place.store}`));
      if (graph.changes < changes) folds++;
      changes = graph.changes;
      full = changes >= nearlyFull * Math.max(limits.graphChangesKept, graph.tuples / 10);
    }
  };
  await Promise.all(Array.from({ length: writesAtOnce }, (_, i) => writer(i === 0)));
  http.close();
  return `${next.toLocaleString('en-US')} tuples, ${folds} folds`;
}

function graphOf(text: string): { changes: number; tuples: number } {
  const { graphs = [] } = JSON.parse(text) as { graphs?: JsonObject[] };
  const [{ changes = 0, tuples = 0 } = {}] = graphs;
  return { changes: Number(changes), tuples: Number(tuples) };
}
