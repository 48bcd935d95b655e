/**
 * Maps from entities, packed, in the order in which they were put in. Lists do their sums with them:
 * a JavaScript Map takes ten times as long.
 */
import { assert } from '../base/assert.ts';

const slotsMin = 16;

/** Entities, each once, and the place of each in the order in which they came. */
export class EntityList {
  readonly entities: number[] = [];
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

  /** -1 where it is none of them. */
  placeOf(entity: number): number {
    return (this.slots[this.slotOf(entity)] as number) - 1;
  }

  /** The place of the entity, the next one where it is new. REQUIRES: an integer of 32 bits. */
  add(entity: number): number {
    const slot = this.slotOf(entity);
    const place = (this.slots[slot] as number) - 1;
    if (place !== -1) return place;
    assert((entity | 0) === entity, 'an entity is an integer of 32 bits');
    this.slots[slot] = this.entities.push(entity);
    if (this.size * 2 > this.slots.length) this.grow();
    return this.size - 1;
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

/** What is said of each entity, yes or no. */
export class EntityFlags extends EntityList {
  private readonly flags: boolean[] = [];

  get(entity: number): boolean | undefined {
    return this.flags[this.placeOf(entity)];
  }

  /** What is said of the entity at this place in the order. */
  at(place: number): boolean {
    return this.flags[place] as boolean;
  }

  /** An entity keeps its place. */
  set(entity: number, flag: boolean): void {
    this.flags[this.add(entity)] = flag;
  }
}
