/**
 * The newest revision of each store that any thread of this process has shown, in memory that all of
 * them share. Whoever answers from memory looks here first, and takes in what it lacks: so nobody who
 * has seen a write, or was told that it is done, is shown less by another thread, and no thread has to
 * wait for another.
 *
 * INVARIANT: a revision is here before it is shown or acknowledged. A slot belongs to the first store
 * that took it; when another one meets it there, it is contested for good, and then every reader of
 * both looks at storage each time, which costs a little and is never wrong.
 */
import { assert } from '../../base/assert.ts';

/** By slot: key of the store, its revision, whether it was read lately; padded to a power of two. */
const lanesPerSlot = 4;
const revisionLane = 1;
const readLane = 2;

/** A power of two. Keys of stores are given one after the other, so that few ever meet. */
const slotsOfProcess = 65_536;

const contested = -1;
const numberMax = 2 ** 31 - 1;

export class RevisionBoard {
  readonly buffer: SharedArrayBuffer;
  private readonly lanes: Int32Array;
  private readonly mask: number;

  /** Over the buffer of another thread's board, or a new one. */
  constructor(buffer: SharedArrayBuffer | { readonly slots: number } = { slots: slotsOfProcess }) {
    this.buffer =
      buffer instanceof SharedArrayBuffer
        ? buffer
        : new SharedArrayBuffer(buffer.slots * lanesPerSlot * Int32Array.BYTES_PER_ELEMENT);
    this.lanes = new Int32Array(this.buffer);
    this.mask = this.lanes.length / lanesPerSlot - 1;
    assert((this.mask & (this.mask + 1)) === 0, 'there is a power of two of slots');
  }

  /** ENSURES: whoever asks `isNewer` from now on knows of this revision. */
  publish(key: number, revision: number): void {
    if (key <= 0) return;
    if (Math.max(key, revision) > numberMax) {
      this.withdraw(key);
      return;
    }
    const at = this.slotOf(key);
    if (!this.claim(at, key)) return;
    let shown = Atomics.load(this.lanes, at + revisionLane);
    while (shown < revision) {
      const before = Atomics.compareExchange(this.lanes, at + revisionLane, shown, revision);
      if (before === shown) return;
      shown = before;
    }
  }

  /** The store is deleted: whoever has a graph of it looks, and finds it gone. */
  withdraw(key: number): void {
    Atomics.store(this.lanes, this.slotOf(key), contested);
  }

  /** Whether there may be more of the store than this revision. False is certain. */
  isNewer(key: number, revision: number): boolean {
    const at = this.slotOf(key);
    if (Atomics.load(this.lanes, at) !== key) return true;
    return Atomics.load(this.lanes, at + revisionLane) > revision;
  }

  /** Marks the store as read. It is a hint: no order among threads is kept. */
  markRead(key: number): void {
    const at = this.slotOf(key) + readLane;
    if (this.lanes[at] === 0) this.lanes[at] = 1;
  }

  /** Whether the store was read since this was last asked, by any thread; about. */
  takeRead(key: number): boolean {
    return Atomics.exchange(this.lanes, this.slotOf(key) + readLane, 0) === 1;
  }

  private slotOf(key: number): number {
    return (key & this.mask) * lanesPerSlot;
  }

  /** Whether the slot is this store's alone. */
  private claim(at: number, key: number): boolean {
    const owner = Atomics.load(this.lanes, at);
    if (owner === key) return true;
    if (owner === contested) return false;
    const before = Atomics.compareExchange(this.lanes, at, 0, key);
    if (before === 0 || before === key) return true;
    Atomics.store(this.lanes, at, contested);
    return false;
  }
}
