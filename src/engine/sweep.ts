/**
 * Answers a question of a plain relation, nearest first, but groups before folders: each object that
 * it leads to is visited once for all of its relations that matter, and nothing recurses. It says
 * nothing where the answer hangs on a condition that cannot be told, or where the walk, which goes
 * some ways that are longer than they need be, could have met its depth limit: those are the walk's
 * to judge.
 */
import { noGuard, type Run } from '../storage/tuple-reader.ts';
import type { Facts } from './facts.ts';
import { type Hop, type Literals, type RelationSet, setsMax } from './relation-sets.ts';
import { isWide, type Sides, sideSizes } from './sides.ts';
import { falseValue, trueValue, type Value } from './value.ts';
import { Visits } from './visits.ts';

/** What a sweep needs of the walk that it is part of. */
export interface SweptFor {
  readonly facts: Facts;
  readonly sides: Sides;
  /** By relation index; see `Recursion`. */
  readonly component: Int32Array;
  /** What earlier sweeps found; undefined where there is nothing to share it with. */
  readonly swept: Swept | undefined;
}

/**
 * What a walk of many checks keeps of its sweeps: whether the subject has any relation of a set to an
 * object. It holds at whatever depth it is met again.
 */
export class Swept {
  private readonly known = new Map<number, boolean>();

  find(object: number, set: RelationSet): boolean | undefined {
    return this.known.get(object * setsMax + set.number);
  }

  keep(object: number, set: RelationSet, has: boolean): void {
    this.known.set(object * setsMax + set.number, has);
  }
}

/** In place of a value: the walk has to tell. */
const untold = -1;

const visits = new Visits();
/** Sweeps begun: each has a number of its own. */
let sweeps = 0;

export class Sweep {
  private readonly walk: SweptFor;
  private readonly relation: number;
  private readonly depth: number;
  /** See `meet`. */
  private detours = 0;
  /** Whether any tuples were decided together, by what the subject has. */
  private passedOver = false;
  /** Whether many tuples had to be followed though that was tried. */
  private isUndecided = false;
  private isTooDeep = false;

  /** REQUIRES: the subject is an object or a wildcard; the relation is plain. */
  constructor(walk: SweptFor, relation: number, depth: number) {
    this.walk = walk;
    this.relation = relation;
    this.depth = depth;
  }

  /** Undefined where it must be walked. REQUIRES: `set` is that of the relation. */
  search(object: number, set: RelationSet): Value | undefined {
    const { facts } = this.walk;
    const before = facts.stepsTaken();
    sweeps++;
    facts.step();
    // By far the most that is asked about names the subject itself, and then nothing is visited.
    let value = this.named(object, set);
    if (value === trueValue) return value;
    if (value === falseValue) {
      visits.clear();
      visits.add(object, set, 0, -1, false);
      value = this.visitAll();
    }
    if (value === trueValue) return value;
    if (value === falseValue && this.isSurelyWhole()) {
      this.keepFalse();
      return value;
    }
    facts.giveBack(facts.stepsTaken() - before);
    return undefined;
  }

  private visitAll(): Value {
    const { facts } = this.walk;
    let made = 0;
    for (let visit = visits.next(); visit !== -1; visit = visits.next()) {
      if (visit > 0) facts.step();
      if (made === sideSizes.sweptMax) return untold;
      if (++made === sideSizes.wideFrom) {
        const { sides } = this.walk;
        const decided = sides.ofQuestion(visits.objectAt(0), this.relation, this.depth);
        if (decided !== undefined) return decided;
      }
      const value = this.visit(visit);
      if (value !== falseValue) return value;
    }
    return falseValue;
  }

  private visit(visit: number): Value {
    const object = visits.objectAt(visit);
    const set = visits.setAt(visit);
    // The first one was looked at before.
    const named = visit === 0 ? falseValue : this.named(object, set);
    if (named === trueValue) this.keepTrue(visit);
    if (named !== falseValue) return named;
    for (const hop of set.hops) {
      const value = this.hop(hop, object, visit);
      if (value !== falseValue) return value;
    }
    return falseValue;
  }

  /** Whether a tuple of the object names the subject itself. */
  private named(object: number, set: RelationSet): Value {
    const { facts } = this.walk;
    for (const { edges, relation } of this.literalsOf(set)) {
      const value = facts.literal(edges, object, relation);
      if (value === falseValue) continue;
      return value === trueValue ? value : untold;
    }
    return falseValue;
  }

