/** The changelog as it was before version 3: a row a change. */
import type Database from 'better-sqlite3';
import { unpackChanges } from '../../src/storage/sqlite/change-pack.ts';

/** Copies the packs of one table into the rows of another. */
export function copyChangesByRow(database: Database.Database, from: string, to: string): void {
  const packs = database.prepare(`SELECT store, revision, position, pack FROM ${from}`).raw().all();
  const put = database.prepare(`INSERT INTO ${to} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  for (const [store, revision, position, pack] of packs as [number, number, number, Buffer][]) {
    for (const [index, change] of unpackChanges(pack).entries()) {
      const { object, relation, subject, subjectRelation, objectType, guard } = change;
      const ids = [object, relation, subject, subjectRelation, objectType, guard];
      put.run(store, revision, position + index, ...ids);
    }
  }
}
