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
import { EntityFlags } from './entity-list.ts';
import type { Steps } from './steps.ts';
import {
  intersect,
  nobody,
  type Pauses,
  type SubjectSet,
  sameMembers,
  subtract,
  unite,
} from './subject-set.ts';
import type { Operator, SubjectSystem, Union } from './subject-system.ts';

/** All that a union holds by way of other unions. */
interface Region {
  /** All with a yes. */
  readonly named: EntityFlags;
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
      if (isAlone) yield* this.settle(only);
      else yield* this.untangle(members);
      if (this.steps.take()) yield undefined;
    }
  }

  /** Who is in a union. REQUIRES: it is solved. */
  *answer(union: number): Pauses<SubjectSet> {
    return yield* this.unite(yield* this.region(union, this.doubtsHold), this.under);
  }

  /** Everything that a union leads to along unions. */
  private *region(id: number, doubtsHold: boolean): Pauses<Region> {
    const regions = doubtsHold ? this.possible : this.certain;
    const known = regions.get(id);
    if (known !== undefined) return known;
    const region: Region = { named: new EntityFlags(), everyone: false, operators: new Set() };
    const visited = new Set([id]);
    for (const place of visited) {
      const union = this.system.unions[place] as Union;
      if (union.everyone) region.everyone = true;
      for (const subject of union.named) {
        region.named.set(subject, true);
        if (this.steps.take()) yield undefined;
      }
      for (const operator of union.operators) region.operators.add(operator);
      for (const next of union.unions) visited.add(next);
      if (union.doubt !== -1 && doubtsHold) visited.add(union.doubt);
      if (this.steps.take()) yield undefined;
    }
    regions.set(id, region);
    return region;
  }

  private unite(region: Region, sets: readonly SubjectSet[]): Pauses<SubjectSet> {
    const others = [...region.operators].map((operator) => sets[operator] as SubjectSet);
    return unite(region, others, this.steps);
  }

  /**
   * An operator's set, with its operands' operators as `sets` has them, and `taken` subtracted, which
   * takes doubts the other way.
   */
  private *evaluate(
    id: number,
    sets: readonly SubjectSet[],
    taken: readonly SubjectSet[],
    doubtsHold: boolean,
  ): Pauses<SubjectSet> {
    const { kind, operands } = this.system.operators[id] as Operator;
    const operand = (place: number, of: readonly SubjectSet[], doubts: boolean) => {
      return this.unite(this.regionRead(operands[place] as number, doubts), of);
    };
    if (kind === 'exclusion') {
      const base = yield* operand(0, sets, doubtsHold);
      return yield* subtract(base, yield* operand(1, taken, !doubtsHold), this.steps);
    }
    const all: SubjectSet[] = [];
    for (const place of operands.keys()) all.push(yield* operand(place, sets, doubtsHold));
    return yield* intersect(all, this.steps);
  }

  private regionRead(union: number, doubtsHold: boolean): Region {
    const region = (doubtsHold ? this.possible : this.certain).get(union);
    assert(region !== undefined, 'the regions of all operands were read before');
    return region;
  }

  private *settle(id: number): Pauses<void> {
    const under = yield* this.evaluate(id, this.under, this.over, this.doubtsHold);
    this.under[id] = under;
    this.over[id] = under;
    if (this.isPlain(id)) return;
    const over = yield* this.evaluate(id, this.over, this.under, !this.doubtsHold);
    if (!(yield* sameMembers(under, over, this.steps))) this.over[id] = over;
  }

  /** Whether nothing that it is made of is in doubt or undefined: then both estimates are one. */
  private isPlain(id: number): boolean {
    if (this.system.doubtful) return false;
    const { operands } = this.system.operators[id] as Operator;
    return operands.every((operand) =>
      [...this.regionRead(operand, false).operators].every(
        (operator) => this.under[operator] === this.over[operator],
      ),
    );
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
        const [before, after] = [this.under[id], under[at]] as [SubjectSet, SubjectSet];
        grew ||= !(yield* sameMembers(before, after, this.steps));
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
        const set = yield* this.evaluate(id, sets, taken, doubtsHold);
        grew ||= !(yield* sameMembers(sets[id] as SubjectSet, set, this.steps));
        sets[id] = set;
        if (this.steps.take()) yield undefined;
      }
    }
    return members.map((id) => sets[id] as SubjectSet);
  }
}
