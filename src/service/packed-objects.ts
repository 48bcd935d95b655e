/**
 * The answer of ListObjects, packed as the wire has it: the bytes of the names go from where the store
 * keeps them into the answer, and nobody makes a thousand texts of them on the way.
 */
import { fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { FoundObjects } from '../engine/found-objects.ts';
import { ListObjectsResponseSchema } from '../gen/openfga/v1/openfga_service_pb.ts';

type Response = MessageShape<typeof ListObjectsResponseSchema>;

/** INVARIANT: nobody changes it. */
export class PackedObjects implements Response {
  readonly $typeName = 'openfga.v1.ListObjectsResponse';
  /** The whole message. */
  readonly bytes: Buffer;
  #objects: string[] | undefined;

  /** Messages end to end are one, with the objects of all of them. */
  constructor(parts: readonly Buffer[]) {
    const [only] = parts;
    this.bytes = only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
    this.#objects = undefined;
  }

  /** For those who want texts after all. */
  get objects(): string[] {
    this.#objects ??= fromBinary(ListObjectsResponseSchema, this.bytes).objects;
    return this.#objects;
  }
}

/** Of a field of bytes, number 1. */
const fieldHead = 0x0a;
/** Of the head, and of a length as a varint. */
const headBytesMax = 6;
const wordBytes = 4;

/** What answers are written into, one after the other: none is longer than the moment it is packed. */
let room = Buffer.allocUnsafeSlow(65_536);
let view = viewOf(room);
/** A longer one is let go again. */
const roomKeptMax = 1_048_576;

/** The message that names the first so many of the objects. */
export function packObjects(type: string, found: FoundObjects, most: number): Buffer {
  const prefix = Buffer.from(`${type}:`, 'utf8');
  const prefixWords = viewOf(Buffer.concat([prefix], prefix.length + wordBytes));
  const prefixBytes = prefix.length;
  let end = 0;
  found.eachId(most, (source, start, length) => {
    // The last word of the prefix may be longer than what is left of it.
    const longest = end + headBytesMax + prefixBytes + wordBytes + length;
    if (longest > room.length) widen(longest, end);
    let at = putLength(end, prefixBytes + length);
    for (let i = 0; i < prefixBytes; i += wordBytes) {
      view.setInt32(at + i, prefixWords.getInt32(i, true), true);
    }
    at += prefixBytes;
    end = at + length;
    let from = start;
    for (; at + wordBytes <= end; at += wordBytes, from += wordBytes) {
      view.setInt32(at, source.getInt32(from, true), true);
    }
    for (; at < end; at++, from++) view.setUint8(at, source.getUint8(from));
  });
  const message = Buffer.from(room.subarray(0, end));
  if (room.length > roomKeptMax) resize(roomKeptMax);
  return message;
}

function putLength(start: number, length: number): number {
  let at = start;
  view.setUint8(at++, fieldHead);
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) view.setUint8(at++, (rest & 0x7f) | 0x80);
  view.setUint8(at++, rest);
  return at;
}

function widen(least: number, used: number): void {
  const old = room;
  resize(Math.max(least, old.length * 2));
  old.copy(room, 0, 0, used);
}

function resize(length: number): void {
  room = Buffer.allocUnsafeSlow(length);
  view = viewOf(room);
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
