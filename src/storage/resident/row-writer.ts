/** Packs one direction of the tuples into the rows that `adjacency.ts` reads. */
import { assert } from '../../base/assert.ts';
import { type AdjacencyArrays, countMask, guardedMark, kindShift, lastMark } from './adjacency.ts';
import { sharedArray } from './shared-array.ts';
import { TooLarge } from './too-large.ts';

/** Places in rows are numbers of 31 bits. */
const placesMax = 2 ** 31 - 1;

/** Told of the groups as they begin, in the order of their entities; an entity has one of a kind. */
export class RowWriter {
  private readonly rowOf: Uint32Array;
  /** By group. */
  private entities = new Uint32Array(1_024);
  private kinds = new Uint16Array(1_024);
  private membersFrom = new Uint32Array(1_024);
  private groups = 0;

  /** Of the entities 1, 2, 3, …, so many. */
  constructor(entities: number) {
    this.rowOf = sharedArray(Uint32Array, entities + 1);
  }

  /** Its members are those from `member` on, up to where the next group's begin. */
  begin(entity: number, kind: number, member: number): void {
    const { groups } = this;
    const last = groups === 0 ? 0 : (this.entities[groups - 1] as number);
    assert(entity >= last, 'groups come in the order of their entities');
    if (groups === this.kinds.length) this.grow();
    this.entities[groups] = entity;
    this.kinds[groups] = kind;
    this.membersFrom[groups] = member;
    this.groups++;
  }

  /** `guards` has those of the members, or is empty. REQUIRES: every group was begun. */
  build(members: Int32Array, guards: Int32Array): AdjacencyArrays {
    const { rowOf, entities, groups } = this;
    if (groups === this.membersFrom.length) this.grow();
    this.membersFrom[groups] = members.length;
    const rows = sharedArray(Int32Array, this.places(members.length));
    const rowGuards = sharedArray(Int32Array, guards.length === 0 ? 0 : rows.length);
    let place = 0;
    for (let first = 0; first < groups; ) {
      const entity = entities[first] as number;
      let end = first + 1;
      while (end < groups && entities[end] === entity) end++;
      let head = place + (end - first);
      place = head;
      rowOf[entity] = place;
      for (let group = first; group < end; group++) {
        let from = this.membersFrom[group] as number;
        const to = this.membersFrom[group + 1] as number;
        const count = to - from;
        const isLong = count > countMask;
        if (isLong) rows[place++] = count;
        let guarded = 0;
        for (; from < to; from++, place++) {
          rows[place] = members[from] as number;
          if (guards.length === 0 || guards[from] === 0) continue;
          rowGuards[place] = guards[from] as number;
          guarded = guardedMark;
        }
        const last = group + 1 === end ? lastMark : 0;
        const kind = (this.kinds[group] as number) << kindShift;
        rows[--head] = kind | guarded | last | (isLong ? 0 : count);
      }
      first = end;
    }
    assert(place === rows.length, 'the rows are as long as was counted');
    return { rowOf, rows, guards: rowGuards };
  }

  /** How long the rows are together. */
  private places(members: number): number {
    const { membersFrom, groups } = this;
    let places = members + groups;
    for (let group = 0; group < groups; group++) {
      const count = (membersFrom[group + 1] as number) - (membersFrom[group] as number);
      if (count > countMask) places++;
    }
    if (places > placesMax) throw new TooLarge('rows');
    return places;
  }

  private grow(): void {
    const { entities, kinds, membersFrom } = this;
    this.entities = new Uint32Array(entities.length * 2);
    this.entities.set(entities);
    this.kinds = new Uint16Array(kinds.length * 2);
    this.kinds.set(kinds);
    this.membersFrom = new Uint32Array(membersFrom.length * 2);
    this.membersFrom.set(membersFrom);
  }
}
