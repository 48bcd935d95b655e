/**
 * Which stores have a resident graph. A store that is read is loaded in the background while
 * storage answers; those that were not used for longest give way when the memory is used up.
 *
 * INVARIANT: a graph that is here is of the newest revision that this process has seen of its store:
 * it is told of every commit before that is acknowledged, and of every revision that storage showed.
 */
import { LRUCache } from 'lru-cache';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Revision } from '../datastore.ts';
import {
  type AwayReason,
  type GraphCounts,
  type Graphs,
  type Place,
  type ShownGraphs,
  shownOf,
} from '../graphs.ts';
import type { Base } from './base.ts';
import { type Commit, ResidentGraph } from './graph.ts';
import { bringUp, changesIn, type ReadCommits, takeIn, wasAll } from './take-in.ts';
import { TooLarge } from './too-large.ts';

/** Where bases and commits come from: the local copy on disk. */
export interface GraphSource {
  /**
   * The store at a revision of late, read where it holds up nobody: newer than the base that is to be
   * replaced, if one is.
   */
  build(store: StoreId, bytesMax: number, old?: Base): Promise<Base | 'missing' | 'too large'>;
  /**
   * Commits after the graph's newest, without gaps, the oldest first; no more once so many changes
   * are read. Undefined: the store that the graph is of is gone.
   */
  commits(store: StoreId, graph: ResidentGraph, changesMax: number): readonly Commit[] | undefined;
}

/** Sizes that a test makes small. */
export interface ResidencyBounds {
  readonly changesKept: number;
  readonly changesPerSlice: number;
  readonly changesAtOnce: number;
  readonly readsBeforeReturn: number;
  readonly loadsWaiting: number;
}

/** Other threads of this process that have graphs of the same stores. */
export interface Siblings {
  /** Whether another one may have shown more of the store than the graph has. Asked at each read. */
  mayKnowMore(graph: ResidentGraph): boolean;
  /** The graph of the store has come, was changed, or has gone. */
  held(store: StoreId, graph: ResidentGraph | undefined): void;
}

export interface ResidencyOptions {
  readonly source: GraphSource;
  /** Memory for all graphs together. */
  readonly bytesMax: number;
  /** Told of what a background step threw; the store is answered from storage then. */
  readonly onError: (error: unknown) => void;
  readonly bounds?: Partial<ResidencyBounds>;
  readonly siblings?: Siblings;
}

/** What is counted against the memory. It is made anew when the size has changed. */
interface Resident {
  readonly store: StoreId;
  readonly graph: ResidentGraph;
  readonly bytes: number;
  /** Whether anybody has read the graph since it was built. */
  wasRead: boolean;
}

/** Why a store is not here, and how many more reads it takes to try again. */
interface Away {
  readonly reason: AwayReason;
  /** How often in a row: each time it takes twice as many reads. */
  readonly times: number;
  readsLeft: number;
}

/** How often the reads before the next attempt double. */
const doublingsMax = 6;

export class Residency implements Graphs {
  readonly bytesMax: number;
  readonly counts: { -readonly [Name in keyof GraphCounts]: number } = {
    builds: 0,
    folds: 0,
    evictions: 0,
    failures: 0,
    changesApplied: 0,
    answersFromMemory: 0,
    answersFromStorage: 0,
  };
  private readonly source: GraphSource;
  private readonly bounds: ResidencyBounds;
  private readonly onError: (error: unknown) => void;
  private readonly siblings: Siblings | undefined;
  private readonly residents: LRUCache<StoreId, Resident>;
  private readonly away = new LRUCache<StoreId, Away>({ max: limits.graphsAwayMax });
  /** Stores of which a base is being built, to load them or to fold. */
  private readonly building = new Map<StoreId, Promise<void>>();
  private closed = false;
  /** What was read last, while nothing changed: then it needs no look-up, and no other use is newer. */
  private last: Resident | undefined;

  constructor({ source, bytesMax, onError, bounds, siblings }: ResidencyOptions) {
    this.source = source;
    this.siblings = siblings;
    this.bytesMax = bytesMax;
    this.onError = onError;
    this.bounds = {
      changesKept: limits.graphChangesKept,
      changesPerSlice: limits.graphChangesPerSlice,
      changesAtOnce: limits.graphChangesAtOnce,
      readsBeforeReturn: limits.graphReadsBeforeReturn,
      loadsWaiting: limits.graphLoadsWaitingMax,
      ...bounds,
    };
    this.residents = new LRUCache({
      maxSize: Math.max(1, bytesMax),
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (_, store, reason) => {
        this.last = undefined;
        if (reason !== 'set') this.siblings?.held(store, undefined);
        if (reason !== 'evict') return;
        this.counts.evictions++;
        this.keepAway(store, 'gave way');
      },
    });
  }

