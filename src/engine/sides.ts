/**
 * The two sides of a plain relation. A walk begins at the object; where many tuples lead on from
 * there, it may be less to look from the subject: at what it has, which is then the same for every
 * object and every check. Only what is certain is decided here: true along tuples without an open
 * condition, or false where the walk could not have met its depth limit either. All else is left to
 * the walk.
 */
import type { CompiledRelation, Edge } from '../model/compiled.ts';
import { noGuard, type Run, type TupleReader } from '../storage/tuple-reader.ts';
import type { Facts } from './facts.ts';
import { Heights, tall } from './height.ts';
import { type Held, type Search, searchHeld } from './held.ts';
import { type MemoryKey, memory, type Remembered, textOf } from './memory.ts';
import { type Plain, plainOf, type TupleKind } from './plain.ts';
import { falseValue, trueValue, type Value } from './value.ts';

/** The sizes from which on, and up to which, it is tried. Random tests make them small. */
export const sideSizes = {
  /** Tuples of one edge, or questions of one recursion. */
  wideFrom: 64,
  /** Tuples to look at from the subject's side. */
  subjectStepsMax: 4_096,
  /** The same, for each tuple that is known to lead on from the object, where nothing is kept. */
  stepsPerTuple: 4,
  /** Visits of one sweep. */
  sweptMax: 1_000_000,
};

export function isWide({ start, end }: Run): boolean {
  return end - start >= sideSizes.wideFrom;
}

