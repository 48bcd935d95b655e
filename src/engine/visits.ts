/**
 * The objects that a sweep visits, in the order in which they were found, each with what is asked of
 * it and how far away it is. One sweep at a time has it: to make it anew would cost more than most
 * sweeps.
 */
import { assert } from '../base/assert.ts';
import type { RelationSet } from './relation-sets.ts';

const slotsMin = 64;

/** Memory of a large sweep is let go of after it. */
const keptMax = 4_096;

export class Visits {
  count = 0;
  /** The level of the furthest. */
  deepest = 0;
  private objects: number[] = [];
  private sets: RelationSet[] = [];
  private levels: number[] = [];
  /** The visit that led to each; any for the first, which is visit 0. */
  private parents: number[] = [];
  /** By hash of the object, its latest visit plus one; a power of two, at most half full. */
  private slots = new Int32Array(slotsMin);
  /** How far a hash is shifted: only its upper bits are any good. */
  private shift = 32 - Math.log2(slotsMin);
  /** The visit of the same object before this one, plus one. */
  private earlier: number[] = [];
  /** Visits to make: the last of those that are urgent, else the first of the others. */
  private urgent: number[] = [];
  private urgentCount = 0;
  private waiting: number[] = [];
  private waitingFrom = 0;
  private waitingTo = 0;

  clear(): void {
    if (this.count > keptMax) {
      this.objects = [];
      this.sets = [];
      this.levels = [];
      this.parents = [];
      this.earlier = [];
      this.urgent = [];
      this.waiting = [];
    }
    if (this.slots.length > slotsMin) {
      this.slots = new Int32Array(slotsMin);
      this.shift = 32 - Math.log2(slotsMin);
    } else {
      this.slots.fill(0);
    }
    this.count = 0;
    this.deepest = 0;
    this.urgentCount = 0;
    this.waitingFrom = 0;
    this.waitingTo = 0;
  }

  /** The next visit to make; -1 where all are made. */
  next(): number {
    if (this.urgentCount > 0) return this.urgent[--this.urgentCount] as number;
    if (this.waitingFrom === this.waitingTo) return -1;
    return this.waiting[this.waitingFrom++] as number;
  }

  objectAt(visit: number): number {
    return this.objects[visit] as number;
  }

  setAt(visit: number): RelationSet {
    return this.sets[visit] as RelationSet;
  }

  levelAt(visit: number): number {
    return this.levels[visit] as number;
  }

  parentOf(visit: number): number {
    return this.parents[visit] as number;
  }

  /** The visit that asks all of this already; -1 where it is new, and then it is made in its turn. */
  add(object: number, set: RelationSet, level: number, parent: number, isUrgent: boolean): number {
    const slot = this.slotOf(object);
    const latest = this.slots[slot] as number;
    for (let visit = latest; visit !== 0; visit = this.earlier[visit - 1] as number) {
      if (this.setAt(visit - 1).covers(set)) return visit - 1;
    }
    assert((object | 0) === object, 'an entity is an integer of 32 bits');
    const visit = this.count++;
    this.objects[visit] = object;
    this.sets[visit] = set;
    this.levels[visit] = level;
    this.parents[visit] = parent;
    if (level > this.deepest) this.deepest = level;
    if (isUrgent) this.urgent[this.urgentCount++] = visit;
    else this.waiting[this.waitingTo++] = visit;
    this.earlier[visit] = latest;
    this.slots[slot] = visit + 1;
    if (this.count * 2 > this.slots.length) this.grow();
    return -1;
  }

  /** Where the object is, or the empty slot where it belongs. */
  private slotOf(object: number): number {
    const { slots, objects } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(object, 0x9e3779b1) >>> this.shift;
    for (;;) {
      const visit = slots[slot] as number;
      if (visit === 0 || objects[visit - 1] === object) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 4);
    this.shift -= 2;
    for (let visit = 0; visit < this.count; visit++) {
      this.slots[this.slotOf(this.objectAt(visit))] = visit + 1;
    }
  }
}
