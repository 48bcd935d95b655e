/** What SQLite says went wrong below, as refusals: the text from below never reaches a caller. */
import Database from 'better-sqlite3';
import { type ErrorCode, Refusal } from '../../base/errors.ts';

interface StorageFault {
  readonly code: ErrorCode;
  readonly message: string;
}

const unwritable = 'nothing was written; see that the disk works, then try again';

/** By the prefix of SQLite's own code: `SQLITE_IOERR` stands for `SQLITE_IOERR_FSYNC` too. */
const storageFaults: Readonly<Record<string, StorageFault>> = {
  SQLITE_FULL: {
    code: 'resource_exhausted',
    message: 'the disk that holds the data is full: nothing was written; free some space',
  },
  SQLITE_BUSY: {
    code: 'unavailable',
    message: 'another process is writing to the same file: nothing was written; try again',
  },
  SQLITE_LOCKED: { code: 'unavailable', message: `the data is locked: ${unwritable}` },
  SQLITE_IOERR: {
    code: 'unavailable',
    message: 'the disk failed: the write is not acknowledged; see that it works, then try again',
  },
  SQLITE_READONLY: { code: 'unavailable', message: `the file is read-only: ${unwritable}` },
  SQLITE_CANTOPEN: { code: 'unavailable', message: `the file cannot be opened: ${unwritable}` },
  SQLITE_PROTOCOL: { code: 'unavailable', message: `the file cannot be locked: ${unwritable}` },
  SQLITE_NOMEM: { code: 'unavailable', message: 'out of memory: nothing was written; try again' },
  SQLITE_CORRUPT: {
    code: 'data_loss',
    message: 'the data is damaged; stop the server and look at the file with `pemba verify`',
  },
  SQLITE_NOTADB: {
    code: 'data_loss',
    message: 'the file is no longer a database; stop the server and restore a copy',
  },
};

function storageFaultOf(error: unknown): StorageFault | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  return storageFaults[error.code.split('_', 2).join('_')];
}

/**
 * Whether the whole transaction is lost, not the statement alone: SQLite may already have rolled
 * it back (sqlite.org/lang_transaction.html).
 */
export function endsTransaction(error: unknown): boolean {
  return storageFaultOf(error) !== undefined;
}

/** The refusal that stands for an error of SQLite; anything else, a bug, as it is. */
export function storageRefusal(error: unknown): unknown {
  const fault = storageFaultOf(error);
  return fault === undefined ? error : new Refusal(fault.code, fault.message, { cause: error });
}
