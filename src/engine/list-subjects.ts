/**
 * The subjects of one kind that have a relation to an object: reads what the relation leads to, then
 * works out the intersections and exclusions over whole sets of subjects, wildcards among them.
 *
 * Exact, cycles included: operators that lean on one another get their well-founded sets, by the
 * alternating fixpoint that `settle.ts` uses for one subject.
 */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, type SubjectRef, type Tuple, wildcardId } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { componentsOf } from './components.ts';
import { Facts, stranger } from './facts.ts';
import { overlay } from './overlay.ts';
import { Steps } from './steps.ts';
import { intersect, nobody, type SubjectSet, sameMembers, subtract, unite } from './subject-set.ts';
import { type Operator, SubjectSystem, type Union } from './subject-system.ts';

export interface ListSubjectsRequest {
  readonly object: ObjectRef;
  readonly relation: string;
  /** The kind of subject: objects and the wildcard of a type, or the usersets of a relation. */
  readonly subject: { readonly type: string; readonly relation: string };
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Usersets in a row that are followed; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
}

/**
 * Yields each subject once, in an order that the same tuples give again, and undefined where it may
 * be interrupted. With a wildcard among them, others are listed too if tuples name them. Throws a
 * `Refusal` for a tuple on the way whose condition cannot be told; what was yielded stands.
 *
 * REQUIRES: the model has the relation on the object's type, and the kind of subject; the reader
 * stays at its revision.
 */
export function* listSubjects(
  reader: TupleReader,
  model: CompiledModel,
  request: ListSubjectsRequest,
): Generator<SubjectRef | undefined, void, void> {
  const { object, subject, context, now } = request;
  const depthMax = request.depthMax ?? limits.checkDepthMax;
  const relation = model.relationIndex(object.type, request.relation);
  assert(relation !== -1, 'the caller made sure that the model has the relation');
  const facts = new Facts(overlay(reader, model, request.contextualTuples), model, {
    // Stands for all of its kind.
    subject: { ...subject, id: wildcardId },
    context,
    now,
    depthMax,
    stepsMax: limits.checkStepsMax,
  });
  if (!facts.canReach(relation)) return;
  const steps = new Steps(request.sliceSteps);
  const system = new SubjectSystem(facts, steps, depthMax);
  const root = facts.reader.entity(model.typeSymbol(object.type), object.id) || stranger;
  const refOf = (entity: number): SubjectRef => {
    const { type, id } = entity === stranger ? object : facts.reader.entityRef(entity);
    return { type, id, relation: subject.relation };
  };
  for (const entity of system.read(root, relation)) {
    yield entity === undefined ? undefined : refOf(entity);
  }
  for (const entity of new Solution(system, facts.wildcardEntity(), steps).solve()) {
    yield entity === undefined ? undefined : refOf(entity);
  }
}

type Pauses<Result> = Generator<undefined, Result, void>;

/** All that a union holds by way of other unions. */
interface Region {
  readonly named: Set<number>;
  everyone: boolean;
  readonly operators: Set<number>;
}

class Solution {
  private readonly system: SubjectSystem;
  private readonly wildcard: number;
  private readonly steps: Steps;
  private readonly regions = new Map<number, Region>();
  /** By operator, once it is known: who is in, and who is in or undefined. */
  private readonly under: SubjectSet[] = [];
  private readonly over: SubjectSet[] = [];

  constructor(system: SubjectSystem, wildcard: number, steps: Steps) {
    this.system = system;
    this.wildcard = wildcard;
    this.steps = steps;
  }

  /** Yields what the reading of the system did not. */
  *solve(): Generator<number | undefined, void, void> {
    const { operators, yielded } = this.system;
    const leadsTo: number[][] = [];
    for (const { operands } of operators) {
      const targets = new Set<number>();
      for (const operand of operands) {
        for (const target of (yield* this.region(operand)).operators) targets.add(target);
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
    const region = yield* this.region(0);
    const answer = this.unite(region, this.under);
    if (answer.rest && !yielded.has(this.wildcard)) yield this.wildcard;
    for (const [subject, isIn] of answer.named) {
      if (isIn && !yielded.has(subject)) yield subject;
      if (this.steps.take()) yield undefined;
    }
  }

  /** Everything that a union leads to along unions. */
  private *region(id: number): Pauses<Region> {
    const known = this.regions.get(id);
    if (known !== undefined) return known;
    const region: Region = { named: new Set(), everyone: false, operators: new Set() };
    const visited = new Set([id]);
    for (const place of visited) {
      const union = this.system.unions[place] as Union;
      if (union.everyone) region.everyone = true;
      for (const subject of union.named) region.named.add(subject);
      for (const operator of union.operators) region.operators.add(operator);
      for (const next of union.unions) visited.add(next);
      if (this.steps.take()) yield undefined;
    }
    this.regions.set(id, region);
    return region;
  }

  private unite(region: Region, sets: readonly SubjectSet[]): SubjectSet {
    const others = [...region.operators].map((operator) => sets[operator] as SubjectSet);
    return unite(region, others);
  }

  /** An operator's set, with its operands' operators as `sets` has them, and `taken` subtracted. */
  private evaluate(
    id: number,
    sets: readonly SubjectSet[],
    taken: readonly SubjectSet[],
  ): SubjectSet {
    const { kind, operands } = this.system.operators[id] as Operator;
    const operand = (place: number, of: readonly SubjectSet[]) => {
      const region = this.regions.get(operands[place] as number);
      assert(region !== undefined, 'the regions of all operands were read before');
      return this.unite(region, of);
    };
    if (kind === 'exclusion') return subtract(operand(0, sets), operand(1, taken));
    return intersect(operands.map((_, place) => operand(place, sets)));
  }

  private settle(id: number): void {
    const under = this.evaluate(id, this.under, this.over);
    const over = this.evaluate(id, this.over, this.under);
    this.under[id] = under;
    this.over[id] = sameMembers(under, over) ? under : over;
  }

  /** Two estimates close in on the well-founded sets, each subtracting what the other one holds. */
  private *untangle(members: readonly number[]): Pauses<void> {
    for (const id of members) this.under[id] = nobody;
    for (let grew = true; grew; ) {
      const over = yield* this.least(members, this.over, this.under);
      for (const [at, id] of members.entries()) this.over[id] = over[at] as SubjectSet;
      const under = yield* this.least(members, this.under, this.over);
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
  ): Pauses<readonly SubjectSet[]> {
    const sets = [...known];
    for (const id of members) sets[id] = nobody;
    for (let grew = true; grew; ) {
      grew = false;
      for (const id of members) {
        const set = this.evaluate(id, sets, taken);
        grew ||= !sameMembers(sets[id] as SubjectSet, set);
        sets[id] = set;
        if (this.steps.take()) yield undefined;
      }
    }
    return members.map((id) => sets[id] as SubjectSet);
  }
}
