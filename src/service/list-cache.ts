/**
 * Whole lists, kept for their next pages. A list is what the store says at one revision under one
 * model, and all that is in its key: so it never goes stale, and is let go only for lack of room.
 */
import { LRUCache } from 'lru-cache';
import { limits } from '../base/limits.ts';
import type { ModelId, StoreId } from '../model/ids.ts';
import type { Revision } from '../storage/datastore.ts';

/** All that says which list it is. */
export interface ListKey {
  readonly store: StoreId;
  /** Stands for the request, but for its model and its page. */
  readonly query: string;
  /** Stands for all that a subject token says; '' for a list without one. */
  readonly subject: string;
  readonly model: ModelId;
  readonly revision: Revision;
  /** The time at which the list was asked for, in milliseconds since 1970. */
  readonly now: number;
}

export interface WholeList<Row> {
  readonly key: ListKey;
  readonly rows: readonly Row[];
  /** Rows with at least one relation that holds. */
  readonly count: number;
}

export class ListCache<Row> {
  readonly #lists: LRUCache<string, WholeList<Row>>;

  /** `bytesOf` says how much a row takes, about. */
  constructor(bytesOf: (row: Row) => number, bytesMax: number = limits.listsKeptBytesMax) {
    this.#lists = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ rows }) => rows.reduce((sum, row) => sum + bytesOf(row), 1),
    });
  }

  get(key: ListKey): WholeList<Row> | undefined {
    return this.#lists.get(textOf(key));
  }

  keep(list: WholeList<Row>): void {
    const text = textOf(list.key);
    if (!this.#lists.has(text)) this.#lists.set(text, list);
  }
}

/** Injective: a JSON list of texts and numbers. */
function textOf({ store, query, subject, model, revision, now }: ListKey): string {
  return JSON.stringify([store, query, subject, model, revision, now]);
}
