/**
 * What an explanation is made of: questions, and for each the tuples and questions that its rewrite
 * rests on. Every question's value is the walk's own answer and every tuple is weighed by `Facts`;
 * what the rewrites make of them is asserted to be the same.
 */
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import type { CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import type { ObjectRef } from '../model/tuple.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import { type Facts, stranger, tooDeep } from './facts.ts';
import { isUndefined } from './settle.ts';
import {
  both,
  either,
  falseValue,
  isError,
  trueValue,
  uncertain,
  undefinedValue,
  type Value,
  without,
} from './value.ts';
import type { DepthFirstWalk } from './walk.ts';

export interface Question {
  readonly key: number;
  readonly entity: number;
  readonly object: ObjectRef;
  readonly relation: CompiledRelation;
  readonly value: Value;
}

/** A tuple by its parts; its guard alone is weighed in `weight`. */
export interface Found {
  readonly edge: Edge;
  readonly guard: number;
  readonly object: ObjectRef;
  readonly relation: CompiledRelation;
  readonly subject: number;
  readonly weight: Value;
}

/** A tuple that leads to a question, which is not asked where the tuple does not count. */
export interface Arrow extends Found {
  readonly question: Question | undefined;
  readonly value: Value;
}

/** Of a true term the arrows are those that hold; of any other, all that there is room for. */
export type Term =
  | {
      readonly kind: 'direct' | 'from';
      readonly value: Value;
      /** Tuples that name the subject or its wildcard. */
      readonly named: readonly Found[];
      readonly arrows: readonly Arrow[];
      readonly whole: boolean;
      /** Whose tuples they are: the relation itself, or the tupleset. */
      readonly relation: CompiledRelation;
      readonly edges: readonly Edge[];
    }
  | { readonly kind: 'computed'; readonly value: Value; readonly question: Question }
  | {
      readonly kind: 'union' | 'intersection';
      readonly value: Value;
      readonly children: readonly Term[];
    }
  | {
      readonly kind: 'exclusion';
      readonly value: Value;
      readonly base: Term;
      readonly subtract: Term;
    };

interface Lead {
  readonly edge: Edge;
  readonly target: number;
}

export class Reasons {
  readonly facts: Facts;
  private readonly walk: DepthFirstWalk;
  private readonly stepsMax: number;
  private readonly questions = new Map<number, Question>();
  private readonly terms = new Map<number, Term>();
  /** Tuples that may still be kept. */
  private room: number;

  constructor(walk: DepthFirstWalk, bounds: { stepsMax: number; tuplesMax: number }) {
    this.walk = walk;
    this.facts = walk.facts;
    this.stepsMax = bounds.stepsMax;
    this.room = bounds.tuplesMax;
  }

  get full(): boolean {
    return this.room <= 0;
  }

  question(entity: number, relation: number, object: ObjectRef): Question {
    const { relations } = this.facts.model;
    const key = entity * relations.length + relation;
    let question = this.questions.get(key);
    if (question === undefined) {
      const compiled = relations[relation] as CompiledRelation;
      const value = this.valueOf(entity, relation);
      question = { key, entity, object, relation: compiled, value };
      this.questions.set(key, question);
    }
    return question;
  }

  /** ENSURES: what the rewrite makes of its parts is what the walk answered. */
  term(question: Question): Term {
    let term = this.terms.get(question.key);
    if (term === undefined) {
      term = this.read(question.relation.plan, question);
      const { value } = question;
      assert(
        isError(value) || isError(term.value) || term.value === value,
        'the parts of a question explain its answer',
      );
      this.terms.set(question.key, term);
    }
    return term;
  }

  private valueOf(entity: number, relation: number): Value {
    const { facts } = this;
    // What was answered before takes no step, however many questions there are.
    facts.look();
    const verdict = this.walk.checkEntity(entity, relation);
    if (facts.stepsTaken() > 2 * this.stepsMax) throw tooLong(this.stepsMax);
    switch (verdict.kind) {
      case 'allowed':
        return trueValue;
      case 'denied': {
        const plain = !this.walk.metUndefined || entity === 0 || !facts.canReach(relation);
        if (plain) return falseValue;
        return isUndefined(facts, entity, relation) ? undefinedValue : falseValue;
      }
      default:
        return uncertain(tooDeep);
    }
  }

  private read(plan: Plan, at: Question): Term {
    switch (plan.kind) {
      case 'direct':
        return this.readDirect(plan.edges, at);
      case 'computed': {
        const question = this.question(at.entity, plan.relation, at.object);
        return { kind: 'computed', value: question.value, question };
      }
      case 'from': {
        const relation = this.facts.model.relations[plan.tupleset] as CompiledRelation;
        const led = this.follow(plan.arrows, at, relation, falseValue);
        return { kind: 'from', named: [], relation, edges: [], ...led };
      }
      case 'union':
      case 'intersection': {
        const children = plan.children.map((child) => this.read(child, at));
        const [start, join] =
          plan.kind === 'union' ? ([falseValue, either] as const) : ([trueValue, both] as const);
        const value = children.reduce((joined, child) => join(joined, child.value), start as Value);
        return { kind: plan.kind, value, children };
      }
      case 'exclusion': {
        const base = this.read(plan.base, at);
        const subtract = this.read(plan.subtract, at);
        return { kind: 'exclusion', value: without(base.value, subtract.value), base, subtract };
      }
    }
  }

  private readDirect(edges: readonly Edge[], at: Question): Term {
    const { facts } = this;
    const { entity, object, relation } = at;
    const named =
      entity === 0
        ? []
        : edges.flatMap((edge) => {
            const subject = facts.namedBy(edge);
            return facts.guardsOf(edge, entity, relation).map((guard): Found => {
              const weight = facts.weigh(edge, guard, entity, relation, subject);
              return { edge, guard, object, relation, subject, weight };
            });
          });
    const value = named.reduce((joined, found) => either(joined, found.weight), falseValue);
    assert(
      entity === 0 || value === facts.literal(edges, entity, relation),
      'the tuples that name the subject are those that the walk counts',
    );
    const leads = edges.flatMap((edge) =>
      edge.target === -1 ? [] : [{ edge, target: edge.target }],
    );
    const led = this.follow(leads, at, relation, value);
    return { kind: 'direct', named, relation, edges, ...led };
  }

  /** All tuples count for the value; those are kept that explain it, as long as there is room. */
  private follow(
    leads: readonly Lead[],
    at: Question,
    relation: CompiledRelation,
    start: Value,
  ): { value: Value; arrows: readonly Arrow[]; whole: boolean } {
    let value = start;
    let whole = true;
    const holding: Arrow[] = [];
    const others: Arrow[] = [];
    for (const arrow of this.arrows(leads, at, relation)) {
      value = either(value, arrow.value);
      if (arrow.value === trueValue) holding.push(arrow);
      else if (this.isSubject(arrow)) continue;
      else if (others.length < this.room) others.push(arrow);
      else whole = false;
      if (value === trueValue && holding.length >= this.room) break;
    }
    const arrows = value === trueValue ? holding : others;
    this.room -= arrows.length;
    return { value, arrows, whole: whole || value === trueValue };
  }

  /** Such a tuple names the subject itself, and stands among those that do. */
  private isSubject({ subject, edge }: Arrow): boolean {
    return edge.target !== -1 && this.facts.isSubject(subject, edge.target);
  }

  private *arrows(
    leads: readonly Lead[],
    at: Question,
    relation: CompiledRelation,
  ): Generator<Arrow> {
    const { facts } = this;
    const { reader } = facts;
    const { entity, object } = at;
    if (entity === 0 || entity === stranger) return;
    for (const { edge, target } of leads) {
      const { subjectType, subjectRelation } = edge;
      let after = 0;
      do {
        const run = reader.subjects(entity, relation.symbol, subjectType, subjectRelation, after);
        after = run.next;
        // The reader's arrays are its own again once it is asked for anything else.
        const entities = Array.from(run.entities).slice(run.start, run.end);
        const guards = run.guards && Array.from(run.guards).slice(run.start, run.end);
        for (const [i, subject] of entities.entries()) {
          const guard = guards?.[i] ?? noGuard;
          const weight = facts.weigh(edge, guard, entity, relation, subject);
          const question =
            weight === falseValue
              ? undefined
              : this.question(subject, target, reader.entityRef(subject));
          const value = question === undefined ? falseValue : both(weight, question.value);
          yield { edge, guard, object, relation, subject, weight, question, value };
        }
      } while (after !== 0);
    }
  }
}

function tooLong(stepsMax: number): Refusal {
  return new Refusal(
    'authorization_model_resolution_too_complex',
    `the explanation visits more than ${2 * stepsMax} questions and tuples; ask for an object or a relation that fewer tuples lead to, or raise the limit`,
  );
}
