/** A world written through the real handlers into SQLite in memory. */
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import type {
  CreateStoreResponse,
  WriteAuthorizationModelResponse,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { compile } from '../../src/model/compile.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { parseModel } from '../../src/model/parse.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { Caller, openDoor } from './door.ts';
import type { PlainModel, PlainTuple, Question } from './facts.ts';
import type { Setting, World } from './world.ts';

/** What the ways to ask need to know of a world. */
export interface ServedWorld {
  readonly caller: Caller;
  readonly datastore: Datastore;
  readonly models: readonly PlainModel[];
  readonly settings: readonly Setting[];
  readonly store: StoreId;
  /** The store that nobody asks, where the world has one. */
  readonly neighbour: StoreId | undefined;
  /** In the order of the world's models, as are the compiled ones. */
  readonly modelIds: readonly string[];
  readonly compiled: readonly CompiledModel[];
  /** Whether others write meanwhile: then two requests may be answered differently. */
  readonly shared?: true;
  /** Waited for between the items of a stream. */
  readonly pause?: () => Promise<void>;
}

export class Pemba {
  private readonly datastore: Datastore;
  private readonly caller: Caller;
  private readonly tamper: (world: World) => World;

  private constructor(datastore: Datastore, tamper: (world: World) => World) {
    this.datastore = datastore;
    this.tamper = tamper;
    this.caller = this.newCaller();
  }

  /** `tamper` plants a bug: Pemba is given the world that it returns. */
  static async open(tamper = (world: World) => world): Promise<Pemba> {
    return new Pemba(await openSqlite({ path: ':memory:', clock: systemClock }), tamper);
  }

  close(): Promise<void> {
    return this.datastore.close();
  }

  /** Models and tuples in the order in which the world has them. */
  async serve(plain: World): Promise<ServedWorld> {
    const world = this.tamper(plain);
    const neighbour = world.neighbour === true ? await this.write(reversed(world)) : undefined;
    const { store, modelIds } = await this.write(world);
    const compiled = this.datastore.local.view(store, (snapshot) =>
      world.models.map((model) => compile(parseModel(model), (name) => snapshot.symbol(name))),
    );
    return {
      caller: this.caller,
      datastore: this.datastore,
      models: plain.models,
      settings: plain.settings,
      store,
      neighbour: neighbour?.store,
      modelIds,
      compiled,
    };
  }

  /** The same world behind a service that has not been asked anything yet. */
  cold(served: ServedWorld): ServedWorld {
    return { ...served, caller: this.newCaller() };
  }

  async drop({ store, neighbour }: ServedWorld): Promise<void> {
    for (const store_id of [store, neighbour]) {
      if (store_id !== undefined) await this.caller.call('deleteStore', { store_id });
    }
  }

  private newCaller(): Caller {
    return new Caller(openDoor({ datastore: this.datastore, clock: systemClock }));
  }

  private async write(world: World): Promise<Pick<ServedWorld, 'store' | 'modelIds'>> {
    const { caller } = this;
    const made = (await caller.call('createStore', { name: 'world' })) as CreateStoreResponse;
    const store_id = made.id;
    const modelIds: string[] = [];
    const write = (part: object) => caller.call('write', { store_id, ...part });
    for (const [index, model] of world.models.entries()) {
      const request = { store_id, ...model };
      const answer = await caller.call('writeAuthorizationModel', request);
      modelIds.push((answer as WriteAuthorizationModelResponse).authorizationModelId);
      const tuples = world.stored.filter((s) => s.model === index).map((s) => wire(s.tuple));
      for (let start = 0; start < tuples.length; start += limits.tuplesPerWriteMax) {
        const tuple_keys = tuples.slice(start, start + limits.tuplesPerWriteMax);
        await write({ writes: { tuple_keys } });
      }
    }
    const rewritten = world.stored.filter((s) => s.rewritten === true).map(({ tuple }) => tuple);
    const deleted = world.stored.filter((s) => s.deleted).map(({ tuple }) => tuple);
    const gone = [...rewritten, ...deleted].map(keyOnly);
    if (gone.length > 0) await write({ deletes: { tuple_keys: gone } });
    if (rewritten.length > 0) await write({ writes: { tuple_keys: rewritten.map(wire) } });
    return { store: store_id as StoreId, modelIds };
  }
}

/** Its tuples in the reverse order, under the models that they were written under. */
function reversed(world: World): World {
  return { ...world, stored: world.stored.toReversed() };
}

export function keyOnly({ object, relation, subject }: Question) {
  return { user: subject, relation, object };
}

export function wire(tuple: PlainTuple) {
  const key = keyOnly(tuple);
  return tuple.condition === undefined ? key : { ...key, condition: tuple.condition };
}
