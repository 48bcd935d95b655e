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
import { noGuard, type Run } from '../storage/tuple-reader.ts';
import { judge } from './candidates.ts';
import { EntitySet } from './entity-set.ts';
import { type Doubts, type Facts, stranger, tooDeep } from './facts.ts';
import type { Steps } from './steps.ts';
import { type Confirm, type LiteralUse, type Use, type Uses, usesOf } from './uses.ts';
import { falseValue, trueValue, type Value } from './value.ts';
import { refusalOf } from './verdict.ts';
import type { DepthFirstWalk } from './walk.ts';

/**
 * Told of one of the relations that are looked for, on an object; of each pair once. If it is not
 * proven, a check must tell.
 */
export type Arrive = (object: number, relation: number, proven: boolean) => void;

type Pauses = Generator<undefined, void, void>;

/** The tuples that are gone along, all of one relation, and what each of them gives. */
interface Way {
  readonly edge: Edge;
  /** The entity that the tuples name. */
  readonly subject: number;
  /** The relation of the tuples. */
  readonly via: CompiledRelation;
  /** What they give on their object. */
  readonly gives: CompiledRelation;
  readonly confirm: Confirm | undefined;
  /** Whether they name the subject of the list itself, or its wildcard. */
  readonly literal: boolean;
}

