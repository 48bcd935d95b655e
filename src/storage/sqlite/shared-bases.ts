/**
 * The bases of resident graphs that the workers of a process share: each is read once, is in memory
 * once, and is counted once, with what every worker keeps beside it. Those that were not read for
 * longest give way when the memory is used up.
 */
import { LRUCache } from 'lru-cache';
import type { StoreId } from '../../model/ids.ts';
import type { GraphCounts, Place } from '../graphs.ts';
import { type Base, bytesOf } from '../resident/base.ts';
import type { RevisionBoard } from '../resident/revision-board.ts';
import type { BaseAnswer, BaseHost } from './base-host.ts';

/** A worker, as far as memory goes. */
export interface BaseUser {
  /** Set once it is gone: nothing is kept for it any more. */
  readonly hasLeft: boolean;
  /** Asks it to let go of its graph of the store. */
  giveWay(store: StoreId): void;
}

/** Which base is to be replaced. */
export type OldBase = Pick<Base, 'incarnation' | 'revision'>;

interface Shared {
  readonly base: Base;
  /** With what its users have beside it. */
  readonly bytes: number;
}

interface SharedBasesOptions {
  readonly bases: BaseHost;
  readonly board: RevisionBoard;
  /** Memory for all graphs together. */
  readonly bytesMax: number;
}

export class SharedBases {
  readonly bytesMax: number;
  readonly counts: { -readonly [Name in 'builds' | 'folds' | 'evictions']: GraphCounts[Name] } = {
    builds: 0,
    folds: 0,
    evictions: 0,
  };
  private readonly bases: BaseHost;
  private readonly board: RevisionBoard;
  private readonly shared: LRUCache<StoreId, Shared>;
  /** Who has the store, or was just given its base, and the bytes that it has beside the base. */
  private readonly users = new Map<StoreId, Map<BaseUser, number>>();
  private readonly building = new Map<StoreId, Promise<BaseAnswer>>();

  constructor({ bases, board, bytesMax }: SharedBasesOptions) {
    this.bytesMax = bytesMax;
    this.bases = bases;
    this.board = board;
    this.shared = new LRUCache({
      maxSize: Math.max(1, bytesMax),
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (_, store, reason) => {
        if (reason !== 'evict') return;
        this.counts.evictions++;
        this.takeFromUsers(store);
      },
    });
  }

  get bytes(): number {
    return this.shared.calculatedSize;
  }

  get stores(): Readonly<Record<Exclude<Place['kind'], 'storage'>, number>> {
    return { memory: this.shared.size, loading: this.building.size };
  }

  /** Where the store is, as far as bases go: undefined where there is none. */
  place(store: StoreId): Place | undefined {
    const shared = this.shared.peek(store);
    if (shared === undefined) return this.building.has(store) ? { kind: 'loading' } : undefined;
    const { revision, tuples } = shared.base;
    return { kind: 'memory', revision, bytes: shared.bytes, tuples, changes: 0 };
  }

  places(max: number): readonly (readonly [StoreId, Place])[] {
    const stores = new Set([...this.shared.keys(), ...this.building.keys()]);
    return [...stores].slice(0, max).flatMap((store) => {
      const place = this.place(store);
      return place === undefined ? [] : [[store, place] as const];
    });
  }

  /** A base of the store, newer than `old`; where another worker has one already, the same. */
  async take(user: BaseUser, store: StoreId, old: OldBase | undefined): Promise<BaseAnswer> {
    const ready = this.shared.get(store)?.base;
    if (ready !== undefined && isNewer(ready, old)) return this.given(user, store, ready);
    const building = this.building.get(store) ?? this.build(store, old !== undefined);
    const answer = await building;
    return typeof answer === 'string' ? answer : this.given(user, store, answer);
  }

  /** What the user has of the store now, beside the base; undefined: nothing any more. */
  report(user: BaseUser, store: StoreId, bytes: number | undefined): void {
    const users = this.users.get(store);
    if (bytes === undefined) {
      users?.delete(user);
      this.dropUnused(store);
      return;
    }
    const base = this.shared.peek(store)?.base;
    if (base === undefined || users?.has(user) !== true) {
      // It was taken away while the user was still getting ready.
      user.giveWay(store);
      return;
    }
    users.set(user, bytes);
    this.put(store, base);
  }

  leave(user: BaseUser): void {
    for (const [store, users] of [...this.users]) {
      if (users.delete(user)) this.dropUnused(store);
    }
  }

  /** The store is deleted: what is being read of it is of no use. */
  forget(store: StoreId): void {
    this.building.delete(store);
    this.shared.delete(store);
    this.users.delete(store);
  }

  private given(user: BaseUser, store: StoreId, base: Base): BaseAnswer {
    if (this.shared.peek(store)?.base !== base) return 'too large';
    if (user.hasLeft) {
      this.dropUnused(store);
      return 'missing';
    }
    let users = this.users.get(store);
    if (users === undefined) {
      users = new Map();
      this.users.set(store, users);
    }
    if (!users.has(user)) users.set(user, 0);
    return base;
  }

  private build(store: StoreId, isFold: boolean): Promise<BaseAnswer> {
    const isWanted = () => this.building.get(store) === building;
    const building = this.bases
      .build(store, this.bytesMax)
      .then((answer) => {
        if (typeof answer === 'string' || !isWanted()) return answer;
        this.counts[isFold ? 'folds' : 'builds']++;
        this.put(store, answer);
        return answer;
      })
      .finally(() => {
        if (isWanted()) this.building.delete(store);
      });
    this.building.set(store, building);
    return building;
  }

  /** Counts anew. ENSURES: the base is here, or its users were told to let go. */
  private put(store: StoreId, base: Base): void {
    let bytes = bytesOf(base);
    for (const beside of this.users.get(store)?.values() ?? []) bytes += beside;
    const before = this.shared.peek(store)?.bytes ?? 0;
    if (this.bytes + bytes - before > this.bytesMax) this.noteReads();
    this.shared.set(store, { base, bytes });
    if (this.shared.peek(store)?.base !== base) this.takeFromUsers(store);
  }

  /** Workers read without telling: what they left on the board puts their stores in front. */
  private noteReads(): void {
    const stores = [...this.shared.entries()].reverse();
    for (const [store, { base }] of stores) {
      if (this.board.takeRead(base.incarnation)) this.shared.get(store);
    }
  }

  private takeFromUsers(store: StoreId): void {
    const users = this.users.get(store)?.keys() ?? [];
    this.users.delete(store);
    for (const user of users) user.giveWay(store);
  }

  private dropUnused(store: StoreId): void {
    if ((this.users.get(store)?.size ?? 0) > 0) return;
    this.users.delete(store);
    this.shared.delete(store);
  }
}

function isNewer(base: Base, old: OldBase | undefined): boolean {
  if (old === undefined || base.incarnation !== old.incarnation) return true;
  return base.revision > old.revision;
}
