/**
 * From texts to the integers that stand for them, and back, for the reading connection.
 *
 * Rows of symbol, entity, kind and guard are immutable once committed and their ids are never reused,
 * nor are the keys of stores, so remembering what was found is exact. What was not found is never
 * remembered: the next write may bring it.
 */
import type Database from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { assert } from '../../base/assert.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { ObjectRef, SubjectRef, Tuple } from '../../model/tuple.ts';
import { type Guard, noCondition, noGuard } from '../tuple-reader.ts';
import { createEntityNames } from './entity-names.ts';
import type { NameWalk } from './name-block.ts';
import { never } from './schema.ts';

const storesKept = 1_000;
const symbolsKept = 5_000;
const kindsKept = 5_000;
const objectsKept = 50_000;
const guardsKept = 10_000;
/** Contexts remembered, as text, in characters. */
const guardTextKept = 16 * 1024 * 1024;

/** What is remembered of one store, by its key. */
interface Memory {
  readonly symbols: LRUCache<string, number>;
  readonly texts: LRUCache<number, string>;
  readonly kinds: LRUCache<string, number>;
}

/** A tuple's ids as rows of storage have them. */
export interface TupleIds {
  readonly object: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectRelation: number;
  readonly guard: number;
}

export interface Texts {
  /** 0 where the text or the entity is unknown. */
  symbol(store: number, text: string): number;
  entity(store: number, type: number, name: string): number;
  /** 0 where no tuple of this kind was ever written. */
  kind(
    store: number,
    objectType: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
  ): number;
  /** REQUIRES, here and below: the id was read from this store. */
  symbolText(store: number, symbol: number): string;
  entityType(store: number, entity: number): number;
  entityRef(store: number, entity: number): ObjectRef;
  guard(store: number, guard: number): Guard;
  subjectRef(store: number, subject: number, subjectRelation: number): SubjectRef;
  tuple(store: number, ids: TupleIds): Tuple;
}

export function createTexts(database: Database.Database): Texts {
  const findSymbol = database
    .prepare<[number, string], number>('SELECT id FROM symbol WHERE store = ? AND text = ?')
    .pluck();
  const findText = database
    .prepare<[number, number], string>('SELECT text FROM symbol WHERE store = ? AND id = ?')
    .pluck();
  const findEntity = database
    .prepare<[number, number, string], number>(
      'SELECT id FROM entity_by_name WHERE store = ? AND type = ? AND name = ?',
    )
    .pluck();
  const findKind = database
    .prepare<number[], number>(
      `SELECT id FROM kind WHERE store = ? AND object_type = ? AND relation = ?
       AND subject_type = ? AND subject_relation = ?`,
    )
    .pluck();
  const names = createEntityNames(database);
  const findGuard = database
    .prepare<[number, number], [number, string, number]>(
      'SELECT condition, context, expires_at FROM guard WHERE store = ? AND id = ?',
    )
    .raw();

  const memories = new LRUCache<number, Memory>({ max: storesKept });
  const objects = new LRUCache<string, ObjectRef>({ max: objectsKept });
  const guards = new LRUCache<string, Guard>({ max: guardsKept, maxSize: guardTextKept });

  function memoryOf(store: number): Memory {
    let memory = memories.get(store);
    if (memory === undefined) {
      memory = {
        symbols: new LRUCache({ max: symbolsKept }),
        texts: new LRUCache({ max: symbolsKept }),
        kinds: new LRUCache({ max: kindsKept }),
      };
      memories.set(store, memory);
    }
    return memory;
  }

  function symbol(store: number, text: string): number {
    const { symbols } = memoryOf(store);
    const memory = symbols.get(text);
    if (memory !== undefined) return memory;
    // SQLite would be asked for U+FFFD in the place of a lone surrogate: another text.
    if (!text.isWellFormed()) return 0;
    const found = findSymbol.get(store, text);
    if (found === undefined) return 0;
    symbols.set(text, found);
    return found;
  }

  function entity(store: number, type: number, name: string): number {
    if (type <= 0 || !name.isWellFormed()) return 0;
    return findEntity.get(store, type, name) ?? 0;
  }

  function kind(store: number, ...parts: [number, number, number, number]): number {
    const { kinds } = memoryOf(store);
    const key = parts.join();
    const memory = kinds.get(key);
    if (memory !== undefined) return memory;
    const found = findKind.get(store, ...parts);
    if (found === undefined) return 0;
    kinds.set(key, found);
    return found;
  }

  function symbolText(store: number, id: number): string {
    const { texts } = memoryOf(store);
    const memory = texts.get(id);
    if (memory !== undefined) return memory;
    const found = findText.get(store, id);
    assert(found !== undefined, `symbol ${id} of store ${store} resolves`);
    texts.set(id, found);
    return found;
  }

  function named(store: number, id: number): NameWalk {
    const found = names.at(store, id);
    assert(found !== undefined, `entity ${id} of store ${store} resolves`);
    return found;
  }

  function entityRef(store: number, id: number): ObjectRef {
    const key = `${store}:${id}`;
    const memory = objects.get(key);
    if (memory !== undefined) return memory;
    const found = named(store, id);
    const object = { type: symbolText(store, found.type), id: found.name() };
    objects.set(key, object);
    return object;
  }

  function guard(store: number, id: number): Guard {
    const key = `${store}:${id}`;
    const memory = guards.get(key);
    if (memory !== undefined) return memory;
    const row = findGuard.get(store, id);
    assert(row !== undefined, `guard ${id} of store ${store} resolves`);
    const context: unknown = JSON.parse(row[1]);
    assert(isJsonObject(context), 'a stored context is an object');
    const expiresAt = row[2] === never ? undefined : row[2];
    const found = { condition: row[0], context: context as JsonObject, expiresAt };
    guards.set(key, found, { size: row[1].length + 1 });
    return found;
  }

  function subjectRef(store: number, subject: number, subjectRelation: number): SubjectRef {
    const { type, id } = entityRef(store, subject);
    const relation = subjectRelation === 0 ? '' : symbolText(store, subjectRelation);
    return { type, id, relation };
  }

  function tuple(store: number, ids: TupleIds): Tuple {
    const key = {
      object: entityRef(store, ids.object),
      relation: symbolText(store, ids.relation),
      subject: subjectRef(store, ids.subject, ids.subjectRelation),
    };
    if (ids.guard === noGuard) return { ...key, condition: undefined };
    const { condition, context, expiresAt } = guard(store, ids.guard);
    return {
      ...key,
      condition:
        condition === noCondition ? undefined : { name: symbolText(store, condition), context },
      expiresAt,
    };
  }

  return {
    symbol,
    entity,
    kind,
    symbolText,
    entityType: (store, id) => named(store, id).type,
    entityRef,
    guard,
    subjectRef,
    tuple,
  };
}
