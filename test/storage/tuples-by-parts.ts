/** Tuples as they were before version 4: with five numbers in the place of their kind. */
import Database from 'better-sqlite3';
import { applicationId, migrations } from '../../src/storage/sqlite/schema.ts';
import { toVersion4 } from './names-by-row.ts';

/** The rows that version 3 had for the tuples of a schema. */
export function tuplesByParts(schema: string): string {
  return `(SELECT tuple.store, object, relation, subject_type, subject_relation, subject, object_type,
      guard, revision
    FROM ${schema}.tuple JOIN ${schema}.kind ON kind.store = tuple.store AND kind.id = tuple.kind)`;
}

/** Makes a file of the newest version one of version 3, with the same rows. */
export function toVersion3(path: string): void {
  toVersion4(path);
  const database = new Database(path);
  const tables = [
    /CREATE TABLE tuple \([^;]*;\s*CREATE INDEX tuple_reverse [^;]*;/.exec(String(migrations[0])),
    /CREATE TABLE expiry \([^;]*;\s*CREATE INDEX expiry_due [^;]*;/.exec(String(migrations[1])),
  ].map((match) => match?.[0] ?? '');
  database.exec(`
    CREATE TEMP TABLE tuples AS SELECT * FROM ${tuplesByParts('main')};
    CREATE TEMP TABLE expiries AS SELECT expiry.store, object, relation, subject_type,
        subject_relation, subject, expires_at
      FROM expiry JOIN kind ON kind.store = expiry.store AND kind.id = expiry.kind;
    DROP TABLE tuple;
    DROP TABLE expiry;
    ${tables.join('\n')}
    INSERT INTO main.tuple SELECT * FROM temp.tuples;
    INSERT INTO main.expiry SELECT * FROM temp.expiries;
    DROP TABLE kind;
    ALTER TABLE store DROP COLUMN kinds;
  `);
  database.pragma('user_version = 3');
  database.pragma(`application_id = ${applicationId}`);
  database.close();
}
