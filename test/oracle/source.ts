/**
 * Where answers come from: SQLite, or a resident graph in one of the states that it can be in. A
 * random world is answered from one of them, which follows from its number.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import type { Circumstance } from './coverage.ts';

/**
 * `built`: of the whole world, read at once. `grown`: there before the first tuple, it has taken in
 * each write. `folding`: as that, and folded in after every few. `leaving`: it gives way to another
 * store after every few reads, SQLite answers, and it comes back.
 */
export const sources = ['storage', 'built', 'grown', 'folding', 'leaving'] as const;
export type Source = (typeof sources)[number];

/** Its row in the tables. */
export const circumstanceOf = {
  storage: 'from storage',
  built: 'from a graph that was built',
  grown: 'from a graph that has grown',
  folding: 'from a graph that folds',
  leaving: 'while the graph comes and goes',
} as const satisfies { readonly [source in Source]: Circumstance };

/** For the world, or for the other store, but not for both. */
const bytesForOne = 60_000;
const bytesForAll = 16 * 1024 * 1024;

const bounds = {
  storage: {},
  built: {},
  grown: { changesKept: 1_000_000 },
  folding: { changesKept: 4, changesPerSlice: 2 },
  leaving: { changesKept: 8, readsBeforeReturn: 1 },
} as const;

const bytes: { readonly [source in Source]: number } = {
  storage: 0,
  built: bytesForAll,
  grown: bytesForAll,
  folding: bytesForAll,
  leaving: bytesForOne,
};

/** Reads between two of the other store, to which a graph that is `leaving` gives way. */
const readsBetween = 9;
const other = '01ARZ3NDEKTSV4RRFFQ69G5FA0' as StoreId;

export class Sourced {
  readonly source: Source;
  /** To be asked in the place of the real one. */
  readonly datastore: Datastore;
  private readonly real: SqliteDatastore;
  private reads = 0;

  private constructor(source: Source, real: SqliteDatastore) {
    this.source = source;
    this.real = real;
    this.datastore = source === 'leaving' ? this.crowded() : real;
  }

  static async open(
    source: Source,
    { path, clock }: { readonly path: string; readonly clock: Clock },
  ): Promise<Sourced> {
    const datastore = await openSqlite({
      path,
      clock,
      graphBytesMax: bytes[source],
      graphBounds: bounds[source],
      onFault: (error) => {
        throw error;
      },
    });
    if (source === 'leaving') await fill(datastore);
    return new Sourced(source, datastore);
  }

  /** How many tuples go into one write, so that some of them come one after the other. */
  get tuplesAtOnce(): number {
    return this.source === 'storage' || this.source === 'built' ? 100 : 16;
  }

  get counts() {
    return this.real.graphs.counts;
  }

  /** Before the tuples, and before each write of them. */
  async begin(store: StoreId): Promise<void> {
    if (this.source === 'storage' || this.source === 'built') return;
    this.datastore.local.view(store, () => undefined);
    // A fold goes on meanwhile: only the first graph is waited for.
    if (this.real.graphs.place(store)?.kind === 'loading') await this.real.graphs.settled();
  }

  /** Before the questions. */
  async end(store: StoreId): Promise<void> {
    if (this.source === 'leaving') return;
    this.real.local.view(store, () => undefined);
    await this.real.graphs.settled();
  }

  /** Lets a graph come, where they come and go: that takes a turn of the event loop. */
  turn(): Promise<void> | undefined {
    return this.source === 'leaving' ? setImmediate() : undefined;
  }

  private crowded(): Datastore {
    const { local } = this.real;
    return {
      ...this.real,
      local: {
        ...local,
        view: (store, read) => {
          if (++this.reads % readsBetween === 0) local.view(other, () => undefined);
          return local.view(store, read);
        },
      },
    };
  }
}

/** The other store: what its names take leaves no room for a second graph. */
async function fill(datastore: Datastore): Promise<void> {
  const user = (number: number) => `${number}`.padStart(130, 'x');
  const writes = Array.from({ length: 100 }, (_, number) => ({
    object: { type: 'doc', id: user(number) },
    relation: 'viewer',
    subject: { type: 'user', id: user(number), relation: '' },
    condition: undefined,
  }));
  const choices = { onDuplicate: 'error', onMissing: 'error' } as const;
  await datastore.write(other, { writes, deletes: [], ...choices });
}
