/**
 * Who may write to a database file. A process that answers from memory must hear of every commit, so
 * it owns the file; those that answer from the file alone can share it. The lock is SQLite's own, on
 * an empty file beside the database: the system lets go of it when the process ends, however it does.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
import { asRefusal } from './database.ts';

/** The file belongs to a process that answers from memory. */
export class OwnedByAnother extends Refusal {
  override name = 'OwnedByAnother';

  constructor(path: string, cause: unknown) {
    const reason =
      'belongs to a server that answers from memory: ask that one, or stop it, or start it with ' +
      '`--graph-memory 0`';
    super('failed_precondition', `the file \`${path}\` ${reason}`, { cause });
  }
}

/** Somebody else has the file open, whatever for. */
class InUse extends Refusal {
  override name = 'InUse';

  constructor(path: string, holder: string, cause: unknown) {
    const reason =
      `is open in ${holder}, and a server that answers from memory needs it alone: stop the ` +
      'other one, or give both a graph memory of 0 (`--graph-memory 0`)';
    super('failed_precondition', `the file \`${path}\` ${reason}`, { cause });
  }
}

export interface Ownership {
  release(): void;
}

/** Others hold a file for a moment while they start, or while they change what is asked of them once. */
const attempts = 40;
const pauseMs = 50;

/** Waits two seconds for those who may be done soon. REQUIRES: the folder of the file exists. */
export async function own(path: string, use: 'alone' | 'shared'): Promise<Ownership> {
  for (let left = attempts; use === 'alone' && left > 0; left--) {
    const owned = tryOwn(path, use);
    if (owned !== undefined) return owned;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return ownNow(path, use);
}

function tryOwn(path: string, use: 'alone'): Ownership | undefined {
  try {
    return ownNow(path, use);
  } catch (error) {
    if (error instanceof InUse) return undefined;
    throw error;
  }
}

function ownNow(path: string, use: 'alone' | 'shared'): Ownership {
  const lockPath = `${pathItself(path)}-lock`;
  let lock: Database.Database | undefined;
  try {
    lock = new Database(lockPath, { timeout: 0 });
    // With a rollback journal a lock lasts as long as its transaction. Nothing is ever written.
    if (use === 'alone') lock.exec('BEGIN EXCLUSIVE');
    else lock.exec('BEGIN; SELECT count(*) FROM sqlite_schema');
    const held = lock;
    return { release: () => held.close() };
  } catch (cause) {
    lock?.close();
    if (!(cause instanceof Database.SqliteError) || !cause.code.startsWith('SQLITE_BUSY')) {
      throw asRefusal(cause, lockPath);
    }
    if (use === 'shared') throw new OwnedByAnother(path, cause);
    throw new InUse(path, holderOf(lockPath), cause);
  }
}

/** The process that holds the lock, where the system tells. */
function holderOf(lockPath: string): string {
  try {
    const { ino } = statSync(lockPath);
    const held = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => /^\d+: POSIX +\S+ +\S+ +(\d+) +\S+:(\d+) /.exec(line))
      .find((found) => Number(found?.[2]) === ino);
    if (held?.[1] !== undefined) return `another process (${held[1]})`;
  } catch {
    // Only Linux has such a list.
  }
  return 'another process';
}

/** By whatever link it was named: two names of one file have one lock. */
function pathItself(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}
