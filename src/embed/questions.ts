/** What a store of the embedding API is asked and told, and what it answers. */
import type { JsonObject } from '../base/json.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { CallOptions } from './door.ts';
import type { TupleFilter, TupleKeyText, TupleText } from './texts.ts';

/** What every question may bring. */
export interface QuestionOptions extends CallOptions {
  /** Tuples that exist for this question alone: 100 at most. */
  readonly contextualTuples?: readonly TupleText[];
  /** Values for the parameters of conditions; a tuple's own values win. */
  readonly context?: JsonObject;
  /** The model to answer by; the store's latest unless given. */
  readonly modelId?: string;
}

export interface Question extends QuestionOptions {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
}

export interface Change {
  readonly writes?: readonly TupleText[];
  /** Deleted before the others are written. */
  readonly deletes?: readonly TupleKeyText[];
  /** Each names an object or a subject at least. Nothing is written unless all of them hold. */
  readonly preconditions?: readonly {
    readonly must: 'exist' | 'not_exist';
    readonly filter: TupleFilter;
  }[];
  /**
   * A tuple that is there already: `error` (the default) refuses the whole write, `ignore` leaves it
   * if it is the same, `replace` gives it the new condition and expiry.
   */
  readonly onDuplicate?: 'error' | 'ignore' | 'replace';
  /** A tuple to delete that is not there: `error` (the default) refuses the whole write. */
  readonly onMissing?: 'error' | 'ignore';
  /** The same write with the same key is done once, however often it is tried within a day. */
  readonly idempotencyKey?: string;
}

export interface Written {
  /** The store's revision from this write on: 1, 2, 3, … */
  readonly revision: number;
  /** Whether it had been done before, under the same idempotency key. */
  readonly repeated: boolean;
}

export interface StoredTuple {
  readonly tuple: TupleText;
  readonly writtenAt: Date;
}

export interface TupleChange {
  readonly kind: 'write' | 'delete' | 'expiry';
  readonly tuple: TupleText;
  readonly changedAt: Date;
  readonly revision: number;
}

export interface RelationsHeld {
  /** In the order of the model. */
  readonly relations: readonly string[];
  /** Those for which neither yes nor no could be computed. */
  readonly unanswered: readonly { readonly relation: string; readonly verdict: Verdict }[];
}
