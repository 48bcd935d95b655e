/**
 * What a workload is: a model, tuples without end made from numbers alone, and questions whose answers
 * are known by construction. Nothing is stored but the questions: 10 million tuples are made as they
 * are read, and again when they are read again.
 */
import type { JsonObject } from '../../src/base/json.ts';

export interface TupleText {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly condition?: { readonly name: string; readonly context: JsonObject };
}

export interface CheckQuestion {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly allowed: boolean;
  readonly context?: JsonObject;
}

export interface ObjectsQuestion {
  readonly type: string;
  readonly relation: string;
  readonly subject: string;
  readonly context?: JsonObject;
  /** All of them, sorted. */
  readonly objects: readonly string[];
}

export interface UsersQuestion {
  readonly object: string;
  readonly relation: string;
  /** The type of those who are listed: no usersets. */
  readonly kind: string;
  readonly context?: JsonObject;
  /** All of them, sorted. */
  readonly users: readonly string[];
}

export interface World {
  /** Type definitions and conditions in OpenFGA's DSL. */
  readonly model: string;
  tuples(): Iterable<TupleText>;
  /** By class: what a question has to walk. */
  readonly checks: Readonly<Record<string, readonly CheckQuestion[]>>;
  readonly objects: readonly ObjectsQuestion[];
  readonly users: readonly UsersQuestion[];
  /** A tuple that the model allows and that no question's answer hangs on. */
  written(name: string): TupleText;
  /** Lists of about 100,000 objects, where the world is large enough for one. */
  readonly hugeList?: ObjectsQuestion;
}

export interface Workload {
  readonly name: string;
  /** One line for the tables and the help. */
  readonly about: string;
  /** REQUIRES: `size` is 200 at least. ENSURES: the same size and seed make the same world. */
  at(size: number, seed: number): World;
}

export const checksPerClass = 2_000;
export const listsPerWorld = 50;

/** Xorshift: small, seeded, the same everywhere. Whole numbers in [0, count). */
export type Pick = (count: number) => number;

export function picker(seed: number): Pick {
  // Seeds that are next to each other begin far apart.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
  return (count) => Math.floor(next() * count);
}

export function times<Result>(count: number, make: (index: number) => Result): Result[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Another number below `count` than this one. REQUIRES: there are two at least. */
export function otherThan(index: number, count: number, pick: Pick): number {
  return (index + 1 + pick(count - 1)) % count;
}
