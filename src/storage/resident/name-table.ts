/**
 * The entities of a store, packed: records end to end, and an open-addressing table from the hash of
 * (type, name) to a record. A JavaScript Map of the same names takes three times the memory, and
 * threads cannot share it. All that a look-up compares stands in the record: in a large store each
 * place that it reads is one more miss of the processor's caches.
 */
import { randomInt } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import type { ObjectRef } from '../../model/tuple.ts';
import { takeTexts } from '../text-bytes.ts';
import { leastReadable, type TakeTexts } from '../tuple-reader.ts';
import { keyedHash, wordAt } from './keyed-hash.ts';
import { sharedArray } from './shared-array.ts';
import { TooLarge } from './too-large.ts';

/** Plain arrays over shared memory: a thread that is sent them shares them. */
export interface NameArrays {
  /** By entity, symbol of its type; 0 for entity 0. */
  readonly types: Int32Array;
  /** By entity, where its record begins. */
  readonly offsets: Uint32Array;
  /**
   * Records: the name's length, the symbol of the type, the entity, then the name in UTF-8. The
   * last one is blank, so that whoever reads names by words need not look where they end.
   */
  readonly bytes: Uint8Array;
  /**
   * Where records begin, by the hash of type and name; 0 is empty. A power of two, at most two thirds
   * full. The bits that no record needs are the hash's own: nearly always they tell another name's
   * record from the one that is sought without a look at it.
   */
  readonly slots: Int32Array;
  /** Of the hash, made anew with each table. */
  readonly key: { readonly first: number; readonly second: number };
}

/** Of a record, before the name: two bytes of length, four of the type, four of the entity. */
const headLength = 10;
const nameBytesMax = 2 ** 16 - 1;

/** Where the first record begins: 0 means none. */
const firstRecord = 1;

/** A record after the last one, without a name and with room behind it. */
const blankLength = headLength + leastReadable;

/** Slots have 31 bits; the longest record fits on top. */
const bytesMax = 2 ** 31 - 2 * nameBytesMax;

/** So many are looked up together; a text that is cut into names lives as long as one of them. */
const namesPerBlock = 128;

const wordBytes = 4;

const encoder = new TextEncoder();

/** The name of an entity that is not of the table. */
type Newer = (entity: number) => string;

export class NameTable {
  readonly arrays: NameArrays;
  private readonly recordBits: number;
  private readonly buffer: Buffer;
  private readonly view: DataView;
  private scratch = new Uint8Array(1_024);
  /** Of the names of a block: where each stands, its length, and where it ends among them. */
  private readonly starts = new Uint32Array(namesPerBlock);
  private readonly lengths = new Uint32Array(namesPerBlock);
  private readonly ends = new Uint32Array(namesPerBlock);
  /** Names that are decoded together. */
  private blockBytes: Buffer = Buffer.alloc(4_096);
  private block: DataView = viewOf(this.blockBytes);

  constructor(arrays: NameArrays) {
    this.arrays = arrays;
    this.recordBits = recordBitsOf(arrays.bytes);
    this.buffer = Buffer.from(arrays.bytes.buffer, 0, arrays.bytes.length);
    this.view = viewOf(this.buffer);
  }

  /** Entities are 1 to this. */
  get entities(): number {
    return this.arrays.types.length - 1;
  }

