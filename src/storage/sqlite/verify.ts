/**
 * Proves a file sound without changing it: its pages and indexes, that every id resolves, and that
 * the changelog, replayed from the first revision, comes to exactly the tuples that are stored.
 */
import Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
import { openReadonly } from './database.ts';
import { unpackChangelog } from './verify-changes.ts';
import { fileChecks, keyedTuples, type ProblemKind } from './verify-checks.ts';
import { unpackNames } from './verify-names.ts';

export interface Problem {
  readonly kind: ProblemKind;
  /** '' where the problem is the file's, not a store's. */
  readonly store: string;
  readonly message: string;
}

export interface VerifyReport {
  readonly path: string;
  readonly version: number;
  readonly stores: number;
  readonly tuples: number;
  readonly revisions: number;
  readonly changes: number;
  readonly problems: readonly Problem[];
}

/** Of each kind of fault no more than this many are named. */
const examplesMax = 10;

/** Refusal where the file cannot be opened, or is no file of Pemba's. */
export function verifyFile(path: string): VerifyReport {
  try {
    return verifyDatabase(openReadonly(path), path);
  } catch (error) {
    // So damaged that SQLite does not even begin to read it.
    if (error instanceof Refusal && error.code === 'data_loss') return ruin(path, error.message);
    throw error;
  }
}

function verifyDatabase(database: Database.Database, path: string): VerifyReport {
  try {
    // The unpacked changelog may be larger than memory.
    database.pragma('temp_store = FILE');
    // One transaction: everything is compared as of one moment, though a server may be writing.
    return database.transaction(() => report(database, path))();
  } finally {
    database.close();
  }
}

function ruin(path: string, message: string): VerifyReport {
  const problems = [{ kind: 'damage', store: '', message } as const];
  return { path, version: 0, stores: 0, tuples: 0, revisions: 0, changes: 0, problems };
}

function report(database: Database.Database, path: string): VerifyReport {
  const damage = damageOf(database);
  // In damaged pages every further answer is a guess.
  const problems = damage.length > 0 ? damage : problemsOf(database);
  const count = (table: string) => countOf(database, table);
  return {
    path,
    version: Number(database.pragma('user_version', { simple: true })),
    stores: count('store'),
    tuples: count('tuple'),
    revisions: count('revision'),
    changes: countOf(database, 'change', 'coalesce(sum(count), 0)'),
    problems,
  };
}

function damageOf(database: Database.Database): Problem[] {
  const rows = database.prepare<[], string>(`PRAGMA integrity_check(${examplesMax})`).pluck().all();
  return rows
    .filter((message) => message !== 'ok')
    .map((message) => ({ kind: 'damage', store: '', message }));
}

function problemsOf(database: Database.Database): Problem[] {
  const names = new Map(
    database.prepare<[], [number, string]>('SELECT key, id FROM store').raw().all(),
  );
  database.exec(keyedTuples);
  const badPacks = unpackChangelog(database)
    .slice(0, examplesMax)
    .map(({ store, message }) => problemOf('changelog', store, message));
  const badBlocks = unpackNames(database)
    .slice(0, examplesMax)
    .map(({ store, message }) => problemOf('interning', store, message));
  const found = fileChecks.flatMap(({ kind, says, sql }) =>
    database
      .prepare<[], [number, string | number]>(`${sql} LIMIT ${examplesMax}`)
      .raw()
      .all()
      .map(([store, where]) => problemOf(kind, store, `${says}: ${where}`)),
  );
  return [...badPacks, ...badBlocks, ...found];

  function problemOf(kind: ProblemKind, store: number, message: string): Problem {
    return { kind, store: names.get(store) ?? '', message };
  }
}

/** 0 where the table cannot be read for damage. */
function countOf(database: Database.Database, table: string, what = 'count(*)'): number {
  try {
    return Number(database.prepare(`SELECT ${what} FROM ${table}`).pluck().get());
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CORRUPT')) return 0;
    throw error;
  }
}