  /** Of a set that is visited again and again, only what any tuples at all could say of the subject. */
  private literalsOf(set: RelationSet): readonly Literals[] {
    if (set.sweptBy !== sweeps) {
      set.sweptBy = sweeps;
      set.left = undefined;
      return set.literals;
    }
    const { facts } = this.walk;
    set.left ??= set.literals.filter(({ edges, relation }) => facts.mayBeNamed(edges, relation));
    return set.left;
  }

  private hop(hop: Hop, object: number, visit: number): Value {
    const { facts } = this.walk;
    const level = visits.levelAt(visit) + 1;
    const { edge, relation, next } = hop;
    const { subjectType, subjectRelation } = edge;
    let after = 0;
    do {
      const { symbol } = relation;
      const run = facts.reader.subjects(object, symbol, subjectType, subjectRelation, after);
      if (!this.isUndecided && isWide(run)) {
        const value = this.decide(hop, object, level, run);
        if (value === trueValue) return value;
        if (value === falseValue) {
          this.passedOver = true;
          return value;
        }
        this.isUndecided = true;
      }
      const { entities, guards, end } = run;
      after = run.next;
      for (let i = run.start; i < end; i++) {
        facts.step();
        const subject = entities[i] as number;
        const guard = guards === undefined ? noGuard : (guards[i] as number);
        const condition = facts.weigh(edge, guard, object, relation, subject);
        if (condition === falseValue) continue;
        if (condition !== trueValue || next === undefined) return untold;
        if (this.depth + level >= facts.depthMax) this.isTooDeep = true;
        else if (this.leadTo(hop, next, subject, visit) === trueValue) return trueValue;
      }
    } while (after !== 0);
    return falseValue;
  }

  /** The value of many tuples, from the subject's side; undefined where they must be followed. */
  private decide(hop: Hop, object: number, level: number, run: Run): Value | undefined {
    const { edge, relation } = hop;
    let value: Value | undefined = falseValue;
    for (const target of hop.targets) {
      const depth = this.depth + level - 1;
      const decided = this.walk.sides.ofEdge(edge, target, object, relation, depth, run);
      if (decided === trueValue) return decided;
      if (decided === undefined) value = undefined;
    }
    return value;
  }

  /** True where it is known of the object at the other end; else that is visited in its turn. */
  private leadTo(hop: Hop, next: RelationSet, object: number, from: number): Value {
    const level = visits.levelAt(from) + 1;
    const known = this.walk.swept?.find(object, next);
    if (known === true) this.keepTrue(from);
    if (known !== undefined) return known ? trueValue : falseValue;
    const { target } = hop.edge;
    // Usersets of another recursion tell soonest, as there is seldom much behind them.
    const isUrgent = target !== -1 && !this.isOwn(target);
    const before = visits.add(object, next, level, from, isUrgent);
    if (before !== -1) this.meet(hop, level - visits.levelAt(before));
    return falseValue;
  }

  /**
   * A way to what was visited already may be longer than the first one, and the walk may go it: then
   * all that lies behind is so much deeper, for each question that goes this way. Not so within the
   * recursion of the first question, which the walk visits nearest first, too.
   */
  private meet(hop: Hop, longer: number): void {
    if (longer <= 0) return;
    for (const target of hop.ways) if (!this.isOwn(target)) this.detours += longer;
  }

  /** Whether it is of the first question's own recursion, in which all visits are nearest first. */
  private isOwn(relation: number): boolean {
    const { component } = this.walk;
    return component[relation] === component[this.relation];
  }

  /**
   * Whether the walk could not have met its depth limit. It goes no way twice, so that it is never
   * deeper than the deepest visit and all detours together.
   */
  private isSurelyWhole(): boolean {
    if (this.isTooDeep || (this.passedOver && this.detours > 0)) return false;
    return this.depth + visits.deepest + this.detours < this.walk.facts.depthMax;
  }

  /** Of all that led to the visit, but for the question itself, which the walk remembers. */
  private keepTrue(visit: number): void {
    const { swept } = this.walk;
    if (swept === undefined) return;
    for (let from = visit; from > 0; from = visits.parentOf(from)) {
      swept.keep(visits.objectAt(from), visits.setAt(from), true);
    }
  }

  private keepFalse(): void {
    const { swept } = this.walk;
    if (swept === undefined) return;
    for (let visit = 1; visit < visits.count; visit++) {
      swept.keep(visits.objectAt(visit), visits.setAt(visit), false);
    }
  }
}
