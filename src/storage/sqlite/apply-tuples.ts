/** Applies one write of tuples inside the writer's savepoint: preconditions, deletes, then writes. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { type BareTuple, formatObject, formatSubject, type Tuple } from '../../model/tuple.ts';
import type { TupleWrite } from '../datastore.ts';
import { deletedGuard, expiredGuard } from './change-pack.ts';
import type { Interner } from './interner.ts';
import { createPreconditions, type RefuseUnmet } from './preconditions.ts';
import { isDue, never } from './schema.ts';
import { findKey, internKey, type Key } from './tuple-key.ts';
import { type ChangeRows, createRows, type Stored, type TupleRows } from './tuple-rows.ts';

export interface TupleTarget {
  readonly store: number;
  /** The revision that the write takes if it changes anything. */
  readonly revision: number;
  /** The time of the transaction: by then others have expired. */
  readonly at: number;
  readonly interner: Interner;
}

/** ENSURES: the number of changes; 0 means that the write takes no revision. */
export type ApplyTuples = (target: TupleTarget, write: TupleWrite) => number;

export function createApplying(database: Database.Database): ApplyTuples {
  const changeRows = createRows(database);
  const refuseUnmet = createPreconditions(database);
  return (target, write) => applyTuples(changeRows, refuseUnmet, target, write);
}

function applyTuples(
  changeRows: ChangeRows,
  refuseUnmet: RefuseUnmet,
  target: TupleTarget,
  write: TupleWrite,
): number {
  const { store, revision, at, interner } = target;
  if (write.preconditions !== undefined) refuseUnmet(target, write.preconditions);
  const rows = changeRows(store, revision);

  for (const tuple of write.deletes) {
    const key = findKey(interner, tuple);
    const removed = key !== undefined && remove(rows, key, at);
    if (!removed && write.onMissing === 'error') throw missing(tuple);
  }

  for (const tuple of write.writes) {
    refusePast(tuple, at);
    const key = internKey(interner, tuple);
    const guard = interner.guard(tuple);
    if (!rows.add(key, guard, tuple.expiresAt)) {
      overwrite(rows, { tuple, key, guard, at }, write.onDuplicate);
    }
  }

  return rows.finish();
}

/** ENSURES: false where there is none that has not expired. */
function remove(rows: TupleRows, key: Key, at: number): boolean {
  if (rows.removeUnguarded(key)) return true;
  const stored = rows.find(key);
  if (stored === undefined || isDue(stored.expiresAt, at)) return false;
  rows.remove(key, deletedGuard);
  return true;
}

/** A tuple is to be written whose key is stored already. */
export function overwrite(
  rows: TupleRows,
  given: { tuple: Tuple; key: Key; guard: number; at: number },
  onDuplicate: TupleWrite['onDuplicate'],
): void {
  const { tuple, key, guard, at } = given;
  const stored = rows.find(key);
  assert(stored !== undefined, 'what cannot be added is there');
  if (isDue(stored.expiresAt, at)) {
    // Nobody has collected it yet.
    rows.remove(key, expiredGuard);
    rows.add(key, guard, tuple.expiresAt);
  } else if (onDuplicate === 'error') {
    throw duplicate(tuple);
  } else if (stored.guard !== guard) {
    if (onDuplicate === 'ignore') throw conflicting(tuple, stored);
    rows.replace(key, guard, tuple.expiresAt);
  }
}

export function refusePast({ expiresAt, ...tuple }: Tuple, at: number): void {
  if (expiresAt === undefined) return;
  assert(Number.isSafeInteger(expiresAt), 'an expiry is a whole number of milliseconds');
  if (expiresAt > at) return;
  throw new Refusal(
    'validation_error',
    `a tuple must expire after it is written: ${wireKey(tuple)}: give a time after \`${new Date(at).toISOString()}\`, or none`,
  );
}

/** OpenFGA's words: its clients match on them. */
const invalidInput = 'tuple to be written already existed or the tuple to be deleted did not exist';

function duplicate(tuple: BareTuple): Refusal {
  return new Refusal(
    'write_failed_due_to_invalid_input',
    `cannot write a tuple which already exists: ${wireKey(tuple)}: ${invalidInput}`,
  );
}

function missing(tuple: BareTuple): Refusal {
  return new Refusal(
    'write_failed_due_to_invalid_input',
    `cannot delete a tuple which does not exist: ${wireKey(tuple)}: ${invalidInput}`,
  );
}

function conflicting(tuple: Tuple, stored: Stored): Refusal {
  const expires = tuple.expiresAt !== undefined || stored.expiresAt !== never;
  return new Refusal(
    'aborted',
    'transactional write failed due to conflict: attempted to write a tuple which already exists ' +
      `with a different condition${expires ? ' or expiry' : ''}: ${wireKey(tuple)}`,
  );
}

function wireKey(tuple: BareTuple): string {
  const subject = formatSubject(tuple.subject);
  return `user: '${subject}', relation: '${tuple.relation}', object: '${formatObject(tuple.object)}'`;
}
