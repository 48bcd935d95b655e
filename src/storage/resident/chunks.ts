/**
 * A group that writes have changed, in chunks: a write copies the few chunks in which it changes
 * something, however large the group is. Chunks are immutable, none is empty, members ascend.
 */
import type { Run } from '../tuple-reader.ts';

export interface Chunk {
  readonly members: Int32Array;
  /** By member, its guard; undefined when none is guarded. */
  readonly guards: Int32Array | undefined;
  /** Memory of its own; 0 where it is a part of the base. */
  readonly bytes: number;
}

/** What becomes of a member; `guard` is `gone` where its tuple was deleted. */
export interface MemberChange {
  readonly member: number;
  readonly guard: number;
}

export const gone = -1;

/** Also the longest run. */
export const chunkLength = 1_024;

/** Of the objects of a chunk, roughly. */
const bytesPerChunk = 250;

export const emptyRun: Run = { entities: [], guards: undefined, start: 0, end: 0, next: 0 };

export function bytesOfChunks(chunks: readonly Chunk[]): number {
  let bytes = 8 * chunks.length;
  for (const chunk of chunks) bytes += chunk.bytes;
  return bytes;
}

/** The members after `after`, up to the end of a chunk. */
export function runOfChunks(chunks: readonly Chunk[], after: number): Run {
  const at = after === 0 ? 0 : chunkOf(chunks, after + 1);
  const chunk = chunks[at];
  if (chunk === undefined) return emptyRun;
  const { members, guards } = chunk;
  const start = after === 0 ? 0 : lowerBound(members, 0, members.length, after + 1);
  const next = at + 1 === chunks.length ? 0 : lastOf(chunk);
  return { entities: members, guards, start, end: members.length, next };
}

/** The guard of a member, `gone` where it is none. */
export function guardInChunks(chunks: readonly Chunk[], member: number): number {
  const chunk = chunks[chunkOf(chunks, member)];
  if (chunk === undefined) return gone;
  const { members, guards } = chunk;
  const at = lowerBound(members, 0, members.length, member);
  if (members[at] !== member) return gone;
  return guards === undefined ? 0 : (guards[at] as number);
}

/** Of changes to the same member the last one counts. */
export function merge(
  chunks: readonly Chunk[],
  changes: readonly MemberChange[],
): readonly Chunk[] {
  const [only] = changes;
  if (only !== undefined && changes.length === 1) return mergeOne(chunks, only);
  const last = new Map<number, number>();
  for (const { member, guard } of changes) last.set(member, guard);
  const members = [...last.keys()].sort((a, b) => a - b);
  const merged: Chunk[] = [];
  let done = 0;
  for (const [index, chunk] of chunks.entries()) {
    // What comes after the last member belongs to the last chunk.
    const isLast = index === chunks.length - 1;
    const to = isLast
      ? members.length
      : lowerBound(members, done, members.length, lastOf(chunk) + 1);
    if (to === done) merged.push(chunk);
    else merged.push(...mergeInto(chunk, members.slice(done, to), last));
    done = to;
  }
  if (done < members.length) merged.push(...mergeInto(nothing, members.slice(done), last));
  return merged;
}

/** By far the most of all changes are the only one of their group in their write. */
function mergeOne(chunks: readonly Chunk[], { member, guard }: MemberChange): readonly Chunk[] {
  const index = Math.max(0, Math.min(chunkOf(chunks, member), chunks.length - 1));
  const { members, guards } = chunks[index] ?? nothing;
  const at = lowerBound(members, 0, members.length, member);
  const rest = members[at] === member ? at + 1 : at;
  const own = guard === gone ? 0 : 1;
  const merged = new Int32Array(at + own + members.length - rest);
  merged.set(members.subarray(0, at));
  merged.set(members.subarray(rest), at + own);
  let mergedGuards: Int32Array | undefined;
  if (guards !== undefined || guard > 0) {
    mergedGuards = new Int32Array(merged.length);
    if (guards !== undefined) {
      mergedGuards.set(guards.subarray(0, at));
      mergedGuards.set(guards.subarray(rest), at + own);
    }
  }
  if (own === 1) {
    merged[at] = member;
    if (mergedGuards !== undefined) mergedGuards[at] = guard;
  }
  const result = chunks.slice();
  result.splice(index, 1, ...split(merged, mergedGuards));
  return result;
}

const nothing: Chunk = { members: new Int32Array(0), guards: undefined, bytes: 0 };

/** REQUIRES: `changed` ascends. */
function mergeInto(
  old: Chunk,
  changed: readonly number[],
  guardOf: ReadonlyMap<number, number>,
): Chunk[] {
  const members: number[] = [];
  const guards: number[] = [];
  const copy = (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      members.push(old.members[at] as number);
      guards.push(old.guards === undefined ? 0 : (old.guards[at] as number));
    }
  };
  let from = 0;
  for (const member of changed) {
    const to = lowerBound(old.members, from, old.members.length, member);
    copy(from, to);
    const guard = guardOf.get(member) as number;
    if (guard !== gone) {
      members.push(member);
      guards.push(guard);
    }
    from = old.members[to] === member ? to + 1 : to;
  }
  copy(from, old.members.length);
  return split(Int32Array.from(members), Int32Array.from(guards));
}

/** Into chunks of about the same length; one that is as long as it may be gets room to grow. */
function split(members: Int32Array, guards: Int32Array | undefined): Chunk[] {
  if (members.length === 0) return [];
  if (members.length <= chunkLength) return [chunkOfAll(members, guards)];
  const parts = Math.ceil(members.length / chunkLength);
  return Array.from({ length: parts }, (_, part) => {
    const start = Math.floor((part * members.length) / parts);
    const end = Math.floor(((part + 1) * members.length) / parts);
    return chunkOfAll(members.slice(start, end), guards?.slice(start, end));
  });
}

function chunkOfAll(members: Int32Array, guards: Int32Array | undefined): Chunk {
  const guarded = guards?.some((guard) => guard !== 0) === true;
  const bytes = bytesPerChunk + members.length * (guarded ? 8 : 4);
  return { members, guards: guarded ? guards : undefined, bytes };
}

/** The first chunk that may have a member of at least this value; the number of chunks for none. */
function chunkOf(chunks: readonly Chunk[], member: number): number {
  let from = 0;
  let to = chunks.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (lastOf(chunks[middle] as Chunk) < member) from = middle + 1;
    else to = middle;
  }
  return from;
}

function lastOf({ members }: Chunk): number {
  return members[members.length - 1] as number;
}

/** The first position in `start..end` whose value is at least `value`. REQUIRES: ascending there. */
export function lowerBound(
  values: ArrayLike<number>,
  start: number,
  end: number,
  value: number,
): number {
  let from = start;
  let to = end;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((values[middle] as number) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
