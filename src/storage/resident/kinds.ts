/**
 * Numbers for triples of symbols. What the tuples of one entity are grouped by is such a triple: one
 * of (relation, subject type, subject relation) forwards, one of (subject relation, relation, object
 * type) backwards. A store has few of them, so that a number of 16 bits stands for one.
 */
import { TooLarge } from './too-large.ts';

const kindsMax = 65_536;

/** first, second, third, number + 1 */
const slotLength = 4;
/** A power of two. */
const slotsMin = 64;

export class Kinds {
  /** Open addressing; an empty slot has 0 for its number. */
  private slots = new Int32Array(slotLength * slotsMin);
  /** How many slots there are, less one: all its bits are set. */
  private mask = slotsMin - 1;
  private readonly triples: number[] = [];

  /** All triples in the order of their numbers, three integers each. */
  constructor(triples: ArrayLike<number> = []) {
    for (let at = 0; at < triples.length; at += 3) {
      this.add(triples[at] as number, triples[at + 1] as number, triples[at + 2] as number);
    }
  }

  get size(): number {
    return this.triples.length / 3;
  }

  /** The number of the triple; -1 where it has none. */
  find(first: number, second: number, third: number): number {
    return (this.slots[this.slotOf(first, second, third) + 3] as number) - 1;
  }

  /** The number of the triple, a new one where it had none. Throws `TooLarge`. */
  add(first: number, second: number, third: number): number {
    const slot = this.slotOf(first, second, third);
    const known = (this.slots[slot + 3] as number) - 1;
    if (known !== -1) return known;
    const kind = this.size;
    if (kind === kindsMax) throw new TooLarge('kinds of tuples');
    this.triples.push(first, second, third);
    this.slots.set([first, second, third, kind + 1], slot);
    if (this.size * 2 * slotLength > this.slots.length) this.grow();
    return kind;
  }

  toArray(): Int32Array {
    return Int32Array.from(this.triples);
  }

  /** The slot that has the triple, or the empty one where it belongs. */
  private slotOf(first: number, second: number, third: number): number {
    const { slots, mask } = this;
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ third, 0xc2b2ae35);
    for (let at = (hash ^ (hash >>> 13)) & mask; ; at = (at + 1) & mask) {
      const slot = at * slotLength;
      if (slots[slot + 3] === 0) return slot;
      if (slots[slot] === first && slots[slot + 1] === second && slots[slot + 2] === third) {
        return slot;
      }
    }
  }

  private grow(): void {
    const { triples } = this;
    this.slots = new Int32Array(this.slots.length * 2);
    this.mask = this.slots.length / slotLength - 1;
    for (let kind = 0; kind * 3 < triples.length; kind++) {
      const [first, second, third] = triples.slice(kind * 3, kind * 3 + 3) as [
        number,
        number,
        number,
      ];
      this.slots.set([first, second, third, kind + 1], this.slotOf(first, second, third));
    }
  }
}
