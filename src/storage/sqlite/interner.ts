/**
 * Turns the texts of one store into its integers while the writer's transaction is open, adding
 * those that are new.
 *
 * INVARIANT: an interner lives for one command. What it made is handed to the writer's memory only
 * when the command's savepoint is released, so no id of a row that was rolled back is ever seen.
 */
import type Database from 'better-sqlite3';
import { compareBytes } from '../../base/bytes.ts';
import { canonicalJson } from '../../base/json.ts';
import type { ObjectRef, Tuple } from '../../model/tuple.ts';
import { noCondition, noGuard } from '../tuple-reader.ts';
import type { NamedEntity } from './entity-names.ts';
import { never } from './schema.ts';
import type { FindIds } from './tuple-range.ts';

/** The newest ids of a store; the next one is greater by one. */
export interface Counters {
  symbols: number;
  entities: number;
  guards: number;
  kinds: number;
}

/** What a kind of tuples has in common. */
export interface KindParts {
  readonly objectType: number;
  readonly relation: number;
  readonly subjectType: number;
  readonly subjectRelation: number;
}

/** Parts are the same where it is the same: a number where they are small, as they are nearly always. */
export type KindKey = number | string;

const partBits = 13;

function kindKey(parts: KindParts): KindKey {
  const { objectType, relation, subjectType, subjectRelation } = parts;
  const bits = objectType | relation | subjectType | subjectRelation;
  if (bits >= 2 ** partBits) return kindColumns(parts).join();
  const high = objectType * 2 ** partBits + relation;
  return high * 2 ** (2 * partBits) + subjectType * 2 ** partBits + subjectRelation;
}

/** In the order of the columns. */
function kindColumns(parts: KindParts): [number, number, number, number] {
  return [parts.objectType, parts.relation, parts.subjectType, parts.subjectRelation];
}

/** Entities that one statement adds. */
const entitiesAtOnce = 50;

/** Rows that are read to find so many: more would cost more than to ask for each. */
const betweenMax = 3 * entitiesAtOnce;

const insertEntity = 'INSERT INTO entity_by_name (store, type, name, id) VALUES';

function insertEntities(database: Database.Database, rows: number) {
  const values = Array.from({ length: rows }, () => '(@store, ?, ?, ?)').join(', ');
  return database.prepare<[(number | string)[], { store: number }]>(`${insertEntity} ${values}`);
}