  /** 0 where there is none. */
  find(type: number, name: string): number {
    const length = this.encode(name);
    if (length === -1) return 0;
    const { bytes, slots, key } = this.arrays;
    const { scratch, recordBits } = this;
    const mask = slots.length - 1;
    const hash = keyedHash(key, type, scratch, 0, length);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = slots[at] as number;
      if (slot === 0) return 0;
      if ((slot ^ hash) >>> recordBits !== 0) continue;
      const record = slot & ((1 << recordBits) - 1);
      if (lengthAt(bytes, record) !== length || wordAt(bytes, record + 2) !== type) continue;
      const start = record + headLength;
      let same = 0;
      while (same < length && bytes[start + same] === scratch[same]) same++;
      if (same === length) return wordAt(bytes, record + 6);
    }
  }

  /** REQUIRES, here and below: `entity` is one of the table. */
  typeOf(entity: number): number {
    return this.arrays.types[entity] as number;
  }

  nameOf(entity: number): ObjectRef['id'] {
    const { offsets, bytes } = this.arrays;
    const record = offsets[entity] as number;
    const start = record + headLength;
    return this.buffer.toString('utf8', start, start + lengthAt(bytes, record));
  }

  /**
   * The names of many entities, in their order; `newer` has those that are not of the table. Decoded
   * block by block: each on its own takes four times as long. In loops of their own, of which each
   * has little to keep at hand: in one they take half as long again.
   */
  namesOf(entities: readonly number[], newer: Newer): string[] {
    const names = new Array<string>(entities.length);
    for (let from = 0; from < entities.length; from += namesPerBlock) {
      const count = Math.min(namesPerBlock, entities.length - from);
      const areKnown = this.locate(entities, from, count);
      this.makeRoom(count);
      const used = this.copyBlock(count);
      const text = this.blockBytes.toString('utf8', 0, used);
      // As long as its bytes: then it is ASCII, and is cut at the same places.
      const isAscii = text.length === used;
      if (isAscii) this.cut(text, names, from, count);
      for (let at = from; at < from + count && !(isAscii && areKnown); at++) {
        const entity = entities[at] as number;
        if (!this.has(entity)) names[at] = newer(entity);
        else if (!isAscii) names[at] = this.nameOf(entity);
      }
    }
    return names;
  }

  /** Hands over the names of many entities, in their order, from where they stand. */
  takeNames(entities: readonly number[], newer: Newer, take: TakeTexts): void {
    const { starts, lengths, view } = this;
    for (let from = 0; from < entities.length; ) {
      const known = this.knownFrom(entities, from);
      if (known > 0) {
        this.locate(entities, from, known);
        take(view, starts, lengths, known);
        from += known;
      } else {
        takeTexts([newer(entities[from++] as number)], take);
      }
    }
  }

  /** How many of the next block are of the table, up to one that is not. */
  private knownFrom(entities: readonly number[], from: number): number {
    const end = Math.min(from + namesPerBlock, entities.length);
    let at = from;
    while (at < end && this.has(entities[at] as number)) at++;
    return at - from;
  }

  private has(entity: number): boolean {
    return entity <= this.entities;
  }

  /**
   * Finds where the names of a block stand. They lie far apart: the processor waits for many of them
   * together where it reads nothing else in between. Returns whether all are of the table; the others
   * are without a name here.
   */
  private locate(entities: readonly number[], from: number, count: number): boolean {
    const { offsets, bytes } = this.arrays;
    const { starts, lengths } = this;
    const newest = this.entities;
    const blank = bytes.length - blankLength;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const entity = entities[from + i] as number;
      if (entity > last) last = entity;
      starts[i] = entity <= newest ? (offsets[entity] as number) : blank;
    }
    for (let i = 0; i < count; i++) {
      const record = starts[i] as number;
      lengths[i] = lengthAt(bytes, record);
      starts[i] = record + headLength;
    }
    return last <= newest;
  }

  /** Returns how many bytes the names of the block are. */
  private copyBlock(count: number): number {
    const { starts, lengths, ends, view, block } = this;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const start = starts[i] as number;
      const length = lengths[i] as number;
      // By words, and two of them whatever the length: what is too much is written over.
      block.setInt32(at, view.getInt32(start, true), true);
      block.setInt32(at + wordBytes, view.getInt32(start + wordBytes, true), true);
      for (let done = 2 * wordBytes; done < length; done += wordBytes) {
        block.setInt32(at + done, view.getInt32(start + done, true), true);
      }
      at += length;
      ends[i] = at;
    }
    return at;
  }

  private cut(text: string, names: string[], from: number, count: number): void {
    const { ends } = this;
    let start = 0;
    for (let i = 0; i < count; i++) {
      const end = ends[i] as number;
      names[from + i] = text.substring(start, end);
      start = end;
    }
  }

  /** For the names of a block, decoded together. */
  private makeRoom(count: number): void {
    let bytes = leastReadable;
    for (let i = 0; i < count; i++) bytes += this.lengths[i] as number;
    if (bytes <= this.blockBytes.length) return;
    this.blockBytes = Buffer.alloc(bytes * 2);
    this.block = viewOf(this.blockBytes);
  }

  /** Puts the name's UTF-8 into `scratch`. ENSURES: its length; -1 for a text that has none. */
  private encode(name: string): number {
    if (name.length * 3 > this.scratch.length) this.scratch = new Uint8Array(name.length * 3);
    const { scratch } = this;
    for (let at = 0; at < name.length; at++) {
      const code = name.charCodeAt(at);
      if (code >= 0x80) {
        return name.isWellFormed() ? encoder.encodeInto(name, scratch).written : -1;
      }
      scratch[at] = code;
    }
    return name.length;
  }
}

