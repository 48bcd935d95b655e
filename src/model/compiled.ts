/**
 * A compiled model: what the engine walks. Relations are numbered 0, 1, … over the whole model (a
 * *relation index*); types, relation names and condition names are the symbols of the store that
 * the model belongs to. Made once per model version by `compile`; immutable.
 */
import type { CompiledCondition } from './condition.ts';
import type { Model } from './model.ts';

/** What a tuple may say about one kind of subject in one relation. */
export interface Edge {
  /** Symbol of the subject's type. */
  readonly subjectType: number;
  /** Symbol of the subject's relation; 0 for objects and wildcards. */
  readonly subjectRelation: number;
  /** Relation index of (subject type, subject relation); -1 for objects and wildcards. */
  readonly target: number;
  readonly wildcard: boolean;
  /** Whether a tuple without a condition counts. */
  readonly unguarded: boolean;
  /** Symbols of the conditions that count. Tuples guarded by any other are passed over. */
  readonly conditions: readonly number[];
}

export type Plan =
  | { readonly kind: 'direct'; readonly edges: readonly Edge[] }
  | { readonly kind: 'computed'; readonly relation: number }
  | { readonly kind: 'from'; readonly tupleset: number; readonly arrows: readonly Arrow[] }
  | { readonly kind: 'union' | 'intersection'; readonly children: readonly Plan[] }
  | { readonly kind: 'exclusion'; readonly base: Plan; readonly subtract: Plan };

/** One type that a tupleset can lead to, where the wanted relation exists. */
export interface Arrow {
  /** The tupleset's edge: always objects, never a userset or wildcard. */
  readonly edge: Edge;
  /** Relation index of the computed relation on that type. */
  readonly target: number;
}

export interface CompiledRelation {
  /** Relation index. */
  readonly index: number;
  readonly type: number;
  readonly symbol: number;
  readonly typeName: string;
  readonly name: string;
  readonly plan: Plan;
  /** Direct edges of the relation, empty where it takes no tuples. */
  readonly edges: readonly Edge[];
  /** Whether another relation uses it as a tupleset: then only plain objects may be its subjects. */
  readonly tupleset: boolean;
}

export interface CompiledModel {
  readonly model: Model;
  readonly relations: readonly CompiledRelation[];
  /** Symbol of a type name; 0 when the model has no such type. */
  typeSymbol(type: string): number;
  /** Relation index of a relation on a type; -1 when there is none. */
  relationIndex(type: string, relation: string): number;
  /**
   * By relation index: 0 only where no tuples at all could make a subject of this kind reach the
   * relation. The kind is a relation index of a userset, or -1 for the objects and the wildcard of
   * the type of that symbol; no relation is reached from type 0.
   */
  reachOf(subjectType: number, userset: number): Readonly<Uint8Array>;
  /** By symbol of the condition's name. */
  readonly conditions: ReadonlyMap<number, CompiledCondition>;
}
