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
  /** The message is these end to end: several are one, with the objects of all of them. */
  readonly parts: readonly Buffer[];
  #bytes: Buffer | undefined;
  #objects: string[] | undefined;

  constructor(parts: readonly Buffer[]) {
    this.parts = parts;
    this.#bytes = parts.length === 1 ? parts[0] : undefined;
    this.#objects = undefined;
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.concat(this.parts);
    return this.#bytes;
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

/** A room that has grown above it is let go again. */
const roomKeptMax = 1_048_576;

/** Packs one message at a time. */
class Packer {
  /** What messages are written into, one after the other. */
  private room = Buffer.allocUnsafeSlow(65_536);
  private view = viewOf(this.room);
  private end = 0;

  pack(type: string, found: FoundObjects, most: number): Buffer {
    const prefix = Buffer.from(`${type}:`, 'utf8');
    const words = viewOf(Buffer.concat([prefix], prefix.length + wordBytes));
    this.end = 0;
    found.takeIds(most, (source, starts, lengths, count) => {
      this.makeRoom(lengths, count, prefix.length);
      this.append(words, prefix.length, source, starts, lengths, count);
    });
    const message = Buffer.from(this.room.subarray(0, this.end));
    if (this.room.length > roomKeptMax) this.resize(roomKeptMax);
    return message;
  }

  private makeRoom(lengths: Uint32Array, count: number, prefixBytes: number): void {
    let longest = this.end + count * (headBytesMax + prefixBytes) + leastReadable;
    for (let i = 0; i < count; i++) longest += lengths[i] as number;
    if (longest <= this.room.length) return;
    const old = this.room;
    this.resize(Math.max(longest, old.length * 2));
    old.copy(this.room, 0, 0, this.end);
  }

  private append(
    prefix: DataView,
    prefixBytes: number,
    source: DataView,
    starts: Uint32Array,
    lengths: Uint32Array,
    count: number,
  ): void {
    const { view } = this;
    let at = this.end;
    for (let i = 0; i < count; i++) {
      const start = starts[i] as number;
      const length = lengths[i] as number;
      view.setUint8(at++, fieldHead);
      let rest = prefixBytes + length;
      for (; rest >= 0x80; rest >>>= 7) view.setUint8(at++, (rest & 0x7f) | 0x80);
      view.setUint8(at++, rest);
      // By words, and two of a name whatever its length: what is too much is written over.
      for (let done = 0; done < prefixBytes; done += wordBytes) {
        view.setInt32(at + done, prefix.getInt32(done, true), true);
      }
      at += prefixBytes;
      view.setInt32(at, source.getInt32(start, true), true);
      view.setInt32(at + wordBytes, source.getInt32(start + wordBytes, true), true);
      for (let done = 2 * wordBytes; done < length; done += wordBytes) {
        view.setInt32(at + done, source.getInt32(start + done, true), true);
      }
      at += length;
    }
    this.end = at;
  }

  private resize(length: number): void {
    this.room = Buffer.allocUnsafeSlow(length);
    this.view = viewOf(this.room);
  }
}

const packer = new Packer();

/** The message that names the first so many of the objects. */
export function packObjects(type: string, found: FoundObjects, most: number): Buffer {
  return packer.pack(type, found, most);
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