  /** The store's graph, of its newest revision; undefined where storage has to answer. */
  graph(store: StoreId): ResidentGraph | undefined {
    let resident = this.last?.store === store ? this.last : this.residents.get(store);
    this.last = resident;
    if (resident !== undefined && this.siblings?.mayKnowMore(resident.graph) === true) {
      this.caughtUp(store);
      resident = this.residents.peek(store);
    }
    if (resident === undefined) return undefined;
    resident.wasRead = true;
    this.counts.answersFromMemory++;
    return resident.graph;
  }

  /** The revision of its graph, if it has one. */
  revisionOf(store: StoreId): Revision | undefined {
    return this.residents.peek(store)?.graph.horizon.revision;
  }

  /** The store exists, and storage answered for it: it may be loaded. */
  answeredByStorage(store: StoreId): void {
    this.counts.answersFromStorage++;
    if (this.bytesMax === 0 || this.closed || this.building.has(store)) return;
    if (this.building.size >= this.bounds.loadsWaiting) return;
    const away = this.away.get(store);
    if (away !== undefined && --away.readsLeft > 0) return;
    this.inBackground(store, () => this.load(store));
  }

  /** Storage showed the store as it is now: nobody may see less of it from now on. */
  seen(store: StoreId, shown: { readonly key: number; readonly revision: Revision }): void {
    const graph = this.residents.peek(store)?.graph;
    if (graph === undefined) return;
    if (graph.base.incarnation !== shown.key) this.forget(store);
    else if (graph.horizon.revision < shown.revision) this.caughtUp(store);
  }

  /**
   * Takes in what was committed to the store. REQUIRES: it is committed, and not yet acknowledged.
   * ENSURES: whoever reads the store from now on sees it.
   */
  caughtUp(store: StoreId): void {
    const resident = this.residents.peek(store);
    if (resident === undefined) return;
    try {
      this.catchUp(store, resident);
    } catch (error) {
      // Without its commits it must not answer again.
      this.fail(store, error);
    }
  }

