/**
 * What an object's relation leads to, as a system of sets: each question (object, relation) is a
 * union of the subjects that tuples name, of other questions, and of operators (an intersection or
 * an exclusion with its operands). Visits every question once, nearest first.
 *
 * What holds only if a doubt turns out well (a condition that cannot be told, a question beyond the
 * depth of a check) is kept apart in every union, in a union of its own.
 */
import { assert } from '../base/assert.ts';
import type { CompiledModel, CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import { EntitySet } from './entity-set.ts';
import { type Doubts, type Facts, tooDeep } from './facts.ts';
import type { Steps } from './steps.ts';
import type { Pauses } from './subject-set.ts';
import { falseValue, trueValue, type Value } from './value.ts';
import { refusalOf } from './verdict.ts';

/** A union. Its parts are told by their places in the system. */
export interface Union {
  /** Entities that tuples name, of the kind asked for; the wildcard is not among them. */
  readonly named: number[];
  /** Whether a tuple names the wildcard. */
  everyone: boolean;
  readonly unions: number[];
  readonly operators: number[];
  /** The place of the union of all that may be in this one; -1 where nothing is in doubt. */
  doubt: number;
  /** The whole answer contains it: it was met along unions alone. */
  readonly certain: boolean;
}

export interface Operator {
  readonly kind: 'intersection' | 'exclusion';
  /** Unions; of an exclusion the base, then what is subtracted. */
  readonly operands: readonly number[];
}

/** What is not followed further, and what becomes of doubts. */
interface Limit {
  readonly depthMax: number;
  readonly doubts: Doubts;
}

/** Told of each subject that is certain, as soon as it is met. */
type Meet = (subject: number) => void;

/** A question that is still to be read. */
interface Pending {
  readonly union: Union;
  readonly object: number;
  readonly relation: CompiledRelation;
}

export class SubjectSystem {
  /** The first ones are the answers, in the order of the relations asked for. */
  readonly unions: Union[] = [];
  readonly operators: Operator[] = [];
  /** Entities that were met as certain, and the wildcard's if it was; none where nobody is told. */
  readonly met = new EntitySet();
  /** Whether anything is in doubt. */
  doubtful = false;
  private readonly facts: Facts;
  private readonly reader: TupleReader;
  private readonly model: CompiledModel;
  private readonly steps: Steps;
  private readonly depthMax: number;
  private readonly doubts: Doubts;
  /** Undefined: whom it meets is told by the unions alone. */
  private readonly meet: Meet | undefined;
  private depth = 0;
  /** Places of the questions that a check would not ask for their depth. */
  private readonly tooDeep = new Set<number>();
  private readonly ids = new Map<number, number>();
  private queue: Pending[] = [];
  private nextQueue: Pending[] = [];

  /** The facts' subject stands for all of its kind: its type, and its relation if it has one. */
  constructor(facts: Facts, steps: Steps, limit: Limit, meet?: Meet) {
    this.facts = facts;
    this.reader = facts.reader;
    this.model = facts.model;
    this.steps = steps;
    this.depthMax = limit.depthMax;
    this.doubts = limit.doubts;
    this.meet = meet;
  }

  /** Yields where it may be interrupted. */
  *read(object: number, relations: readonly number[]): Pauses<void> {
    for (const relation of relations) this.question(object, relation, true, this.queue);
    for (; this.queue.length > 0; this.depth++) {
      // The check says so too: nothing is asked beyond, also where nothing would be found.
      if (this.depth >= this.depthMax && this.doubts === 'refuse') {
        throw refusalOf(this.facts.unanswered(tooDeep));
      }
      // It grows while it is read: a computed relation is no deeper than what it is computed from.
      for (let i = 0; i < this.queue.length; i++) {
        const { union, object, relation } = this.queue[i] as Pending;
        if (this.steps.take()) yield undefined;
        // `X#r` is in `X#r`, without any tuple.
        if (relation.index === this.facts.index) this.name(union, object);
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
      const depth = queue === this.queue ? this.depth : this.depth + 1;
      if (depth >= this.depthMax) this.tooDeep.add(id);
      queue.push({ union, object, relation: this.model.relations[relation] as CompiledRelation });
    }
    return id;
  }

  private union(certain: boolean): Union {
    const union = { named: [], everyone: false, unions: [], operators: [], doubt: -1, certain };
    this.unions.push(union);
    return union;
  }

  /** The union of what may be in this one. */
  private doubtOf(union: Union): Union {
    this.doubtful = true;
    if (union.doubt === -1) {
      union.doubt = this.unions.length;
      return this.union(false);
    }
    return this.unions[union.doubt] as Union;
  }

  private name(union: Union, subject: number): void {
    if (subject === this.facts.wildcardEntity()) {
      // Left in a tupleset by an older model: no userset is one of all objects.
      if (this.facts.index !== -1) return;
      union.everyone = true;
    } else union.named.push(subject);
    if (this.meet === undefined || !union.certain) return;
    if (this.met.add(subject)) this.meet(subject);
  }

  private *spread(
    plan: Plan,
    into: Union,
    object: number,
    relation: CompiledRelation,
  ): Pauses<void> {
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
    const everyone = this.facts.wildcardEntity();
    let after = 0;
    do {
      const run = this.reader.subjects(object, relation.symbol, type, 0, after);
      after = run.next;
      const isPlain = run.guards === undefined && !this.facts.isOverlaid;
      for (let from = run.start; from < run.end; ) {
        const to = Math.min(run.end, from + Math.max(1, this.steps.left()));
        for (let i = from; i < to; i++) {
          const subject = run.entities[i] as number;
          const edge = subject === everyone ? wildcard : plain;
          if (edge === undefined) continue;
          if (isPlain && edge.unguarded) {
            this.name(into, subject);
            continue;
          }
          const shown = run.guards?.[i] ?? noGuard;
          const guard = this.facts.guardInForce(edge, shown, object, relation, subject);
          const value = this.facts.weighFor(this.doubts, edge, guard, object, relation, subject);
          if (value !== falseValue) this.name(this.place(into, value), subject);
        }
        if (this.steps.take(to - from)) yield undefined;
        from = to;
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
        const subject = run.entities[i] as number;
        const guard = run.guards?.[i] ?? noGuard;
        const value = this.facts.weighFor(this.doubts, edge, guard, object, relation, subject);
        if (value !== falseValue) this.lead(into, subject, target, value);
        if (this.steps.take()) yield undefined;
      }
    } while (after !== 0);
  }

  /** Puts a question into a union, of the next depth. */
  private lead(into: Union, subject: number, target: number, value: Value): void {
    const certain = into.certain && value === trueValue;
    const question = this.question(subject, target, certain, this.nextQueue);
    const isNear = !this.tooDeep.has(question);
    (isNear ? this.place(into, value) : this.doubtOf(into)).unions.push(question);
  }

  /** Where to put what is worth as much as this. */
  private place(into: Union, value: Value): Union {
    return value === trueValue ? into : this.doubtOf(into);
  }
}
