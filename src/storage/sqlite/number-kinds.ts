/**
 * The migration to version 4: what a tuple has in common with many others (the type of its object,
 * its relation, the type of its subject and the subject's relation) becomes one number, its kind. A
 * tuple had five numbers of its own for it, in the table and again in the index.
 */
import type Database from 'better-sqlite3';

/** REQUIRES: within the transaction of the migration. */
export function numberKinds(database: Database.Database): void {
  database.exec(`
    -- 'kinds' of a store is the newest id. Those of tuples that are gone stay.
    CREATE TABLE kind (
      store INTEGER NOT NULL,
      id INTEGER NOT NULL,
      object_type INTEGER NOT NULL,
      relation INTEGER NOT NULL,
      subject_type INTEGER NOT NULL,
      subject_relation INTEGER NOT NULL,
      PRIMARY KEY (store, id)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX kind_parts ON kind
      (store, object_type, relation, subject_type, subject_relation);
    INSERT INTO kind (store, id, object_type, relation, subject_type, subject_relation)
      SELECT store, row_number() OVER (PARTITION BY store
        ORDER BY object_type, relation, subject_type, subject_relation),
        object_type, relation, subject_type, subject_relation
      FROM (SELECT DISTINCT store, object_type, relation, subject_type, subject_relation FROM tuple);
    ALTER TABLE store ADD COLUMN kinds INTEGER NOT NULL DEFAULT 0;
    UPDATE store SET kinds = (SELECT count(*) FROM kind WHERE kind.store = store.key);

    DROP INDEX tuple_reverse;
    ALTER TABLE tuple RENAME TO tuple_by_parts;
    -- The tuples of the newest revision; 'revision' is that of their write. The index is the way
    -- from subjects to objects, and carries the guard so that it alone answers.
    CREATE TABLE tuple (
      store INTEGER NOT NULL,
      object INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      subject INTEGER NOT NULL,
      guard INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      PRIMARY KEY (store, object, kind, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tuple_reverse ON tuple (store, subject, kind, object, guard);
    INSERT INTO tuple (store, object, kind, subject, guard, revision)
      SELECT old.store, old.object, kind.id, old.subject, old.guard, old.revision
      FROM tuple_by_parts AS old CROSS JOIN kind INDEXED BY kind_parts ON kind.store = old.store
        AND kind.object_type = old.object_type AND kind.relation = old.relation
        AND kind.subject_type = old.subject_type AND kind.subject_relation = old.subject_relation;
    DROP TABLE tuple_by_parts;

    DROP INDEX expiry_due;
    ALTER TABLE expiry RENAME TO expiry_by_parts;
    -- One row for each tuple that expires. The index is over all stores: the writer alone reads it.
    CREATE TABLE expiry (
      store INTEGER NOT NULL,
      object INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      subject INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (store, object, kind, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX expiry_due ON expiry (expires_at);
    INSERT INTO expiry (store, object, kind, subject, expires_at)
      SELECT old.store, old.object, kind.id, old.subject, old.expires_at
      FROM expiry_by_parts AS old
      CROSS JOIN entity ON entity.store = old.store AND entity.id = old.object
      CROSS JOIN kind INDEXED BY kind_parts ON kind.store = old.store
        AND kind.object_type = entity.type AND kind.relation = old.relation
        AND kind.subject_type = old.subject_type AND kind.subject_relation = old.subject_relation;
    DROP TABLE expiry_by_parts;
  `);
}
