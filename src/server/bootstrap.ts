/** The first admin, made by whoever can write the database: there is nobody yet who could be asked. */
import { systemClock } from '../base/clock.ts';
import { createAccess } from '../service/router.ts';
import { isOwnedByAnother, openDatastore } from './open-datastore.ts';

/**
 * Makes the principal the first admin of a file: `late` where there has been one, `owned` where the
 * file is another process's, which has to be asked.
 */
export async function bootstrap(
  path: string,
  principal: string,
): Promise<'made' | 'late' | 'owned'> {
  try {
    const datastore = await openDatastore(path);
    try {
      const access = createAccess({ datastore, clock: systemClock });
      return (await access.bootstrap(principal)) ? 'made' : 'late';
    } finally {
      await datastore.close();
    }
  } catch (error) {
    if (isOwnedByAnother(error)) return 'owned';
    throw error;
  }
}
