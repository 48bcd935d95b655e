/**
 * The entities of a store, packed: the bytes of all names end to end, and an open-addressing table
 * from (type, name) to entity. A JavaScript Map of the same names takes three times the memory, and
 * threads cannot share it.
 */
import { randomInt } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import type { ObjectRef } from '../../model/tuple.ts';
import { keyedHash } from './keyed-hash.ts';
import { sharedArray } from './shared-array.ts';
import { TooLarge } from './too-large.ts';

/** Plain arrays over shared memory: a thread that is sent them shares them. */
export interface NameArrays {
  /** By entity, symbol of its type; 0 for entity 0. */
  readonly types: Int32Array;
  /** By entity, where its name begins; one more at the end. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
  /** Entities by the hash of type and name; 0 is empty. A power of two, at most two thirds full. */
  readonly slots: Int32Array;
  /** Of the hash, made anew with each table. */
  readonly key: { readonly first: number; readonly second: number };
}

/** Offsets have 32 bits; the longest name fits on top. */
const bytesMax = 2 ** 31;

const encoder = new TextEncoder();

export class NameTable {
  readonly arrays: NameArrays;
  private readonly buffer: Buffer;
  private scratch = new Uint8Array(1_024);

  constructor(arrays: NameArrays) {
    this.arrays = arrays;
    this.buffer = Buffer.from(arrays.bytes.buffer, 0, arrays.bytes.length);
  }

  /** Entities are 1 to this. */
  get entities(): number {
    return this.arrays.types.length - 1;
  }

  /** 0 where there is none. */
  find(type: number, name: string): number {
    const length = this.encode(name);
    if (length === -1) return 0;
    const { types, offsets, bytes, slots, key } = this.arrays;
    const { scratch } = this;
    const mask = slots.length - 1;
    let at = keyedHash(key, type, scratch, 0, length) & mask;
    for (;;) {
      const entity = slots[at] as number;
      if (entity === 0) return 0;
      if (types[entity] === type) {
        const start = offsets[entity] as number;
        if ((offsets[entity + 1] as number) - start === length) {
          let same = 0;
          while (same < length && bytes[start + same] === scratch[same]) same++;
          if (same === length) return entity;
        }
      }
      at = (at + 1) & mask;
    }
  }

  /** REQUIRES, here and below: `entity` is one of the table. */
  typeOf(entity: number): number {
    return this.arrays.types[entity] as number;
  }

  nameOf(entity: number): ObjectRef['id'] {
    const { offsets } = this.arrays;
    return this.buffer.toString('utf8', offsets[entity], offsets[entity + 1]);
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
  private used = 0;

  /** `bytesExpected` is a guess: it grows. */
  constructor(entities: number, bytesExpected: number) {
    this.types = sharedArray(Int32Array, entities + 1);
    this.offsets = sharedArray(Uint32Array, entities + 2);
    this.bytes = new Uint8Array(Math.max(64, bytesExpected));
  }

  add(type: number, name: string): void {
    const entity = ++this.entity;
    assert(entity < this.types.length, 'no more entities than were counted');
    if (this.used > bytesMax) throw new TooLarge('names');
    if (this.used + name.length * 3 > this.bytes.length) this.grow(name.length * 3);
    this.types[entity] = type;
    this.offsets[entity] = this.used;
    this.used += encoder.encodeInto(name, this.bytes.subarray(this.used)).written;
    this.offsets[entity + 1] = this.used;
  }

  /** REQUIRES: every entity was added. */
  build(): NameArrays {
    const { types, offsets, bytes } = this;
    assert(this.entity === types.length - 1, 'as many entities as were counted');
    const key = { first: randomInt(2 ** 32) | 0, second: randomInt(2 ** 32) | 0 };
    const packed = sharedArray(Uint8Array, this.used);
    packed.set(bytes.subarray(0, this.used));
    let length = 2;
    while (length * 2 < types.length * 3) length *= 2;
    const slots = sharedArray(Int32Array, length);
    for (let entity = 1; entity < types.length; entity++) {
      const start = offsets[entity] as number;
      const end = offsets[entity + 1] as number;
      let at = keyedHash(key, types[entity] as number, packed, start, end) & (length - 1);
      while (slots[at] !== 0) at = (at + 1) & (length - 1);
      slots[at] = entity;
    }
    return { types, offsets, bytes: packed, slots, key };
  }

  private grow(least: number): void {
    const { bytes } = this;
    this.bytes = new Uint8Array(Math.max(Math.ceil(bytes.length * 1.5), bytes.length + least));
    this.bytes.set(bytes);
  }
}
