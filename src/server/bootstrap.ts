/** The first admin, made by whoever can write the database: there is nobody yet who could be asked. */
import { systemClock } from '../base/clock.ts';
import { createAccess } from '../service/router.ts';
import { openDatastore } from './start.ts';

/** False where there has been a first admin already: it works once. */
export async function bootstrap(path: string, principal: string): Promise<boolean> {
  const datastore = await openDatastore(path);
  try {
    return await createAccess({ datastore, clock: systemClock }).bootstrap(principal);
  } finally {
    await datastore.close();
  }
}
