/** What a datastore can say of the stores that it answers from memory, and of those it does not. */
import type { StoreId } from '../model/ids.ts';
import type { Revision } from './datastore.ts';

/** Why a store that is read is answered from storage though there is a memory for graphs. */
export type AwayReason = 'too large' | 'gave way' | 'failed';

export type Place =
  | {
      readonly kind: 'memory';
      readonly revision: Revision;
      readonly bytes: number;
      /** Tuples of the base, and changes since. */
      readonly tuples: number;
      readonly changes: number;
    }
  | { readonly kind: 'loading' }
  | { readonly kind: 'storage'; readonly reason: AwayReason };

/** Since the start. */
export interface GraphCounts {
  readonly builds: number;
  readonly folds: number;
  readonly evictions: number;
  readonly failures: number;
  /** Changes of tuples that graphs took in after they were built. */
  readonly changesApplied: number;
  readonly answersFromMemory: number;
  readonly answersFromStorage: number;
}

/** What a caller is told. */
export interface ShownGraphs {
  readonly bytesMax: number;
  readonly bytes: number;
  readonly storesIn: Graphs['storesIn'];
  readonly places: readonly (readonly [StoreId, Place])[];
}

/** The numbers are those of this thread, but for what is shown. */
export interface Graphs {
  /** Memory for all graphs together; 0 where there are none. */
  readonly bytesMax: number;
  /** What they take, roughly, and not less. */
  readonly bytes: number;
  readonly counts: GraphCounts;
  /** How many stores are in each place. */
  readonly storesIn: Readonly<Record<Place['kind'], number>>;
  /** Where a store is; undefined where nobody has read it lately. */
  place(store: StoreId): Place | undefined;
  /** No more than so many stores, those first that were read last. */
  places(max: number): readonly (readonly [StoreId, Place])[];
  /** Of one store, or of no more than so many, in the whole process. */
  shown(of: StoreId | number): ShownGraphs | Promise<ShownGraphs>;
}

export function shownOf(graphs: Omit<Graphs, 'shown'>, of: StoreId | number): ShownGraphs {
  const { bytesMax, bytes, storesIn } = graphs;
  if (typeof of === 'number') return { bytesMax, bytes, storesIn, places: graphs.places(of) };
  const place = graphs.place(of);
  return { bytesMax, bytes, storesIn, places: place === undefined ? [] : [[of, place]] };
}

/** For a datastore without graphs. */
export const noGraphs: Graphs = {
  bytesMax: 0,
  bytes: 0,
  counts: {
    builds: 0,
    folds: 0,
    evictions: 0,
    failures: 0,
    changesApplied: 0,
    answersFromMemory: 0,
    answersFromStorage: 0,
  },
  storesIn: { memory: 0, loading: 0, storage: 0 },
  place: () => undefined,
  places: () => [],
  shown(of) {
    return shownOf(this, of);
  },
};
