/**
 * One direction of the tuples, packed: by entity its groups, by group its members in ascending
 * order. Forwards the entity is the object and the members are subjects; backwards it is the other
 * way round. Immutable once built.
 */
import type { Run } from '../tuple-reader.ts';
import { type Chunk, chunkLength, lowerBound } from './chunks.ts';

/** Plain arrays over shared memory: a thread that is sent them shares them. */
export interface AdjacencyArrays {
  /** By entity, its first group; one more at the end. */
  readonly groupsFrom: Uint32Array;
  /** By group. An entity has one group of a kind, in no order. */
  readonly kinds: Uint16Array;
  /** By group, where its members begin; one more at the end. */
  readonly membersFrom: Uint32Array;
  readonly members: Int32Array;
  /** By member, its guard; empty when no tuple of the store is guarded. */
  readonly guards: Int32Array;
  /** By group, 1 when one of its members is guarded; empty as `guards` is. */
  readonly guarded: Uint8Array;
}

export class Adjacency {
  readonly arrays: AdjacencyArrays;

  constructor(arrays: AdjacencyArrays) {
    this.arrays = arrays;
  }

  /** The group of this kind; -1 where there is none. */
  group(entity: number, kind: number): number {
    const { groupsFrom, kinds } = this.arrays;
    // Nothing is known of an entity that came after the base.
    if (entity + 1 >= groupsFrom.length) return -1;
    const end = groupsFrom[entity + 1] as number;
    for (let group = groupsFrom[entity] as number; group < end; group++) {
      if (kinds[group] === kind) return group;
    }
    return -1;
  }

  /** The members after `after`. REQUIRES, here and below: a group of this adjacency. */
  run(group: number, after: number): Run {
    const { membersFrom, members, guards, guarded } = this.arrays;
    const from = membersFrom[group] as number;
    const last = membersFrom[group + 1] as number;
    const start = after === 0 ? from : lowerBound(members, from, last, after + 1);
    const end = Math.min(last, start + chunkLength);
    return {
      entities: members,
      guards: guarded[group] === 1 ? guards : undefined,
      start,
      end,
      next: end === last ? 0 : (members[end - 1] as number),
    };
  }

  /** The guard of one member; -1 where it is none. */
  find(group: number, member: number): number {
    const { membersFrom, members, guards } = this.arrays;
    const end = membersFrom[group + 1] as number;
    const at = lowerBound(members, membersFrom[group] as number, end, member);
    if (at === end || members[at] !== member) return -1;
    return guards.length === 0 ? 0 : (guards[at] as number);
  }

  /** The group's members as chunks, which copy nothing. */
  chunks(entity: number, kind: number): readonly Chunk[] {
    const group = this.group(entity, kind);
    if (group === -1) return [];
    const { membersFrom, members, guards, guarded } = this.arrays;
    const chunks: Chunk[] = [];
    const last = membersFrom[group + 1] as number;
    for (let from = membersFrom[group] as number; from < last; from += chunkLength) {
      const to = Math.min(last, from + chunkLength);
      chunks.push({
        members: members.subarray(from, to),
        guards: guarded[group] === 1 ? guards.subarray(from, to) : undefined,
        bytes: 0,
      });
    }
    return chunks;
  }
}