  /**
   * As `caughtUp` once it resolves. What is much is taken in a part at a time, and others have their
   * turn in between: until then nobody was told that it is done.
   */
  async caughtUpInTurns(store: StoreId): Promise<void> {
    const { changesPerSlice } = this.bounds;
    for (;;) {
      const resident = this.residents.peek(store);
      if (resident === undefined) return;
      try {
        if (resident.graph.proceed(changesPerSlice)) {
          const commits = this.source.commits(store, resident.graph, changesPerSlice);
          this.takeIn(store, resident, commits, changesPerSlice);
          if (wasAll(resident.graph, commits ?? [], changesPerSlice)) return;
        }
      } catch (error) {
        this.fail(store, error);
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** As `caughtUp`, where nobody knows which stores were written. */
  allCaughtUp(): void {
    for (const store of [...this.residents.keys()]) this.caughtUp(store);
  }

  /** The store is deleted: nothing of it may be read any more. */
  forget(store: StoreId): void {
    this.residents.delete(store);
    this.away.delete(store);
  }

  /** The memory that threads share is used up: another store was read later. */
  giveWay(store: StoreId): void {
    if (this.residents.delete(store)) this.keepAway(store, 'gave way');
  }

  /** ENSURES: resolves once nothing is being built; for whoever cannot wait for chance. */
  async settled(): Promise<void> {
    while (this.building.size > 0) await Promise.all(this.building.values());
  }

  close(): void {
    this.closed = true;
    this.residents.clear();
  }

  get bytes(): number {
    return this.residents.calculatedSize;
  }

  get storesIn(): Readonly<Record<Place['kind'], number>> {
    const count = (stores: Iterable<StoreId>, kind: Place['kind']) =>
      [...stores].filter((store) => this.place(store)?.kind === kind).length;
    return {
      memory: this.residents.size,
      loading: count(this.building.keys(), 'loading'),
      storage: count(this.away.keys(), 'storage'),
    };
  }

  place(store: StoreId): Place | undefined {
    const resident = this.residents.peek(store);
    if (resident !== undefined) {
      const { graph, bytes } = resident;
      const { revision } = graph.horizon;
      return { kind: 'memory', revision, bytes, tuples: graph.base.tuples, changes: graph.changes };
    }
    if (this.building.has(store)) return { kind: 'loading' };
    const away = this.away.peek(store);
    return away === undefined ? undefined : { kind: 'storage', reason: away.reason };
  }

  places(max: number): readonly (readonly [StoreId, Place])[] {
    const places = new Map<StoreId, Place>();
    for (const stores of [this.residents.keys(), this.building.keys(), this.away.keys()]) {
      for (const store of stores) {
        if (places.size === max) return [...places];
        const place = this.place(store);
        if (place !== undefined) places.set(store, place);
      }
    }
    return [...places];
  }

  shown(of: StoreId | number): ShownGraphs {
    return shownOf(this, of);
  }

  private catchUp(store: StoreId, resident: Resident): void {
    const { changesAtOnce } = this.bounds;
    resident.graph.proceed(Number.POSITIVE_INFINITY);
    const commits = this.source.commits(store, resident.graph, changesAtOnce);
    // With so much at once it would hold up everybody: storage knows.
    const isMuch = changesIn(commits ?? []) >= changesAtOnce;
    this.takeIn(store, resident, isMuch ? undefined : commits, Number.POSITIVE_INFINITY);
  }

  /**
   * The last of the commits, if it is much, only up to so many changes. Without commits it must not be
   * read any more: the store was deleted, or they are too many.
   */
  private takeIn(
    store: StoreId,
    { graph, wasRead }: Resident,
    commits: readonly Commit[] | undefined,
    changesMax: number,
  ): void {
    if (commits === undefined) {
      this.residents.delete(store);
      return;
    }
    if (commits.length === 0) return;
    takeIn(graph, commits, changesMax);
    this.counts.changesApplied += changesIn(commits);
    this.put(store, graph, wasRead);
    if (!this.isWorthFolding(graph) || this.building.has(store)) return;
    if (wasRead) this.fold(store, graph);
    // It was written all the while and read by nobody: the next reader has it built anew.
    else this.residents.delete(store);
  }

  /** Counts the graph's size anew. ENSURES: it is here, or the store is kept away. */
  private put(store: StoreId, graph: ResidentGraph, wasRead: boolean): void {
    this.last = undefined;
    this.residents.set(store, { store, graph, bytes: graph.bytes, wasRead });
    if (this.residents.peek(store)?.graph !== graph) {
      this.residents.delete(store);
      this.keepAway(store, 'too large');
    } else this.siblings?.held(store, graph);
  }

  private async load(store: StoreId): Promise<void> {
    const base = await this.source.build(store, this.bytesMax);
    if (this.closed || base === 'missing') return;
    if (base === 'too large') return this.keepAway(store, 'too large');
    const graph = await this.brought(store, base);
    if (graph === undefined || this.closed) return;
    this.counts.builds++;
    this.put(store, graph, false);
    this.caughtUp(store);
  }

  /** A newer base in the place of the old one and its changes, while the old graph answers. */
  private fold(store: StoreId, old: ResidentGraph): void {
    this.inBackground(store, async () => {
      const base = await this.source.build(store, this.bytesMax, old.base);
      if (this.closed) return;
      const graph = typeof base === 'string' ? undefined : await this.brought(store, base);
      // It may have been deleted, or have given way, meanwhile.
      if (this.closed || this.residents.peek(store)?.graph !== old) return;
      if (graph === undefined) {
        this.residents.delete(store);
        return;
      }
      this.counts.folds++;
      this.put(store, graph, false);
      this.caughtUp(store);
    });
  }

  /** A fold costs about as much as a tenth of the base is worth in changes. */
  private isWorthFolding(graph: ResidentGraph): boolean {
    return graph.changes > Math.max(this.bounds.changesKept, graph.base.tuples / 10);
  }

  /** The base's graph, brought up to the newest revision. Undefined: the store is gone. */
  private async brought(store: StoreId, base: Base): Promise<ResidentGraph | undefined> {
    const graph = new ResidentGraph(base);
    const read: ReadCommits = (of, changesMax) => this.source.commits(store, of, changesMax);
    const { changesPerSlice } = this.bounds;
    return (await bringUp(graph, read, changesPerSlice, () => this.closed)) ? graph : undefined;
  }

  private inBackground(store: StoreId, work: () => Promise<void>): void {
    assert(!this.building.has(store), 'one thing at a time is done for a store');
    const done = work()
      .catch((error: unknown) => {
        if (!this.closed) this.fail(store, error);
      })
      .finally(() => {
        this.building.delete(store);
        this.siblings?.held(store, this.residents.peek(store)?.graph);
      });
    this.building.set(store, done);
  }

  private fail(store: StoreId, error: unknown): void {
    this.residents.delete(store);
    if (error instanceof TooLarge) {
      this.keepAway(store, 'too large');
      return;
    }
    this.counts.failures++;
    this.keepAway(store, 'failed');
    this.onError(error);
  }

  private keepAway(store: StoreId, reason: AwayReason): void {
    const times = (this.away.peek(store)?.times ?? 0) + 1;
    const readsLeft = this.bounds.readsBeforeReturn * 2 ** Math.min(times - 1, doublingsMax);
    this.away.set(store, { reason, times, readsLeft });
  }
}
