/** A world written through the real handlers into a database in memory. */
import { assert } from '../../src/base/assert.ts';
import type { Clock } from '../../src/base/clock.ts';
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
import { Caller, openDoor } from './door.ts';
import type { PlainModel, PlainTuple, Question } from './facts.ts';
import { type Source, Sourced } from './source.ts';
import type { Setting, StoredTuple, World } from './world.ts';

/** What the ways to ask need to know of a world. */
export interface ServedWorld {
  readonly caller: Caller;
  readonly datastore: Datastore;
  readonly models: readonly PlainModel[];
  readonly settings: readonly Setting[];
  readonly store: StoreId;
  /** Another store of the same service, where the world has one. */
  readonly neighbour: ServedWorld | undefined;
  /** In the order of the world's models, as are the compiled ones. */
  readonly modelIds: readonly string[];
  readonly compiled: readonly CompiledModel[];
  readonly source: Source;
  /** Waited for before it is asked something, where it gives something to wait for. */
  readonly turn: () => Promise<void> | undefined;
  /** The time at which it is asked: it stands still meanwhile. */
  readonly now: number;
  /** Whether others write meanwhile: then two requests may be answered differently. */
  readonly shared?: true;
  /** Waited for between the items of a stream. */
  readonly pause?: () => Promise<void>;
}

/** Passes only when it is told to; deadlines are of computing: a busy machine makes nothing late. */
class WorldClock implements Clock {
  private time = 1_700_000_000_000;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  }

  pass(ms: number): void {
    this.time += ms;
  }
}

/** From when a world is written until it is asked. */
const writingMs = 1_000;

export class Pemba {
  private readonly sourced: Sourced;
  private readonly datastore: Datastore;
  private readonly clock: WorldClock;
  private readonly caller: Caller;
  private readonly tamper: (world: World) => World;

  private constructor(sourced: Sourced, clock: WorldClock, tamper: (world: World) => World) {
    this.sourced = sourced;
    this.datastore = sourced.datastore;
    this.clock = clock;
    this.tamper = tamper;
    this.caller = this.newCaller();
  }

  /** `tamper` plants a bug: Pemba is given the world that it returns. */
  static async open(tamper = (world: World) => world, source: Source = 'storage'): Promise<Pemba> {
    const clock = new WorldClock();
    return new Pemba(await Sourced.open(source, { path: ':memory:', clock }), clock, tamper);
  }

  get source(): Source {
    return this.sourced.source;
  }

  /** What became of its graphs until now. */
  get counts() {
    return this.sourced.counts;
  }

  close(): Promise<void> {
    return this.datastore.close();
  }

  /** Models and tuples in the order in which the world has them. */
  async serve(plain: World): Promise<ServedWorld> {
    const world = this.tamper(plain);
    const others = world.neighbour === true ? [neighbourOf(world)] : [];
    const written: { world: World; store: StoreId; modelIds: readonly string[] }[] = [];
    for (const each of [...others, world]) written.push(await this.write(each));
    this.clock.pass(writingMs);
    for (const each of written) await this.writeAgain(each.world, each.store);
    for (const { store } of written) await this.sourced.end(store);
    let served: ServedWorld | undefined;
    for (const { store, modelIds } of written) {
      served = this.served(plain, { store, modelIds, neighbour: served });
    }
    assert(served !== undefined, 'a world is served');
    return served;
  }

  private served(
    { models, settings }: World,
    own: Pick<ServedWorld, 'store' | 'modelIds' | 'neighbour'>,
  ): ServedWorld {
    const compiled = this.datastore.local.view(own.store, (snapshot) =>
      models.map((model) => compile(parseModel(model), (name) => snapshot.symbol(name))),
    );
    return {
      ...own,
      caller: this.caller,
      source: this.source,
      turn: () => this.sourced.turn(),
      datastore: this.datastore,
      models,
      settings,
      compiled,
      now: this.clock.now(),
    };
  }

  /** The same world behind a service that has not been asked anything yet. */
  cold(served: ServedWorld): ServedWorld {
    const caller = this.newCaller();
    const { neighbour } = served;
    return { ...served, caller, neighbour: neighbour && { ...neighbour, caller } };
  }

