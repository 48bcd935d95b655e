/**
 * Plain relations of one type that are asked together. Whoever has one relation that is a union has
 * it by any of the others that it is computed from, so that one visit of an object can look for all
 * of them at once: `viewer` of a folder looks for its viewers, editors and owners, and goes on to the
 * folder's parent once, for whatever of it would do.
 */
import type { CompiledModel, CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import { perModel } from './per-model.ts';

/** Tuples that name the subject itself. */
export interface Literals {
  readonly relation: CompiledRelation;
  /** Those of the relation whose subjects are of the kind that asks. */
  readonly edges: readonly Edge[];
}

/** Tuples that lead on: the edge, and the relation that it is of. */
export interface Hop {
  readonly relation: CompiledRelation;
  readonly edge: Edge;
  /** What is asked at the other end. */
  readonly targets: readonly number[];
  /** With all that they are computed from; undefined where that is too much to ask at once. */
  readonly next: RelationSet | undefined;
  /** The same as often as a relation of the set leads to it. */
  readonly ways: readonly number[];
}

/** Larger sets, and more of them, are left to the walk. */
const relationsMax = 64;
export const setsMax = 1_000;

export class RelationSet {
  /** Among the sets for its kind of subject, from 0 to `setsMax`. */
  readonly number: number;
  readonly relations: readonly number[];
  readonly literals: readonly Literals[];
  /** The sweep that visited it last, and what it looks for from the second visit on. */
  sweptBy = 0;
  left: readonly Literals[] | undefined = undefined;
  private readonly sets: RelationSets;
  private leads: readonly Hop[] | undefined = undefined;

  constructor(
    sets: RelationSets,
    number: number,
    relations: readonly number[],
    literals: readonly Literals[],
  ) {
    this.sets = sets;
    this.number = number;
    this.relations = relations;
    this.literals = literals;
  }

  /** Found when they are first needed: a set leads to others, and so on. */
  get hops(): readonly Hop[] {
    this.leads ??= this.sets.hopsOf(this);
    return this.leads;
  }

  /** Whether whoever asked for this set has asked for all of the other one. */
  covers(other: RelationSet): boolean {
    return this === other || other.relations.every((relation) => this.relations.includes(relation));
  }
}

/** The sets that matter to objects, and the wildcard, of one type. */
export class RelationSets {
  private readonly model: CompiledModel;
  private readonly subjectType: number;
  private readonly reach: Readonly<Uint8Array>;
  private readonly sets = new Map<string, RelationSet>();
  /** By relation; false where that is too much to ask at once. */
  private readonly starts: (RelationSet | false | undefined)[] = [];

  constructor(model: CompiledModel, subjectType: number) {
    this.model = model;
    this.subjectType = subjectType;
    this.reach = model.reachOf(subjectType, -1);
  }

  /** REQUIRES: a plain relation. Undefined where it must be walked. */
  of(relation: number): RelationSet | undefined {
    let start = this.starts[relation];
    if (start === undefined) {
      start = this.setOf([relation]) ?? false;
      this.starts[relation] = start;
    }
    return start === false ? undefined : start;
  }

  hopsOf({ relations }: RelationSet): readonly Hop[] {
    const hops = new Map<
      Edge,
      { relation: CompiledRelation; targets: Set<number>; ways: number[] }
    >();
    const add = (edge: Edge, relation: CompiledRelation, target: number) => {
      if (this.reach[target] !== 1) return;
      const hop = hops.get(edge);
      if (hop === undefined)
        hops.set(edge, { relation, targets: new Set([target]), ways: [target] });
      else {
        hop.targets.add(target);
        hop.ways.push(target);
      }
    };
    for (const index of relations) {
      const relation = this.relation(index);
      for (const part of partsOf(relation.plan)) {
        if (part.kind === 'direct') {
          for (const edge of part.edges) {
            if (edge.target !== -1) add(edge, relation, edge.target);
          }
        } else if (part.kind === 'from') {
          for (const { edge, target } of part.arrows) {
            add(edge, this.relation(part.tupleset), target);
          }
        }
      }
    }
    return [...hops].map(([edge, { relation, targets, ways }]) => {
      const asked = [...targets];
      return { relation, edge, targets: asked, next: this.setOf(asked), ways };
    });
  }

  /** The relations, and all that they are computed from on the same object. */
  private setOf(relations: readonly number[]): RelationSet | undefined {
    const closed = new Set<number>();
    const queue = [...relations];
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
      if (closed.has(index) || this.reach[index] !== 1) continue;
      closed.add(index);
      for (const part of partsOf(this.relation(index).plan)) {
        if (part.kind === 'computed') queue.push(part.relation);
      }
    }
    if (closed.size > relationsMax) return undefined;
    const members = [...closed].sort((a, b) => a - b);
    const key = members.join();
    let set = this.sets.get(key);
    if (set === undefined && this.sets.size < setsMax) {
      set = new RelationSet(this, this.sets.size, members, this.literalsOf(members));
      this.sets.set(key, set);
    }
    return set;
  }

  private literalsOf(relations: readonly number[]): Literals[] {
    return relations.flatMap((index) => {
      const relation = this.relation(index);
      const edges = partsOf(relation.plan)
        .flatMap((part) => (part.kind === 'direct' ? part.edges : []))
        .filter((edge) => edge.target === -1 && edge.subjectType === this.subjectType);
      return edges.length === 0 ? [] : [{ relation, edges }];
    });
  }

  private relation(index: number): CompiledRelation {
    return this.model.relations[index] as CompiledRelation;
  }
}

/** What a plain relation is the union of. */
function partsOf(plan: Plan): readonly Plan[] {
  return plan.kind === 'union' ? plan.children.flatMap(partsOf) : [plan];
}

const setsOf = perModel(() => new Map<number, RelationSets>());

/** For subjects of the type with this symbol. */
export function relationSetsOf(model: CompiledModel, subjectType: number): RelationSets {
  const ofModel = setsOf(model);
  let sets = ofModel.get(subjectType);
  if (sets === undefined) {
    sets = new RelationSets(model, subjectType);
    ofModel.set(subjectType, sets);
  }
  return sets;
}
