/** Removes the rows of deleted stores, a bounded number at a time, so that no write waits for long. */
import type Database from 'better-sqlite3';
import { storeTables } from './schema.ts';

/** Rows removed in one step: a few milliseconds of the writer's time. */
const rowsPerStep = 500;
/** The same of rows that can take up hundreds of pages each. */
const largeRowsPerStep = 5;
const largeRows: readonly string[] = ['assertion', 'model'];

function preparePurging(database: Database.Database) {
  return {
    next: database.prepare<[], number>('SELECT store FROM purge ORDER BY store LIMIT 1').pluck(),
    removeRows: storeTables.map((table) => {
      const rows = largeRows.includes(table) ? largeRowsPerStep : rowsPerStep;
      const statement = database.prepare<[number]>(
        `DELETE FROM ${table} WHERE store = ? LIMIT ${rows}`,
      );
      return { statement, rows };
    }),
    finish: database.prepare<[number]>('DELETE FROM purge WHERE store = ?'),
  };
}

type PurgeStatements = ReturnType<typeof preparePurging>;

/** Takes one step. ENSURES: true while rows of deleted stores are left. */
export type Purge = () => boolean;

export function createPurge(database: Database.Database): Purge {
  const statements = preparePurging(database);
  const step = database.transaction(() => purgeSome(statements));
  return () => step.immediate();
}

function purgeSome(statements: PurgeStatements): boolean {
  const store = statements.next.get();
  if (store === undefined) return false;
  for (const { statement, rows } of statements.removeRows) {
    // A table that had rows may have more.
    if (statement.run(store).changes === rows) return true;
  }
  statements.finish.run(store);
  return statements.next.get() !== undefined;
}
