/**
 * One direction of the tuples, packed: all that is known of an entity stands in one row, so that
 * whoever asks about it waits for memory once. Forwards the entity is the object and the members are
 * subjects; backwards it is the other way round. Immutable once built.
 */
import type { Run } from '../tuple-reader.ts';
import { type Chunk, chunkLength, emptyRun, lowerBound } from './chunks.ts';

/** Plain arrays over shared memory: a thread that is sent them shares them. */
export interface AdjacencyArrays {
  /** By entity, where the members of its first group begin; 0 where it has no group. */
  readonly rowOf: Uint32Array;
  /**
   * Rows end to end. The members of an entity's groups stand one group after the other, ascending
   * within each; before them stand the heads of the groups, that of the first group last.
   */
  readonly rows: Int32Array;
  /** The guard of the member at the same place; empty when no tuple of the store is guarded. */
  readonly guards: Int32Array;
}

/**
 * A head: the kind of the group in the upper half, two marks, and the number of its members. Where
 * that number is too long for the head, the head has 0, and it stands before the first member.
 */
export const kindShift = 16;
/** One of the group's members has a guard. */
export const guardedMark = 1 << 15;
/** The entity has no further group. */
export const lastMark = 1 << 14;
export const countMask = lastMark - 1;

export class Adjacency {
  private readonly rowOf: Uint32Array;
  private readonly rows: Int32Array;
  private readonly guards: Int32Array;
  /** Of the group that was sought last: its members, and whether one of them is guarded. */
  private from = 0;
  private to = 0;
  private guarded = false;

  constructor({ rowOf, rows, guards }: AdjacencyArrays) {
    this.rowOf = rowOf;
    this.rows = rows;
    this.guards = guards;
  }

  /** The members of the group of this kind after `after`. */
  run(entity: number, kind: number, after: number): Run {
    if (!this.seek(entity, kind)) return emptyRun;
    const { rows, from, to, guarded } = this;
    const start = after === 0 ? from : lowerBound(rows, from, to, after + 1);
    const end = Math.min(to, start + chunkLength);
    return {
      entities: rows,
      guards: guarded ? this.guards : undefined,
      start,
      end,
      next: end === to ? 0 : (rows[end - 1] as number),
    };
  }

  /** The guard of one member; -1 where it is none. */
  find(entity: number, kind: number, member: number): number {
    if (!this.seek(entity, kind)) return -1;
    const { rows, to } = this;
    const at = lowerBound(rows, this.from, to, member);
    if (at === to || rows[at] !== member) return -1;
    return this.guarded ? (this.guards[at] as number) : 0;
  }

  /** The group's members as chunks, which copy nothing. */
  chunks(entity: number, kind: number): readonly Chunk[] {
    if (!this.seek(entity, kind)) return [];
    const { rows, guards, guarded } = this;
    const chunks: Chunk[] = [];
    for (let from = this.from; from < this.to; from += chunkLength) {
      const to = Math.min(this.to, from + chunkLength);
      chunks.push({
        members: rows.subarray(from, to),
        guards: guarded ? guards.subarray(from, to) : undefined,
        bytes: 0,
      });
    }
    return chunks;
  }

  /** Whether there is a group of this kind. An entity has one at most. */
  private seek(entity: number, kind: number): boolean {
    const { rowOf, rows } = this;
    // Nothing is known of an entity that came after the base.
    let from = entity < rowOf.length ? (rowOf[entity] as number) : 0;
    if (from === 0) return false;
    for (let at = from - 1; ; at--) {
      const head = rows[at] as number;
      let count = head & countMask;
      if (count === 0) count = rows[from++] as number;
      if (head >>> kindShift === kind) {
        this.from = from;
        this.to = from + count;
        this.guarded = (head & guardedMark) !== 0;
        return true;
      }
      if ((head & lastMark) !== 0) return false;
      from += count;
    }
  }
}
