/**
 * Collects what has expired, a bounded number of rows at a time: tuples, each store's in a revision
 * of their own, and idempotency keys.
 */
import type Database from 'better-sqlite3';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { TupleTarget } from './apply-tuples.ts';
import { expiredGuard } from './change-pack.ts';
import { forgottenBy } from './idempotency.ts';
import { createRows } from './tuple-rows.ts';

/** store id, object, relation, subject_type, subject_relation, subject, object_type */
type Row = [StoreId, number, number, number, number, number, number];

/** Stores that are being purged are passed over: there is nobody to tell. */
const inOrder = 'expiry INDEXED BY expiry_due CROSS JOIN store ON store.key = expiry.store';

export interface Collecting {
  /** Tuples that have expired by now, the oldest first, by store. */
  due(at: number): ReadonlyMap<StoreId, readonly Row[]>;
  /** ENSURES: it took a revision. */
  collectTuples(target: TupleTarget, rows: readonly Row[]): void;
  /** ENSURES: the number of keys. */
  collectKeys(at: number): number;
  nextDue(): number | undefined;
}

export function createCollecting(database: Database.Database): Collecting {
  const changeRows = createRows(database);
  const findDue = database
    .prepare<number[], Row>(
      `SELECT store.id, tuple.object, tuple.relation, tuple.subject_type, tuple.subject_relation,
         tuple.subject, tuple.object_type
       FROM ${inOrder}
       CROSS JOIN tuple ON tuple.store = expiry.store AND tuple.object = expiry.object
         AND tuple.relation = expiry.relation AND tuple.subject_type = expiry.subject_type
         AND tuple.subject_relation = expiry.subject_relation AND tuple.subject = expiry.subject
       WHERE expiry.expires_at <= ? LIMIT ?`,
    )
    .raw();
  const removeKeys = database.prepare(
    'DELETE FROM idempotency INDEXED BY idempotency_age WHERE written_at <= ? LIMIT ?',
  );
  const nextDue = prepareNextDue(database);

  return {
    due(at) {
      return Map.groupBy(findDue.all(at, limits.collectedPerStepMax), ([store]) => store);
    },
    collectTuples({ store, revision }, found) {
      const rows = changeRows(store, revision);
      for (const row of found) {
        const [, object, relation, subjectType, subjectRelation, subject, objectType] = row;
        const key = { object, relation, subjectType, subjectRelation, subject, objectType };
        rows.remove(key, expiredGuard);
      }
      rows.finish();
    },
    collectKeys: (at) => removeKeys.run(forgottenBy(at), limits.collectedPerStepMax).changes,
    nextDue,
  };
}

/** When the next row expires; undefined where none ever will. */
export function prepareNextDue(database: Database.Database): () => number | undefined {
  const nextTuple = database
    .prepare<[], number>(`SELECT expires_at FROM ${inOrder} ORDER BY expires_at LIMIT 1`)
    .pluck();
  const oldestKey = database
    .prepare<[], number>('SELECT written_at FROM idempotency ORDER BY written_at LIMIT 1')
    .pluck();
  return () => {
    const tuple = nextTuple.get() ?? Number.POSITIVE_INFINITY;
    const key = (oldestKey.get() ?? Number.POSITIVE_INFINITY) + limits.idempotencyKeptMs;
    const next = Math.min(tuple, key);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  };
}
