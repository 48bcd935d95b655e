/**
 * A set of entities, packed: what a list has met already. A tenth of the time of a JavaScript Set,
 * and memory by what is in it, not by what the store has.
 */
import { assert } from '../base/assert.ts';

const slotsMin = 16;

/** No entity: 0 means that nothing refers to the text. */
const empty = 0;

export class EntitySet {
  /** Open addressing; a power of two, at most half full. */
  private slots = new Int32Array(slotsMin);
  /** How far a hash is shifted: only its upper bits are any good. */
  private shift = 32 - Math.log2(slotsMin);
  private count = 0;
  /** Of the set too, in ascending order: they have no slots as long as nobody asks for any of them. */
  private waiting: number[] = [];

  has(entity: number): boolean {
    if (this.waiting.length > 0) this.settle();
    return entity !== empty && this.slots[this.slotOf(entity)] === entity;
  }

  /** Returns whether it is new. REQUIRES: an entity of 31 bits, or one of a request's own. */
  add(entity: number): boolean {
    if (this.waiting.length > 0) this.settle();
    const slot = this.slotOf(entity);
    if (this.slots[slot] === entity) return false;
    assert(entity !== empty && (entity | 0) === entity, 'an entity is an integer of 32 bits');
    this.slots[slot] = entity;
    if (++this.count * 2 > this.slots.length) this.grow(this.slots.length * 4);
    return true;
  }

  /**
   * Adds all of a part of `entities`, where that tells by itself that all of them are new: the set is
   * empty but for others like it, and they ascend. Else adds none, and returns false: most lists meet
   * each of their objects once, along few runs.
   */
  addAscending(entities: ArrayLike<number>, start: number, end: number): boolean {
    const { waiting } = this;
    if (this.count > 0) return false;
    const before = waiting.length;
    let last = waiting[before - 1] ?? empty;
    for (let i = start; i < end; i++) {
      const entity = entities[i] as number;
      if (entity <= last) {
        waiting.length = before;
        return false;
      }
      waiting.push(entity);
      last = entity;
    }
    return true;
  }

  /** Makes room for so many more at once. */
  reserve(more: number): void {
    if (this.waiting.length > 0) this.settle();
    let length = this.slots.length;
    while ((this.count + more) * 2 > length) length *= 4;
    if (length > this.slots.length) this.grow(length);
  }

  private settle(): void {
    const { waiting } = this;
    this.waiting = [];
    this.reserve(waiting.length);
    for (const entity of waiting) this.add(entity);
  }

  /** Where the entity is, or the empty slot where it belongs. */
  private slotOf(entity: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(entity, 0x9e3779b1) >>> this.shift;
    while (slots[slot] !== entity && slots[slot] !== empty) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(length: number): void {
    const old = this.slots;
    this.slots = new Int32Array(length);
    this.shift = 32 - Math.log2(length);
    for (const entity of old) if (entity !== empty) this.slots[this.slotOf(entity)] = entity;
  }
}
