/** Names by id as they were before version 5: a row an entity. */
import { inflateRawSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { applicationId, migrations } from '../../src/storage/sqlite/schema.ts';

/** Makes a file of the newest version one of version 4, with the same rows. */
export function toVersion4(path: string): void {
  const database = new Database(path);
  const [table = ''] =
    /CREATE TABLE entity \([^;]*;\s*CREATE UNIQUE INDEX entity_name [^;]*;/.exec(
      String(migrations[0]),
    ) ?? [];
  database.function('inflated', (pack) => inflated(pack as Buffer));
  database.exec(`
    ${table}
    INSERT INTO entity SELECT store, id, type, name FROM entity_by_name;
    DROP TABLE entity_by_name;
    DROP TABLE entity_by_id;
    UPDATE change SET pack = inflated(pack);
  `);
  database.pragma('user_version = 4');
  database.pragma(`application_id = ${applicationId}`);
  database.close();
}

/** The pack as a list: it begins with 0 where it was not deflated. */
function inflated(pack: Buffer): Buffer {
  return pack[0] === 0 ? pack : inflateRawSync(pack.subarray(1));
}
