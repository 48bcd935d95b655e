/**
 * A walk backwards from a subject, breadth first: everything to which it has one of the relations
 * that are looked for. What is reached along unions is proven by the way there; what comes through
 * an intersection or an exclusion is a candidate, and a check over the same tuples decides it.
 *
 * Doubts are put off until everything certain is reached: then what lies behind a tuple whose
 * condition cannot be told, or a candidate whose check has no answer, is followed to its end. There
 * nothing is proven, and whoever asked must check what arrives.
 */
import { assert } from '../base/assert.ts';
import type { CompiledModel, CompiledRelation, Edge } from '../model/compiled.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import { type Doubts, type Facts, stranger, tooDeep } from './facts.ts';
import type { Steps } from './steps.ts';
import { type LiteralUse, type Uses, usesOf } from './uses.ts';
import { falseValue, trueValue, type Value } from './value.ts';
import { refusalOf } from './verdict.ts';
import type { DepthFirstWalk } from './walk.ts';

/** One of the relations that are looked for, on an object; each pair arrives once. */
export interface Arrival {
  readonly object: number;
  readonly relation: number;
  /** If it is not, a check must tell. */
  readonly proven: boolean;
}

type Arrivals = Generator<Arrival | undefined, void, void>;

export class BackwardWalk {
  private readonly facts: Facts;
  private readonly model: CompiledModel;
  private readonly checks: DepthFirstWalk;
  private readonly steps: Steps;
  private readonly uses: Uses;
  private readonly doubts: Doubts;
  private readonly isGoal: Uint8Array;
  private readonly leadsToGoal: Uint8Array;
  /** Questions that were answered, true or not, or are followed in doubt. */
  private readonly seen = new Set<number>();
  /** Ones to go on from: those of this depth, and of the next. */
  private queue: number[] = [];
  private nextQueue: number[] = [];
  /** Questions that may be true: the first without an answer of their own yet. */
  private readonly doubted = new Set<number>();
  private readonly undecided: number[] = [];
  private followsDoubts = false;
  /** Hops from the tuple that names the subject; a subject that is a userset stands before it. */
  private depth: number;

  /** REQUIRES: relation indexes that the subject can reach, and checks over the same facts. */
  constructor(
    checks: DepthFirstWalk,
    steps: Steps,
    request: { readonly goals: readonly number[]; readonly doubts: Doubts },
  ) {
    this.checks = checks;
    this.facts = checks.facts;
    this.model = checks.facts.model;
    this.steps = steps;
    this.doubts = request.doubts;
    this.uses = usesOf(this.model);
    this.isGoal = new Uint8Array(this.model.relations.length);
    this.leadsToGoal = new Uint8Array(this.model.relations.length);
    for (const goal of request.goals) {
      this.isGoal[goal] = 1;
      for (const [relation, leads] of this.uses.leadsTo(goal).entries()) {
        if (leads === 1) this.leadsToGoal[relation] = 1;
      }
    }
    this.depth = this.facts.index === -1 ? 0 : -1;
  }

  /** Yields undefined where it may be interrupted. */
  *run(): Arrivals {
    if (this.facts.index === -1) {
      for (const use of this.uses.literals) {
        if (this.isUseful(use.relation)) yield* this.begin(use);
      }
    } else if (this.facts.index >= 0) {
      yield* this.reach(this.facts.entity, this.facts.index, false, trueValue);
    }
    yield* this.spreadAll();
    this.followsDoubts = true;
    const count = this.model.relations.length;
    for (const key of this.undecided) yield* this.follow(key, this.queue);
    for (const key of this.doubted) {
      const object = Math.floor(key / count);
      yield* this.reach(object, key - object * count, false, trueValue);
    }
    yield* this.spreadAll();
  }

  private *spreadAll(): Arrivals {
    while (this.queue.length > 0) {
      // It grows while it is read: a computed relation is no further than what it is computed from.
      for (let i = 0; i < this.queue.length; i++) yield* this.spread(this.queue[i] as number);
      this.queue = this.nextQueue;
      this.nextQueue = [];
      this.depth++;
    }
  }

