/**
 * TupleReader: what the engine knows of storage. Local, synchronous, bound to one revision of one
 * store, and spoken in small integers that the store gave to its texts when they were written.
 *
 * A *symbol* is the integer of a type, relation or condition name; an *entity* that of an object
 * (`type:id`, also `type:*`); a *guard* that of a (condition, stored context, expiry). All begin at 1
 * and are never reused within a store. 0 means none: the text was never written, so nothing refers
 * to it. Negative integers are free for a request's own contextual tuples. A read never writes.
 */
import type { JsonObject } from '../base/json.ts';
import type { ObjectRef } from '../model/tuple.ts';

/** No tuple, where a guard is asked for. */
export const noTuple = -1;

/** The guard of a tuple without a condition that never expires. */
export const noGuard = 0;

/** In place of the condition's symbol, in the guard of a tuple that has an expiry alone. */
export const noCondition = 0;

export interface Guard {
  /** Symbol of the condition's name, or `noCondition`. */
  readonly condition: number;
  readonly context: JsonObject;
  /**
   * From this time on (milliseconds since 1970) its tuples are as if they were not there. A reader
   * shows them all the same until they are collected: the time is the request's to know.
   */
  readonly expiresAt: number | undefined;
}

/**
 * A run of subjects (or objects): `entities[i]`, guarded by `guards[i]`, for i in `start..end-1`.
 * `guards` is undefined when none of them is guarded. The arrays belong to the reader and may be
 * reused once the reader is asked again after the run has been consumed; do not keep or change them.
 */
export interface Run {
  readonly entities: ArrayLike<number>;
  readonly guards: ArrayLike<number> | undefined;
  readonly start: number;
  readonly end: number;
  /** Pass it as `after` to get the next run; 0 when this is the last one. */
  readonly next: number;
}

/** So many bytes can be read from the start of a text, and from any of its own on a whole word. */
export const leastReadable = 8;

/**
 * Takes the UTF-8 of the first `count` texts, each from its start on for its length. They stand there
 * no longer than the call lasts, nor do the arrays. Many at a time, so that whoever takes them can
 * keep to one loop.
 */
export type TakeTexts = (
  source: DataView,
  starts: Uint32Array,
  lengths: Uint32Array,
  count: number,
) => void;

export interface TupleReader {
  /** Tells the store from every other of its datastore. With `lastChange`, or not at all. */
  readonly store?: number;

  /**
   * A revision, no later than the reader's own, after which no tuple was written or deleted of this
   * relation, subject type and subject relation, on whatever type of object. So whatever was found
   * out of such tuples is as true for every reader that says the same. A reader that shows other
   * tuples than its store has no such method.
   */
  lastChange?(relation: number, subjectType: number, subjectRelation: number): number;

  /**
   * Whether any tuple of the relation, on an object of the type, names the subject itself. Only where
   * that takes no longer than to look for one tuple.
   */
  isNamed?(subject: number, relation: number, objectType: number): boolean;

  /** Symbol of a type, relation or condition name; 0 when no tuple or model ever named it. */
  symbol(text: string): number;

  /** Entity of `type:id`; 0 when it is unknown. `type` is a symbol; 0 gives 0. */
  entity(type: number, id: string): number;

  /** REQUIRES: the entity came from this reader. */
  entityRef(entity: number): ObjectRef;

  /** The ids of many, in their order: cheaper than one by one. REQUIRES: as above. */
  idsOf(entities: readonly number[]): string[];

  /**
   * Hands over the ids of many, in their order, as they are kept: for answers that have no need of
   * texts. Only where they are kept so. REQUIRES: as above.
   */
  takeIds?(entities: readonly number[], take: TakeTexts): void;

  /** REQUIRES: the guard came from this reader and is not `noGuard`. */
  guard(guard: number): Guard;

  /**
   * The guard of one tuple, or `noTuple`. Subject relation 0 means the subject itself: an object
   * or a wildcard.
   */
  find(object: number, relation: number, subject: number, subjectRelation: number): number;

  /**
   * The subjects of (object, relation) of one subject type and one subject relation (0: objects and
   * the wildcard), each once, in the order of their entities, in runs of bounded length.
   */
  subjects(
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    after: number,
  ): Run;

  /**
   * The objects of one type to which (subject, subject relation) has the relation: `subjects` read
   * backwards, with the same promises.
   */
  objects(
    subject: number,
    subjectRelation: number,
    relation: number,
    objectType: number,
    after: number,
  ): Run;
}
