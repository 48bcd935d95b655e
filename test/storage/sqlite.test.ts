// The contract of a datastore, over SQLite in memory and in a file.
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { datastoreContract } from './contract.ts';
import { holdContract } from './contract-hold.ts';
import { longRangeContract } from './contract-snapshot.ts';
import { manualClock, type OpenDatastore, storeId, temporaryFolder } from './fixtures.ts';

const openMemory: OpenDatastore = async (clock) => {
  const datastore = await openSqlite({ path: ':memory:', clock });
  onTestFinished(() => datastore.close());
  return datastore;
};

datastoreContract('SQLite in memory', openMemory);
longRangeContract(openMemory);

const openFile: OpenDatastore = async (clock) => {
  const path = join(temporaryFolder(), 'pemba.db');
  const datastore = await openSqlite({ path, clock });
  onTestFinished(async () => {
    await datastore.close();
    // Whatever a test has done, it has left a sound file behind.
    const { problems } = verifyFile(path);
    if (problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 2));
  });
  return datastore;
};

datastoreContract('SQLite in a file', openFile);
holdContract(openFile, { pooled: true });

test('a database in memory holds no snapshot: its one connection must not wait', async () => {
  const datastore = await openSqlite({ path: ':memory:', clock: manualClock() });
  onTestFinished(() => datastore.close());
  expect(datastore.local.canHold).toBe(false);
  await expect(datastore.local.hold(storeId(1), 0)).rejects.toThrow('in memory');
});
