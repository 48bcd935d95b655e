/**
 * Changes of one revision as bytes: a row a change would take 27 bytes, here it is about six. Tuples
 * that are written together are alike, so their ids are told by the difference from the one before.
 *
 * A pack is a list of changes. Each begins with the number of its shape: what it has in common with
 * others. A shape that was not met before has the next number, and its parts follow. Then come the
 * guard, where the shape says that there is one; the object's difference from that of the change
 * before; and the subject's from that of the last change of the same shape. All are numbers of seven
 * bits a byte, the lowest first; a difference has its sign in its lowest bit.
 *
 * A long pack is deflated, with a byte before it with which no list begins: changes of a load are much
 * alike in what little they take.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { AssertionError, assert } from '../../base/assert.ts';
import { noGuard } from '../tuple-reader.ts';

/** In place of a guard: the tuple is gone after this change. */
export const deletedGuard = -1;

/** The same, but nobody deleted it: it expired. */
export const expiredGuard = -2;

/** A tuple that a revision changed, in integers. `guard` is as the changelog has it. */
export interface LoggedChange {
  readonly object: number;
  readonly objectType: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectRelation: number;
  readonly guard: number;
}

/** Changes of one pack; a revision with more has several, all of them full but for the last. */
export const changesPerPack = 4_096;

/** What the guard of a shape's changes is; a number of its own follows for `some`. */
const guardKinds = { none: 0, some: 1, deleted: 2, expired: 3 } as const;

const idMax = 2 ** 31 - 1;

/** A list begins with the number of the first shape, 0. */
const deflatedMark = 0xff;
/** Shorter ones gain too little for what it costs to begin. */
const deflatedFrom = 512;
/** Numbers of a change, each of five bytes at most. */
const changeBytesMax = 40;

interface Shape {
  readonly number: number;
  readonly relation: number;
  readonly subjectRelation: number;
  readonly objectType: number;
  /** One of `guardKinds`. */
  readonly kind: number;
  lastSubject: number;
}

/** What is said of a change beside its guard. */
type ChangedKey = Omit<LoggedChange, 'guard'>;

export class ChangePacker {
  private bytes = Buffer.allocUnsafe(64);
  private length = 0;
  private lastObject = 0;
  private readonly shapes = new Map<string, Shape>();
  /** The one before, which is most often that of the next too. */
  private last: Shape | undefined;
  count = 0;

  add(change: ChangedKey, guard: number): void {
    this.makeRoom();
    const shape = this.shapeOf(change, kindOf(guard));
    if (guard > noGuard) this.put(guard);
    this.putDifference(change.object - this.lastObject);
    this.putDifference(change.subject - shape.lastSubject);
    this.lastObject = change.object;
    shape.lastSubject = change.subject;
    this.count += 1;
  }

  /** The pack so far. The packer begins anew. */
  take(): Buffer {
    const pack = deflatedPack(Buffer.from(this.bytes.subarray(0, this.length)));
    this.length = 0;
    this.count = 0;
    this.lastObject = 0;
    this.last = undefined;
    this.shapes.clear();
    return pack;
  }

  private shapeOf(change: ChangedKey, kind: number): Shape {
    const { last } = this;
    if (last !== undefined && isOf(last, change, kind)) {
      this.put(last.number);
      return last;
    }
    const { relation, subjectRelation, objectType } = change;
    const key = `${relation} ${subjectRelation} ${objectType} ${kind}`;
    let shape = this.shapes.get(key);
    if (shape === undefined) {
      const number = this.shapes.size;
      shape = { number, relation, subjectRelation, objectType, kind, lastSubject: 0 };
      this.shapes.set(key, shape);
      this.put(shape.number);
      for (const part of [relation, subjectRelation, objectType, kind]) this.put(part);
    } else {
      this.put(shape.number);
    }
    this.last = shape;
    return shape;
  }

  private putDifference(difference: number): void {
    this.put(difference < 0 ? -2 * difference - 1 : 2 * difference);
  }

  private put(value: number): void {
    assert(value >= 0 && value <= 2 * idMax + 1, 'a number of a pack is small');
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** For eight numbers at least, which is what a change takes at most. */
  private makeRoom(): void {
    if (this.length + changeBytesMax <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.bytes.length);
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}

function isOf(shape: Shape, change: ChangedKey, kind: number): boolean {
  return (
    shape.relation === change.relation &&
    shape.subjectRelation === change.subjectRelation &&
    shape.objectType === change.objectType &&
    shape.kind === kind
  );
}

function kindOf(guard: number): number {
  if (guard === noGuard) return guardKinds.none;
  if (guard === deletedGuard) return guardKinds.deleted;
  return guard === expiredGuard ? guardKinds.expired : guardKinds.some;
}

/** The same pack, deflated where that makes it shorter. */
export function deflatedPack(pack: Buffer): Buffer {
  if (pack.length < deflatedFrom || pack[0] === deflatedMark) return pack;
  const deflated = deflateRawSync(pack, { level: 1 });
  if (deflated.length + 1 >= pack.length) return pack;
  return Buffer.concat([Buffer.of(deflatedMark), deflated]);
}

/** The list of a pack. What is no pack never takes more memory than one. */
function listOf(pack: Uint8Array): Uint8Array {
  if (pack[0] !== deflatedMark) return pack;
  try {
    const maxOutputLength = changesPerPack * changeBytesMax;
    return inflateRawSync(pack.subarray(1), { maxOutputLength });
  } catch (error) {
    throw new AssertionError('a pack of changes is whole', { cause: error });
  }
}

/** The changes of a pack in their order. REQUIRES: the packer made it; anything else is refused. */
export function unpackChanges(given: Uint8Array): LoggedChange[] {
  const pack = listOf(given);
  const changes: LoggedChange[] = [];
  const shapes: (Omit<LoggedChange, 'object' | 'subject'> & { lastSubject: number })[] = [];
  let at = 0;
  let object = 0;

  function take(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = pack[at++];
      assert(byte !== undefined && shift <= 28, 'a pack of changes is whole');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  function takeDifference(): number {
    const value = take();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  function takeShape() {
    const [relation, subjectRelation, objectType, kind] = [take(), take(), take(), take()];
    assert(kind <= guardKinds.expired, 'a pack of changes names a kind of guard');
    const guard = [noGuard, idMax, deletedGuard, expiredGuard][kind] as number;
    return { relation, subjectRelation, objectType, guard, lastSubject: 0 };
  }

  while (at < pack.length) {
    const number = take();
    assert(number <= shapes.length, 'a pack of changes numbers its shapes in order');
    if (number === shapes.length) shapes.push(takeShape());
    const shape = shapes[number] as (typeof shapes)[number];
    const guard = shape.guard > noGuard ? take() : shape.guard;
    object += takeDifference();
    shape.lastSubject += takeDifference();
    const { relation, subjectRelation, objectType, lastSubject: subject } = shape;
    changes.push({ object, objectType, relation, subject, subjectRelation, guard });
  }
  return changes;
}
