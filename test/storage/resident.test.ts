// The parts of the contract that hang on snapshots, answered from resident graphs from the first
// write on.
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { deletesContract } from './contract-deletes.ts';
import { expiryContract } from './contract-expiry.ts';
import { holdContract } from './contract-hold.ts';
import { longRangeContract, snapshotContract } from './contract-snapshot.ts';
import { writesContract } from './contract-writes.ts';
import { type OpenDatastore, temporaryFolder } from './fixtures.ts';

const graphBytesMax = 512 * 1024 * 1024;

/** Every write resolves once the store is resident, so that what is read next is read from memory. */
function warm(datastore: SqliteDatastore): Datastore {
  async function resident<Result>(store: StoreId, done: Promise<Result>): Promise<Result> {
    const result = await done;
    datastore.local.view(store, () => undefined);
    await datastore.graphs.settled();
    return result;
  }
  return {
    ...datastore,
    write: (store, write) => resident(store, datastore.write(store, write)),
    writeModel: (store, model) => resident(store, datastore.writeModel(store, model)),
    deleteTuples: (store, query) => resident(store, datastore.deleteTuples(store, query)),
  };
}

const openWarmFile: OpenDatastore = async (clock) => {
  const path = join(temporaryFolder(), 'pemba.db');
  const datastore = await openSqlite({ path, clock, graphBytesMax, onFault });
  onTestFinished(async () => {
    await datastore.close();
    const { problems } = verifyFile(path);
    if (problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 2));
  });
  return warm(datastore);
};

const openWarmMemory: OpenDatastore = async (clock) => {
  const datastore = await openSqlite({ path: ':memory:', clock, graphBytesMax, onFault });
  onTestFinished(() => datastore.close());
  return warm(datastore);
};

function onFault(error: unknown): never {
  throw error;
}

describe('resident graphs over a file', () => {
  snapshotContract(openWarmFile);
  expiryContract(openWarmFile);
});
holdContract(openWarmFile, { pooled: false });

describe('resident graphs over SQLite in memory', () => {
  snapshotContract(openWarmMemory);
  longRangeContract(openWarmMemory);
  writesContract(openWarmMemory);
  deletesContract(openWarmMemory);
});
