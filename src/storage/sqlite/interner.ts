/**
 * Turns the texts of one store into its integers while the writer's transaction is open, adding
 * those that are new.
 *
 * INVARIANT: an interner lives for one command. What it made is handed to the writer's memory only
 * when the command's savepoint is released, so no id of a row that was rolled back is ever seen.
 */
import type Database from 'better-sqlite3';
import { canonicalJson } from '../../base/json.ts';
import type { ObjectRef, TupleCondition } from '../../model/tuple.ts';
import { noGuard } from '../tuple-reader.ts';

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
      .prepare<[number, number, string], number>(
        'SELECT id FROM guard WHERE store = ? AND condition = ? AND context = ?',
      )
      .pluck(),
    addGuard: database.prepare(
      'INSERT INTO guard (store, id, condition, context) VALUES (?, ?, ?, ?)',
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
  guard(condition: TupleCondition | undefined): number;
  /** The same without adding: 0 when it is unknown. */
  findSymbol(text: string): number;
  findEntity(object: ObjectRef): number;
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

  function findEntity(object: ObjectRef): number {
    const type = findSymbol(object.type);
    return type === 0 ? 0 : (statements.findEntity.get(store, type, object.id) ?? 0);
  }

  function guard(condition: TupleCondition | undefined): number {
    if (condition === undefined) return noGuard;
    const name = symbol(condition.name);
    const context = canonicalJson(condition.context);
    const found = statements.findGuard.get(store, name, context);
    if (found !== undefined) return found;
    counters.guards += 1;
    statements.addGuard.run(store, counters.guards, name, context);
    return counters.guards;
  }

  return { symbols, symbol, entity, guard, findSymbol, findEntity };
}
