/**
 * The relations of a model that are plain: unions of tuples, all the way down. Whoever has such a
 * relation has it by one path of tuples, which can be followed from either end.
 */
import type { CompiledModel, CompiledRelation, Plan } from '../model/compiled.ts';
import { targetsOf } from '../model/targets.ts';
import { componentsOf } from './components.ts';
import { perModel } from './per-model.ts';
import { usesOf } from './uses.ts';

/** What tuples are told apart by, but for the type of their object. All are symbols. */
export interface TupleKind {
  readonly relation: number;
  readonly subjectType: number;
  readonly subjectRelation: number;
}

export interface Plain {
  /** By relation index: 1 where the relation, and all that it leads to, is unions of tuples alone. */
  readonly isPlain: Uint8Array;
  /** By relation index: how many hops a question can take; Infinity where it leads back to itself. */
  readonly hopsMax: Float64Array;
  /** The tuples that say who has a plain relation: all of them. */
  kindsOf(relation: number): readonly TupleKind[];
  /** Those of them that lead on to a further question. */
  hopKindsOf(relation: number): readonly TupleKind[];
}

export const plainOf = perModel(analyse);

function analyse(model: CompiledModel): Plain {
  const { relations } = model;
  const targets = relations.map((relation) => [...targetsOf(relation.plan)]);
  const isPlain = new Uint8Array(relations.length);
  const hopsMax = new Float64Array(relations.length);
  // A component comes after all that it leads to.
  for (const members of componentsOf(targets)) {
    const inside = new Set(members);
    const all = members.flatMap((member) => targets[member] ?? []);
    const isUnions = members.every((member) =>
      isByUnions((relations[member] as { plan: Plan }).plan),
    );
    const plain = isUnions && all.every((target) => inside.has(target) || isPlain[target] === 1);
    const recursive = all.some((target) => inside.has(target));
    for (const member of members) {
      isPlain[member] = plain ? 1 : 0;
      const { plan } = relations[member] as CompiledRelation;
      hopsMax[member] = recursive ? Number.POSITIVE_INFINITY : hopsOf(plan, hopsMax);
    }
  }
  const kinds = (goal: number, hopsOnly: boolean) => kindsLeadingTo(model, goal, hopsOnly);
  return {
    isPlain,
    hopsMax,
    kindsOf: remembering((relation) => kinds(relation, false)),
    hopKindsOf: remembering((relation) => kinds(relation, true)),
  };
}

function isByUnions(plan: Plan): boolean {
  if (plan.kind === 'union') return plan.children.every(isByUnions);
  return plan.kind !== 'intersection' && plan.kind !== 'exclusion';
}

function hopsOf(plan: Plan, hopsMax: Float64Array): number {
  const behind = (target: number) => hopsMax[target] as number;
  switch (plan.kind) {
    case 'direct': {
      const usersets = plan.edges.filter((edge) => edge.target !== -1);
      return Math.max(0, ...usersets.map((edge) => 1 + behind(edge.target)));
    }
    case 'computed':
      return behind(plan.relation);
    case 'from':
      return Math.max(0, ...plan.arrows.map((arrow) => 1 + behind(arrow.target)));
    case 'union':
    case 'intersection':
      return Math.max(...plan.children.map((child) => hopsOf(child, hopsMax)));
    case 'exclusion':
      return Math.max(hopsOf(plan.base, hopsMax), hopsOf(plan.subtract, hopsMax));
  }
}

function kindsLeadingTo(model: CompiledModel, goal: number, hopsOnly: boolean): TupleKind[] {
  const uses = usesOf(model);
  const leads = uses.leadsTo(goal);
  const kinds = new Map<string, TupleKind>();
  const add = (relation: CompiledRelation, subjectType: number, subjectRelation: number) => {
    const kind = { relation: relation.symbol, subjectType, subjectRelation };
    kinds.set(`${kind.relation}/${subjectType}/${subjectRelation}`, kind);
  };
  for (const { relation, edge } of hopsOnly ? [] : uses.literals) {
    if (leads[relation.index] === 1) add(relation, edge.subjectType, edge.subjectRelation);
  }
  for (const use of uses.ofRelation.flat()) {
    if (use.hop === undefined || leads[use.relation.index] !== 1) continue;
    add(use.hop.relation, use.hop.edge.subjectType, use.hop.edge.subjectRelation);
  }
  return [...kinds.values()];
}

function remembering<Value>(compute: (relation: number) => Value): (relation: number) => Value {
  const values = new Map<number, Value>();
  return (relation) => {
    let value = values.get(relation);
    if (value === undefined) {
      value = compute(relation);
      values.set(relation, value);
    }
    return value;
  };
}
