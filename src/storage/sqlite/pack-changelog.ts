/** The migration to version 3: the changelog, a row a change until then, as packs. */
import type Database from 'better-sqlite3';
import { ChangePacker, changesPerPack } from './change-pack.ts';

/** store, revision, object, object_type, relation, subject, subject_relation, guard, position */
type OldRow = [number, number, number, number, number, number, number, number, number];

/** Rows that are in memory at once. */
const rowsAtOnce = 10_000;

/** REQUIRES: within the transaction of the migration. */
export function packChangelog(database: Database.Database): void {
  database.exec(`
    ALTER TABLE change RENAME TO change_by_row;

    -- The changelog: the changes of a revision in packs (change-pack.ts). 'position' is that of the
    -- pack's first change in its revision, 'count' how many there are. In a change, 'guard' is the
    -- tuple's after it, deletedGuard where it was deleted, expiredGuard where it had expired.
    CREATE TABLE change (
      store INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      position INTEGER NOT NULL,
      count INTEGER NOT NULL,
      pack BLOB NOT NULL,
      PRIMARY KEY (store, revision, position)
    ) STRICT, WITHOUT ROWID;
  `);
  const put = database.prepare(
    'INSERT INTO change (store, revision, position, count, pack) VALUES (?, ?, ?, ?, ?)',
  );
  const packer = new ChangePacker();
  let place: readonly [store: number, revision: number, position: number] | undefined;
  const write = () => {
    if (place !== undefined) put.run(...place, packer.count, packer.take());
  };
  for (const row of rowsOf(database)) {
    const [store, revision, object, objectType, relation, subject, subjectRelation, guard] = row;
    const full = packer.count === changesPerPack;
    if (place?.[0] !== store || place[1] !== revision || full) {
      write();
      const goesOn = full && place?.[0] === store && place[1] === revision;
      place = [store, revision, goesOn && place !== undefined ? place[2] + changesPerPack : 0];
    }
    packer.add({ object, objectType, relation, subject, subjectRelation }, guard);
  }
  write();
  database.exec('DROP TABLE change_by_row');
}

/** A few at a time: a connection cannot write while a statement of its own is read. */
function* rowsOf(database: Database.Database): Generator<OldRow> {
  const next = database
    .prepare<number[], OldRow>(
      `SELECT store, revision, object, object_type, relation, subject, subject_relation, guard,
         position
       FROM change_by_row WHERE (store, revision, position) > (+?, +?, +?)
       ORDER BY store, revision, position LIMIT ${rowsAtOnce}`,
    )
    .raw();
  let after: readonly [number, number, number] = [0, 0, 0];
  while (true) {
    const rows = next.all(...after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last[0], last[1], last[8]];
  }
}