  async drop({ store, neighbour }: ServedWorld): Promise<void> {
    await this.caller.call('deleteStore', { store_id: store });
    if (neighbour !== undefined) await this.drop(neighbour);
  }

  private newCaller(): Caller {
    const turn = () => this.sourced.turn();
    return new Caller(openDoor({ datastore: this.datastore, clock: this.clock }), { turn });
  }

  private async write(world: World) {
    const { caller } = this;
    const made = (await caller.call('createStore', { name: 'world' })) as CreateStoreResponse;
    const store_id = made.id;
    const modelIds: string[] = [];
    for (const [index, model] of world.models.entries()) {
      const request = { store_id, ...model };
      const answer = await caller.call('writeAuthorizationModel', request);
      modelIds.push((answer as WriteAuthorizationModelResponse).authorizationModelId);
      const tuples = world.stored.filter((entry) => entry.model === index);
      await this.writeTuples(store_id, tuples, this.clock.now() + writingMs);
    }
    await this.deleteTuples(
      store_id,
      world.stored.filter(({ deleted }) => deleted),
    );
    return { world, store: store_id as StoreId, modelIds };
  }

  /** What has expired meanwhile is written for good. */
  private async writeAgain({ stored }: World, store_id: string): Promise<void> {
    const again = stored.filter(({ rewritten }) => rewritten === true);
    const left = again.filter(({ expires }) => expires !== 'before');
    await this.deleteTuples(store_id, left);
    const lasting = again.filter(({ expires }) => expires === 'before');
    const plain = lasting.map(({ expires: _, ...entry }) => entry);
    await this.writeTuples(store_id, [...left, ...plain], this.clock.now());
  }

  /** `asked` is when questions are asked. Where nothing expires, the wire's Write will do. */
  private async writeTuples(
    store_id: string,
    entries: readonly StoredTuple[],
    asked: number,
  ): Promise<void> {
    const { tuplesAtOnce } = this.sourced;
    assert(tuplesAtOnce <= limits.tuplesPerWriteMax, 'one write takes them');
    for (let start = 0; start < entries.length; start += tuplesAtOnce) {
      const part = entries.slice(start, start + tuplesAtOnce);
      await this.sourced.begin(store_id as StoreId);
      if (part.every(({ expires }) => expires === undefined)) {
        const tuple_keys = part.map(({ tuple }) => wire(tuple));
        await this.caller.call('write', { store_id, writes: { tuple_keys } });
      } else {
        const writes = part.map((entry) => expiringAt(entry, asked));
        await this.caller.call('writeTuples', { store_id, writes });
      }
    }
  }

  private async deleteTuples(store_id: string, entries: readonly StoredTuple[]): Promise<void> {
    if (entries.length === 0) return;
    const tuple_keys = entries.map(({ tuple }) => keyOnly(tuple));
    await this.caller.call('write', { store_id, deletes: { tuple_keys } });
  }
}

/** At the very moment of the questions it is gone; a millisecond later would be in time. */
function expiringAt({ tuple, expires }: StoredTuple, asked: number) {
  if (expires === undefined) return inPemba(tuple);
  const at = expires === 'before' ? asked : asked + 1;
  return { ...inPemba(tuple), expires_at: new Date(at).toISOString() };
}

/** Its tuples in the reverse order, but for a third, under the models that they were written under. */
function neighbourOf(world: World): World {
  const stored = world.stored.filter((_, index) => index % 3 !== 0);
  return { ...world, stored: stored.toReversed() };
}

export function keyOnly({ object, relation, subject }: Question) {
  return { user: subject, relation, object };
}

export function wire(tuple: PlainTuple) {
  const key = keyOnly(tuple);
  return tuple.condition === undefined ? key : { ...key, condition: tuple.condition };
}

/** As `pemba.v1` has it. */
export function inPemba({ subject, relation, object, condition }: PlainTuple) {
  const key = { subject, relation, object };
  return condition === undefined ? key : { ...key, condition };
}
