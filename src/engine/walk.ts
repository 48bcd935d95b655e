/**
 * The walk of a check: from (object, relation) down the rewrites and along the tuples to the
 * subject. Synchronous, depth first, and every question is evaluated once.
 *
 * Relations that are not recursive need no care; those recursive by unions are answered by
 * `closure.ts`, and for the knotted rest `answers.ts` says what a cycle means.
 */
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import type { ObjectRef } from '../model/tuple.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import { Answers } from './answers.ts';
import { probesOf, subtractsFirst } from './cheap.ts';
import { Closure, type Surroundings } from './closure.ts';
import { type Facts, stranger, tooDeep } from './facts.ts';
import { plainOf } from './plain.ts';
import { byUnions, notRecursive, recursionOf } from './recursion.ts';
import { relationSetsOf } from './relation-sets.ts';
import { settle } from './settle.ts';
import { isWide, Sides } from './sides.ts';
import { Sweep, Swept } from './sweep.ts';
import {
  both,
  causeOf,
  either,
  falseValue,
  isError,
  trueValue,
  uncertain,
  type Value,
  without,
} from './value.ts';
import type { Verdict } from './verdict.ts';

/** A closure calls as deep as so many rewrites. */
const closureNesting = 4;

/** The code of the limits of a walk. Any other refusal says nothing of the question. */
const tooComplex = 'authorization_model_resolution_too_complex';

const allowed: Verdict = { kind: 'allowed' };
const denied: Verdict = { kind: 'denied' };

export class DepthFirstWalk implements Surroundings {
  readonly facts: Facts;
  readonly depthMax: number;
  readonly component: Int32Array;
  private readonly kind: Uint8Array;

  private readonly isPlain: Uint8Array;

  /** Made when something is worth remembering. */
  private remembered: Answers | undefined = undefined;
  private sweepsNoMore = false;
  private checks = 0;
  swept: Swept | undefined = undefined;
  /** Made when something is wide. */
  private subjectAndObject: Sides | undefined = undefined;
  /** Subtracted sides between the first question and the one on top of the path. */
  private subtracted = 0;
  /** Questions and rewrites on the path: what the JavaScript stack must hold. */
  private nesting = 0;

  constructor(facts: Facts, depthMax: number) {
    this.facts = facts;
    this.depthMax = depthMax;
    const recursion = recursionOf(facts.model);
    this.component = recursion.component;
    this.kind = recursion.kind;
    this.isPlain = plainOf(facts.model).isPlain;
  }

  check(object: ObjectRef, relation: string): Verdict {
    return this.checkIndex(object, this.facts.model.relationIndex(object.type, relation));
  }

  checkIndex(object: ObjectRef, relation: number): Verdict {
    assert(relation !== -1, 'the caller made sure that the model has the relation');
    const { type } = this.facts.model.relations[relation] as CompiledRelation;
    return this.checkEntity(this.facts.entityOf(object, type), relation);
  }

  /** Whether any question so far was undefined for a while: a denial may be one that is. */
  get metUndefined(): boolean {
    return this.remembered?.metUndefined === true;
  }

  /** The same for an entity of the reader, and the index of a relation of its type. */
  checkEntity(object: number, relation: number): Verdict {
    this.facts.restart();
    // What one check finds is of use to the next: for the only one it need not be kept.
    if (++this.checks === 2) this.swept = new Swept();
    try {
      return this.verdict(object, relation);
    } catch (error) {
      if (error instanceof Refusal && error.code === tooComplex) {
        return { kind: 'failed', refusal: error };
      }
      throw error;
    } finally {
      this.remembered?.reset();
      this.subtracted = 0;
      this.nesting = 0;
      this.sweepsNoMore = false;
    }
  }

  /** The root's value, made into an answer. */
  private verdict(object: number, relation: number): Verdict {
    let value = this.ask(object, relation, 0);
    if (this.metUndefined && value !== trueValue && value !== falseValue) {
      value = settle(this.facts, object, relation);
    }
    if (value === trueValue) return allowed;
    return isError(value) ? this.facts.unanswered(causeOf(value)) : denied;
  }

  ask(object: number, relation: number, depth: number): Value {
    if (this.facts.isSubject(object, relation)) return trueValue;
    if (object === 0 || !this.facts.canReach(relation)) return falseValue;
    const key = object * this.facts.model.relations.length + relation;
    const answer = this.answered(key, depth);
    if (answer !== undefined) return answer;
    if (depth >= this.depthMax) return uncertain(tooDeep);
    assert(Number.isSafeInteger(key), 'every question has a key of its own');
    const swept = this.sweep(object, relation, depth);
    if (swept !== undefined) {
      if (depth > 0 || this.checks > 1) this.answers.remember(key, swept, depth);
      return swept;
    }
    switch (this.kind[relation]) {
      case notRecursive: {
        const value = this.define(object, relation, depth);
        this.answers.remember(key, value, depth);
        return value;
      }
      case byUnions:
        return this.close(key, relation, depth);
      default: {
        const place = this.answers.open(key, depth, this.subtracted);
        const value = this.define(object, relation, depth);
        this.answers.close(place, value);
        return value;
      }
    }
  }

  answered(key: number, depth: number): Value | undefined {
    return this.remembered?.find(key, depth, this.subtracted);
  }

  /** The value of the question that a closure began with, from the subject's side. */
  decide(object: number, relation: number, depth: number): Value | undefined {
    return this.sides.canDecide(relation)
      ? this.sides.ofQuestion(object, relation, depth)
      : undefined;
  }