export class BackwardWalk {
  private readonly facts: Facts;
  private readonly model: CompiledModel;
  private readonly checks: DepthFirstWalk;
  private readonly steps: Steps;
  private readonly uses: Uses;
  private readonly doubts: Doubts;
  private readonly arrive: Arrive;
  private readonly isGoal: Uint8Array;
  private readonly leadsToGoal: Uint8Array;
  /** By relation: what is worth going on to from it. */
  private readonly usefulUses: (readonly Use[] | undefined)[] = [];
  /** By relation, the objects: questions that were answered, true or not, or followed in doubt. */
  private readonly seen: (EntitySet | undefined)[] = [];
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
    request: { readonly goals: readonly number[]; readonly doubts: Doubts; arrive: Arrive },
  ) {
    this.checks = checks;
    this.facts = checks.facts;
    this.model = checks.facts.model;
    this.steps = steps;
    this.doubts = request.doubts;
    this.arrive = request.arrive;
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

  /** Yields where it may be interrupted. */
  *run(): Pauses {
    if (this.facts.index === -1) {
      for (const use of this.uses.literals) {
        if (this.isUseful(use.relation)) yield* this.begin(use);
      }
    } else if (this.facts.index >= 0) {
      this.reach(this.facts.entity, this.facts.index, undefined, trueValue, this.queue);
    }
    yield* this.spreadAll();
    this.followsDoubts = true;
    for (const key of this.undecided) this.follow(key, this.queue);
    for (const key of this.doubted) {
      const object = this.objectOf(key);
      const relation = key - object * this.model.relations.length;
      this.reach(object, relation, undefined, trueValue, this.queue);
    }
    yield* this.spreadAll();
  }

  private *spreadAll(): Pauses {
    const count = this.model.relations.length;
    while (this.queue.length > 0) {
      // It grows while it is read: a computed relation is no further than what it is computed from.
      for (let i = 0; i < this.queue.length; i++) {
        const key = this.queue[i] as number;
        const subject = this.objectOf(key);
        for (const use of this.usesOf(key - subject * count)) {
          const { relation: gives, confirm, hop } = use;
          if (hop === undefined) {
            this.reach(subject, gives.index, confirm, trueValue, this.queue);
            if (this.steps.take()) yield undefined;
          } else if (subject !== stranger) {
            const { edge, relation: via } = hop;
            this.depth++;
            const way = { edge, subject, via, gives, confirm, literal: false };
            yield* this.goAlong(way, this.nextQueue);
            this.depth--;
          }
        }
      }
      this.queue = this.nextQueue;
      this.nextQueue = [];
      this.depth++;
    }
  }

  /** The objects of all tuples that name the subject, or its wildcard, in one relation. */
  private *begin({ relation, edge, confirm }: LiteralUse): Pauses {
    const subject = this.facts.namedBy(edge);
    if (subject === 0) return;
    const way = { edge, subject, via: relation, gives: relation, confirm, literal: true };
    yield* this.goAlong(way, this.queue);
  }

  /** Backwards along tuples, to all of their objects. */
  private *goAlong(way: Way, queue: number[]): Pauses {
    const { edge, subject, via } = way;
    let after = 0;
    do {
      const run = this.facts.reader.objects(
        subject,
        edge.subjectRelation,
        via.symbol,
        via.type,
        after,
      );
      after = run.next;
      for (let from = run.start; from < run.end; ) {
        from = this.isCertain(way, run)
          ? this.reachAll(way, run, from, queue)
          : this.reachEach(way, run, from, queue);
        if (this.steps.take(0)) yield undefined;
      }
    } while (after !== 0);
  }

  /** Whether all tuples of the run give what they give without anything to look at. */
  private isCertain({ edge, confirm, literal }: Way, run: Run): boolean {
    if (run.guards !== undefined || confirm !== undefined || !edge.unguarded) return false;
    return !literal || !this.facts.isOverlaid;
  }

  /** To as many objects of a run as a slice has room for. Returns how far it came. */
  private reachAll({ gives }: Way, run: Run, from: number, queue: number[]): number {
    const { entities } = run;
    const end = Math.min(run.end, from + Math.max(1, this.steps.left()));
    const relation = gives.index;
    const count = this.model.relations.length;
    const seen = this.seenOf(relation);
    const isGoal = this.isGoal[relation] === 1;
    const leadsOn = this.usesOf(relation).length > 0;
    const areNew = seen.addAscending(entities, from, end);
    if (!areNew) seen.reserve(end - from);
    for (let i = from; i < end; i++) {
      const object = entities[i] as number;
      if (!areNew && !seen.add(object)) continue;
      if (leadsOn) queue.push(object * count + relation);
      if (isGoal) this.arrive(object, relation, !this.followsDoubts && !this.isTooDeep());
    }
    this.steps.spend(end - from);
    return end;
  }

  /** The same where each tuple must be looked at, or each object checked. */
  private reachEach(way: Way, run: Run, from: number, queue: number[]): number {
    const { edge, subject, via, gives, confirm, literal } = way;
    for (let i = from; i < run.end; i++) {
      const object = run.entities[i] as number;
      const shown = run.guards?.[i] ?? noGuard;
      const guard = literal ? this.facts.guardInForce(edge, shown, object, via, subject) : shown;
      const value = this.facts.weighFor(this.doubts, edge, guard, object, via, subject);
      this.reach(object, gives.index, confirm, value, queue);
      this.steps.spend();
      if (this.steps.left() <= 0) return i + 1;
    }
    return run.end;
  }

  private usesOf(relation: number): readonly Use[] {
    let uses = this.usefulUses[relation];
    if (uses === undefined) {
      uses = (this.uses.ofRelation[relation] ?? []).filter((use) => this.isUseful(use.relation));
      this.usefulUses[relation] = uses;
    }
    return uses;
  }

  private seenOf(relation: number): EntitySet {
    let seen = this.seen[relation];
    if (seen === undefined) {
      seen = new EntitySet();
      this.seen[relation] = seen;
    }
    return seen;
  }

  private isUseful(relation: CompiledRelation): boolean {
    return this.leadsToGoal[relation.index] === 1 && this.facts.canReach(relation.index);
  }

  private objectOf(key: number): number {
    return Math.floor(key / this.model.relations.length);
  }

  /** Notes a question that is worth as much as `value`, if a check confirms it where one must. */
  private reach(
    object: number,
    relation: number,
    confirm: Confirm | undefined,
    value: Value,
    queue: number[],
  ): void {
    if (value === falseValue) return;
    const key = object * this.model.relations.length + relation;
    assert(Number.isSafeInteger(key), 'every question has a key of its own');
    const seen = this.seenOf(relation);
    if (seen.has(object)) return;
    if (!this.followsDoubts && value !== trueValue) {
      this.doubted.add(key);
      return;
    }
    seen.add(object);
    if (this.followsDoubts) {
      this.follow(key, queue);
      return;
    }
    if (confirm !== undefined) {
      const isProven = this.depth < this.checks.depthMax;
      const verdict = judge(this.checks, object, relation, confirm, isProven);
      if (verdict.kind === 'denied') return;
      if (verdict.kind !== 'allowed') {
        if (this.doubts === 'refuse') throw refusalOf(verdict);
        this.undecided.push(key);
        return;
      }
    }
    queue.push(key);
    if (this.isGoal[relation] === 1) this.arrive(object, relation, !this.isTooDeep());
  }

  private follow(key: number, queue: number[]): void {
    queue.push(key);
    const object = this.objectOf(key);
    const relation = key - object * this.model.relations.length;
    if (this.isGoal[relation] === 1) this.arrive(object, relation, false);
  }

  private isTooDeep(): boolean {
    if (this.depth < this.checks.depthMax) return false;
    if (this.doubts === 'refuse') throw refusalOf(this.facts.unanswered(tooDeep));
    return true;
  }
}
