/**
 * Which kinds of subject can have which relations, whatever the tuples say: the least fixpoint of
 * the plans, one byte a relation, computed for a kind of subject when it is first asked for.
 */
import type { CompiledModel, CompiledRelation, Plan } from './compiled.ts';
import { targetsOf } from './targets.ts';

/**
 * A userset `t#r` always reaches `t#r` itself. Of an intersection all children must be reached; of
 * an exclusion the base, for what is subtracted gives nobody anything.
 */
export function reachability(relations: readonly CompiledRelation[]): CompiledModel['reachOf'] {
  const dependents = dependentsOf(relations);
  const byObjects = new Map<number, Uint8Array>();
  const byUserset = new Map<number, Uint8Array>();

  function ofObjects(type: number): Uint8Array {
    let reached = byObjects.get(type);
    if (reached === undefined) {
      const holders = relations.filter((relation) =>
        relation.edges.some((edge) => edge.target === -1 && edge.subjectType === type),
      );
      reached = spread(relations, dependents, { objects: type, userset: -1, start: holders });
      byObjects.set(type, reached);
    }
    return reached;
  }

  function ofUserset(index: number): Uint8Array {
    let reached = byUserset.get(index);
    if (reached === undefined) {
      const start = [relations[index] as CompiledRelation];
      reached = spread(relations, dependents, { objects: 0, userset: index, start });
      byUserset.set(index, reached);
    }
    return reached;
  }

  const nothing = new Uint8Array(relations.length);
  return (subjectType, userset) => {
    if (userset >= 0) return ofUserset(userset);
    return subjectType === 0 ? nothing : ofObjects(subjectType);
  };
}

interface Source {
  /** Symbol of the type whose objects ask; 0 when a userset asks. */
  readonly objects: number;
  /** Relation index of the userset that asks; -1 when objects ask. */
  readonly userset: number;
  /** The relations where it begins. */
  readonly start: readonly CompiledRelation[];
}

/** Each relation turns true at most once, and then has those looked at again that lean on it. */
function spread(
  relations: readonly CompiledRelation[],
  dependents: readonly (readonly CompiledRelation[])[],
  source: Source,
): Uint8Array {
  const reached = new Uint8Array(relations.length);
  const queue = [...source.start];
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    if (reached[relation.index] === 1) continue;
    if (relation.index !== source.userset && !holds(relation.plan, reached, source.objects)) {
      continue;
    }
    reached[relation.index] = 1;
    for (const dependent of dependents[relation.index] ?? []) queue.push(dependent);
  }
  return reached;
}

function holds(plan: Plan, reached: Uint8Array, objects: number): boolean {
  switch (plan.kind) {
    case 'direct':
      return plan.edges.some((edge) =>
        edge.target === -1 ? edge.subjectType === objects : reached[edge.target] === 1,
      );
    case 'computed':
      return reached[plan.relation] === 1;
    case 'from':
      return plan.arrows.some((arrow) => reached[arrow.target] === 1);
    case 'union':
      return plan.children.some((child) => holds(child, reached, objects));
    case 'intersection':
      return plan.children.every((child) => holds(child, reached, objects));
    case 'exclusion':
      return holds(plan.base, reached, objects);
  }
}

/** By relation index: the relations whose plans name it. */
function dependentsOf(relations: readonly CompiledRelation[]): CompiledRelation[][] {
  const dependents = relations.map((): Set<CompiledRelation> => new Set());
  for (const relation of relations) {
    for (const target of targetsOf(relation.plan)) dependents[target]?.add(relation);
  }
  return dependents.map((set) => [...set]);
}
