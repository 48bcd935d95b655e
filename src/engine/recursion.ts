/**
 * Which relations of a model are defined by way of themselves, and how. It decides how a walk
 * answers them: most relations are not, and of the others most are by unions alone (groups in
 * groups, folders in folders), where an answer is plain reachability.
 */
import type { CompiledModel, Plan } from '../model/compiled.ts';
import { targetsOf } from '../model/targets.ts';
import { componentsOf } from './components.ts';
import { perModel } from './per-model.ts';

export interface Recursion {
  /** By relation index: relations that are defined by way of one another have the same number. */
  readonly component: Int32Array;
  /** By relation index. */
  readonly kind: Uint8Array;
}

/** No question of the relation leads back to one of the same relation. */
export const notRecursive = 0;
/** It does, along unions, tuples and computed relations alone, and so for its whole component. */
export const byUnions = 1;
/** It does, through an intersection or an exclusion. */
export const tangled = 2;

export const recursionOf = perModel(analyse);

function analyse({ relations }: CompiledModel): Recursion {
  const targets = relations.map((relation) => [...targetsOf(relation.plan)]);
  const component = new Int32Array(relations.length);
  for (const members of componentsOf(targets)) {
    for (const member of members) component[member] = members[0] as number;
  }
  const recursive = new Set<number>();
  const knotted = new Set<number>();
  for (const { index, plan } of relations) {
    const own = component[index] as number;
    const isOwn = (target: number) => component[target] === own;
    if (targets[index]?.some(isOwn)) recursive.add(own);
    if (!isAlongUnions(plan, isOwn)) knotted.add(own);
  }
  const kind = Uint8Array.from(component, (own) => {
    if (!recursive.has(own)) return notRecursive;
    return knotted.has(own) ? tangled : byUnions;
  });
  return { component, kind };
}

function isAlongUnions(plan: Plan, isOwn: (target: number) => boolean): boolean {
  switch (plan.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return true;
    case 'union':
      return plan.children.every((child) => isAlongUnions(child, isOwn));
    case 'intersection':
    case 'exclusion':
      return !targetsOf(plan).some(isOwn);
  }
}
