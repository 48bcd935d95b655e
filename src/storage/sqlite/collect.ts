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

/** store id, object, kind, subject, object_type, relation, subject_type, subject_relation */
type Row = [StoreId, number, number, number, number, number, number, number];

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
      `SELECT store.id, expiry.object, expiry.kind, expiry.subject, kind.object_type,
         kind.relation, kind.subject_type, kind.subject_relation
       FROM ${inOrder}
       CROSS JOIN tuple ON tuple.store = expiry.store AND tuple.object = expiry.object
         AND tuple.kind = expiry.kind AND tuple.subject = expiry.subject
       CROSS JOIN kind ON kind.store = expiry.store AND kind.id = expiry.kind
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
        const [, object, kind, subject, objectType, relation, subjectType, subjectRelation] = row;
        const parts = { objectType, relation, subjectType, subjectRelation };
        rows.remove({ object, subject, ...parts, kind }, expiredGuard);
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
