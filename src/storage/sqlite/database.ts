/**
 * Opens a database file: proves that it is ours and not newer than this program, sets and reads
 * back what durability rests on, and migrates.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { applicationId, migrations } from './schema.ts';

export const memoryPath = ':memory:';

/** Before it, a commit that raced with a checkpoint could corrupt a WAL file (sqlite.org/wal.html). */
const oldestSqlite = [3, 51, 3] as const;

const busyTimeoutMs = 5_000;
/** After a checkpoint the WAL file is cut back to this size. */
const walBytesKept = 64 * 1024 * 1024;
/**
 * Of the writer. Rows of a load go all over the way back from subjects: with the 2 MB that are usual
 * most pages are read again for each chunk, and written twice.
 */
const writerCacheKiB = 64 * 1024;
/** Pages of the WAL after which it is folded into the file: a page that is written often is folded once. */
const pagesPerCheckpoint = 8_000;

/** Opens for reading and writing, making the file if there is none. ENSURES: the newest version. */
export function openDatabase(path: string): Database.Database {
  const database = openHandle(path, { timeout: busyTimeoutMs });
  try {
    refuseOldSqlite(database);
    refuseForeignFile(database, path);
    configure(database, path);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw asRefusal(error, path);
  }
}

/** The same, for the one connection that writes. */
export function openForWriting(path: string): Database.Database {
  const database = openDatabase(path);
  database.pragma(`cache_size = -${writerCacheKiB}`);
  database.pragma(`wal_autocheckpoint = ${pagesPerCheckpoint}`);
  return database;
}

/** Refuses what is no file of ours, or would be none, without touching it. */
export function refuseUnfit(path: string): void {
  if (!existsSync(path)) {
    if (!existsSync(dirname(path))) throw noFolder(path);
    return;
  }
  if (statSync(path).isDirectory()) {
    throw refused(path, 'cannot be opened: it is a folder; name a file in it');
  }
  // Nothing is written; a connection that only reads would leave the files of the WAL behind.
  const database = openHandle(path, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    refuseForeignFile(database, path);
    refuseNewerVersion(versionOf(database), path);
  } catch (error) {
    throw asRefusal(error, path);
  } finally {
    database.close();
  }
}

/** Opens an existing file of the newest version for reading only. */
export function openReadonly(path: string): Database.Database {
  const database = openHandle(path, {
    readonly: true,
    fileMustExist: true,
    timeout: busyTimeoutMs,
  });
  try {
    refuseForeignFile(database, path);
    const version = versionOf(database);
    if (version === 0) throw refused(path, 'is empty: no Pemba has written to it yet');
    refuseNewerVersion(version, path);
    if (version < migrations.length) {
      throw refused(path, `has the older version ${version}; start this Pemba on it once`);
    }
    return database;
  } catch (error) {
    database.close();
    throw asRefusal(error, path);
  }
}

function openHandle(path: string, options: Database.Options): Database.Database {
  try {
    return new Database(path, options);
  } catch (error) {
    throw asRefusal(error, path);
  }
}

function refuseOldSqlite(database: Database.Database): void {
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get());
  const parts = version.split('.').map(Number);
  for (const [index, oldest] of oldestSqlite.entries()) {
    const part = parts[index] ?? 0;
    if (part > oldest) return;
    if (part < oldest) {
      const needed = oldestSqlite.join('.');
      throw new Refusal(
        'failed_precondition',
        `SQLite ${version} is too old: ${needed} or newer is needed, reinstall better-sqlite3`,
      );
    }
  }
}

function refuseForeignFile(database: Database.Database, path: string): void {
  const id = Number(database.pragma('application_id', { simple: true }));
  if (id === applicationId) return;
  const tables = Number(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (id !== 0 || tables !== 0) {
    throw refused(path, 'is a database of another program; name another file');
  }
}

function configure(database: Database.Database, path: string): void {
  const mode = String(database.pragma('journal_mode = WAL', { simple: true }));
  assert(mode === (path === memoryPath ? 'memory' : 'wal'), `journal mode is ${mode}`);
  database.pragma('synchronous = FULL');
  // better-sqlite3 is compiled to fall back to NORMAL with WAL, which may lose an acknowledged
  // write at power loss: trust only what is read back.
  assert(database.pragma('synchronous', { simple: true }) === 2, 'synchronous is not FULL');
  database.pragma(`journal_size_limit = ${walBytesKept}`);
  database.pragma('foreign_keys = OFF');
  database.pragma('temp_store = MEMORY');
}

function versionOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function refuseNewerVersion(version: number, path: string): void {
  if (version <= migrations.length) return;
  throw refused(
    path,
    `has version ${version}, newer than the ${migrations.length} of this Pemba; use a newer Pemba`,
  );
}

function migrate(database: Database.Database, path: string): void {
  refuseNewerVersion(versionOf(database), path);
  if (versionOf(database) === migrations.length) return;
  const usualCache = Number(database.pragma('cache_size', { simple: true }));
  database.pragma(`cache_size = -${writerCacheKiB}`);
  while (versionOf(database) < migrations.length) {
    // Two processes may open a fresh file at once: whoever comes second finds it done.
    database.transaction(() => migrateNext(database)).immediate();
  }
  database.pragma(`cache_size = ${usualCache}`);
}

/** A step, which can be long; a fresh file takes all of them at once. REQUIRES: within a transaction. */
function migrateNext(database: Database.Database): void {
  const version = versionOf(database);
  if (version >= migrations.length) return;
  const isFresh = version === 0;
  for (const migration of migrations.slice(version, isFresh ? undefined : version + 1)) {
    if (typeof migration === 'string') database.exec(migration);
    else migration(database);
  }
  if (isFresh) {
    database.prepare('INSERT INTO file (secret) VALUES (?)').run(randomBytes(32));
    database.pragma(`application_id = ${applicationId}`);
  }
  database.pragma(`user_version = ${isFresh ? migrations.length : version + 1}`);
}

function noFolder(path: string): Refusal {
  return refused(path, 'lies in a folder that does not exist; make the folder first');
}

function refused(path: string, reason: string): Refusal {
  return new Refusal('failed_precondition', `the file \`${path}\` ${reason}`);
}

/** What the world did wrong becomes a refusal; a bug of ours stays what it is. */
export function asRefusal(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) {
    // better-sqlite3 reports a missing folder as a TypeError of its own.
    if (error instanceof TypeError && error.message.includes('directory')) {
      return noFolder(path);
    }
    return error;
  }
  if (error.code.startsWith('SQLITE_CORRUPT')) {
    const message = `the file \`${path}\` is damaged; restore a copy`;
    return new Refusal('data_loss', message, { cause: error });
  }
  const reason = openFaults.find(([prefix]) => error.code.startsWith(prefix))?.[1];
  if (reason === undefined) return error;
  return new Refusal('failed_precondition', `the file \`${path}\` ${reason}`, { cause: error });
}

const openFaults: readonly (readonly [string, string])[] = [
  ['SQLITE_NOTADB', 'is not a database; name another file'],
  ['SQLITE_READONLY', 'cannot be written to; change its permissions or those of its folder'],
  ['SQLITE_CANTOPEN', 'cannot be opened; see that it exists and that its folder can be written to'],
  ['SQLITE_PERM', 'cannot be opened; change its permissions'],
  ['SQLITE_BUSY', 'is locked by another program; stop that one first'],
  ['SQLITE_FULL', 'cannot grow: the disk is full'],
  ['SQLITE_IOERR', 'cannot be read or written: the disk or its file system fails'],
];
