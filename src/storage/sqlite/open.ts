/** Opens a SQLite file, or `:memory:`, as a datastore: the record, and the local reads over it. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { Refusal } from '../../base/errors.ts';
import type { Datastore, HeldTuples, Revision } from '../datastore.ts';
import type { Graphs } from '../graphs.ts';
import { Residency, type ResidencyBounds, type Siblings } from '../resident/residency.ts';
import type { RevisionBoard } from '../resident/revision-board.ts';
import { type BaseHost, baseHostHere, baseHostInThread } from './base-host.ts';
import { prepareNextDue } from './collect.ts';
import { type CursorQuery, cursorsOf } from './cursor.ts';
import { memoryPath, openDatabase, refuseUnfit } from './database.ts';
import { createHolding, type Holding } from './hold.ts';
import { createLocalReads } from './local-reads.ts';
import { type Ownership, own } from './owner.ts';
import { type Audience, createQueue, type Queue } from './queue.ts';
import { createChangeReads } from './read-changes.ts';
import { createCommitReads } from './read-commits.ts';
import { createRecordReads } from './read-records.ts';
import { createTupleReads } from './read-tuples.ts';
import { createResidentViews } from './resident-views.ts';
import { createTupleScans } from './scan-tuples.ts';
import { createTexts } from './texts.ts';
import { filterParts } from './tuple-range.ts';
import { createReading, type Reading, type StoreView } from './view.ts';
import { hostHere, hostInThread } from './writer-host.ts';

export interface SqliteOptions {
  /** A file, made if there is none, or `:memory:`. */
  readonly path: string;
  readonly clock: Clock;
  /** Memory for resident graphs; none where it is 0 or absent. With them the file is ours alone. */
  readonly graphBytesMax?: number;
  /** Sizes of their upkeep; those of `limits` where they are absent. */
  readonly graphBounds?: Partial<ResidencyBounds>;
  /** Told of faults that storage made up for: a graph that could not be built. */
  readonly onFault?: (error: unknown) => void;
}

export async function openSqlite(options: SqliteOptions): Promise<SqliteDatastore> {
  const { path } = options;
  if (path === memoryPath) {
    const database = openDatabase(path);
    const reading = createReading(database);
    const bases = baseHostHere(database, reading);
    const host = hostHere(database);
    const writing = (audience: Audience) => createQueue(host, options.clock, audience);
    return createDatastore({ database, reading, bases, writing }, options);
  }
  return await openFile(path, options);
}

async function openFile(path: string, options: SqliteOptions): Promise<SqliteDatastore> {
  const closing: (() => void)[] = [];
  try {
    // Before anything is changed, for it may be another's; but a file of another program, or one in
    // no folder, must first be refused as what it is.
    refuseUnfit(path);
    const ownership = await own(path, (options.graphBytesMax ?? 0) > 0 ? 'alone' : 'shared');
    closing.push(() => ownership.release());
    const database = openDatabase(path);
    closing.push(() => database.close());
    database.pragma('query_only = ON');
    const host = await hostInThread(path);
    const holding = createHolding(path, cursorsOf(database), options.clock);
    const reading = createReading(database);
    const bases = baseHostInThread(path);
    const writing = (audience: Audience) => createQueue(host, options.clock, audience);
    return createDatastore({ database, reading, bases, writing, holding, ownership }, options);
  } catch (error) {
    for (const close of closing.reverse()) close();
    throw error;
  }
}

/** What a datastore is made of. `holding` is there where there can be more connections than one. */
export interface DatastoreParts {
  readonly database: Database.Database;
  readonly reading: Reading;
  /** Where writes go; the audience must see each before it is acknowledged. */
  readonly writing: (audience: Audience) => Queue;
  readonly bases: BaseHost;
  readonly holding?: Holding;
  readonly ownership?: Ownership;
  /** Both where other threads read the same file. */
  readonly board?: RevisionBoard;
  readonly siblings?: Siblings;
}

export interface SqliteDatastore extends Datastore {
  /** Which stores are answered from memory, and which are not, and why. */
  readonly graphs: Graphs & Pick<Residency, 'settled' | 'giveWay'>;
}

