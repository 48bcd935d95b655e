/** Opens a SQLite file, or `:memory:`, as a datastore: the record, and the local reads over it. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Datastore, LocalReads, Revision, Snapshot } from '../datastore.ts';
import { prepareNextDue } from './collect.ts';
import { type CursorQuery, createCursors } from './cursor.ts';
import { memoryPath, openDatabase } from './database.ts';
import { createHolding, type Holding } from './hold.ts';
import { createQueue, type Queue, type WriterHost } from './queue.ts';
import { createChangeReads } from './read-changes.ts';
import { createRecordReads } from './read-records.ts';
import { createTupleReads } from './read-tuples.ts';
import { createSnapshots } from './snapshot.ts';
import { createTexts } from './texts.ts';
import { filterParts } from './tuple-range.ts';
import { createReading, type Reading } from './view.ts';
import { hostHere, hostInThread } from './writer-host.ts';

export interface SqliteOptions {
  /** A file, made if there is none, or `:memory:`. */
  readonly path: string;
  readonly clock: Clock;
}

/** While it waits for a revision that another process writes, the file is looked at this often. */
const reachPollMs = 20;

export async function openSqlite({ path, clock }: SqliteOptions): Promise<Datastore> {
  const database = openDatabase(path);
  try {
    if (path === memoryPath) return createDatastore(database, hostHere(database), clock);
    database.pragma('query_only = ON');
    return createDatastore(database, await hostInThread(path), clock, createHolding(path));
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * The datastore over a connection to read with, a writer of the same database, and the connections
 * that hold snapshots, where there can be more than one.
 */
export function createDatastore(
  database: Database.Database,
  host: WriterHost,
  clock: Clock,
  holding?: Holding,
): Datastore {
  const secret = database.prepare<[], Buffer>('SELECT secret FROM file').pluck().get();
  assert(secret !== undefined, 'a migrated file has its secret');
  const cursors = createCursors(secret);
  const reading = createReading(database);
  const texts = createTexts(database);
  const tuples = createTupleReads(database, texts, cursors);
  const changes = createChangeReads(database, texts, cursors);
  const records = createRecordReads(database, cursors);
  const openSnapshot = createSnapshots(database, texts);
  const queue = createQueue(host, clock);
  if (database.prepare('SELECT 1 FROM purge').get() !== undefined) queue.startPurge();
  const nextDue = prepareNextDue(database)();
  if (nextDue !== undefined) queue.expect(nextDue);

  const local: LocalReads = {
    view<Result>(store: StoreId, read: (snapshot: Snapshot) => Result): Result {
      return reading.inStore(store, (view) => {
        const opened = openSnapshot(view);
        try {
          return read(opened.snapshot);
        } finally {
          opened.close();
        }
      });
    },
    canHold: holding !== undefined,
    async hold(store, waitMs) {
      assert(holding !== undefined, 'a database in memory holds no snapshot');
      return await holding.hold(store, waitMs);
    },
    reach: (store, revision, waitMs) => reach(reading, queue, { store, revision, waitMs }),
  };

  return {
    local,
    cursors,

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
    async deleteTuples(store, { filter, limit, cursor }) {
      assert(limit > 0, 'a round deletes something');
      const { key } = reading.inStore(store, (view) => view);
      const bound: CursorQuery = ['delete', store, key, JSON.stringify(filterParts(filter))];
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
    readTuples: async (store, filter, query) =>
      reading.inStore(store, (view) => tuples.read(view, filter, query, clock.now())),
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
      await queue.close();
      if (database.open) database.close();
    },
  };
}

/** Looks after every group of this process's writer, and now and then for another process's. */
async function reach(
  reading: Reading,
  queue: Queue,
  wanted: { store: StoreId; revision: Revision; waitMs: number },
): Promise<boolean> {
  const reached = () => reading.inStore(wanted.store, (view) => view.revision >= wanted.revision);
  if (reached()) return true;
  if (wanted.waitMs <= 0) return false;
  return await new Promise((resolve, reject) => {
    function look(): void {
      try {
        if (reached()) finish(true);
      } catch (error) {
        stop();
        reject(error);
      }
    }
    function finish(answer: boolean): void {
      stop();
      resolve(answer);
    }
    const forget = queue.onSettled(look);
    const poll = setInterval(look, reachPollMs);
    const timeout = setTimeout(() => finish(reached()), wanted.waitMs);
    function stop(): void {
      forget();
      clearInterval(poll);
      clearTimeout(timeout);
    }
  });
}
