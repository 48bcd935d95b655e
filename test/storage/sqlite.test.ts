// The contract of a datastore, over SQLite in memory and in a file.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { datastoreContract } from './contract.ts';
import { temporaryFolder } from './fixtures.ts';

datastoreContract('SQLite in memory', async (clock) => {
  const datastore = await openSqlite({ path: ':memory:', clock });
  onTestFinished(() => datastore.close());
  return datastore;
});

datastoreContract('SQLite in a file', async (clock) => {
  const path = join(temporaryFolder(), 'pemba.db');
  const datastore = await openSqlite({ path, clock });
  onTestFinished(async () => {
    await datastore.close();
    // Whatever a test has done, it has left a sound file behind.
    const { problems } = verifyFile(path);
    if (problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 2));
  });
  return datastore;
});
