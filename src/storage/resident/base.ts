/**
 * The base of a resident graph: all tuples of a store at one revision, packed both ways. Immutable,
 * so that threads can share it and a fold can replace it as a whole.
 */
import { assert } from '../../base/assert.ts';
import type { ModelId } from '../../model/ids.ts';
import type { Revision } from '../datastore.ts';
import type { AdjacencyArrays } from './adjacency.ts';
import { Kinds } from './kinds.ts';
import { type NameArrays, NameTableBuilder } from './name-table.ts';
import { RowWriter } from './row-writer.ts';
import { TooLarge } from './too-large.ts';

export interface Base {
  /** Tells the store from another one that has its id after it was deleted. */
  readonly incarnation: number;
  readonly revision: Revision;
  readonly latestModel: ModelId | undefined;
  /** Texts of the symbols 1, 2, 3, … */
  readonly symbols: readonly string[];
  readonly names: NameArrays;
  /** Objects to subjects; kinds are (relation, subject type, subject relation). */
  readonly forward: AdjacencyArrays;
  readonly forwardKinds: Int32Array;
  /** Subjects to objects; kinds are (subject relation, relation, object type). */
  readonly backward: AdjacencyArrays;
  readonly backwardKinds: Int32Array;
  readonly tuples: number;
}

export interface BaseSize {
  readonly entities: number;
  readonly tuples: number;
}

/** Memory that the base takes. */
export function bytesOf(base: Base): number {
  let bytes = base.forwardKinds.byteLength + base.backwardKinds.byteLength;
  for (const part of [base.names, base.forward, base.backward]) {
    for (const array of Object.values(part)) {
      if (ArrayBuffer.isView(array)) bytes += array.byteLength;
    }
  }
  return bytes;
}

/** What a base of this size takes at the least: its names and groups come on top. */
function leastBytes({ entities, tuples }: BaseSize): number {
  return entities * 24 + tuples * 8;
}

/** Ids are kept in arrays of signed 32 bits. */
const idMax = 2 ** 31 - 1;

/**
 * Builds a base from rows in their order on disk. REQUIRES: every entity of the store, in the order
 * of the ids 1, 2, 3, …; then every tuple, in the order of the objects, those of an object with the
 * same relation, subject type and subject relation one after the other, in the order of the subjects.
 * Throws `TooLarge` where it would take more memory than it may, as soon as that is sure.
 */
export class BaseBuilder {
  private readonly size: BaseSize;
  private readonly names: NameTableBuilder;
  private types: Int32Array = new Int32Array(0);
  private nameArrays: NameArrays | undefined = undefined;

  private readonly forwardKinds = new Kinds();
  private readonly backwardKinds = new Kinds();
  /** By tuple, in the order in which they come. */
  private readonly objects: Int32Array;
  private readonly members: Int32Array;
  private readonly backwardKindOf: Uint16Array;
  private guards: Int32Array = new Int32Array(0);
  private readonly groups: RowWriter;
  private entities = 0;
  private tuples = 0;
  private lastKind = -1;
  private lastObject = 0;

  constructor(size: BaseSize, bytesMax: number) {
    if (leastBytes(size) > bytesMax) throw new TooLarge('tuples');
    if (Math.max(size.entities, size.tuples) >= idMax) throw new TooLarge('rows');
    this.size = size;
    this.names = new NameTableBuilder(size.entities, size.entities * 16);
    this.objects = new Int32Array(size.tuples);
    this.members = new Int32Array(size.tuples);
    this.backwardKindOf = new Uint16Array(size.tuples);
    this.groups = new RowWriter(size.entities);
  }

  addEntity(entity: number, type: number, name: string): void {
    assert(entity === ++this.entities, 'entities are numbered without gaps');
    this.names.add(type, name);
  }

  addTuple(
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    subject: number,
    guard: number,
  ): void {
    if (this.nameArrays === undefined) this.finishNames();
    const at = this.tuples++;
    assert(at < this.size.tuples, 'no more tuples than were counted');
    assert(subject > 0 && subject <= this.size.entities, 'a tuple names entities that are known');
    if (guard > idMax) throw new TooLarge('conditions');
    const kind = this.forwardKinds.add(relation, subjectType, subjectRelation);
    if (object !== this.lastObject || kind !== this.lastKind) {
      this.groups.begin(object, kind, at);
      this.lastObject = object;
      this.lastKind = kind;
    }
    this.objects[at] = object;
    this.members[at] = subject;
    const objectType = this.types[object] as number;
    this.backwardKindOf[at] = this.backwardKinds.add(subjectRelation, relation, objectType);
    if (guard === 0) return;
    if (this.guards.length === 0) this.guards = new Int32Array(this.size.tuples);
    this.guards[at] = guard;
  }

  /** REQUIRES: everything was added. */
  build(head: Pick<Base, 'incarnation' | 'revision' | 'latestModel' | 'symbols'>): Base {
    if (this.nameArrays === undefined) this.finishNames();
    assert(this.tuples === this.size.tuples, 'as many tuples as were counted');
    const { nameArrays } = this;
    assert(nameArrays !== undefined, 'the names are packed before the tuples');
    return {
      ...head,
      names: nameArrays,
      forward: this.groups.build(this.members, this.guards),
      forwardKinds: this.forwardKinds.toArray(),
      backward: this.turn(),
      backwardKinds: this.backwardKinds.toArray(),
      tuples: this.tuples,
    };
  }

  private finishNames(): void {
    this.nameArrays = this.names.build();
    this.types = this.nameArrays.types;
  }

  /** Counting sort by subject; it is stable, so that the objects of a subject stay ascending. */
  private turn(): AdjacencyArrays {
    const { entities, tuples } = this.size;
    const { members, objects, backwardKindOf, guards } = this;
    const from = new Uint32Array(entities + 2);
    for (let at = 0; at < tuples; at++) {
      const next = (members[at] as number) + 1;
      from[next] = (from[next] as number) + 1;
    }
    for (let entity = 1; entity < from.length; entity++) {
      from[entity] = (from[entity] as number) + (from[entity - 1] as number);
    }
    const order = new Uint32Array(tuples);
    const place = from.slice();
    for (let at = 0; at < tuples; at++) {
      const subject = members[at] as number;
      const to = place[subject] as number;
      place[subject] = to + 1;
      order[to] = at;
    }
    const groups = new RowWriter(entities);
    const turned = new Int32Array(tuples);
    const turnedGuards = new Int32Array(guards.length);
    for (let entity = 1; entity <= entities; entity++) {
      const start = from[entity] as number;
      const end = from[entity + 1] as number;
      if (end > start + 1) sortByKind(order, start, end, backwardKindOf);
      let last = -1;
      for (let to = start; to < end; to++) {
        const at = order[to] as number;
        const kind = backwardKindOf[at] as number;
        if (kind !== last) groups.begin(entity, kind, to);
        last = kind;
        turned[to] = objects[at] as number;
        if (guards.length > 0) turnedGuards[to] = guards[at] as number;
      }
    }
    return groups.build(turned, turnedGuards);
  }
}

/** Stable, within `start..end`. Most ranges have one kind, or are short. */
function sortByKind(order: Uint32Array, start: number, end: number, kindOf: Uint16Array): void {
  const first = kindOf[order[start] as number];
  let mixed = false;
  for (let at = start + 1; at < end && !mixed; at++) mixed = kindOf[order[at] as number] !== first;
  if (!mixed) return;
  const range = Array.from(order.subarray(start, end));
  range.sort((a, b) => (kindOf[a] as number) - (kindOf[b] as number));
  order.set(range, start);
}
