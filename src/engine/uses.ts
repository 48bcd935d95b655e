/**
 * A model read backwards: what a tuple, or a relation that somebody is known to have, can lead to.
 * Computed once per model, and once more per relation that a list asks for.
 */
import type { CompiledModel, CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { perModel } from './per-model.ts';

/** A place in the plan of `relation` where something makes its relation come true. */
interface Place {
  readonly relation: CompiledRelation;
  /** It stands in an intersection or an exclusion: what comes this way is a candidate only. */
  readonly confirm: Confirm | undefined;
}

/** What makes a candidate more than one, beside what it came by. */
export interface Confirm {
  /** All that must hold, or must not; undefined where only the whole relation can be asked. */
  readonly asks: readonly Ask[] | undefined;
  /** Whether the relation does not hold where one of them comes out otherwise. */
  readonly decides: boolean;
}

/** Another relation of the same object. */
export interface Ask {
  readonly relation: CompiledRelation;
  readonly wanted: boolean;
  /** Of a relation that tuples give to the subject itself or to nobody; undefined of any other. */
  readonly edges: readonly Edge[] | undefined;
}

/** A tuple names the subject itself: an object or a wildcard. */
export interface LiteralUse extends Place {
  readonly edge: Edge;
}

/** Another relation holds, of the same object or at the other end of a tuple. */
export interface Use extends Place {
  /** The tuple to go along, and the relation that it is of; undefined for the same object. */
  readonly hop: { readonly edge: Edge; readonly relation: CompiledRelation } | undefined;
}

export interface Uses {
  readonly literals: readonly LiteralUse[];
  /** By index of the relation that holds. */
  readonly ofRelation: readonly (readonly Use[])[];
  /** By relation index: 1 where the relation can lead to this one. */
  leadsTo(relation: number): Uint8Array;
}

type Relations = CompiledModel['relations'];

export const usesOf = perModel(analyse);

function analyse({ relations }: CompiledModel): Uses {
  const literals: LiteralUse[] = [];
  const ofRelation: Use[][] = relations.map(() => []);
  const sources: number[][] = relations.map(() => []);

  function add(source: number, use: Use): void {
    ofRelation[source]?.push(use);
    sources[use.relation.index]?.push(source);
  }

  /**
   * One operand of an intersection is enough to find its candidates, and the base of an exclusion:
   * nobody is in the whole who is not in that.
   */
  function visit(
    plan: Plan,
    relation: CompiledRelation,
    confirm: Confirm | undefined,
    inUnion: boolean,
  ): void {
    switch (plan.kind) {
      case 'direct':
        for (const edge of plan.edges) {
          if (edge.target === -1) literals.push({ relation, edge, confirm });
          else add(edge.target, { relation, confirm, hop: { edge, relation } });
        }
        break;
      case 'computed':
        add(plan.relation, { relation, confirm, hop: undefined });
        break;
      case 'from': {
        const tupleset = relations[plan.tupleset] as CompiledRelation;
        for (const { edge, target } of plan.arrows) {
          add(target, { relation, confirm, hop: { edge, relation: tupleset } });
        }
        break;
      }
      case 'union':
        for (const child of plan.children) visit(child, relation, confirm, true);
        break;
      case 'intersection': {
        const asks = asksOfAll(plan.children.slice(1), true, relations);
        visit(plan.children[0] as Plan, relation, and(confirm, asks, inUnion), inUnion);
        break;
      }
      case 'exclusion': {
        const asks = asksOf(plan.subtract, false, relations);
        visit(plan.base, relation, and(confirm, asks, inUnion), inUnion);
        break;
      }
    }
  }

  for (const relation of relations) visit(relation.plan, relation, undefined, false);
  const byGoal = new Map<number, Uint8Array>();
  return {
    literals,
    ofRelation,
    leadsTo(goal) {
      let leads = byGoal.get(goal);
      if (leads === undefined) {
        leads = spread(sources, goal);
        byGoal.set(goal, leads);
      }
      return leads;
    },
  };
}

/** `inUnion`: there may be other ways to the relation where one of these comes out otherwise. */
function and(confirm: Confirm | undefined, asks: Confirm['asks'], inUnion: boolean): Confirm {
  if (confirm === undefined) return { asks, decides: !inUnion };
  const all = confirm.asks && asks && [...confirm.asks, ...asks];
  return { asks: all, decides: confirm.decides && !inUnion };
}

/** All that must come out for a plan to hold, or not to; undefined where it takes more to tell. */
function asksOf(plan: Plan, wanted: boolean, relations: Relations): Confirm['asks'] {
  switch (plan.kind) {
    case 'computed': {
      const relation = relations[plan.relation] as CompiledRelation;
      return [{ relation, wanted, edges: literalEdgesOf(relation.plan) }];
    }
    case 'union':
      return wanted ? undefined : asksOfAll(plan.children, wanted, relations);
    case 'intersection':
      return wanted ? asksOfAll(plan.children, wanted, relations) : undefined;
    default:
      return undefined;
  }
}

function asksOfAll(plans: readonly Plan[], wanted: boolean, relations: Relations): Confirm['asks'] {
  const asks: Ask[] = [];
  for (const plan of plans) {
    const more = asksOf(plan, wanted, relations);
    if (more === undefined) return undefined;
    asks.push(...more);
  }
  return asks;
}

function literalEdgesOf(plan: Plan): readonly Edge[] | undefined {
  if (plan.kind !== 'direct') return undefined;
  return plan.edges.every(({ target }) => target === -1) ? plan.edges : undefined;
}

function spread(sources: readonly (readonly number[])[], goal: number): Uint8Array {
  const leads = new Uint8Array(sources.length);
  const queue = [goal];
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    if (leads[relation] === 1) continue;
    leads[relation] = 1;
    for (const source of sources[relation] ?? []) queue.push(source);
  }
  return leads;
}
