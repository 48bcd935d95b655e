/**
 * Turns the texts of one store into its integers while the writer's transaction is open, adding
 * those that are new.
 *
 * INVARIANT: an interner lives for one command. What it made is handed to the writer's memory only
 * when the command's savepoint is released, so no id of a row that was rolled back is ever seen.
 */
import type Database from 'better-sqlite3';
import { canonicalJson } from '../../base/json.ts';
import type { ObjectRef, Tuple } from '../../model/tuple.ts';
import { noCondition, noGuard } from '../tuple-reader.ts';
import { never } from './schema.ts';
import type { FindIds } from './tuple-range.ts';

/** The newest ids of a store; the next one is greater by one. */
export interface Counters {
  symbols: number;
  entities: number;
  guards: number;
}

function prepareInterning(database: Database.Database) {
  return {
    findSymbol: database
      .prepare<[number, string], number>('SELECT id FROM symbol WHERE store = ? AND text = ?')
      .pluck(),
    addSymbol: database.prepare('INSERT INTO symbol (store, id, text) VALUES (?, ?, ?)'),
    findEntity: database
      .prepare<[number, number, string], number>(
        'SELECT id FROM entity WHERE store = ? AND type = ? AND name = ?',
      )
      .pluck(),
    addEntity: database.prepare('INSERT INTO entity (store, id, type, name) VALUES (?, ?, ?, ?)'),
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

/** Makes the interner of one command on one store. `known` are symbols that need no look-up. */
export type CreateInterner = (
  store: number,
  known: ReadonlyMap<string, number>,
  counters: Counters,
) => Interner;

export function createInterning(database: Database.Database): CreateInterner {
  const statements = prepareInterning(database);
  return (store, known, counters) => createInterner(statements, store, known, counters);
}

export interface Interner {
  /** Symbols that this command looked up or made. */
  readonly symbols: ReadonlyMap<string, number>;
  symbol(text: string): number;
  entity(type: number, name: string): number;
  /** Of the tuple's condition and expiry. */
  guard(tuple: Pick<Tuple, 'condition' | 'expiresAt'>): number;
  /** The same without adding: 0 when it is unknown. */
  findSymbol(text: string): number;
  findEntity(object: ObjectRef): number;
  readonly found: FindIds;
}

function createInterner(
  statements: InternStatements,
  store: number,
  known: ReadonlyMap<string, number>,
  counters: Counters,
): Interner {
  const symbols = new Map<string, number>();
  // Tuples of one write often share their object: one look-up will do. Keys begin with the type's
  // integer, so no name can run into another's.
  const entities = new Map<string, number>();

  function findSymbol(text: string): number {
    const memory = symbols.get(text) ?? known.get(text);
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

  function entity(type: number, name: string): number {
    const key = `${type}:${name}`;
    const memory = entities.get(key);
    if (memory !== undefined) return memory;
    let id = statements.findEntity.get(store, type, name);
    if (id === undefined) {
      counters.entities += 1;
      id = counters.entities;
      statements.addEntity.run(store, id, type, name);
    }
    entities.set(key, id);
    return id;
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

  return { symbols, symbol, entity, guard, findSymbol, findEntity, found };
}
