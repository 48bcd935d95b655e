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
  readonly confirm: boolean;
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
  function visit(plan: Plan, relation: CompiledRelation, confirm: boolean): void {
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
        for (const child of plan.children) visit(child, relation, confirm);
        break;
      case 'intersection':
        visit(plan.children[0] as Plan, relation, true);
        break;
      case 'exclusion':
        visit(plan.base, relation, true);
        break;
    }
  }

  for (const relation of relations) visit(relation.plan, relation, false);
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
