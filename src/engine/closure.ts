/**
 * Answers a question of a relation that is recursive by unions alone, breadth first: everything
 * that the question leads to along such relations is visited once, nearest first. Nothing recurses,
 * and no chain of tuples is followed further than it must be.
 *
 * What lies outside the relation's component is asked of the walk. It never leads back in (else it
 * would be inside), so no answer here leans on an open question.
 */
import type { CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import { type Facts, stranger, tooDeep } from './facts.ts';
import { FewNumbers } from './few-numbers.ts';
import { isWide, sideSizes } from './sides.ts';
import { both, either, falseValue, isError, trueValue, uncertain, type Value } from './value.ts';

/** What a closure needs of the walk that it is part of. */
export interface Surroundings {
  readonly facts: Facts;
  readonly depthMax: number;
  /** By relation index; see `Recursion`. */
  readonly component: Int32Array;
  /** The value of a question that has one already. */
  answered(key: number, depth: number): Value | undefined;
  ask(object: number, relation: number, depth: number): Value;
  evaluate(plan: Plan, object: number, relation: CompiledRelation, depth: number): Value;
  /** The value of a question that can be told without walking; undefined where it cannot. */
  decide(object: number, relation: number, depth: number): Value | undefined;
  follow(
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): Value;
}

export class Closure {
  /** Keys of the questions that were visited. When the first one is false, all of them are. */
  private readonly seen = new FewNumbers();
  /** The question that it is to answer, and its value where that was told without visiting all. */
  private key = 0;
  private from = 0;
  private decided: Value | undefined = undefined;
  private triedOtherSide = false;
  private visits = 0;
  private readonly walk: Surroundings;
  private readonly component: number;
  /** Keys of the questions to visit, by how much deeper they are than the first. */
  private queues: number[][] = [];
  /** Those behind a condition that nobody can tell, and the first such condition. */
  private doubtful: number[][] = [];
  private doubt: Value = trueValue;

  constructor(walk: Surroundings, relation: number) {
    this.walk = walk;
    this.component = walk.component[relation] as number;
  }

  get visited(): Iterable<number> {
    return this.seen.keys();
  }

  /** First what is certain; then, if that does not settle it, what is behind open conditions. */
  search(key: number, depth: number): Value {
    this.key = key;
    this.from = depth;
    this.queues.push([key]);
    const certain = this.visitAll();
    if (this.decided !== undefined) return this.decided;
    if (certain === trueValue || this.doubt === trueValue) return certain;
    this.queues = this.doubtful;
    return either(certain, both(this.doubt, this.visitAll()));
  }

  private visitAll(): Value {
    let value = falseValue;
    for (let level = 0; level < this.queues.length; level++) {
      const queue = this.queues[level] as number[];
      const depth = this.from + level;
      // It grows while it is read: a computed relation is no deeper than what it is computed from.
      for (let i = 0; i < queue.length; i++) {
        const key = queue[i] as number;
        if (this.seen.has(key)) continue;
        if (depth >= this.walk.depthMax) return either(value, uncertain(tooDeep));
        this.seen.set(key, 0);
        this.walk.facts.step();
        if (++this.visits === sideSizes.wideFrom) this.tryOtherSide();
        if (this.decided === undefined) value = either(value, this.visit(key, depth));
        if (this.decided !== undefined) return this.decided;
        if (value === trueValue) return value;
      }
    }
    return value;
  }

  /** There is much to visit: it may be less from the subject's side. */
  private tryOtherSide(): void {
    if (this.triedOtherSide) return;
    this.triedOtherSide = true;
    const { key } = this;
    const { relations } = this.walk.facts.model;
    const object = Math.floor(key / relations.length);
    this.decided = this.walk.decide(object, key - object * relations.length, this.from);
  }

  private visit(key: number, depth: number): Value {
    const { relations } = this.walk.facts.model;
    const object = Math.floor(key / relations.length);
    const relation = relations[key - object * relations.length] as CompiledRelation;
    return this.spread(relation.plan, object, relation, depth);
  }

  private spread(plan: Plan, object: number, relation: CompiledRelation, depth: number): Value {
    let value = falseValue;
    switch (plan.kind) {
      case 'direct':
        value = this.walk.facts.literal(plan.edges, object, relation);
        for (const edge of plan.edges) {
          if (value === trueValue) return value;
          if (edge.target === -1) continue;
          value = either(value, this.hop(edge, edge.target, object, relation, depth));
        }
        return value;
      case 'computed':
        if (!this.isInside(plan.relation)) return this.walk.ask(object, plan.relation, depth);
        return this.enqueue(this.queues, object, plan.relation, depth);
      case 'from': {
        const tupleset = this.walk.facts.model.relations[plan.tupleset] as CompiledRelation;
        for (const { edge, target } of plan.arrows) {
          value = either(value, this.hop(edge, target, object, tupleset, depth));
          if (value === trueValue) return value;
        }
        return value;
      }
      case 'union':
        for (const child of plan.children) {
          value = either(value, this.spread(child, object, relation, depth));
          if (value === trueValue) return value;
        }
        return value;
      case 'intersection':
      case 'exclusion':
        return this.walk.evaluate(plan, object, relation, depth);
    }
  }

  private isInside(relation: number): boolean {
    return this.walk.component[relation] === this.component;
  }

  /** Along the tuples of one edge: the questions inside are put off, those outside are asked. */
  private hop(
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): Value {
    if (!this.isInside(target)) return this.walk.follow(edge, target, object, relation, depth);
    const { facts } = this.walk;
    if (object === stranger || !facts.canReach(target)) return falseValue;
    const { subjectType, subjectRelation } = edge;
    let value = falseValue;
    let after = 0;
    do {
      const run = facts.reader.subjects(
        object,
        relation.symbol,
        subjectType,
        subjectRelation,
        after,
      );
      if (isWide(run)) this.tryOtherSide();
      if (this.decided !== undefined) return this.decided;
      const { entities, guards, end } = run;
      after = run.next;
      for (let i = run.start; i < end; i++) {
        facts.step();
        const subject = entities[i] as number;
        const guard = guards === undefined ? noGuard : (guards[i] as number);
        const condition = facts.weigh(edge, guard, object, relation, subject);
        if (condition === falseValue) continue;
        const queues = this.queuesFor(condition);
        value = either(value, both(condition, this.enqueue(queues, subject, target, depth + 1)));
        if (value === trueValue) return value;
      }
    } while (after !== 0);
    return value;
  }

  /** What is visited behind an open condition is doubtful as a whole: one such is as good as two. */
  private queuesFor(condition: Value): number[][] {
    if (!isError(condition) || this.queues === this.doubtful) return this.queues;
    if (this.doubt === trueValue) this.doubt = condition;
    return this.doubtful;
  }

  /** The value of the question if it has one already; else false, and it is put into the queue. */
  private enqueue(queues: number[][], object: number, relation: number, depth: number): Value {
    const { facts } = this.walk;
    if (facts.isSubject(object, relation)) return trueValue;
    if (object === 0 || !facts.canReach(relation)) return falseValue;
    const key = object * facts.model.relations.length + relation;
    if (this.seen.has(key)) return falseValue;
    const value = this.walk.answered(key, depth);
    if (value !== undefined) return value;
    const level = depth - this.from;
    for (let i = queues.length; i < level; i++) queues.push([]);
    if (level === queues.length) queues.push([key]);
    else (queues[level] as number[]).push(key);
    return falseValue;
  }
}
