/**
 * The rows of tuples, and the changelog, as a write changes them. A tuple that expires has a row in
 * `expiry` as well; one that does not costs what it did without.
 */
import type Database from 'better-sqlite3';
import { noGuard } from '../tuple-reader.ts';
import { ChangePacker, changesPerPack, deletedGuard, type expiredGuard } from './change-pack.ts';
import { never } from './schema.ts';
import { type Key, keyColumns } from './tuple-key.ts';

const keyIs = 'store = ? AND object = ? AND kind = ? AND subject = ?';

/** Tuples that one statement adds: about where a longer statement gains no more. */
const rowsAtOnce = 50;

/** Columns of a tuple without a guard that are its own; to bind a value takes as long as to store it. */
const ownColumns = 3;

/** What tuples of one statement have in common. */
interface Common {
  readonly store: number;
  readonly revision: number;
}

const insertTuple = 'INSERT INTO tuple (store, object, kind, subject, guard, revision)';

function insertUnguarded(database: Database.Database, rows: number) {
  const row = `(@store, ?, ?, ?, ${noGuard}, @revision)`;
  const values = Array.from({ length: rows }, () => row).join(', ');
  return database.prepare<[number[], Common]>(
    `${insertTuple} VALUES ${values} ON CONFLICT DO NOTHING`,
  );
}

function prepareRows(database: Database.Database) {
  return {
    add: database.prepare(`${insertTuple} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
    addUnguarded: insertUnguarded(database, 1),
    addMany: insertUnguarded(database, rowsAtOnce),
    findRevision: database
      .prepare<number[], number>(`SELECT revision FROM tuple WHERE ${keyIs}`)
      .pluck(),
    removeUnguarded: database.prepare(`DELETE FROM tuple WHERE ${keyIs} AND guard = 0`),
    remove: database.prepare(`DELETE FROM tuple WHERE ${keyIs}`),
    replace: database.prepare(`UPDATE tuple SET guard = ?, revision = ? WHERE ${keyIs}`),
    find: database
      .prepare<number[], [number, number]>(
        `SELECT guard, coalesce((SELECT expires_at FROM guard
           WHERE guard.store = tuple.store AND guard.id = tuple.guard), ${never})
         FROM tuple WHERE ${keyIs}`,
      )
      .raw(),
    putExpiry: database.prepare(
      `INSERT OR REPLACE INTO expiry (store, object, kind, subject, expires_at)
       VALUES (?, ?, ?, ?, ?)`,
    ),
    removeExpiry: database.prepare(`DELETE FROM expiry WHERE ${keyIs}`),
    log: database.prepare(
      'INSERT INTO change (store, revision, position, count, pack) VALUES (?, ?, ?, ?, ?)',
    ),
    logType: database.prepare(
      'INSERT INTO change_type (store, object_type, revision) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
  };
}

/** A tuple as it is stored. */
export interface Stored {
  readonly guard: number;
  /** `never`, or the time. */
  readonly expiresAt: number;
}

/** Changes the tuples of one store in one revision. Every change is logged as it is made. */
export interface TupleRows {
  find(key: Key): Stored | undefined;
  /** ENSURES: false, and nothing done, where there is one already. */
  add(key: Key, guard: number, expiresAt: number | undefined): boolean;
  /**
   * Without a guard, in this order. REQUIRES: no key twice, and none that this revision has written.
   * ENSURES: the places of those that are there already; nothing is done for them.
   */
  addMany(keys: readonly Key[]): readonly number[];
  /** REQUIRES: it is there, with another guard. */
  replace(key: Key, guard: number, expiresAt: number | undefined): void;
  /** ENSURES: false, and nothing done, where there is none without a guard. */
  removeUnguarded(key: Key): boolean;
  /** REQUIRES: it is there. */
  remove(key: Key, logged: typeof deletedGuard | typeof expiredGuard): void;
  /** Closes the log. ENSURES: the number of changes. */
  finish(): number;
}

export type ChangeRows = (store: number, revision: number) => TupleRows;

export function createRows(database: Database.Database): ChangeRows {
  const statements = prepareRows(database);
  return (store, revision) => changeRows(statements, store, revision);
}

function changeRows(
  statements: ReturnType<typeof prepareRows>,
  store: number,
  revision: number,
): TupleRows {
  const types = new Set<number>();
  const packer = new ChangePacker();
  let packed = 0;

  const common: Common = { store, revision };

  /** ENSURES: how many of them were not there yet. */
  function insert(keys: readonly Key[]): number {
    const columns: number[] = [];
    for (const key of keys) columns.push(key.object, key.kind, key.subject);
    if (keys.length === rowsAtOnce) return statements.addMany.run(columns, common).changes;
    let added = 0;
    for (let at = 0; at < columns.length; at += ownColumns) {
      added += statements.addUnguarded.run(columns.slice(at, at + ownColumns), common).changes;
    }
    return added;
  }

  function log(key: Key, guard: number): void {
    packer.add(key, guard);
    types.add(key.objectType);
    if (packer.count === changesPerPack) writePack();
  }

  function writePack(): void {
    const { count } = packer;
    statements.log.run(store, revision, packed, count, packer.take());
    packed += count;
  }

  return {
    find(key) {
      const row = statements.find.get(...keyColumns(store, key));
      return row === undefined ? undefined : { guard: row[0], expiresAt: row[1] };
    },

    add(key, guard, expiresAt) {
      const columns = keyColumns(store, key);
      const { changes: added } = statements.add.run(...columns, guard, revision);
      if (added === 0) return false;
      if (expiresAt !== undefined) statements.putExpiry.run(...columns, expiresAt);
      log(key, guard);
      return true;
    },

    addMany(keys) {
      const there: number[] = [];
      for (let from = 0; from < keys.length; from += rowsAtOnce) {
        const some = keys.slice(from, from + rowsAtOnce);
        const added = insert(some);
        for (const [index, key] of some.entries()) {
          const isNew =
            added === some.length ||
            statements.findRevision.get(...keyColumns(store, key)) === revision;
          if (isNew) log(key, noGuard);
          else there.push(from + index);
        }
      }
      return there;
    },

    replace(key, guard, expiresAt) {
      const columns = keyColumns(store, key);
      statements.replace.run(guard, revision, ...columns);
      if (expiresAt === undefined) statements.removeExpiry.run(...columns);
      else statements.putExpiry.run(...columns, expiresAt);
      log(key, guard);
    },

    removeUnguarded(key) {
      if (statements.removeUnguarded.run(...keyColumns(store, key)).changes === 0) return false;
      log(key, deletedGuard);
      return true;
    },

    remove(key, logged) {
      const columns = keyColumns(store, key);
      statements.remove.run(...columns);
      statements.removeExpiry.run(...columns);
      log(key, logged);
    },

    finish() {
      if (packer.count > 0) writePack();
      for (const type of types) statements.logType.run(store, type, revision);
      return packed;
    },
  };
}
