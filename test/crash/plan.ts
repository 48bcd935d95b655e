/**
 * What is written while processes are killed: an endless plan for each store, in which every step
 * says exactly what the store holds after it. Step n takes revision n.
 */
import type { StoreId } from '../../src/model/ids.ts';
import type { Tuple } from '../../src/model/tuple.ts';
import type { TupleFilter, TupleImport, TupleWrite } from '../../src/storage/datastore.ts';
import { blockOf } from '../storage/block.ts';

export const storesOf = ['A', 'B', 'C'].map((letter) => letter.repeat(26) as StoreId);

/** A line of the child's: this step is durable. */
export interface Acknowledged {
  readonly store: number;
  readonly step: number;
  readonly revision: number;
}

/** What a step does: a write, a chunk of a load, or a round of deleting by filter. */
export type Step =
  | { readonly kind: 'write'; readonly write: TupleWrite }
  | { readonly kind: 'import'; readonly load: TupleImport }
  | { readonly kind: 'delete'; readonly filter: TupleFilter };

/** Tuples of a step live for as many steps. */
const lifetime = 40;
const tuplesPerStep = 5;
const tuplesPerChunk = 200;

/** Farther away than any run: what is collected has no place in the plan. */
const farAway = 4e12;

/**
 * Step n writes its tuples under a key of its own and replaces the guard of one of step n - 1; once
 * there are enough, it deletes those of step n - lifetime. Every seventh step deletes by filter
 * instead, what the step before it wrote; another one of the seven is a chunk of a load. What these
 * two would have deleted, the next step does.
 */
export function planOf(store: number, step: number): Step {
  if (deletesByFilter(step)) {
    return { kind: 'delete', filter: { objectType: 'step', objectId: String(step - 1) } };
  }
  const idempotencyKey = `step ${step}`;
  if (isImport(step)) {
    const load = { block: blockOf(tuplesOf(store, step)), onDuplicate: 'error' } as const;
    return { kind: 'import', load: { ...load, idempotencyKey } };
  }
  const replaced = replacedBy(store, step);
  return {
    kind: 'write',
    write: {
      writes: [...tuplesOf(store, step), ...replaced],
      deletes: dueAt(step).flatMap((old) => tuplesOf(store, old)),
      preconditions: replaced.map(({ object }) => ({
        filter: { objectType: object.type, objectId: object.id },
        must: 'exist',
      })),
      onDuplicate: 'replace',
      onMissing: 'error',
      idempotencyKey,
    },
  };
}

/** All that the store holds after this step, in no order. */
export function stateAfter(store: number, step: number): Tuple[] {
  const state = new Map<string, Tuple>();
  const keyOf = ({ object, subject }: Tuple) => `${object.id} ${subject.id} ${subject.relation}`;
  for (let each = Math.max(1, step - 2 * lifetime); each <= step; each++) {
    const done = planOf(store, each);
    if (done.kind === 'delete') {
      for (const tuple of tuplesOf(store, each - 1)) state.delete(keyOf(tuple));
      continue;
    }
    if (done.kind === 'import') {
      for (const tuple of tuplesOf(store, each)) state.set(keyOf(tuple), tuple);
      continue;
    }
    for (const tuple of done.write.deletes) state.delete(keyOf({ ...tuple, condition: undefined }));
    for (const tuple of done.write.writes) state.set(keyOf(tuple), tuple);
  }
  return [...state.values()];
}

function deletesByFilter(step: number): boolean {
  return step > 0 && step % 7 === 0;
}

function isImport(step: number): boolean {
  return step % 7 === 3;
}

/** The steps whose tuples a write deletes: those of the step before it that is none are made up for. */
function dueAt(step: number): number[] {
  const isLate = deletesByFilter(step - 1) || isImport(step - 1);
  const due = isLate ? [step - 1 - lifetime, step - lifetime] : [step - lifetime];
  return due.filter((old) => old > 0 && !deletesByFilter(old + 1));
}

/** The first tuple of the step before, with another guard. */
function replacedBy(store: number, step: number): Tuple[] {
  const [tuple] = step < 2 || deletesByFilter(step - 1) ? [] : tuplesOf(store, step - 1);
  if (tuple === undefined) return [];
  const condition = { name: 'weekday', context: { replaced: step } };
  return [{ ...tuple, condition, expiresAt: farAway + step }];
}

/** None for a step that deletes. */
function tuplesOf(store: number, step: number): Tuple[] {
  if (deletesByFilter(step)) return [];
  const count = isImport(step) ? tuplesPerChunk : tuplesPerStep;
  return Array.from({ length: count }, (_, i) => ({
    object: { type: 'step', id: String(step) },
    relation: i % 2 === 0 ? 'viewer' : 'editor',
    subject: { type: 'user', id: `${store}-${step % 11}-${i}`, relation: i === 4 ? 'self' : '' },
    condition: i === 3 ? { name: 'weekday', context: { step } } : undefined,
    expiresAt: i === 2 ? farAway : undefined,
  }));
}
