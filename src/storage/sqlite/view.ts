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
}

export function createReading(database: Database.Database): Reading {
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const findStore = database
    .prepare<[string], [number, number]>('SELECT key, revision FROM store WHERE id = ?')
    .raw();

  function inTransaction<Result>(read: () => Result): Result {
    if (!database.open) throw new Refusal('unavailable', 'the datastore is closed');
    assert(!database.inTransaction, 'a view is not opened within another');
    try {
      begin.run();
      const result = read();
      assert(!(result instanceof Promise), 'a view is read synchronously');
      commit.run();
      return result;
    } catch (error) {
      if (database.inTransaction) rollback.run();
      throw storageRefusal(error);
    }
  }

  function inStore<Result>(store: StoreId, read: (view: StoreView) => Result): Result {
    return inTransaction(() => {
      const row = findStore.get(store);
      return read({ id: store, key: row?.[0] ?? 0, revision: row?.[1] ?? 0 });
    });
  }

  return { inTransaction, inStore };
}
