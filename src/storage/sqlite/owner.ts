/**
 * Who may write to a database file. A process that answers from memory must hear of every commit, so
 * it owns the file; those that answer from the file alone can share it. The lock is SQLite's own, on
 * an empty file beside the database: the system lets go of it when the process ends, however it does.
 */
import { existsSync, realpathSync } from 'node:fs';
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

export interface Ownership {
  release(): void;
}

/** REQUIRES: the folder of the file exists. */
export function own(path: string, use: 'alone' | 'shared'): Ownership {
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
    throw new Refusal('failed_precondition', `the file \`${path}\` ${notAlone}`, { cause });
  }
}

const notAlone =
  'is open in another process, and a server that answers from memory needs it alone: stop the ' +
  'other one, or give both a graph memory of 0 (`--graph-memory 0`)';

/** By whatever link it was named: two names of one file have one lock. */
function pathItself(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}
