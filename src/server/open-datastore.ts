/** Opens the datastore that a configuration names, and says why it cannot be had. */
import { systemClock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { openSqlite, type SqliteDatastore, type SqliteOptions } from '../storage/sqlite/open.ts';
import { OwnedByAnother } from '../storage/sqlite/owner.ts';
import { cannotStart, StartError } from './start-error.ts';

/** The file of a configuration; without resident graphs where nothing is said of them. */
export async function openDatastore(
  path: string,
  graphs: Pick<SqliteOptions, 'graphBytesMax' | 'onFault'> = {},
): Promise<SqliteDatastore> {
  try {
    return await openSqlite({ path, clock: systemClock, ...graphs });
  } catch (error) {
    if (error instanceof Refusal) throw cannotStart(`--datastore-uri: ${error.message}`, error);
    throw error;
  }
}

/** Whether `openDatastore` failed because another process answers from memory for the file. */
export function isOwnedByAnother(error: unknown): boolean {
  return error instanceof StartError && error.cause instanceof OwnedByAnother;
}