export class Sides {
  private readonly facts: Facts;
  private readonly plain: Plain;
  /** By relation, for the one subject of this walk. */
  private readonly searches = new Map<number, Search>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.plain = plainOf(facts.model);
  }

  /** Whether it may be worth to ask here of the relation. A userset has what leads to it besides. */
  canDecide(relation: number): boolean {
    return this.facts.index === -1 && this.plain.isPlain[relation] === 1;
  }

  /** The value of a question of a plain relation; undefined where it must be walked. */
  ofQuestion(object: number, relation: number, depth: number): Value | undefined {
    const held = this.heldOf(relation, sideSizes.wideFrom);
    if (held === undefined) return undefined;
    const hops = held.hops.get(object);
    if (hops !== undefined) return this.isNear(depth + hops) ? trueValue : undefined;
    if (!held.whole) return undefined;
    const kinds = this.plain.hopKindsOf(relation);
    const height = this.height('question', [object, relation], kinds, (heights) =>
      heights.of(object, relation),
    );
    return this.isNear(depth + height) ? falseValue : undefined;
  }

  /**
   * The value of the tuples of one edge, each with the question of `target` that it leads to;
   * undefined where they must be walked. `run` is the first of their runs.
   */
  ofEdge(
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
    depth: number,
    run: Run,
  ): Value | undefined {
    const held = this.heldOf(target, run.end - run.start);
    if (held === undefined) return undefined;
    const fewer = run.next === 0 && run.end - run.start < held.hops.size;
    const value = fewer
      ? this.amongRun(held, edge, object, relation, depth, run)
      : this.amongHeld(held, edge, object, relation, depth);
    if (value !== falseValue) return value;
    if (!held.whole) return undefined;
    const { subjectType, subjectRelation } = edge;
    const about = [object, relation.index, subjectType, subjectRelation, target];
    const own = { relation: relation.symbol, subjectType, subjectRelation };
    const kinds = [own, ...this.plain.hopKindsOf(target)];
    const height = this.height('edge', about, kinds, (heights) =>
      heights.behind(edge, target, object, relation),
    );
    return this.isNear(depth + 1 + height) ? falseValue : undefined;
  }

  private amongRun(
    held: Held,
    edge: Edge,
    object: number,
    relation: CompiledRelation,
    depth: number,
    run: Run,
  ): Value | undefined {
    const { facts } = this;
    let value: Value | undefined = falseValue;
    const { entities, guards, end } = run;
    for (let i = run.start; i < end; i++) {
      facts.step();
      const subject = entities[i] as number;
      const hops = held.hops.get(subject);
      if (hops === undefined) continue;
      const guard = guards === undefined ? noGuard : (guards[i] as number);
      const condition = facts.weigh(edge, guard, object, relation, subject);
      if (condition === falseValue) continue;
      if (condition === trueValue && this.isNear(depth + 1 + hops)) return trueValue;
      value = undefined;
    }
    return value;
  }

  private amongHeld(
    held: Held,
    edge: Edge,
    object: number,
    relation: CompiledRelation,
    depth: number,
  ): Value | undefined {
    const { facts } = this;
    let value: Value | undefined = falseValue;
    for (const [subject, hops] of held.hops) {
      facts.step();
      const condition = facts.between(edge, object, relation, subject);
      if (condition === falseValue) continue;
      if (condition === trueValue && this.isNear(depth + 1 + hops)) return trueValue;
      value = undefined;
    }
    return value;
  }

  /** Whether the walk would get as far as a question so deep. */
  private isNear(depth: number): boolean {
    return depth < this.facts.depthMax;
  }

  private heldOf(relation: number, tuples: number): Held | undefined {
    let search = this.searches.get(relation);
    if (search === undefined) {
      search = this.search(relation, tuples);
      this.searches.set(relation, search);
    }
    return search.kind === 'held' ? search.held : undefined;
  }

  /**
   * What is found can be of use to many checks, unless conditions were weighed for it: then it may
   * cost no more than the tuples that it stands for.
   */
  private search(relation: number, tuples: number): Search {
    const { facts, plain } = this;
    const about = [facts.type, facts.entity, relation];
    const stepsMax = sideSizes.subjectStepsMax;
    const known = this.remembered('subject', about, plain.kindsOf(relation), (reader) => ({
      height: tall,
      search: searchHeld(facts, relation, { reader, weighs: false, stepsMax }),
    }));
    if (known !== undefined && known.search.kind !== 'guarded') return known.search;
    const few = Math.min(stepsMax, tuples * sideSizes.stepsPerTuple);
    return searchHeld(facts, relation, { reader: facts.reader, weighs: true, stepsMax: few });
  }

  /** REQUIRES: what it is about ends with the relation that is measured. */
  private height(
    side: 'question' | 'edge',
    about: readonly number[],
    kinds: readonly TupleKind[],
    measure: (heights: Heights) => number,
  ): number {
    const { facts, plain } = this;
    const most = plain.hopsMax[about.at(-1) as number] as number;
    if (most !== tall) return most;
    const known = this.remembered(side, about, kinds, (reader) => ({
      height: measure(new Heights(facts, reader, plain, facts.depthMax)),
      search: notSearched,
    }));
    return known?.height ?? measure(new Heights(facts, facts.reader, plain, facts.depthMax));
  }

  /**
   * What is remembered of the stored tuples, or is computed now and then remembered. Undefined where
   * stored tuples of these kinds are not all that counts, or the reader cannot tell when they changed.
   */
  private remembered(
    side: MemoryKey['side'],
    about: readonly number[],
    kinds: readonly TupleKind[],
    compute: (reader: TupleReader) => Pick<Remembered, 'search' | 'height'>,
  ): Remembered | undefined {
    const { facts } = this;
    const stored = facts.storedAlone(kinds);
    if (stored?.lastChange === undefined || stored.store === undefined) return undefined;
    let asOf = 0;
    for (const { relation, subjectType, subjectRelation } of kinds) {
      asOf = Math.max(asOf, stored.lastChange(relation, subjectType, subjectRelation));
    }
    const { model, depthMax } = facts;
    const key = textOf({ model, store: stored.store, side, depthMax, about });
    const known = memory.get(key, asOf);
    if (known !== undefined) {
      facts.take(known.steps);
      return known;
    }
    const before = facts.stepsTaken();
    const computed = compute(stored);
    const entry = { ...computed, asOf, steps: facts.stepsTaken() - before };
    memory.keep(key, entry);
    return entry;
  }
}

const notSearched: Search = { kind: 'many' };
