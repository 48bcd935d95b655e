/**
 * One read transaction at a time on the reading connection: the snapshot of SQLite, and a third of
 * the cost of reading without one (the lock of the WAL is taken once, not per statement).
 */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Revision } from '../datastore.ts';
import { storageRefusal } from './storage-fault.ts';

/** A store as one read transaction sees it. `key` is 0 where there is none: nothing has that key. */
export interface StoreView {
  readonly id: StoreId;
  readonly key: number;
  readonly revision: Revision;
}

export interface Reading {
  /** Runs `read` in one read transaction. REQUIRES: synchronous, and not within another. */
  inTransaction<Result>(read: () => Result): Result;
  inStore<Result>(store: StoreId, read: (view: StoreView) => Result): Result;
  /** Whether a transaction of `inTransaction` is open. SQLite knows too, but to ask it takes longer. */
  isReading(): boolean;
  /** Begins a read transaction that lasts until `end`. REQUIRES: the connection is idle. */
  begin(store: StoreId): { readonly view: StoreView; end(): void };
}

export function createReading(database: Database.Database): Reading {
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const findStore = database
    .prepare<[string], [number, number]>('SELECT key, revision FROM store WHERE id = ?')
    .raw();

  let reads = false;

  function inTransaction<Result>(read: () => Result): Result {
    if (!database.open) throw new Refusal('unavailable', 'the datastore is closed');
    assert(!database.inTransaction, 'a view is not opened within another');
    try {
      begin.run();
      reads = true;
      const result = read();
      assert(!(result instanceof Promise), 'a view is read synchronously');
      commit.run();
      return result;
    } catch (error) {
      if (database.inTransaction) rollback.run();
      throw storageRefusal(error);
    } finally {
      reads = false;
    }
  }

  function viewOf(store: StoreId): StoreView {
    const row = findStore.get(store);
    return { id: store, key: row?.[0] ?? 0, revision: row?.[1] ?? 0 };
  }

  function inStore<Result>(store: StoreId, read: (view: StoreView) => Result): Result {
    return inTransaction(() => read(viewOf(store)));
  }

  function end(): void {
    if (database.inTransaction) rollback.run();
  }

  function beginIn(store: StoreId) {
    assert(!database.inTransaction, 'a held transaction has its connection to itself');
    try {
      begin.run();
      // The first read is what fixes the snapshot.
      return { view: viewOf(store), end };
    } catch (error) {
      end();
      throw storageRefusal(error);
    }
  }

  return { inTransaction, inStore, isReading: () => reads, begin: beginIn };
}
