/**
 * Works out the intersections and exclusions of a system over whole sets of subjects, wildcards
 * among them.
 *
 * Exact, cycles included: operators that lean on one another get their well-founded sets, by the
 * alternating fixpoint that `settle.ts` uses for one subject. Doubts are taken one way where they
 * help an answer and the other way where they harm it, as there.
 */
import { assert } from '../base/assert.ts';
import { componentsOf } from './components.ts';
import type { Steps } from './steps.ts';
import { intersect, nobody, type SubjectSet, sameMembers, subtract, unite } from './subject-set.ts';
import type { Operator, SubjectSystem, Union } from './subject-system.ts';

export type Pauses<Result> = Generator<undefined, Result, void>;

/** All that a union holds by way of other unions. */
interface Region {
  readonly named: Set<number>;
  everyone: boolean;
  readonly operators: Set<number>;
}

export class SubjectSolution {
  private readonly system: SubjectSystem;
  private readonly steps: Steps;
  /** What the sets of `under` take a doubt for; those of `over` take it for the other. */
  private readonly doubtsHold: boolean;
  /** By place of the union: without what is in doubt, and with it. */
  private readonly certain = new Map<number, Region>();
  private readonly possible: Map<number, Region>;
  /** By operator, once it is known: who is in, and who is in or undefined. */
  private readonly under: SubjectSet[] = [];
  private readonly over: SubjectSet[] = [];

  /** REQUIRES: the system was read to its end. */
  constructor(system: SubjectSystem, steps: Steps, wish: { readonly doubtsHold: boolean }) {
    this.system = system;
    this.steps = steps;
    this.doubtsHold = wish.doubtsHold;
    this.possible = system.doubtful ? new Map() : this.certain;
  }

  *solve(): Pauses<void> {
    const leadsTo: number[][] = [];
    for (const { operands } of this.system.operators) {
      const targets = new Set<number>();
      for (const operand of operands) {
        yield* this.region(operand, false);
        for (const target of (yield* this.region(operand, true)).operators) targets.add(target);
      }
      leadsTo.push([...targets]);
    }
    for (const members of componentsOf(leadsTo)) {
      const [only] = members as [number, ...number[]];
      const isAlone = members.length === 1 && leadsTo[only]?.includes(only) === false;
      if (isAlone) this.settle(only);
      else yield* this.untangle(members);
      if (this.steps.take()) yield undefined;
    }
  }

  /** Who is in a union. REQUIRES: it is solved. */
  *answer(union: number): Pauses<SubjectSet> {
    return this.unite(yield* this.region(union, this.doubtsHold), this.under);
  }

  /** Everything that a union leads to along unions. */
  private *region(id: number, doubtsHold: boolean): Pauses<Region> {
    const regions = doubtsHold ? this.possible : this.certain;
    const known = regions.get(id);
    if (known !== undefined) return known;
    const region: Region = { named: new Set(), everyone: false, operators: new Set() };
    const visited = new Set([id]);
    for (const place of visited) {
      const union = this.system.unions[place] as Union;
      if (union.everyone) region.everyone = true;
      for (const subject of union.named) region.named.add(subject);
      for (const operator of union.operators) region.operators.add(operator);
      for (const next of union.unions) visited.add(next);
      if (union.doubt !== -1 && doubtsHold) visited.add(union.doubt);
      if (this.steps.take()) yield undefined;
    }
    regions.set(id, region);
    return region;
  }

  private unite(region: Region, sets: readonly SubjectSet[]): SubjectSet {
    const others = [...region.operators].map((operator) => sets[operator] as SubjectSet);
    return unite(region, others);
  }

  /**
   * An operator's set, with its operands' operators as `sets` has them, and `taken` subtracted, which
   * takes doubts the other way.
   */
  private evaluate(
    id: number,
    sets: readonly SubjectSet[],
    taken: readonly SubjectSet[],
    doubtsHold: boolean,
  ): SubjectSet {
    const { kind, operands } = this.system.operators[id] as Operator;
    const operand = (place: number, of: readonly SubjectSet[], doubts: boolean) => {
      const regions = doubts ? this.possible : this.certain;
      const region = regions.get(operands[place] as number);
      assert(region !== undefined, 'the regions of all operands were read before');
      return this.unite(region, of);
    };
    if (kind === 'exclusion') {
      return subtract(operand(0, sets, doubtsHold), operand(1, taken, !doubtsHold));
    }
    return intersect(operands.map((_, place) => operand(place, sets, doubtsHold)));
  }

  private settle(id: number): void {
    const under = this.evaluate(id, this.under, this.over, this.doubtsHold);
    const over = this.evaluate(id, this.over, this.under, !this.doubtsHold);
    this.under[id] = under;
    this.over[id] = sameMembers(under, over) ? under : over;
  }

  /** Two estimates close in on the well-founded sets, each subtracting what the other one holds. */
  private *untangle(members: readonly number[]): Pauses<void> {
    for (const id of members) this.under[id] = nobody;
    for (let grew = true; grew; ) {
      const over = yield* this.least(members, this.over, this.under, !this.doubtsHold);
      for (const [at, id] of members.entries()) this.over[id] = over[at] as SubjectSet;
      const under = yield* this.least(members, this.under, this.over, this.doubtsHold);
      grew = false;
      for (const [at, id] of members.entries()) {
        grew ||= !sameMembers(this.under[id] as SubjectSet, under[at] as SubjectSet);
        this.under[id] = under[at] as SubjectSet;
      }
    }
  }

  /**
   * The least sets that satisfy the operators while `taken` says what is subtracted, and `known` has
   * the operators that are none of them.
   */
  private *least(
    members: readonly number[],
    known: readonly SubjectSet[],
    taken: readonly SubjectSet[],
    doubtsHold: boolean,
  ): Pauses<readonly SubjectSet[]> {
    const sets = [...known];
    for (const id of members) sets[id] = nobody;
    for (let grew = true; grew; ) {
      grew = false;
      for (const id of members) {
        const set = this.evaluate(id, sets, taken, doubtsHold);
        grew ||= !sameMembers(sets[id] as SubjectSet, set);
        sets[id] = set;
        if (this.steps.take()) yield undefined;
      }
    }
    return members.map((id) => sets[id] as SubjectSet);
  }
}
