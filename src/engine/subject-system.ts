/**
 * What an object's relation leads to, as a system of sets: each question (object, relation) is a
 * union of the subjects that tuples name, of other questions, and of operators (an intersection or
 * an exclusion with its operands). Visits every question once, nearest first.
 */
import { assert } from '../base/assert.ts';
import type { CompiledModel, CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import { type Facts, tooDeep } from './facts.ts';
import type { Steps } from './steps.ts';
import { causeOf, isError, trueValue } from './value.ts';
import { refusalOf } from './verdict.ts';

/** A union. Its parts are told by their places in the system. */
export interface Union {
  /** Entities that tuples name, of the kind asked for; the wildcard is not among them. */
  readonly named: number[];
  /** Whether a tuple names the wildcard. */
  everyone: boolean;
  readonly unions: number[];
  readonly operators: number[];
  /** The whole answer contains it: it was met along unions alone. */
  readonly certain: boolean;
}

export interface Operator {
  readonly kind: 'intersection' | 'exclusion';
  /** Unions; of an exclusion the base, then what is subtracted. */
  readonly operands: readonly number[];
}

/** A question that is still to be read. */
interface Pending {
  readonly union: Union;
  readonly object: number;
  readonly relation: CompiledRelation;
}

export class SubjectSystem {
  /** The first one is the answer. */
  readonly unions: Union[] = [];
  readonly operators: Operator[] = [];
  /** Entities that were yielded, and the wildcard's if it was. */
  readonly yielded = new Set<number>();
  private readonly facts: Facts;
  private readonly reader: TupleReader;
  private readonly model: CompiledModel;
  private readonly steps: Steps;
  private readonly depthMax: number;
  private readonly ids = new Map<number, number>();
  private queue: Pending[] = [];
  private nextQueue: Pending[] = [];

  /** The facts' subject stands for all of its kind: its type, and its relation if it has one. */
  constructor(facts: Facts, steps: Steps, depthMax: number) {
    this.facts = facts;
    this.reader = facts.reader;
    this.model = facts.model;
    this.steps = steps;
    this.depthMax = depthMax;
  }

  /** Yields each subject that is certain as soon as it is met, and undefined for a pause. */
  *read(object: number, relation: number): Generator<number | undefined, void, void> {
    this.question(object, relation, true, this.queue);
    for (let depth = 0; this.queue.length > 0; depth++) {
      // The check says so too: nothing is asked beyond, also where nothing would be found.
      if (depth >= this.depthMax) throw refusalOf(this.facts.unanswered(tooDeep));
      // It grows while it is read: a computed relation is no deeper than what it is computed from.
      for (let i = 0; i < this.queue.length; i++) {
        const { union, object, relation } = this.queue[i] as Pending;
        if (this.steps.take()) yield undefined;
        // `X#r` is in `X#r`, without any tuple.
        if (relation.index === this.facts.index) yield* this.name(union, object);
        yield* this.spread(relation.plan, union, object, relation);
      }
      this.queue = this.nextQueue;
      this.nextQueue = [];
    }
  }

  /** The place of a question, put into the queue where it is new. */
  private question(object: number, relation: number, certain: boolean, queue: Pending[]): number {
    const key = object * this.model.relations.length + relation;
    assert(Number.isSafeInteger(key), 'every question has a key of its own');
    let id = this.ids.get(key);
    if (id === undefined) {
      const union = this.union(certain);
      id = this.unions.length - 1;
      this.ids.set(key, id);
      queue.push({ union, object, relation: this.model.relations[relation] as CompiledRelation });
    }
    return id;
  }

  private union(certain: boolean): Union {
    const union = { named: [], everyone: false, unions: [], operators: [], certain };
    this.unions.push(union);
    return union;
  }

  private *name(union: Union, subject: number): Generator<number | undefined, void, void> {
    if (subject === this.facts.wildcardEntity()) union.everyone = true;
    else union.named.push(subject);
    if (!union.certain || this.yielded.has(subject)) return;
    this.yielded.add(subject);
    yield subject;
  }

  private *spread(
    plan: Plan,
    into: Union,
    object: number,
    relation: CompiledRelation,
  ): Generator<number | undefined, void, void> {
    switch (plan.kind) {
      case 'direct':
        yield* this.literals(plan.edges, into, object, relation);
        for (const edge of plan.edges) {
          if (edge.target !== -1) yield* this.follow(edge, edge.target, into, object, relation);
        }
        break;
      case 'computed':
        if (this.facts.canReach(plan.relation)) {
          into.unions.push(this.question(object, plan.relation, into.certain, this.queue));
        }
        break;
      case 'from': {
        const tupleset = this.model.relations[plan.tupleset] as CompiledRelation;
        for (const { edge, target } of plan.arrows) {
          yield* this.follow(edge, target, into, object, tupleset);
        }
        break;
      }
      case 'union':
        for (const child of plan.children) yield* this.spread(child, into, object, relation);
        break;
      case 'intersection':
        yield* this.operate('intersection', plan.children, into, object, relation);
        break;
      case 'exclusion':
        yield* this.operate('exclusion', [plan.base, plan.subtract], into, object, relation);
        break;
    }
  }

  private *operate(
    kind: Operator['kind'],
    plans: readonly Plan[],
    into: Union,
    object: number,
    relation: CompiledRelation,
  ) {
    const operands: number[] = [];
    into.operators.push(this.operators.push({ kind, operands }) - 1);
    for (const plan of plans) {
      const operand = this.union(false);
      operands.push(this.unions.length - 1);
      yield* this.spread(plan, operand, object, relation);
    }
  }

  /** The tuples that name subjects of the kind asked for: objects and the wildcard in one range. */
  private *literals(
    edges: readonly Edge[],
    into: Union,
    object: number,
    relation: CompiledRelation,
  ) {
    if (this.facts.index !== -1) return;
    const plain = edges.find((edge) => this.facts.isOfKind(edge) && !edge.wildcard);
    const wildcard = edges.find((edge) => this.facts.isOfKind(edge) && edge.wildcard);
    const type = (plain ?? wildcard)?.subjectType;
    if (type === undefined) return;
    let after = 0;
    do {
      const run = this.reader.subjects(object, relation.symbol, type, 0, after);
      after = run.next;
      for (let i = run.start; i < run.end; i++) {
        if (this.steps.take()) yield undefined;
        const subject = run.entities[i] as number;
        const edge = subject === this.facts.wildcardEntity() ? wildcard : plain;
        if (edge === undefined) continue;
        const shown = run.guards?.[i] ?? noGuard;
        const guard = this.facts.guardInForce(edge, shown, object, relation, subject);
        if (this.holds(edge, guard, object, relation, subject)) yield* this.name(into, subject);
      }
    } while (after !== 0);
  }

  private *follow(
    edge: Edge,
    target: number,
    into: Union,
    object: number,
    relation: CompiledRelation,
  ) {
    if (!this.facts.canReach(target)) return;
    const { subjectType, subjectRelation } = edge;
    let after = 0;
    do {
      const run = this.reader.subjects(
        object,
        relation.symbol,
        subjectType,
        subjectRelation,
        after,
      );
      after = run.next;
      for (let i = run.start; i < run.end; i++) {
        if (this.steps.take()) yield undefined;
        const subject = run.entities[i] as number;
        if (!this.holds(edge, run.guards?.[i] ?? noGuard, object, relation, subject)) continue;
        into.unions.push(this.question(subject, target, into.certain, this.nextQueue));
      }
    } while (after !== 0);
  }

  /**
   * Whether the tuple counts. One whose condition cannot be told fails the list, also for those who
   * are reached another way: the wire's tests have it so (openfga-abac,
   * `relation_through_ttu_with_condition`).
   */
  private holds(
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
  ): boolean {
    const value = this.facts.weigh(edge, guard, object, relation, subject);
    if (isError(value)) throw refusalOf(this.facts.unanswered(causeOf(value)));
    return value === trueValue;
  }
}
