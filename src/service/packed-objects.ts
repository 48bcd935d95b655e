/**
 * The answer of ListObjects, packed as the wire has it: the bytes of the names go from where the store
 * keeps them into the answer, and nobody makes a thousand texts of them on the way.
 */
import { fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { FoundObjects } from '../engine/found-objects.ts';
import { ListObjectsResponseSchema } from '../gen/openfga/v1/openfga_service_pb.ts';
import { leastReadable } from '../storage/tuple-reader.ts';

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
    const longest = end + headBytesMax + prefixBytes + length + leastReadable;
    if (longest > room.length) widen(longest, end);
    let at = putLength(end, prefixBytes + length);
    // By words: what is too much is written over.
    for (let done = 0; done < prefixBytes; done += wordBytes) {
      view.setInt32(at + done, prefixWords.getInt32(done, true), true);
    }
    at += prefixBytes;
    view.setInt32(at, source.getInt32(start, true), true);
    view.setInt32(at + wordBytes, source.getInt32(start + wordBytes, true), true);
    for (let done = 2 * wordBytes; done < length; done += wordBytes) {
      view.setInt32(at + done, source.getInt32(start + done, true), true);
    }
    end = at + length;
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