function prepareInterning(database: Database.Database) {
  return {
    findSymbol: database
      .prepare<[number, string], number>('SELECT id FROM symbol WHERE store = ? AND text = ?')
      .pluck(),
    addSymbol: database.prepare('INSERT INTO symbol (store, id, text) VALUES (?, ?, ?)'),
    findEntity: database
      .prepare<[number, number, string], number>(
        'SELECT id FROM entity_by_name WHERE store = ? AND type = ? AND name = ?',
      )
      .pluck(),
    findBetween: database
      .prepare<[number, number, string, string], [string, number]>(
        `SELECT name, id FROM entity_by_name WHERE store = ? AND type = ? AND name BETWEEN ? AND ?
         LIMIT ${betweenMax}`,
      )
      .raw(),
    addEntity: database.prepare<[number, number, string, number]>(`${insertEntity} (?, ?, ?, ?)`),
    addEntities: insertEntities(database, entitiesAtOnce),
    findKind: database
      .prepare<number[], number>(
        `SELECT id FROM kind WHERE store = ? AND object_type = ? AND relation = ?
         AND subject_type = ? AND subject_relation = ?`,
      )
      .pluck(),
    addKind: database.prepare(
      `INSERT INTO kind (store, id, object_type, relation, subject_type, subject_relation)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    findGuard: database
      .prepare<[number, number, string, number], number>(
        `SELECT id FROM guard
         WHERE store = ? AND condition = ? AND context = ? AND expires_at = ?`,
      )
      .pluck(),
    addGuard: database.prepare(
      'INSERT INTO guard (store, id, condition, context, expires_at) VALUES (?, ?, ?, ?, ?)',
    ),
  };
}

type InternStatements = ReturnType<typeof prepareInterning>;

/** What needs no look-up. */
export interface Known {
  readonly symbols: ReadonlyMap<string, number>;
  readonly kinds: ReadonlyMap<KindKey, number>;
}

/** Makes the interner of one command on one store. */
export type CreateInterner = (store: number, known: Known, counters: Counters) => Interner;

export function createInterning(database: Database.Database): CreateInterner {
  const statements = prepareInterning(database);
  return (store, known, counters) => createInterner(statements, store, known, counters);
}

export interface Interner {
  /** Symbols and kinds that this command looked up or made. */
  readonly learnt: Known;
  /** Entities that this command made, in the order of their ids. Their blocks are still to be written. */
  readonly made: readonly NamedEntity[];
  symbol(text: string): number;
  kind(parts: KindParts): number;
  entity(type: number, name: string): number;
  /** Those of a block, each once; the new ones are numbered by the order of their names. */
  entities(types: readonly number[], names: readonly string[]): readonly number[];
  /** Of the tuple's condition and expiry. */
  guard(tuple: Pick<Tuple, 'condition' | 'expiresAt'>): number;
  /** The same without adding: 0 when it is unknown. */
  findSymbol(text: string): number;
  findKind(parts: KindParts): number;
  findEntity(object: ObjectRef): number;
  readonly found: FindIds;
}

function createInterner(
  statements: InternStatements,
  store: number,
  known: Known,
  counters: Counters,
): Interner {
  const symbols = new Map<string, number>();
  // Tuples of one write often share their object: one look-up will do. Keys begin with the type's
  // integer, so no name can run into another's.
  const entities = new Map<string, number>();
  const kinds = new Map<KindKey, number>();
  const made: NamedEntity[] = [];

  function findSymbol(text: string): number {
    const memory = symbols.get(text) ?? known.symbols.get(text);
    if (memory !== undefined) return memory;
    const found = statements.findSymbol.get(store, text);
    if (found !== undefined) symbols.set(text, found);
    return found ?? 0;
  }

  function symbol(text: string): number {
    const found = findSymbol(text);
    if (found !== 0) return found;
    counters.symbols += 1;
    statements.addSymbol.run(store, counters.symbols, text);
    symbols.set(text, counters.symbols);
    return counters.symbols;
  }

  function findKind(parts: KindParts): number {
    const key = kindKey(parts);
    const memory = kinds.get(key) ?? known.kinds.get(key);
    if (memory !== undefined) return memory;
    const found = statements.findKind.get(store, ...kindColumns(parts)) ?? 0;
    if (found !== 0) kinds.set(key, found);
    return found;
  }

  function kind(parts: KindParts): number {
    const found = findKind(parts);
    if (found !== 0) return found;
    counters.kinds += 1;
    statements.addKind.run(store, counters.kinds, ...kindColumns(parts));
    kinds.set(kindKey(parts), counters.kinds);
    return counters.kinds;
  }

  function entity(type: number, name: string): number {
    const key = `${type}:${name}`;
    const memory = entities.get(key);
    if (memory !== undefined) return memory;
    let id = statements.findEntity.get(store, type, name);
    if (id === undefined) {
      counters.entities += 1;
      id = counters.entities;
      statements.addEntity.run(store, type, name, id);
      made.push({ id, type, name });
    }
    entities.set(key, id);
    return id;
  }

  function entitiesOf(types: readonly number[], names: readonly string[]): readonly number[] {
    const ids = new Array<number>(names.length).fill(0);
    const isEmpty = counters.entities === 0;
    // By the order of the index: one page after the other is read, and written.
    const named = inOrder(types, names);
    // Where many others lie between, asking for each is less work; then so it is for some that follow,
    // and for twice as many each time.
    let [apart, next] = [0, 1];
    for (let from = 0; from < named.length && !isEmpty; from += entitiesAtOnce) {
      const some = named.slice(from, from + entitiesAtOnce);
      const sameType = some[0]?.type === some.at(-1)?.type;
      if (sameType && apart === 0) {
        if (findBetween(some, ids)) continue;
        apart = next;
        next *= 2;
      } else if (sameType) apart--;
      for (const { place, type, name } of some) {
        ids[place] = statements.findEntity.get(store, type, name) ?? 0;
      }
    }
    addAll(
      named.filter(({ place }) => ids[place] === 0),
      ids,
    );
    return ids;
  }

  /** ENSURES: false where there are too many between the first and the last. REQUIRES: in order, of one type. */
  function findBetween(named: readonly Named[], ids: number[]): boolean {
    const [first, last] = [named[0], named.at(-1)];
    if (first === undefined || last === undefined) return true;
    const found = new Map(statements.findBetween.all(store, first.type, first.name, last.name));
    if (found.size === betweenMax) return false;
    for (const { place, name } of named) ids[place] = found.get(name) ?? 0;
    return true;
  }

  function addAll(fresh: readonly Named[], ids: number[]): void {
    const added = fresh.map(({ place, type, name }): NamedEntity => {
      counters.entities += 1;
      ids[place] = counters.entities;
      return { id: counters.entities, type, name };
    });
    for (const entity of added) made.push(entity);
    const whole = added.length - (added.length % entitiesAtOnce);
    for (let at = 0; at < whole; at += entitiesAtOnce) {
      const columns: (number | string)[] = [];
      for (const { id, type, name } of added.slice(at, at + entitiesAtOnce)) {
        columns.push(type, name, id);
      }
      statements.addEntities.run(columns, { store });
    }
    for (const { id, type, name } of added.slice(whole)) {
      statements.addEntity.run(store, type, name, id);
    }
  }

  /** SQLite would be asked for U+FFFD in the place of a lone surrogate: another text. */
  const found: FindIds = {
    symbol: (text) => (text.isWellFormed() ? findSymbol(text) : 0),
    entity: (type, name) =>
      type === 0 || !name.isWellFormed() ? 0 : (statements.findEntity.get(store, type, name) ?? 0),
  };

  function findEntity(object: ObjectRef): number {
    return found.entity(findSymbol(object.type), object.id);
  }

  function guard({ condition, expiresAt = never }: Pick<Tuple, 'condition' | 'expiresAt'>): number {
    if (condition === undefined && expiresAt === never) return noGuard;
    const name = condition === undefined ? noCondition : symbol(condition.name);
    const context = canonicalJson(condition?.context ?? {});
    const known = statements.findGuard.get(store, name, context, expiresAt);
    if (known !== undefined) return known;
    counters.guards += 1;
    statements.addGuard.run(store, counters.guards, name, context, expiresAt);
    return counters.guards;
  }

  const finding = { findSymbol, findKind, findEntity, found };
  return {
    learnt: { symbols, kinds },
    made,
    symbol,
    kind,
    entity,
    entities: entitiesOf,
    guard,
    ...finding,
  };
}

interface Named {
  /** In the block. */
  readonly place: number;
  readonly type: number;
  readonly name: string;
}

/** By their bytes, as the index is. Code units, which are faster to compare, say the same but for some. */
function inOrder(types: readonly number[], names: readonly string[]): Named[] {
  const plain = !names.some((name) => surrogates.test(name));
  return names
    .map((name, place) => ({ place, type: types[place] as number, name }))
    .sort((a, b) => a.type - b.type || (plain ? byUnits : compareBytes)(a.name, b.name));
}

const surrogates = /[\ud800-\udfff]/;

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