  /** The objects of all tuples that name the subject, or its wildcard, in one relation. */
  private *begin({ relation, edge, confirm }: LiteralUse): Arrivals {
    const subject = this.facts.namedBy(edge);
    if (subject === 0) return;
    const { reader } = this.facts;
    let after = 0;
    do {
      const run = reader.objects(subject, 0, relation.symbol, relation.type, after);
      after = run.next;
      for (let i = run.start; i < run.end; i++) {
        if (this.steps.take()) yield undefined;
        const object = run.entities[i] as number;
        const shown = run.guards?.[i] ?? noGuard;
        const guard = this.facts.guardInForce(edge, shown, object, relation, subject);
        const value = this.facts.weighFor(this.doubts, edge, guard, object, relation, subject);
        yield* this.reach(object, relation.index, confirm, value);
      }
    } while (after !== 0);
  }

  /** What a question leads to. */
  private *spread(key: number): Arrivals {
    const count = this.model.relations.length;
    const subject = Math.floor(key / count);
    const held = this.model.relations[key - subject * count] as CompiledRelation;
    for (const { relation, confirm, hop } of this.uses.ofRelation[held.index] ?? []) {
      if (!this.isUseful(relation)) continue;
      if (hop === undefined) {
        if (this.steps.take()) yield undefined;
        yield* this.reach(subject, relation.index, confirm, trueValue);
      } else {
        yield* this.hop(subject, hop.edge, hop.relation, relation, confirm);
      }
    }
  }

  /** Backwards along the tuples `object#via@subject`, each of which gives `relation` on the object. */
  private *hop(
    subject: number,
    edge: Edge,
    via: CompiledRelation,
    relation: CompiledRelation,
    confirm: boolean,
  ): Arrivals {
    if (subject === stranger) return;
    const { reader } = this.facts;
    this.depth++;
    let after = 0;
    do {
      const run = reader.objects(subject, edge.subjectRelation, via.symbol, via.type, after);
      after = run.next;
      for (let i = run.start; i < run.end; i++) {
        if (this.steps.take()) yield undefined;
        const object = run.entities[i] as number;
        const guard = run.guards?.[i] ?? noGuard;
        const value = this.facts.weighFor(this.doubts, edge, guard, object, via, subject);
        yield* this.reach(object, relation.index, confirm, value, this.nextQueue);
      }
    } while (after !== 0);
    this.depth--;
  }

  private isUseful(relation: CompiledRelation): boolean {
    return this.leadsToGoal[relation.index] === 1 && this.facts.canReach(relation.index);
  }

  /** Notes a question that is worth as much as `value`, if a check confirms it where one must. */
  private *reach(
    object: number,
    relation: number,
    confirm: boolean,
    value: Value,
    queue = this.queue,
  ): Arrivals {
    if (value === falseValue) return;
    const key = object * this.model.relations.length + relation;
    assert(Number.isSafeInteger(key), 'every question has a key of its own');
    if (this.seen.has(key)) return;
    if (!this.followsDoubts && value !== trueValue) {
      this.doubted.add(key);
      return;
    }
    this.seen.add(key);
    if (this.followsDoubts) {
      yield* this.follow(key, queue);
      return;
    }
    if (confirm) {
      const verdict = this.checks.checkEntity(object, relation);
      if (verdict.kind === 'denied') return;
      if (verdict.kind !== 'allowed') {
        if (this.doubts === 'refuse') throw refusalOf(verdict);
        this.undecided.push(key);
        return;
      }
    }
    queue.push(key);
    if (this.isGoal[relation] === 1) yield { object, relation, proven: !this.isTooDeep() };
  }

  private *follow(key: number, queue: number[]): Arrivals {
    queue.push(key);
    const count = this.model.relations.length;
    const object = Math.floor(key / count);
    const relation = key - object * count;
    if (this.isGoal[relation] === 1) yield { object, relation, proven: false };
  }

  private isTooDeep(): boolean {
    if (this.depth < this.checks.depthMax) return false;
    if (this.doubts === 'refuse') throw refusalOf(this.facts.unanswered(tooDeep));
    return true;
  }
}
