/** The blocks of names as rows again, for the queries of `verify-checks.ts`: a table of the connection's own. */
import type Database from 'better-sqlite3';
import { NameWalk } from './name-block.ts';

/** A block that is not what the packer makes, or that is not where the one before it ends. */
export interface BadBlock {
  readonly store: number;
  readonly message: string;
}

/** Fills `named`, a row for each name that can be read. ENSURES: nothing in the file changes. */
export function unpackNames(database: Database.Database): BadBlock[] {
  // With the types that ids have elsewhere: else SQLite would not join by the key.
  database.exec(`CREATE TEMP TABLE named (store INTEGER, id INTEGER, type INTEGER, name TEXT,
    PRIMARY KEY (store, id)) WITHOUT ROWID`);
  const put = database.prepare('INSERT OR IGNORE INTO temp.named VALUES (?, ?, ?, ?)');
  const following = database
    .prepare<number[], [number, number, Buffer]>(
      `SELECT store, first, names FROM entity_by_id
       WHERE (store, first) > (+?, +?) AND store IN (SELECT key FROM store)
       ORDER BY store, first LIMIT 1000`,
    )
    .raw();
  const bad: BadBlock[] = [];
  let [lastStore, lastFirst, next] = [0, 0, 1];
  while (true) {
    const rows = following.all(lastStore, lastFirst);
    for (const [store, first, names] of rows) {
      if (store !== lastStore) next = 1;
      const faults = first === next ? [] : ['a block of names is not where the one before it ends'];
      next = first;
      const fault = readInto((type, name) => put.run(store, next++, type, name), names);
      if (fault !== undefined) faults.push(fault);
      for (const message of faults) bad.push({ store, message: `${message}: block ${first}` });
      [lastStore, lastFirst] = [store, first];
    }
    if (rows.length === 0) return bad;
  }
}

function readInto(put: (type: number, name: string) => void, names: Buffer): string | undefined {
  const walk = new NameWalk(names);
  try {
    while (walk.next()) put(walk.type, walk.name());
  } catch (error) {
    return (error as Error).message;
  }
  return names.length === 0 ? 'a block of names is empty' : undefined;
}
