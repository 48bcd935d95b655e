/** Snapshots over resident graphs: tuples from memory, conditions and models from the database. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import type { ModelId } from '../../model/ids.ts';
import type { HeldSnapshot, ModelRecord, Revision, Snapshot } from '../datastore.ts';
import type { ResidentGraph } from '../resident/graph.ts';
import { ResidentSnapshot, type Rows } from './resident-snapshot.ts';
import { modelRecord } from './snapshot.ts';
import { storageRefusal } from './storage-fault.ts';
import type { Texts } from './texts.ts';
import type { Reading } from './view.ts';

export interface ResidentViews {
  view<Result>(graph: ResidentGraph, read: (snapshot: Snapshot) => Result): Result;
  hold(graph: ResidentGraph): HeldSnapshot;
  /** Runs once no snapshot is held any more: those that are can be read to their end. Then it is over. */
  whenFree(run: () => void): void;
}

export function createResidentViews(
  database: Database.Database,
  reading: Reading,
  texts: Texts,
): ResidentViews {
  const rows = createRows(database, texts);
  const findStore = database.prepare<[number], number>('SELECT 1 FROM store WHERE key = ?').pluck();
  let viewing = false;
  let over = false;
  let held = 0;
  let onFree: (() => void) | undefined;

  /**
   * Without a read transaction: rows of a store go only when it is deleted. Another thread may have
   * that done meanwhile; then a row that is missing is no bug.
   */
  function view<Result>(graph: ResidentGraph, read: (snapshot: Snapshot) => Result): Result {
    if (over) throw new Refusal('unavailable', 'the datastore is closed');
    assert(!viewing && !reading.isReading(), 'a view is not opened within another');
    const snapshot = new ResidentSnapshot(graph, graph.horizon, rows);
    viewing = true;
    try {
      const result = read(snapshot);
      assert(!(result instanceof Promise), 'a view is read synchronously');
      return result;
    } catch (error) {
      if (!(error instanceof Refusal) && isGone(snapshot)) throw deletedMeanwhile();
      throw storageRefusal(error);
    } finally {
      viewing = false;
      snapshot.close();
    }
  }

  /** A store that was deleted meanwhile may be half removed: that must not look like an answer. */
  function viewHeld<Result>(
    snapshot: ResidentSnapshot,
    read: (snapshot: Snapshot) => Result,
  ): Result {
    return reading.inTransaction(() => {
      if (isGone(snapshot)) throw deletedMeanwhile();
      const result = read(snapshot);
      assert(!(result instanceof Promise), 'a view is read synchronously');
      return result;
    });
  }

  function isGone(snapshot: ResidentSnapshot): boolean {
    return findStore.get(snapshot.store) === undefined;
  }

  return {
    view,
    hold(graph) {
      const horizon = graph.hold();
      const snapshot = new ResidentSnapshot(graph, horizon, rows);
      held++;
      let mine = true;
      return {
        view(read) {
          assert(mine, 'a snapshot is not read after it was let go');
          return viewHeld(snapshot, read);
        },
        [Symbol.dispose]() {
          if (!mine) return;
          mine = false;
          snapshot.close();
          graph.release(horizon);
          held--;
          if (held === 0) onFree?.();
        },
      };
    },
    whenFree(run) {
      onFree = () => {
        over = true;
        run();
      };
      if (held === 0) onFree();
    },
  };
}

function deletedMeanwhile(): Refusal {
  return new Refusal('aborted', 'the store was deleted while it was read');
}

function createRows(database: Database.Database, texts: Texts): Rows {
  const findModel = database
    .prepare<[number, string, number], [string, string, string]>(
      `SELECT schema_version, definition, names FROM model
       WHERE store = ? AND id = ? AND revision <= ?`,
    )
    .raw();
  return {
    guard: texts.guard,
    model(store: number, id: ModelId, revision: Revision): ModelRecord | undefined {
      const row = findModel.get(store, id, revision);
      return row === undefined ? undefined : modelRecord(id, ...row);
    },
  };
}
