/**
 * A map from entities to yes or no, packed, in the order in which they were put in. A list of
 * subjects does its sums with them: a JavaScript Map takes ten times as long.
 */
import { assert } from '../base/assert.ts';

const slotsMin = 16;

export class EntityFlags {
  /** In the order in which they came. */
  readonly entities: number[] = [];
  /** By place in that order. */
  private flags: boolean[] = [];
  /** Places, plus one, by hash; a power of two, at most half full. */
  private slots = new Int32Array(slotsMin);
  /** How far a hash is shifted: only its upper bits are any good. */
  private shift = 32 - Math.log2(slotsMin);

  get size(): number {
    return this.entities.length;
  }

  has(entity: number): boolean {
    return this.slots[this.slotOf(entity)] !== 0;
  }

  get(entity: number): boolean | undefined {
    return this.flags[(this.slots[this.slotOf(entity)] as number) - 1];
  }

  /** What is said of the entity at this place in the order. */
  at(place: number): boolean {
    return this.flags[place] as boolean;
  }

  /** An entity keeps its place. REQUIRES: one of 31 bits, or one of a request's own. */
  set(entity: number, flag: boolean): void {
    const slot = this.slotOf(entity);
    const place = (this.slots[slot] as number) - 1;
    if (place !== -1) {
      this.flags[place] = flag;
      return;
    }
    assert((entity | 0) === entity, 'an entity is an integer of 32 bits');
    this.entities.push(entity);
    this.slots[slot] = this.flags.push(flag);
    if (this.size * 2 > this.slots.length) this.grow();
  }

  /** Where the entity is, or the empty slot where it belongs. */
  private slotOf(entity: number): number {
    const { slots, entities } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(entity, 0x9e3779b1) >>> this.shift;
    for (;;) {
      const place = slots[slot] as number;
      if (place === 0 || entities[place - 1] === entity) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 4);
    this.shift -= 2;
    for (let place = 0; place < this.size; place++) {
      this.slots[this.slotOf(this.entities[place] as number)] = place + 1;
    }
  }
}
