/** The key of a tuple in integers, as the writer makes or finds it. */
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import type { BareTuple } from '../../model/tuple.ts';
import type { Interner } from './interner.ts';

export interface Key {
  readonly object: number;
  readonly objectType: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectType: number;
  readonly subjectRelation: number;
  /** The number of the two types and the two relations. */
  readonly kind: number;
}

/** In the order of the primary key. */
export function keyColumns(store: number, key: Key): number[] {
  return [store, key.object, key.kind, key.subject];
}

/** The key of a tuple to write: what is new of it is interned. */
export function internKey(interner: Interner, tuple: BareTuple): Key {
  refuseIllFormed(tuple);
  const objectType = interner.symbol(tuple.object.type);
  const subjectType = interner.symbol(tuple.subject.type);
  const object = interner.entity(objectType, tuple.object.id);
  const relation = interner.symbol(tuple.relation);
  const subject = interner.entity(subjectType, tuple.subject.id);
  const subjectRelation =
    tuple.subject.relation === '' ? 0 : interner.symbol(tuple.subject.relation);
  const parts = { objectType, relation, subjectType, subjectRelation };
  return { object, subject, ...parts, kind: interner.kind(parts) };
}

/** The key of a tuple to delete; undefined when one of its texts was never written. */
export function findKey(interner: Interner, tuple: BareTuple): Key | undefined {
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
  const parts = { objectType, relation, subjectType, subjectRelation };
  const kind = interner.findKind(parts);
  return kind === 0 ? undefined : { object, subject, ...parts, kind };
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
