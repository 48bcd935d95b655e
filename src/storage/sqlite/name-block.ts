/**
 * Names of entities with consecutive ids as bytes: a row a name would take 20 bytes, here it is about
 * three. Names that are written together are numbered in their order, so most begin as the one before
 * does, and only the rest is kept.
 *
 * A block is a list of names. Each begins with how many bytes it has in common with the one before,
 * twice, and one more where its type is another; then that type follows. Then come the length of the
 * rest, and the rest. Numbers have seven bits a byte, the lowest first.
 */
import { assert } from '../../base/assert.ts';

/** Who looks for one name walks through those before it in its block. */
export const namesPerBlock = 64;

/** SQLite keeps a row of up to about 1,000 bytes within its page; a longer one takes more pages. */
const blockBytesMax = 960;

const nothing = Buffer.alloc(0);

export class NamePacker {
  private bytes = Buffer.allocUnsafe(2 * blockBytesMax);
  private length = 0;
  private last = nothing;
  private type = 0;
  count = 0;

  /** ENSURES: false, and nothing done, where the block is full. */
  add(type: number, name: string): boolean {
    const bytes = Buffer.from(name);
    const shared = sharedLength(this.last, bytes);
    const rest = bytes.length - shared;
    const isFull = this.count === namesPerBlock || this.length + rest + 12 > blockBytesMax;
    if (isFull && this.count > 0) return false;
    this.makeRoom(rest);
    const isOther = type !== this.type;
    this.put(2 * shared + (isOther ? 1 : 0));
    if (isOther) this.put(type);
    this.put(rest);
    bytes.copy(this.bytes, this.length, shared);
    this.length += rest;
    this.last = bytes;
    this.type = type;
    this.count += 1;
    return true;
  }

  /** What `add` made of these names so far, to add more. REQUIRES: nothing was added yet. */
  goOn(block: Buffer): void {
    assert(this.count === 0, 'a packer goes on with one block');
    const walk = new NameWalk(block);
    while (walk.next()) this.count += 1;
    this.makeRoom(block.length);
    block.copy(this.bytes);
    this.length = block.length;
    this.last = Buffer.from(walk.name());
    this.type = walk.type;
  }

  /** The block so far. The packer begins anew. */
  take(): Buffer {
    const block = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    this.count = 0;
    this.last = nothing;
    this.type = 0;
    return block;
  }

  private put(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** For so many bytes and three numbers. */
  private makeRoom(more: number): void {
    if (this.length + more + 15 <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more + 15));
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}

function sharedLength(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a[at] === b[at]) at++;
  return at;
}

/** Goes through the names of a block in their order. REQUIRES: the packer made it; anything else is refused. */
export class NameWalk {
  private readonly block: Buffer;
  private at = 0;
  /** The bytes of the name that it is at. */
  private bytes = Buffer.allocUnsafe(64);
  private length = 0;
  /** Of the entity that it is at. */
  type = 0;

  constructor(block: Buffer) {
    this.block = block;
  }

  /** ENSURES: false at the end. */
  next(): boolean {
    if (this.at === this.block.length) return false;
    const head = this.take();
    if (head % 2 === 1) this.type = this.take();
    const shared = head >>> 1;
    const rest = this.take();
    assert(shared <= this.length && this.type > 0, 'a block of names refers to what it has');
    assert(this.at + rest <= this.block.length, 'a block of names is whole');
    this.length = shared + rest;
    this.makeRoom();
    this.copyRest(shared, rest);
    this.at += rest;
    return true;
  }

  /** Of the entity that it is at. */
  name(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }

  /** Most are so short that to call for a copy would take longer. */
  private copyRest(shared: number, rest: number): void {
    const { block, bytes, at } = this;
    if (rest > 32) block.copy(bytes, shared, at, at + rest);
    else for (let i = 0; i < rest; i++) bytes[shared + i] = block[at + i] as number;
  }

  private take(): number {
    const first = this.block[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.block[this.at++];
      assert(byte !== undefined && shift <= 28, 'a block of names is whole');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  private makeRoom(): void {
    if (this.length <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.length);
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}
