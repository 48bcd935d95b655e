/**
 * Settles a question whose cycle goes through a subtracted side, where the walk can only say
 * "undefined": the well-founded model by alternating fixpoint, over all the questions that this one
 * leads to. It is rare, so it is plain: no short cut, and no depth; the steps bound it.
 */
import type { CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import { type Facts, stranger } from './facts.ts';
import { falseValue, isError, trueValue, type Value } from './value.ts';

type Term =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'question'; readonly id: number }
  | { readonly kind: 'union' | 'intersection'; readonly terms: readonly Term[] }
  | { readonly kind: 'exclusion'; readonly base: Term; readonly subtract: number };

/**
 * A question, or a subtracted side: that has an id of its own too, so that it means the same whether
 * it is written in place or is a relation with a name.
 */
interface Side {
  readonly plan: Plan;
  readonly object: number;
  readonly relation: CompiledRelation;
}

/** A set of sides by id, and what it takes an error for. */
interface Estimate {
  readonly holds: Uint8Array;
  readonly errorsHold: boolean;
}

/**
 * ENSURES: true, false or an error. A question without any answer of its own (it holds if and only
 * if it does not) is false.
 */
export function settle(facts: Facts, object: number, relation: number): Value {
  const system = new System(facts, object, relation);
  if (system.certain({ errorsHold: false })) return trueValue;
  if (system.error === falseValue || !system.certain({ errorsHold: true })) return falseValue;
  return system.error;
}

/** Whether the well-founded model leaves a question open that `settle` calls false. */
export function isUndefined(facts: Facts, object: number, relation: number): boolean {
  return new System(facts, object, relation).bounds({ errorsHold: false }).over.holds[0] === 1;
}

/** The questions that the first one leads to, each with what it is defined by. */
class System {
  /** The first error that was met; false for none. */
  error: Value = falseValue;
  private readonly facts: Facts;
  private readonly ids = new Map<number, number>();
  private readonly sides: Side[] = [];
  private readonly terms: Term[] = [];

  constructor(facts: Facts, object: number, relation: number) {
    this.facts = facts;
    this.question(object, relation);
    // It grows while it is read.
    for (const side of this.sides) {
      this.terms.push(this.term(side.plan, side.object, side.relation));
    }
  }

  /**
   * Whether the first question is true in the well-founded model, with errors taken one way where
   * they help it and the other way where they harm it. Two estimates close in on the model, one
   * from below and one from above, each subtracting what the other holds.
   */
  certain(wish: { errorsHold: boolean }): boolean {
    return this.bounds(wish).under.holds[0] === 1;
  }

  /** Both estimates, as near as they come, or as soon as the first question is certain. */
  bounds(wish: { errorsHold: boolean }): { readonly under: Estimate; readonly over: Estimate } {
    const size = this.terms.length;
    let over: Estimate = { holds: new Uint8Array(size).fill(1), errorsHold: !wish.errorsHold };
    for (let held = -1; ; ) {
      const under = this.least(wish.errorsHold, over);
      const count = under.holds.reduce((sum, bit) => sum + bit, 0);
      if (count === held || under.holds[0] === 1) return { under, over };
      held = count;
      over = this.least(!wish.errorsHold, under);
    }
  }

  /** The least set that the terms ask for while the other estimate says what is subtracted. */
  private least(errorsHold: boolean, other: Estimate): Estimate {
    const estimate = { holds: new Uint8Array(this.terms.length), errorsHold };
    for (let grew = true; grew; ) {
      grew = false;
      // Backwards, since most questions lead to ones that were met after them.
      for (let id = this.terms.length - 1; id >= 0; id--) {
        if (estimate.holds[id] === 1 || !this.holds(this.terms[id] as Term, estimate, other))
          continue;
        estimate.holds[id] = 1;
        grew = true;
      }
    }
    return estimate;
  }

  private holds(term: Term, own: Estimate, other: Estimate): boolean {
    this.facts.step();
    switch (term.kind) {
      case 'value':
        return isError(term.value) ? own.errorsHold : term.value === trueValue;
      case 'question':
        return own.holds[term.id] === 1;
      case 'union':
        return term.terms.some((child) => this.holds(child, own, other));
      case 'intersection':
        return term.terms.every((child) => this.holds(child, own, other));
      case 'exclusion':
        return this.holds(term.base, own, other) && other.holds[term.subtract] === 0;
    }
  }

  private question(object: number, relation: number): Term {
    if (this.facts.isSubject(object, relation)) return { kind: 'value', value: trueValue };
    if (object === 0 || !this.facts.canReach(relation)) return { kind: 'value', value: falseValue };
    const key = object * this.facts.model.relations.length + relation;
    let id = this.ids.get(key);
    if (id === undefined) {
      const compiled = this.facts.model.relations[relation] as CompiledRelation;
      id = this.sides.push({ plan: compiled.plan, object, relation: compiled }) - 1;
      this.ids.set(key, id);
    }
    return { kind: 'question', id };
  }

  private term(plan: Plan, object: number, relation: CompiledRelation): Term {
    switch (plan.kind) {
      case 'direct': {
        const terms = [this.value(this.facts.literal(plan.edges, object, relation))];
        for (const edge of plan.edges) {
          if (edge.target !== -1) this.follow(terms, edge, edge.target, object, relation);
        }
        return { kind: 'union', terms };
      }
      case 'computed':
        return this.question(object, plan.relation);
      case 'from': {
        const tupleset = this.facts.model.relations[plan.tupleset] as CompiledRelation;
        const terms: Term[] = [];
        for (const { edge, target } of plan.arrows) {
          this.follow(terms, edge, target, object, tupleset);
        }
        return { kind: 'union', terms };
      }
      case 'union':
      case 'intersection': {
        const terms = plan.children.map((child) => this.term(child, object, relation));
        return { kind: plan.kind, terms };
      }
      case 'exclusion':
        return {
          kind: 'exclusion',
          base: this.term(plan.base, object, relation),
          subtract: this.sides.push({ plan: plan.subtract, object, relation }) - 1,
        };
    }
  }

  private follow(
    terms: Term[],
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
  ): void {
    if (object === stranger || !this.facts.canReach(target)) return;
    const { reader } = this.facts;
    const { subjectType, subjectRelation } = edge;
    let after = 0;
    do {
      const run = reader.subjects(object, relation.symbol, subjectType, subjectRelation, after);
      for (let i = run.start; i < run.end; i++) {
        this.facts.step();
        const subject = run.entities[i] as number;
        const guard = this.facts.weigh(edge, run.guards?.[i] ?? noGuard, object, relation, subject);
        if (guard === falseValue) continue;
        const question = this.question(subject, target);
        terms.push({ kind: 'intersection', terms: [this.value(guard), question] });
      }
      after = run.next;
    } while (after !== 0);
  }

  private value(value: Value): Term {
    if (this.error === falseValue && isError(value)) this.error = value;
    return { kind: 'value', value };
  }
}