  get sides(): Sides {
    this.subjectAndObject ??= new Sides(this.facts);
    return this.subjectAndObject;
  }

  /** Undefined where it must be walked; then all of this check is: what stands in the way is near. */
  private sweep(object: number, relation: number, depth: number): Value | undefined {
    const { facts } = this;
    if (this.sweepsNoMore || facts.index !== -1 || this.isPlain[relation] !== 1) return undefined;
    const set = relationSetsOf(facts.model, facts.type).of(relation);
    const value =
      set === undefined ? undefined : new Sweep(this, relation, depth).search(object, set);
    this.sweepsNoMore = value === undefined;
    return value;
  }

  private get answers(): Answers {
    this.remembered ??= new Answers();
    return this.remembered;
  }

  private define(object: number, relation: number, depth: number): Value {
    this.facts.step();
    this.nest(1);
    const compiled = this.facts.model.relations[relation] as CompiledRelation;
    const value = this.evaluate(compiled.plan, object, compiled, depth);
    this.nesting--;
    return value;
  }

  private close(key: number, relation: number, depth: number): Value {
    const closure = new Closure(this, relation);
    this.nest(closureNesting);
    const value = closure.search(key, depth);
    this.nesting -= closureNesting;
    if (value === falseValue) {
      for (const visited of closure.visited) this.answers.remember(visited, falseValue, depth);
    } else {
      this.answers.remember(key, value, depth);
    }
    return value;
  }

  private nest(levels: number): void {
    this.nesting += levels;
    if (this.nesting > limits.checkNestingMax) throw tooNested();
  }

  evaluate(plan: Plan, object: number, relation: CompiledRelation, depth: number): Value {
    this.nest(1);
    let value: Value;
    switch (plan.kind) {
      case 'direct':
        value = this.direct(plan.edges, object, relation, depth);
        break;
      case 'computed':
        value = this.ask(object, plan.relation, depth);
        break;
      case 'from': {
        const tupleset = this.facts.model.relations[plan.tupleset] as CompiledRelation;
        value = falseValue;
        for (const arrow of plan.arrows) {
          value = either(value, this.follow(arrow.edge, arrow.target, object, tupleset, depth));
          if (value === trueValue) break;
        }
        break;
      }
      case 'union':
        value = falseValue;
        for (const child of plan.children) {
          value = either(value, this.evaluate(child, object, relation, depth));
          if (value === trueValue) break;
        }
        break;
      case 'intersection':
        value = trueValue;
        if (this.isSurelyFalse(probesOf(plan, this.facts.model), object, relation, depth)) {
          value = falseValue;
          break;
        }
        for (const child of plan.children) {
          value = both(value, this.evaluate(child, object, relation, depth));
          if (value === falseValue) break;
        }
        break;
      case 'exclusion': {
        const first = subtractsFirst(plan, this.facts.model);
        if (first && this.subtracts(plan.subtract, object, relation, depth) === trueValue) {
          value = falseValue;
          break;
        }
        value = this.evaluate(plan.base, object, relation, depth);
        if (value === falseValue) break;
        value = without(value, this.subtracts(plan.subtract, object, relation, depth));
        break;
      }
    }
    this.nesting--;
    return value;
  }

  private subtracts(plan: Plan, object: number, relation: CompiledRelation, depth: number): Value {
    this.subtracted++;
    const value = this.evaluate(plan, object, relation, depth);
    this.subtracted--;
    return value;
  }

  private isSurelyFalse(
    probes: readonly Plan[],
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): boolean {
    for (const probe of probes) {
      if (this.evaluate(probe, object, relation, depth) === falseValue) return true;
    }
    return false;
  }

  private direct(
    edges: readonly Edge[],
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): Value {
    let value = this.facts.literal(edges, object, relation);
    for (const edge of edges) {
      if (value === trueValue) return value;
      if (edge.target === -1) continue;
      value = either(value, this.follow(edge, edge.target, object, relation, depth));
    }
    return value;
  }

  /**
   * Asks for the target on every subject of one edge. A wildcard in a tupleset, left by an older
   * model, is asked like an object: no tuple has `type:*` for its object, so it gives nothing.
   */
  follow(
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): Value {
    const { facts } = this;
    if (object === stranger || !facts.canReach(target)) return falseValue;
    const { subjectType, subjectRelation } = edge;
    let value = falseValue;
    let triedOtherSide = false;
    let after = 0;
    do {
      const run = facts.reader.subjects(
        object,
        relation.symbol,
        subjectType,
        subjectRelation,
        after,
      );
      if (!triedOtherSide && isWide(run) && this.sides.canDecide(target)) {
        triedOtherSide = true;
        const decided = this.sides.ofEdge(edge, target, object, relation, depth, run);
        if (decided !== undefined) return either(value, decided);
      }
      const { entities, guards, end } = run;
      after = run.next;
      for (let i = run.start; i < end; i++) {
        facts.step();
        const subject = entities[i] as number;
        const guard = guards === undefined ? noGuard : (guards[i] as number);
        const condition = facts.weigh(edge, guard, object, relation, subject);
        if (condition === falseValue) continue;
        value = either(value, both(condition, this.ask(subject, target, depth + 1)));
        if (value === trueValue) return value;
      }
    } while (after !== 0);
    return value;
  }
}

function tooNested(): Refusal {
  return new Refusal(
    tooComplex,
    `the check nests more than ${limits.checkNestingMax} rewrites; shorten the chains of relations that are defined by one another`,
  );
}