/** Collects entities 1, 2, 3, … in their order, then packs them. */
export class NameTableBuilder {
  private readonly types: Int32Array;
  private readonly offsets: Uint32Array;
  private bytes: Uint8Array;
  private entity = 0;
  private used = firstRecord;

  /** `bytesExpected` is a guess: it grows. */
  constructor(entities: number, bytesExpected: number) {
    this.types = sharedArray(Int32Array, entities + 1);
    this.offsets = sharedArray(Uint32Array, entities + 1);
    this.bytes = new Uint8Array(Math.max(64, bytesExpected));
  }

  add(type: number, name: string): void {
    const entity = ++this.entity;
    assert(entity < this.types.length, 'no more entities than were counted');
    if (this.used > bytesMax) throw new TooLarge('names');
    const most = headLength + name.length * 3;
    if (this.used + most > this.bytes.length) this.grow(most);
    const { bytes, used } = this;
    this.types[entity] = type;
    this.offsets[entity] = used;
    const { written } = encoder.encodeInto(name, bytes.subarray(used + headLength));
    assert(written <= nameBytesMax, 'the length of a name has 16 bits');
    bytes[used] = written;
    bytes[used + 1] = written >>> 8;
    putWord(bytes, used + 2, type);
    putWord(bytes, used + 6, entity);
    this.used += headLength + written;
  }

  /** REQUIRES: every entity was added. */
  build(): NameArrays {
    const { types, offsets, bytes } = this;
    assert(this.entity === types.length - 1, 'as many entities as were counted');
    const key = { first: randomInt(2 ** 32) | 0, second: randomInt(2 ** 32) | 0 };
    const packed = sharedArray(Uint8Array, this.used + blankLength);
    packed.set(bytes.subarray(0, this.used));
    let length = 2;
    while (length * 2 < types.length * 3) length *= 2;
    const slots = sharedArray(Int32Array, length);
    const tags = -1 << recordBitsOf(packed);
    for (let entity = 1; entity < types.length; entity++) {
      const record = offsets[entity] as number;
      const start = record + headLength;
      const end = start + lengthAt(packed, record);
      const hash = keyedHash(key, types[entity] as number, packed, start, end);
      let at = hash & (length - 1);
      while (slots[at] !== 0) at = (at + 1) & (length - 1);
      slots[at] = (hash & tags) | record;
    }
    return { types, offsets, bytes: packed, slots, key };
  }

  private grow(least: number): void {
    const { bytes } = this;
    this.bytes = new Uint8Array(Math.max(Math.ceil(bytes.length * 1.5), bytes.length + least));
    this.bytes.set(bytes);
  }
}

/** Of a slot, those that say where a record begins: at most 31, as `bytesMax` has it. */
function recordBitsOf(bytes: Uint8Array): number {
  return 32 - Math.clz32(bytes.length);
}

function lengthAt(bytes: Uint8Array, record: number): number {
  return (bytes[record] as number) | ((bytes[record + 1] as number) << 8);
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
