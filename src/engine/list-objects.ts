/**
 * The objects of one type to which a subject has a relation: a walk backwards from the subject,
 * breadth first. What is reached along unions is proven by the way there; what comes through an
 * intersection or an exclusion is a candidate, and a check over the same tuples decides it.
 */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel, CompiledRelation, Edge } from '../model/compiled.ts';
import type { SubjectRef, Tuple } from '../model/tuple.ts';
import { noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import { Facts, stranger, tooDeep } from './facts.ts';
import { overlay } from './overlay.ts';
import { Steps } from './steps.ts';
import { type LiteralUse, type Uses, usesOf } from './uses.ts';
import { causeOf, isError, trueValue, type Value } from './value.ts';
import { isAllowed, refusalOf } from './verdict.ts';
import { DepthFirstWalk } from './walk.ts';

export interface ListObjectsRequest {
  readonly type: string;
  readonly relation: string;
  readonly subject: SubjectRef;
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Usersets in a row between the subject and an object; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** What one check of a candidate may visit; `limits.checkStepsMax` unless given. */
  readonly stepsMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
}

/**
 * Yields the id of each object once, nearest first and then in the order in which the store met
 * them: the same tuples give the same list. Yields undefined where it may be interrupted. Throws a
 * `Refusal` for the first tuple or candidate that cannot be told; what was yielded stands.
 *
 * REQUIRES: the model has the relation on the type; the reader stays at its revision.
 */
export function listObjects(
  reader: TupleReader,
  model: CompiledModel,
  request: ListObjectsRequest,
): Generator<string | undefined, void, void> {
  return new BackwardWalk(reader, model, request).run();
}

class BackwardWalk {
  private readonly facts: Facts;
  private readonly model: CompiledModel;
  private readonly subject: SubjectRef;
  private readonly uses: Uses;
  private readonly goal: number;
  private readonly leadsToGoal: Uint8Array;
  private readonly depthMax: number;
  private readonly checks: DepthFirstWalk;
  private readonly steps: Steps;
  /** Questions that were answered, true or not. */
  private readonly seen = new Set<number>();
  /** True ones to go on from: those of this depth, and of the next. */
  private queue: number[] = [];
  private nextQueue: number[] = [];
  /** Hops from the tuple that names the subject; a subject that is a userset stands before it. */
  private depth: number;

  constructor(reader: TupleReader, model: CompiledModel, request: ListObjectsRequest) {
    const { subject, context, now } = request;
    this.depthMax = request.depthMax ?? limits.checkDepthMax;
    this.model = model;
    this.subject = subject;
    this.facts = new Facts(overlay(reader, model, request.contextualTuples), model, {
      subject,
      context,
      now,
      depthMax: this.depthMax,
      stepsMax: request.stepsMax ?? limits.checkStepsMax,
    });
    this.checks = new DepthFirstWalk(this.facts, this.depthMax);
    this.steps = new Steps(request.sliceSteps, this.facts);
    this.uses = usesOf(model);
    this.goal = model.relationIndex(request.type, request.relation);
    assert(this.goal !== -1, 'the caller made sure that the model has the relation');
    this.leadsToGoal = this.uses.leadsTo(this.goal);
    this.depth = this.facts.index === -1 ? 0 : -1;
  }

  *run(): Generator<string | undefined, void, void> {
    if (!this.facts.canReach(this.goal)) return;
    if (this.facts.index === -1) {
      for (const use of this.uses.literals) {
        if (this.isUseful(use.relation)) yield* this.begin(use);
      }
    } else if (this.reach(this.facts.entity, this.facts.index, false)) {
      yield this.idOf(this.facts.entity);
    }
    while (this.queue.length > 0) {
      // It grows while it is read: a computed relation is no further than what it is computed from.
      for (let i = 0; i < this.queue.length; i++) yield* this.spread(this.queue[i] as number);
      this.queue = this.nextQueue;
      this.nextQueue = [];
      this.depth++;
    }
  }

  /** The objects of all tuples that name the subject, or its wildcard, in one relation. */
  private *begin({ relation, edge, confirm }: LiteralUse) {
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
        if (!this.holds(edge, guard, object, relation, subject)) continue;
        if (this.reach(object, relation.index, confirm)) yield this.idOf(object);
      }
    } while (after !== 0);
  }

  /** What a question that is true leads to. */
  private *spread(key: number): Generator<string | undefined, void, void> {
    const count = this.model.relations.length;
    const subject = Math.floor(key / count);
    const held = this.model.relations[key - subject * count] as CompiledRelation;
    for (const { relation, confirm, hop } of this.uses.ofRelation[held.index] ?? []) {
      if (!this.isUseful(relation)) continue;
      if (hop === undefined) {
        if (this.steps.take()) yield undefined;
        if (this.reach(subject, relation.index, confirm)) yield this.idOf(subject);
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
  ) {
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
        if (!this.holds(edge, run.guards?.[i] ?? noGuard, object, via, subject)) continue;
        if (this.reach(object, relation.index, confirm, this.nextQueue)) yield this.idOf(object);
      }
    } while (after !== 0);
    this.depth--;
  }

  private isUseful(relation: CompiledRelation): boolean {
    return this.leadsToGoal[relation.index] === 1 && this.facts.canReach(relation.index);
  }

  /**
   * Whether the tuple counts. One whose condition cannot be told fails the list, though the object
   * may be reached another way: the wire's tests have it so (openfga-abac, `list_objects` cases).
   */
  private holds(
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
  ): boolean {
    const value: Value = this.facts.weigh(edge, guard, object, relation, subject);
    if (isError(value)) throw refusalOf(this.facts.unanswered(causeOf(value)));
    return value === trueValue;
  }

  /** Notes a question that is true, or true if a check confirms it. Returns whether to list it. */
  private reach(object: number, relation: number, confirm: boolean, queue = this.queue): boolean {
    const key = object * this.model.relations.length + relation;
    assert(Number.isSafeInteger(key), 'every question has a key of its own');
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    if (confirm && !isAllowed(this.checks.checkEntity(object, relation))) return false;
    queue.push(key);
    if (relation !== this.goal) return false;
    if (this.depth >= this.depthMax) throw refusalOf(this.facts.unanswered(tooDeep));
    return true;
  }

  private idOf(object: number): string {
    return object === stranger ? this.subject.id : this.facts.reader.entityRef(object).id;
  }
}
