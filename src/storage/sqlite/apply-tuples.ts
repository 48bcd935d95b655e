/** Applies one write of tuples inside the writer's savepoint: deletes, then writes, then the log. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { type BareTuple, formatObject, formatSubject, type Tuple } from '../../model/tuple.ts';
import type { TupleWrite } from '../datastore.ts';
import type { Interner } from './interner.ts';
import { deletedGuard } from './schema.ts';

const keyIs = `store = ? AND object = ? AND relation = ? AND subject_type = ?
  AND subject_relation = ? AND subject = ?`;

function prepareApplying(database: Database.Database) {
  return {
    addTuple: database.prepare(
      `INSERT INTO tuple (store, object, relation, subject_type, subject_relation, subject,
         object_type, guard, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    removeTuple: database.prepare(`DELETE FROM tuple WHERE ${keyIs}`),
    guardOf: database.prepare<number[], number>(`SELECT guard FROM tuple WHERE ${keyIs}`).pluck(),
    addChange: database.prepare(
      `INSERT INTO change (store, revision, position, object, relation, subject,
         subject_relation, object_type, guard)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addChangeType: database.prepare(
      'INSERT INTO change_type (store, object_type, revision) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
  };
}

type ApplyStatements = ReturnType<typeof prepareApplying>;

/** The key of a tuple in integers. */
interface Key {
  readonly object: number;
  readonly objectType: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectType: number;
  readonly subjectRelation: number;
}

export interface TupleTarget {
  readonly store: number;
  /** The revision that the write takes if it changes anything. */
  readonly revision: number;
  readonly interner: Interner;
}

/** ENSURES: the number of changes; 0 means that the write takes no revision. */
export type ApplyTuples = (target: TupleTarget, write: TupleWrite) => number;

export function createApplying(database: Database.Database): ApplyTuples {
  const statements = prepareApplying(database);
  return (target, write) => applyTuples(statements, target, write);
}

function applyTuples(statements: ApplyStatements, target: TupleTarget, write: TupleWrite): number {
  const { store, revision, interner } = target;
  const types = new Set<number>();
  let changes = 0;

  function log(key: Key, guard: number): void {
    statements.addChange.run(
      store,
      revision,
      changes,
      key.object,
      key.relation,
      key.subject,
      key.subjectRelation,
      key.objectType,
      guard,
    );
    changes += 1;
    types.add(key.objectType);
  }

  for (const tuple of write.deletes) {
    const key = findKey(interner, tuple);
    const removed =
      key === undefined ? 0 : statements.removeTuple.run(...columns(store, key)).changes;
    if (key !== undefined && removed === 1) log(key, deletedGuard);
    else if (write.onMissing === 'error') throw missing(tuple);
  }

  for (const tuple of write.writes) {
    const key = internKey(interner, tuple);
    const guard = interner.guard(tuple.condition);
    const added = statements.addTuple.run(
      ...columns(store, key),
      key.objectType,
      guard,
      revision,
    ).changes;
    if (added === 1) log(key, guard);
    else if (write.onDuplicate === 'error') throw duplicate(tuple);
    else if (statements.guardOf.get(...columns(store, key)) !== guard) throw conflicting(tuple);
  }

  for (const type of types) statements.addChangeType.run(store, type, revision);
  return changes;
}

function columns(store: number, key: Key): number[] {
  return [store, key.object, key.relation, key.subjectType, key.subjectRelation, key.subject];
}

function internKey(interner: Interner, tuple: Tuple): Key {
  refuseIllFormed(tuple);
  const objectType = interner.symbol(tuple.object.type);
  const subjectType = interner.symbol(tuple.subject.type);
  return {
    object: interner.entity(objectType, tuple.object.id),
    objectType,
    relation: interner.symbol(tuple.relation),
    subject: interner.entity(subjectType, tuple.subject.id),
    subjectType,
    subjectRelation: tuple.subject.relation === '' ? 0 : interner.symbol(tuple.subject.relation),
  };
}

/** The key of a tuple to delete; undefined when one of its texts was never written. */
function findKey(interner: Interner, tuple: BareTuple): Key | undefined {
  refuseIllFormed(tuple);
  const relation = interner.findSymbol(tuple.relation);
  const object = interner.findEntity(tuple.object);
  const subject = interner.findEntity(tuple.subject);
  const subjectRelation =
    tuple.subject.relation === '' ? 0 : interner.findSymbol(tuple.subject.relation);
  if (relation === 0 || object === 0 || subject === 0) return undefined;
  if (subjectRelation === 0 && tuple.subject.relation !== '') return undefined;
  const objectType = interner.findSymbol(tuple.object.type);
  const subjectType = interner.findSymbol(tuple.subject.type);
  assert(objectType !== 0 && subjectType !== 0, 'the type of a known entity is known');
  return { object, objectType, relation, subject, subjectType, subjectRelation };
}

/** A lone surrogate has no UTF-8 form: stored, it would become U+FFFD and so another's id. */
function refuseIllFormed(tuple: BareTuple): void {
  const { object, relation, subject } = tuple;
  for (const text of [
    object.type,
    object.id,
    relation,
    subject.type,
    subject.id,
    subject.relation,
  ]) {
    if (!text.isWellFormed()) {
      throw new Refusal('invalid_write_input', 'a tuple holds text that is not valid Unicode');
    }
  }
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

function conflicting(tuple: BareTuple): Refusal {
  return new Refusal(
    'aborted',
    'transactional write failed due to conflict: attempted to write a tuple which already exists ' +
      `with a different condition: ${wireKey(tuple)}`,
  );
}

function wireKey(tuple: BareTuple): string {
  const subject = formatSubject(tuple.subject);
  return `user: '${subject}', relation: '${tuple.relation}', object: '${formatObject(tuple.object)}'`;
}
