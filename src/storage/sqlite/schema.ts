/**
 * The tables, as migrations. Texts are interned once per store, so that a tuple is a few small
 * integers; every key begins with the store, so that no query can reach into another one.
 *
 * Collation is BINARY throughout (the default of a fresh column): ids that differ by case, by
 * Unicode normalisation or by a trailing space are different ids. There are no foreign keys:
 * from tuples to entities, symbols and revisions they made a bulk write 2.6 times as dear in CPU
 * (38 against 14.5 µs a tuple, measured side by side). The writer interns before it refers, and
 * `verify` proves that every id resolves.
 */

import type Database from 'better-sqlite3';
import { noCondition } from '../tuple-reader.ts';
import { blockNames } from './block-names.ts';
import { deletedGuard, expiredGuard } from './change-pack.ts';
import { numberKinds } from './number-kinds.ts';
import { packChangelog } from './pack-changelog.ts';

/** Stamped into the header of our files ("Pmba"), so that another program's file is never touched. */
export const applicationId = 0x506d6261;

/** In `guard.expires_at`: its tuples do not expire. No tuple is written that expires so early. */
export const never = 0;

export function isDue(expiresAt: number, at: number): boolean {
  return expiresAt !== never && expiresAt <= at;
}

/** The two ways through the tuples, to be named in queries: without statistics SQLite guesses. */
export const forwardIndex = 'sqlite_autoindex_tuple_1';
export const reverseIndex = 'tuple_reverse';

/**
 * Each entry brings a file from the version before to the next, in one transaction. Never edit one
 * that was released: append.
 */
export const migrations: readonly (string | ((database: Database.Database) => void))[] = [
  `
  -- One row for the file. The secret authenticates page cursors.
  CREATE TABLE file (
    secret BLOB NOT NULL
  ) STRICT;

  -- 'key' is never reused, so that rows of a deleted store are never taken for another's.
  -- 'name' is NULL until the store is created by name. 'symbols', 'entities' and 'guards' are the
  -- newest ids of their tables.
  CREATE TABLE store (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    symbols INTEGER NOT NULL,
    entities INTEGER NOT NULL,
    guards INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX store_name ON store (name, id) WHERE name IS NOT NULL;

  -- Keys of deleted stores whose rows are not all gone yet.
  CREATE TABLE purge (
    store INTEGER PRIMARY KEY
  ) STRICT;

  -- Names of types, relations and conditions.
  CREATE TABLE symbol (
    store INTEGER NOT NULL,
    id INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (store, id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX symbol_text ON symbol (store, text);

  -- Objects 'type:name', and 'type:*'.
  CREATE TABLE entity (
    store INTEGER NOT NULL,
    id INTEGER NOT NULL,
    type INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (store, id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX entity_name ON entity (store, type, name);

  -- A condition with the context stored for it, as canonical JSON.
  CREATE TABLE guard (
    store INTEGER NOT NULL,
    id INTEGER NOT NULL,
    condition INTEGER NOT NULL,
    context TEXT NOT NULL,
    PRIMARY KEY (store, id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX guard_context ON guard (store, condition, context);

  -- The tuples of the newest revision; 'revision' is that of their write. The index is the way
  -- from subjects to objects, and carries the guard so that it alone answers.
  CREATE TABLE tuple (
    store INTEGER NOT NULL,
    object INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    subject_type INTEGER NOT NULL,
    subject_relation INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    object_type INTEGER NOT NULL,
    guard INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (store, object, relation, subject_type, subject_relation, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tuple_reverse ON tuple
    (store, subject, subject_relation, object_type, relation, object, guard);

  -- When each revision was committed; never earlier than the one before it.
  CREATE TABLE revision (
    store INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    PRIMARY KEY (store, revision)
  ) STRICT, WITHOUT ROWID;

  -- The changelog. 'guard' is the tuple's after the change, ${deletedGuard} where it was deleted,
  -- ${expiredGuard} where it had expired.
  CREATE TABLE change (
    store INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    object INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    subject_relation INTEGER NOT NULL,
    object_type INTEGER NOT NULL,
    guard INTEGER NOT NULL,
    PRIMARY KEY (store, revision, position)
  ) STRICT, WITHOUT ROWID;

  -- Which revisions changed objects of a type: one row a write, where an index on the changelog
  -- would have one a tuple.
  CREATE TABLE change_type (
    store INTEGER NOT NULL,
    object_type INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (store, object_type, revision)
  ) STRICT, WITHOUT ROWID;

  -- 'names' is a JSON list of texts. Large rows, so these keep their rowid.
  CREATE TABLE model (
    store INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    schema_version TEXT NOT NULL,
    definition TEXT NOT NULL,
    names TEXT NOT NULL,
    UNIQUE (store, id),
    UNIQUE (store, revision)
  ) STRICT;

  CREATE TABLE assertion (
    store INTEGER NOT NULL,
    model TEXT NOT NULL,
    revision INTEGER NOT NULL,
    assertions TEXT NOT NULL,
    UNIQUE (store, model)
  ) STRICT;
  `,
  `
  -- A guard has an expiry too, ${never} for none; without a condition, that is ${noCondition}.
  ALTER TABLE guard ADD COLUMN expires_at INTEGER NOT NULL DEFAULT ${never};
  DROP INDEX guard_context;
  CREATE UNIQUE INDEX guard_content ON guard (store, condition, context, expires_at);

  -- One row for each tuple that expires. The index is over all stores: the writer alone reads it.
  CREATE TABLE expiry (
    store INTEGER NOT NULL,
    object INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    subject_type INTEGER NOT NULL,
    subject_relation INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (store, object, relation, subject_type, subject_relation, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX expiry_due ON expiry (expires_at);

  -- Writes that were done under an idempotency key; 'digest' is of all that they said.
  CREATE TABLE idempotency (
    store INTEGER NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    revision INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (store, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_age ON idempotency (written_at);
  `,
  packChangelog,
  numberKinds,
  blockNames,
];

/** Tables with rows of one store each, in the order in which a deleted store is emptied. */
export const storeTables = [
  'tuple',
  'expiry',
  'idempotency',
  'change',
  'change_type',
  'revision',
  'kind',
  'guard',
  'entity_by_name',
  'entity_by_id',
  'symbol',
  'assertion',
  'model',
] as const;
