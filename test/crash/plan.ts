/**
 * What is written while processes are killed: an endless plan for each store, in which every step
 * says exactly what the store holds after it. Step n takes revision n.
 */
import type { StoreId } from '../../src/model/ids.ts';
import type { Tuple } from '../../src/model/tuple.ts';
import type { TupleWrite } from '../../src/storage/datastore.ts';

export const storesOf = ['A', 'B', 'C'].map((letter) => letter.repeat(26) as StoreId);

/** A line of the child's: this write is durable. */
export interface Acknowledged {
  readonly store: number;
  readonly step: number;
  readonly revision: number;
}

/** Tuples of a step live for as many steps. */
const lifetime = 40;
const tuplesPerStep = 5;

/** Step n writes its tuples and, once there are enough, deletes those of step n - lifetime. */
export function planOf(store: number, step: number): TupleWrite {
  return {
    writes: tuplesOf(store, step),
    deletes: step > lifetime ? tuplesOf(store, step - lifetime) : [],
    onDuplicate: 'error',
    onMissing: 'error',
  };
}

/** All that the store holds after this step, in no order. */
export function stateAfter(store: number, step: number): Tuple[] {
  const steps = Array.from({ length: Math.min(step, lifetime) }, (_, i) => step - i);
  return steps.flatMap((each) => tuplesOf(store, each));
}

function tuplesOf(store: number, step: number): Tuple[] {
  return Array.from({ length: tuplesPerStep }, (_, i) => ({
    object: { type: `type${step % 3}`, id: `object-${step % 11}` },
    relation: i % 2 === 0 ? 'viewer' : 'editor',
    subject: { type: 'user', id: `${store}-${step}-${i}`, relation: i === 4 ? 'self' : '' },
    condition: i === 3 ? { name: 'weekday', context: { step } } : undefined,
  }));
}
