/**
 * Which sides of an `and` or a `but not` to look at first: those that one look-up or two settle.
 * When one of them decides the whole, what is costly is spared; else the sides are put together in
 * the order in which the model has them, so that the value is the same, and the error that is told.
 */
import type { CompiledModel, Plan } from '../model/compiled.ts';

type Intersection = Extract<Plan, { kind: 'union' | 'intersection' }>;
type Exclusion = Extract<Plan, { kind: 'exclusion' }>;

const probes = new WeakMap<Plan, readonly Plan[]>();

/** The cheap children that stand behind a costly one. */
export function probesOf(plan: Intersection, model: CompiledModel): readonly Plan[] {
  let known = probes.get(plan);
  if (known === undefined) {
    const firstCostly = plan.children.findIndex((child) => !isCheap(child, model));
    known = plan.children.filter((child, i) => i > firstCostly && isCheap(child, model));
    probes.set(plan, firstCostly === -1 ? [] : known);
  }
  return known;
}

const subtractions = new WeakMap<Plan, boolean>();

/** Whether what is subtracted is cheap, and the base is not. */
export function subtractsFirst(plan: Exclusion, model: CompiledModel): boolean {
  let known = subtractions.get(plan);
  if (known === undefined) {
    known = isCheap(plan.subtract, model) && !isCheap(plan.base, model);
    subtractions.set(plan, known);
  }
  return known;
}

/** Tuples that name the subject or its wildcard, here or under another name: nothing to follow. */
function isCheap(plan: Plan, model: CompiledModel): boolean {
  const own = plan.kind === 'computed' ? model.relations[plan.relation]?.plan : plan;
  return own?.kind === 'direct' && own.edges.every((edge) => edge.target === -1);
}
