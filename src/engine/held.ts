/**
 * All that the subject of a check has one plain relation to, found from the subject's side: from the
 * tuples that name it along those that lead to the relation, nearest first.
 */
import type { CompiledRelation, Edge } from '../model/compiled.ts';
import { noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import type { Facts } from './facts.ts';
import { type Use, type Uses, usesOf } from './uses.ts';
import { falseValue, trueValue } from './value.ts';

export interface Held {
  /** By entity: the hops between it and the tuple that names the subject; fewer than the limit. */
  readonly hops: ReadonlyMap<number, number>;
  /** Whether there is no other within the limit, for sure. */
  readonly whole: boolean;
}

/**
 * `guarded`: a tuple with a condition or an expiry was met, and none may be weighed. `many`: it
 * takes more steps than it may.
 */
export type Search =
  | { readonly kind: 'held'; readonly held: Held }
  | { readonly kind: 'guarded' | 'many' };

/** How a search goes about it. */
export interface Manner {
  /** Where the tuples are read. */
  readonly reader: TupleReader;
  /** Whether conditions and expiry are weighed: then what is found is true of this request alone. */
  readonly weighs: boolean;
  readonly stepsMax: number;
}

/** REQUIRES: a plain relation; the subject is an object or a wildcard. */
export function searchHeld(facts: Facts, relation: number, manner: Manner): Search {
  return new SubjectSide(facts, relation, manner).search();
}

class SubjectSide {
  private readonly facts: Facts;
  private readonly goal: number;
  private readonly manner: Manner;
  private readonly uses: Uses;
  private readonly leads: Uint8Array;

  private readonly hops = new Map<number, number>();
  private readonly visited = new Set<number>();
  /** Keys of questions that hold: by a tuple that names the subject, at so many hops, at one more. */
  private readonly start: number[] = [];
  private here = this.start;
  private next: number[] = [];
  private whole = true;
  private stepsLeft: number;
  private stopped: 'guarded' | 'many' | undefined = undefined;

  constructor(facts: Facts, goal: number, manner: Manner) {
    this.facts = facts;
    this.goal = goal;
    this.manner = manner;
    this.uses = usesOf(facts.model);
    this.leads = this.uses.leadsTo(goal);
    this.stepsLeft = manner.stepsMax;
  }

  search(): Search {
    for (const { relation, edge } of this.uses.literals) {
      if (this.leads[relation.index] !== 1) continue;
      const subject = this.facts.namedBy(edge);
      if (subject !== 0) this.follow(subject, { edge, relation }, relation.index, this.here);
    }
    for (let hops = 0; hops < this.facts.depthMax && this.here.length > 0; hops++) {
      // It grows while it is read: a computed relation is as near as what it is computed from.
      for (let i = 0; i < this.here.length && this.stopped === undefined; i++) {
        this.visit(this.here[i] as number, hops);
      }
      this.here = this.next;
      this.next = [];
    }
    if (this.stopped !== undefined) return { kind: this.stopped };
    return { kind: 'held', held: { hops: this.hops, whole: this.whole } };
  }

  private visit(key: number, hops: number): void {
    if (this.visited.has(key)) return;
    this.visited.add(key);
    const { relations } = this.facts.model;
    const entity = Math.floor(key / relations.length);
    const relation = key - entity * relations.length;
    if (relation === this.goal) this.hops.set(entity, hops);
    for (const use of this.uses.ofRelation[relation] ?? []) {
      if (this.leads[use.relation.index] === 1) this.use(entity, use);
    }
  }

  private use(entity: number, { hop, relation }: Use): void {
    if (hop === undefined) this.add(this.here, entity, relation.index);
    else this.follow(entity, hop, relation.index, this.next);
  }

  private add(questions: number[], object: number, relation: number): void {
    questions.push(object * this.facts.model.relations.length + relation);
  }

  /** Whoever is the subject of a tuple of this edge has `target` to the tuple's object. */
  private follow(
    subject: number,
    along: { readonly edge: Edge; readonly relation: CompiledRelation },
    target: number,
    questions: number[],
  ): void {
    const { reader } = this.manner;
    const { edge, relation } = along;
    let after = 0;
    do {
      const { symbol, type } = relation;
      const run = reader.objects(subject, edge.subjectRelation, symbol, type, after);
      after = run.next;
      for (let i = run.start; i < run.end && this.stopped === undefined; i++) {
        this.facts.step();
        if (--this.stepsLeft < 0) this.stopped = 'many';
        const object = run.entities[i] as number;
        const guard = run.guards === undefined ? noGuard : (run.guards[i] as number);
        if (this.counts(edge, guard, object, relation, subject, questions === this.start)) {
          this.add(questions, object, target);
        }
      }
    } while (after !== 0 && this.stopped === undefined);
  }

  private counts(
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
    isLiteral: boolean,
  ): boolean {
    if (!this.manner.weighs) {
      if (guard !== noGuard) this.stopped = 'guarded';
      return guard === noGuard && edge.unguarded;
    }
    const { facts } = this;
    const inForce = isLiteral ? facts.guardInForce(edge, guard, object, relation, subject) : guard;
    const value = facts.weigh(edge, inForce, object, relation, subject);
    if (value !== trueValue && value !== falseValue) this.whole = false;
    return value === trueValue;
  }
}
