/**
 * The resident graph of one store: an immutable base, and what was committed since, applied in the
 * order of the revisions. It answers as of its newest revision, or of an older one that is held.
 */
import { assert } from '../../base/assert.ts';
import type { ModelId } from '../../model/ids.ts';
import type { Revision } from '../datastore.ts';
import { noTuple, type Run, type TakeTexts } from '../tuple-reader.ts';
import { Adjacency } from './adjacency.ts';
import { type Base, bytesOf } from './base.ts';
import { ChangedGroups } from './changed-groups.ts';
import { emptyRun, gone, guardInChunks, type MemberChange, runOfChunks } from './chunks.ts';
import { Kinds } from './kinds.ts';
import { NameTable } from './name-table.ts';
import { TooLarge } from './too-large.ts';

/** A tuple that a write added, changed or deleted, in integers. */
export interface TupleChange {
  readonly object: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectRelation: number;
  /** The tuple's after the change; negative where it is gone. */
  readonly guard: number;
}

export interface EntityRow {
  readonly entity: number;
  readonly type: number;
  readonly name: string;
}

export interface SymbolRow {
  readonly symbol: number;
  readonly text: string;
}

/** All that one revision changed. */
export interface Commit {
  readonly revision: Revision;
  /** Entities and symbols that are new with it, or with one of the next. */
  readonly entities: readonly EntityRow[];
  readonly symbols: readonly SymbolRow[];
  readonly changes: readonly TupleChange[];
  /** The model that it wrote. */
  readonly model: ModelId | undefined;
}

/** Up to where a reader sees: nothing that came later, though it may be here already. */
export interface Horizon {
  readonly revision: Revision;
  readonly entities: number;
  readonly symbols: number;
}

/** Roughly, of an entity or a symbol that came after the base. */
const bytesPerNewText = 250;

/** Of the graph's own objects, roughly: what a store without any tuple takes. */
const bytesPerGraph = 16 * 1024;

const idMax = 2 ** 31 - 1;

/** A power of two. */
const namedLatelyKept = 8;

export class ResidentGraph {
  readonly base: Base;
  private readonly baseBytes: number;
  private readonly names: NameTable;
  private readonly forward: Adjacency;
  private readonly backward: Adjacency;
  private readonly forwardKinds: Kinds;
  private readonly backwardKinds: Kinds;
  private readonly forwardChanges: ChangedGroups;
  private readonly backwardChanges: ChangedGroups;
  /** Whether anything was changed at all: if not, only the base is asked. */
  private changed = false;

  /** Entities after those of the base, by type and name. */
  private readonly newEntities = new Map<number, Map<string, number>>();
  /**
   * Entities that were asked for by name of late, each in the place of its lowest bits, and their
   * types: a check asks for the type of its subject again and again.
   */
  private readonly namedLately = new Int32Array(namedLatelyKept);
  private readonly namedTypes = new Int32Array(namedLatelyKept);
  private readonly newRows: EntityRow[] = [];
  private readonly symbolTexts: string[];
  private readonly symbolIds: Map<string, number>;

  private head: Horizon;
  private changesSinceBase = 0;
  /** The commit that is being taken in, and how much of it has been. */
  private begun: { readonly commit: Commit; entities: number; changes: number } | undefined;
  /** By kind forwards, the last revision that changed such tuples; undefined: none since the base. */
  private readonly changedAt: (Revision | undefined)[] = [];
  /** The models written since the base, newest first. */
  private readonly models: { readonly since: Revision; readonly id: ModelId }[] = [];
  /** How many readers hold each revision. */
  private readonly held = new Map<Revision, number>();

  constructor(base: Base) {
    this.base = base;
    this.baseBytes = bytesOf(base);
    this.names = new NameTable(base.names);
    this.forward = new Adjacency(base.forward);
    this.backward = new Adjacency(base.backward);
    this.forwardKinds = new Kinds(base.forwardKinds);
    this.backwardKinds = new Kinds(base.backwardKinds);
    this.forwardChanges = new ChangedGroups(this.forward);
    this.backwardChanges = new ChangedGroups(this.backward);
    this.symbolTexts = [...base.symbols];
    this.symbolIds = new Map(base.symbols.map((text, index) => [text, index + 1]));
    const { entities } = this.names;
    this.head = { revision: base.revision, entities, symbols: base.symbols.length };
  }

  /** The newest that can be read. */
  get horizon(): Horizon {
    return this.head;
  }

  /** Tuples changed since the base: what a fold would take in. */
  get changes(): number {
    return this.changesSinceBase;
  }

