/** The writer's own statements: transactions, and the rows of stores, revisions, models and assertions. */
import type Database from 'better-sqlite3';

/** key, name, revision, committed_at, symbols, entities, guards, kinds */
type StoreRow = [number, string | null, number, number, number, number, number, number];

type Statement = Database.Statement;

export interface WriterStatements {
  readonly begin: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  readonly savepoint: Statement;
  readonly release: Statement;
  readonly rollbackTo: Statement;
  readonly dataVersion: Database.Statement<[], number>;
  readonly findStore: Database.Statement<[string], StoreRow>;
  readonly addStore: Statement;
  readonly nameStore: Statement;
  readonly saveStore: Statement;
  readonly removeStore: Statement;
  readonly addPurge: Statement;
  readonly addRevision: Statement;
  readonly hasModel: Database.Statement<[number, string], number>;
  readonly addModel: Statement;
  readonly putAssertions: Statement;
}

export function prepareWriting(database: Database.Database): WriterStatements {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    savepoint: database.prepare('SAVEPOINT command'),
    release: database.prepare('RELEASE command'),
    rollbackTo: database.prepare('ROLLBACK TO command'),
    dataVersion: database.prepare<[], number>('PRAGMA data_version').pluck(),
    findStore: database
      .prepare<[string], StoreRow>(
        `SELECT key, name, revision, committed_at, symbols, entities, guards, kinds
         FROM store WHERE id = ?`,
      )
      .raw(),
    addStore: database.prepare(
      `INSERT INTO store (id, name, created_at, updated_at, revision, committed_at, symbols,
         entities, guards, kinds)
       VALUES (?, NULL, ?, ?, 0, 0, 0, 0, 0, 0)`,
    ),
    nameStore: database.prepare(
      'UPDATE store SET name = ?, created_at = ?, updated_at = ? WHERE key = ?',
    ),
    saveStore: database.prepare(
      `UPDATE store SET revision = ?, committed_at = ?, symbols = ?, entities = ?, guards = ?,
         kinds = ?
       WHERE key = ?`,
    ),
    removeStore: database.prepare('DELETE FROM store WHERE key = ?'),
    addPurge: database.prepare('INSERT INTO purge (store) VALUES (?)'),
    addRevision: database.prepare(
      'INSERT INTO revision (store, revision, committed_at) VALUES (?, ?, ?)',
    ),
    hasModel: database
      .prepare<[number, string], number>('SELECT 1 FROM model WHERE store = ? AND id = ?')
      .pluck(),
    addModel: database.prepare(
      `INSERT INTO model (store, revision, id, schema_version, definition, names)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    putAssertions: database.prepare(
      `INSERT INTO assertion (store, model, revision, assertions) VALUES (?, ?, ?, ?)
       ON CONFLICT (store, model) DO UPDATE
       SET revision = excluded.revision, assertions = excluded.assertions`,
    ),
  };
}
