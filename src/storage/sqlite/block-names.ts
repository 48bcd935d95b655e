/**
 * The migration to version 5: names by id, a row an entity until then, as blocks; and long packs of
 * the changelog are deflated. The tables have new names, so that an older program that has the file
 * open meanwhile adds nothing to one of them alone.
 */
import type Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
import { deflatedPack } from './change-pack.ts';
import { NamePacker } from './name-block.ts';

/** Rows that are in memory at once. */
const rowsAtOnce = 10_000;

/** REQUIRES: within the transaction of the migration. */
export function blockNames(database: Database.Database): void {
  database.exec(`
    -- Objects 'type:name', and 'type:*', by their names.
    CREATE TABLE entity_by_name (
      store INTEGER NOT NULL,
      type INTEGER NOT NULL,
      name TEXT NOT NULL,
      id INTEGER NOT NULL,
      PRIMARY KEY (store, type, name)
    ) STRICT, WITHOUT ROWID;

    -- The same by their ids: types and names of some that follow each other (name-block.ts), 'first'
    -- is the id of the first.
    CREATE TABLE entity_by_id (
      store INTEGER NOT NULL,
      first INTEGER NOT NULL,
      names BLOB NOT NULL,
      PRIMARY KEY (store, first)
    ) STRICT, WITHOUT ROWID;

    -- Of a store that is being purged nobody will ask any more.
    INSERT INTO entity_by_name (store, type, name, id)
      SELECT store, type, name, id FROM entity WHERE store IN (SELECT key FROM store)
      ORDER BY store, type, name;
  `);
  packNames(database);
  database.exec('DROP TABLE entity');
  deflateChanges(database);
}

/** store, id, type, name */
type EntityRow = [number, number, number, string];

function packNames(database: Database.Database): void {
  const put = database.prepare('INSERT INTO entity_by_id (store, first, names) VALUES (?, ?, ?)');
  const packer = new NamePacker();
  let place: readonly [store: number, first: number] | undefined;
  const write = () => {
    if (place !== undefined) put.run(...place, packer.take());
  };
  let [lastStore, lastId] = [0, 0];
  for (const [store, id, type, name] of entitiesOf(database)) {
    if (id !== (store === lastStore ? lastId + 1 : 1)) throw incomplete();
    if (store !== lastStore || !packer.add(type, name)) {
      write();
      place = [store, id];
      packer.add(type, name);
    }
    [lastStore, lastId] = [store, id];
  }
  write();
}

/** Its tuples would have objects or subjects without names. */
function incomplete(): Refusal {
  return new Refusal('data_loss', 'the file lacks names of objects: it is damaged; restore a copy');
}

/** A few at a time: a connection cannot write while a statement of its own is read. */
function* entitiesOf(database: Database.Database): Generator<EntityRow> {
  const next = database
    .prepare<number[], EntityRow>(
      `SELECT store, id, type, name FROM entity
       WHERE (store, id) > (+?, +?) AND store IN (SELECT key FROM store)
       ORDER BY store, id LIMIT ${rowsAtOnce}`,
    )
    .raw();
  let after: readonly [number, number] = [0, 0];
  while (true) {
    const rows = next.all(...after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last[0], last[1]];
  }
}

function deflateChanges(database: Database.Database): void {
  const next = database
    .prepare<number[], [number, number, number, Buffer]>(
      `SELECT store, revision, position, pack FROM change
       WHERE (store, revision, position) > (+?, +?, +?)
       ORDER BY store, revision, position LIMIT 1000`,
    )
    .raw();
  const replace = database.prepare(
    'UPDATE change SET pack = ? WHERE store = ? AND revision = ? AND position = ?',
  );
  let after: readonly [number, number, number] = [0, 0, -1];
  while (true) {
    const rows = next.all(...after);
    for (const [store, revision, position, pack] of rows) {
      after = [store, revision, position];
      const deflated = deflatedPack(pack);
      if (deflated !== pack) replace.run(deflated, ...after);
    }
    if (rows.length === 0) return;
  }
}