  /** Memory that base and changes take, the changes roughly. */
  get bytes(): number {
    const changed = this.forwardChanges.bytes + this.backwardChanges.bytes;
    const texts = this.newRows.length + this.symbolTexts.length;
    return bytesPerGraph + this.baseBytes + changed + texts * bytesPerNewText;
  }

  /** Whether all of the commit that was begun is taken in. */
  get isWhole(): boolean {
    return this.begun === undefined;
  }

  /** As `begin`, and all of it. */
  apply(commit: Commit): void {
    this.begin(commit);
    this.proceed(Number.POSITIVE_INFINITY);
  }

  /**
   * REQUIRES: the revision after the newest, whole, and none was begun that is not all taken in.
   * Where it throws, here or in `proceed`, the graph must not be read any more.
   */
  begin(commit: Commit): void {
    assert(this.begun === undefined, 'a commit is taken in whole before the next one');
    assert(commit.revision === this.head.revision + 1, 'commits are applied one after the other');
    for (const row of commit.symbols) this.addSymbol(row);
    this.begun = { commit, entities: 0, changes: 0 };
  }

  /**
   * Takes in so many more entities and changes of the commit that was begun. ENSURES: true where that
   * was all, or none was begun. Only then it can be read: readers of what was before see no change.
   */
  proceed(most: number): boolean {
    const { begun } = this;
    if (begun === undefined) return true;
    const { revision, entities, changes, model } = begun.commit;
    const toEntity = Math.min(entities.length, begun.entities + most);
    const toChange = Math.min(changes.length, begun.changes + most - (toEntity - begun.entities));
    for (const row of entities.slice(begun.entities, toEntity)) this.addEntity(row);
    const isAll = toEntity === entities.length && toChange === changes.length;
    this.change(revision, changes.slice(begun.changes, toChange), isAll);
    begun.entities = toEntity;
    begun.changes = toChange;
    if (!isAll) return false;
    this.begun = undefined;
    if (model !== undefined) this.models.unshift({ since: revision, id: model });
    this.head = {
      revision,
      entities: this.names.entities + this.newRows.length,
      symbols: this.symbolTexts.length,
    };
    return true;
  }

  /** `isAll`: with these the revision is whole, and the one before it is only read where it is held. */
  private change(revision: Revision, changes: readonly TupleChange[], isAll: boolean): void {
    const forward = new Batch();
    const backward = new Batch();
    for (const change of changes) {
      const { object, relation, subject, subjectRelation } = change;
      const objectType = this.typeOf(object);
      const subjectType = this.typeOf(subject);
      assert(objectType !== 0 && subjectType !== 0, 'a change names entities that are known');
      assert(change.guard <= idMax, 'a guard has 31 bits');
      const guard = change.guard < 0 ? gone : change.guard;
      const kind = this.forwardKinds.add(relation, subjectType, subjectRelation);
      forward.add(object, kind, { member: subject, guard });
      this.changedAt[kind] = revision;
      const turned = this.backwardKinds.add(subjectRelation, relation, objectType);
      backward.add(subject, turned, { member: object, guard });
    }
    const held = [...this.held.keys()].sort((a, b) => b - a);
    if (!isAll && held[0] !== this.head.revision) held.unshift(this.head.revision);
    forward.applyTo(this.forwardChanges, revision, held);
    backward.applyTo(this.backwardChanges, revision, held);
    this.changed ||= changes.length > 0;
    this.changesSinceBase += changes.length;
  }

  /** What is readable now stays so until `release` was called as often. */
  hold(): Horizon {
    const { revision } = this.head;
    this.held.set(revision, (this.held.get(revision) ?? 0) + 1);
    return this.head;
  }

  release({ revision }: Horizon): void {
    const holders = this.held.get(revision);
    assert(holders !== undefined, 'what is released was held');
    if (holders === 1) this.held.delete(revision);
    else this.held.set(revision, holders - 1);
  }

  latestModelId(revision: Revision): ModelId | undefined {
    if (this.models.length === 0) return this.base.latestModel;
    const written = this.models.find(({ since }) => since <= revision);
    return written === undefined ? this.base.latestModel : written.id;
  }

  /** 0 where it is unknown, here and below. */
  symbol(horizon: Horizon, text: string): number {
    const symbol = this.symbolIds.get(text) ?? 0;
    return symbol > horizon.symbols ? 0 : symbol;
  }

  entity(horizon: Horizon, type: number, name: string): number {
    const known = this.names.find(type, name);
    if (known !== 0) {
      const place = known & (namedLatelyKept - 1);
      this.namedLately[place] = known;
      this.namedTypes[place] = type;
      return known;
    }
    if (this.newRows.length === 0) return known;
    const added = this.newEntities.get(type)?.get(name) ?? 0;
    return added > horizon.entities ? 0 : added;
  }