/** The datastore over a connection to read with, and a writer of the same database. */
export function createDatastore(
  given: DatastoreParts,
  options: Omit<SqliteOptions, 'path'>,
): SqliteDatastore {
  const parts = { ...given, reading: published(given.reading, given.board) };
  const { database, bases, holding, ownership } = parts;
  const { clock } = options;
  const cursors = cursorsOf(database);
  const texts = createTexts(database);
  const residency = residencyOver(parts, options);
  const reading = telling(residency, parts.reading);
  const tuples = createTupleReads(database, texts, cursors);
  const readTuples = createTupleScans({ reading, tuples, cursors, holding });
  const changes = createChangeReads(database, texts, cursors);
  const records = createRecordReads(database, cursors);
  const queue = parts.writing(residency);
  if (database.prepare('SELECT 1 FROM purge').get() !== undefined) queue.startPurge();
  const nextDue = prepareNextDue(database)();
  if (nextDue !== undefined) queue.expect(nextDue);
  const residentViews = createResidentViews(database, parts.reading, texts);
  const local = createLocalReads({
    database,
    reading,
    texts,
    residentViews,
    residency,
    queue,
    holding,
  });

  return {
    local,
    cursors,
    graphs: residency,

    async createStore({ id, name }) {
      assert(name !== '', 'a store has a name');
      const { value: at } = await queue.submit({ kind: 'createStore', store: id, name });
      return { id, name, createdAt: at, updatedAt: at };
    },
    readStore: async (store) => reading.inTransaction(() => records.store(store)),
    listStores: async (query) => reading.inTransaction(() => records.stores(query)),
    async deleteStore(store) {
      await queue.submit({ kind: 'deleteStore', store });
    },

    writeModel: async (store, model) =>
      (await queue.submit({ kind: 'writeModel', store, model })).value,
    listModels: async (store, query) =>
      reading.inStore(store, (view) => records.models(view, query)),

    async write(store, write) {
      const done = await queue.submit({ kind: 'writeTuples', store, write });
      return { revision: done.value, repeated: done.repeated ?? false };
    },
    async importTuples(store, load) {
      const done = await queue.submit({ kind: 'importTuples', store, load });
      return { revision: done.value, repeated: done.repeated ?? false };
    },
    async deleteTuples(store, { filter, limit, cursor }) {
      assert(limit > 0, 'a round deletes something');
      const { key } = reading.inStore(store, (view) => view);
      const bound: CursorQuery = [
        'delete by kind',
        store,
        key,
        JSON.stringify(filterParts(filter)),
      ];
      const position = cursors.decode(bound, cursor)?.map(Number);
      const from = position && { store: key, upTo: position[0] ?? 0, after: position.slice(1) };
      const done = await queue.submit({ kind: 'deleteTuples', store, filter, limit, from });
      const { count = 0, next } = done.deleted ?? {};
      return {
        deleted: count,
        cursor: next ? cursors.encode(bound, [next.upTo, ...(next.after ?? [])]) : '',
        revision: done.value,
      };
    },
    collectExpired: () => queue.collect(),
    readTuples: (store, filter, query) => readTuples(store, filter, query, clock.now()),
    holdTuples: (store, waitMs) =>
      holding?.holdTuples(store, waitMs) ??
      Promise.resolve(
        tuplesOfOneRevision((filter, query) =>
          reading.inStore(store, (view) => tuples.readAtOnce(view, filter, query, clock.now())),
        ),
      ),
    readChanges: async (store, query) =>
      reading.inStore(store, (view) => changes.read(view, query)),

    writeAssertions: async (store, model, assertions) =>
      (await queue.submit({ kind: 'writeAssertions', store, model, assertions })).value,
    readAssertions: async (store, model) =>
      reading.inStore(store, (view) => records.assertions(view, model)),

    head: async (store) => reading.inStore(store, (view) => view.revision),

    async ready() {
      reading.inTransaction(() => undefined);
      await queue.probe();
    },

    async close() {
      holding?.close();
      residency.close();
      try {
        await Promise.all([queue.close(), bases.close()]);
      } finally {
        residentViews.whenFree(() => {
          if (database.open) database.close();
        });
        ownership?.release();
      }
    },
  };
}

/** Over the one connection of a database in memory, which cannot wait. */
function tuplesOfOneRevision(read: HeldTuples['read']): HeldTuples {
  let revision: Revision | undefined;
  return {
    read(filter, query) {
      const page = read(filter, query);
      revision ??= page.revision;
      if (page.revision === revision) return page;
      throw new Refusal('aborted', 'the store was written to meanwhile: try again');
    },
    [Symbol.dispose]: () => undefined,
  };
}

function residencyOver(
  { database, reading, bases, siblings }: DatastoreParts,
  { graphBytesMax, graphBounds, onFault }: Omit<SqliteOptions, 'path'>,
): Residency {
  const readCommits = createCommitReads(database);
  return new Residency({
    source: {
      build: bases.build,
      commits: (store, graph, changesMax) =>
        reading.inStore(store, (view) => readCommits(view, graph, changesMax)),
    },
    bytesMax: graphBytesMax ?? 0,
    onError: onFault ?? (() => undefined),
    ...(graphBounds === undefined ? {} : { bounds: graphBounds }),
    ...(siblings === undefined ? {} : { siblings }),
  });
}

/** The same reading, and no other thread shows less of a store than it has shown. */
function published(reading: Reading, board: RevisionBoard | undefined): Reading {
  if (board === undefined) return reading;
  return {
    ...reading,
    inStore: (store, read) =>
      reading.inStore(store, (view) => {
        board.publish(view.key, view.revision);
        return read(view);
      }),
  };
}

/**
 * The same reading, and no graph is older than what it has shown. Between a commit and its
 * acknowledgement storage shows it already: who saw it there must see it in memory too.
 */
function telling(residency: Residency, reading: Reading): Reading {
  return {
    ...reading,
    inStore(store, read) {
      let shown: StoreView | undefined;
      try {
        return reading.inStore(store, (view) => {
          shown = view;
          return read(view);
        });
      } finally {
        if (shown !== undefined) residency.seen(store, shown);
      }
    },
  };
}
