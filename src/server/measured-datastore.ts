/** A datastore whose writes are timed for the metrics. Reads pass straight through. */
import type { Clock } from '../base/clock.ts';
import type { Datastore } from '../storage/datastore.ts';
import type { Metrics } from './metrics.ts';

export function measuredDatastore(inner: Datastore, metrics: Metrics, clock: Clock): Datastore {
  const timed = async <Result>(operation: string, write: Promise<Result>): Promise<Result> => {
    const startedMs = clock.monotonic();
    let succeeded = false;
    try {
      const result = await write;
      succeeded = true;
      return result;
    } finally {
      metrics.datastoreWritten(operation, succeeded, clock.monotonic() - startedMs);
    }
  };
  return {
    local: inner.local,
    cursors: inner.cursors,
    createStore: (store) => timed('create_store', inner.createStore(store)),
    readStore: (store) => inner.readStore(store),
    listStores: (query) => inner.listStores(query),
    deleteStore: (store) => timed('delete_store', inner.deleteStore(store)),
    writeModel: (store, model) => timed('write_model', inner.writeModel(store, model)),
    listModels: (store, query) => inner.listModels(store, query),
    write: (store, write) => timed('write', inner.write(store, write)),
    importTuples: (store, load) => timed('import_tuples', inner.importTuples(store, load)),
    deleteTuples: (store, query) => timed('delete_tuples', inner.deleteTuples(store, query)),
    collectExpired: () => inner.collectExpired(),
    readTuples: (store, filter, query) => inner.readTuples(store, filter, query),
    holdTuples: (store, waitMs) => inner.holdTuples(store, waitMs),
    readChanges: (store, query) => inner.readChanges(store, query),
    writeAssertions: (store, model, assertions) =>
      timed('write_assertions', inner.writeAssertions(store, model, assertions)),
    readAssertions: (store, model) => inner.readAssertions(store, model),
    head: (store) => inner.head(store),
    ready: () => inner.ready(),
    close: () => inner.close(),
  };
}