  /** REQUIRES, here and below: it is of this graph. */
  symbolText(symbol: number): string {
    const text = this.symbolTexts[symbol - 1];
    assert(text !== undefined, `symbol ${symbol} is known`);
    return text;
  }

  typeOf(entity: number): number {
    const place = entity & (namedLatelyKept - 1);
    if (this.namedLately[place] === entity) return this.namedTypes[place] as number;
    if (entity <= this.names.entities) return this.names.typeOf(entity);
    return this.newRows[entity - this.names.entities - 1]?.type ?? 0;
  }

  nameOf(entity: number): string {
    if (entity <= this.names.entities) return this.names.nameOf(entity);
    const row = this.newRows[entity - this.names.entities - 1];
    assert(row !== undefined, `entity ${entity} is known`);
    return row.name;
  }

  /** The names of many, in their order. */
  namesOf(entities: readonly number[]): string[] {
    return this.names.namesOf(entities, (entity) => this.nameOf(entity));
  }

  takeNames(entities: readonly number[], take: TakeTexts): void {
    this.names.takeNames(entities, (entity) => this.nameOf(entity), take);
  }

  /** See `TupleReader`. A reader that is held at an older revision is not told of later changes. */
  lastChange(
    revision: Revision,
    relation: number,
    subjectType: number,
    subjectRelation: number,
  ): Revision {
    const kind = this.forwardKinds.find(relation, subjectType, subjectRelation);
    const changedAt = this.changedAt[kind] ?? this.base.revision;
    return Math.min(changedAt, revision);
  }

  /** The tuple's guard; `noTuple` where there is none. */
  find(
    revision: Revision,
    object: number,
    relation: number,
    subject: number,
    subjectRelation: number,
  ): number {
    const kind = this.forwardKinds.find(relation, this.typeOf(subject), subjectRelation);
    if (kind === -1) return noTuple;
    if (this.changed) {
      const version = this.forwardChanges.find(object, kind, revision);
      if (version !== undefined) return guardInChunks(version.chunks, subject);
    }
    return this.forward.find(object, kind, subject);
  }

  subjects(
    revision: Revision,
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    after: number,
  ): Run {
    const kind = this.forwardKinds.find(relation, subjectType, subjectRelation);
    if (kind === -1) return emptyRun;
    if (this.changed) {
      const version = this.forwardChanges.find(object, kind, revision);
      if (version !== undefined) return runOfChunks(version.chunks, after);
    }
    return this.forward.run(object, kind, after);
  }

  objects(
    revision: Revision,
    subject: number,
    subjectRelation: number,
    relation: number,
    objectType: number,
    after: number,
  ): Run {
    const kind = this.backwardKinds.find(subjectRelation, relation, objectType);
    if (kind === -1) return emptyRun;
    if (this.changed) {
      const version = this.backwardChanges.find(subject, kind, revision);
      if (version !== undefined) return runOfChunks(version.chunks, after);
    }
    return this.backward.run(subject, kind, after);
  }

  private addSymbol({ symbol, text }: SymbolRow): void {
    assert(symbol === this.symbolTexts.length + 1, 'symbols are numbered without gaps');
    if (symbol > idMax) throw new TooLarge('symbols');
    this.symbolTexts.push(text);
    this.symbolIds.set(text, symbol);
  }

  private addEntity(row: EntityRow): void {
    const { entity, type, name } = row;
    const next = this.names.entities + this.newRows.length + 1;
    assert(entity === next, 'entities are numbered without gaps');
    if (entity > idMax) throw new TooLarge('entities');
    this.newRows.push(row);
    let byName = this.newEntities.get(type);
    if (byName === undefined) {
      byName = new Map();
      this.newEntities.set(type, byName);
    }
    byName.set(name, entity);
  }
}

/** The changes of one commit by group, so that a group is copied once, however many of it change. */
class Batch {
  private readonly groups = new Map<number, Map<number, MemberChange[]>>();

  add(entity: number, kind: number, change: MemberChange): void {
    let kinds = this.groups.get(entity);
    if (kinds === undefined) {
      kinds = new Map();
      this.groups.set(entity, kinds);
    }
    const changes = kinds.get(kind);
    if (changes === undefined) kinds.set(kind, [change]);
    else changes.push(change);
  }

  applyTo(target: ChangedGroups, revision: Revision, held: readonly Revision[]): void {
    for (const [entity, kinds] of this.groups) {
      for (const [kind, changes] of kinds) target.change(entity, kind, revision, changes, held);
    }
  }
}
