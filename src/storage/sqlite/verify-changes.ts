/** The changelog as rows again, for the queries of `verify-checks.ts`: a table of the connection's own. */
import type Database from 'better-sqlite3';
import { changesPerPack, unpackChanges } from './change-pack.ts';

/** store, revision, position, count, pack */
type PackRow = [number, number, number, number, Buffer];

/** A pack that is not what the packer makes. */
export interface BadPack {
  readonly store: number;
  readonly message: string;
}

/** Fills `logged`, a row for each change that can be read. ENSURES: nothing in the file changes. */
export function unpackChangelog(database: Database.Database): BadPack[] {
  database.exec(`CREATE TEMP TABLE logged (store, revision, position, object, object_type,
    relation, subject, subject_relation, guard)`);
  const put = database.prepare('INSERT INTO temp.logged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const next = database
    .prepare<number[], PackRow>(
      `SELECT store, revision, position, count, pack FROM change
       WHERE (store, revision, position) > (+?, +?, +?)
       ORDER BY store, revision, position LIMIT 100`,
    )
    .raw();
  const bad: BadPack[] = [];
  let after: readonly number[] = [0, 0, -1];
  while (true) {
    const rows = next.all(...after);
    for (const row of rows) {
      const [store, revision, position] = row;
      after = [store, revision, position];
      const fault = unpackInto(put, row);
      if (fault !== undefined) bad.push({ store, message: `${fault}: revision ${revision}` });
    }
    if (rows.length === 0) return bad;
  }
}

function unpackInto(put: Database.Statement, row: PackRow): string | undefined {
  const [store, revision, position, count, pack] = row;
  if (position % changesPerPack !== 0) return 'a pack of changes begins within another';
  let changes: ReturnType<typeof unpackChanges>;
  try {
    changes = unpackChanges(pack);
  } catch (error) {
    return (error as Error).message;
  }
  for (const [index, change] of changes.entries()) {
    const { object, objectType, relation, subject, subjectRelation, guard } = change;
    const place = [store, revision, position + index];
    put.run(...place, object, objectType, relation, subject, subjectRelation, guard);
  }
  return changes.length === count ? undefined : 'a pack of changes has another count';
}
