/** A datastore that tells of every read of tuples, whichever way the snapshot was come by. */
import type { Datastore, Snapshot } from '../../src/storage/datastore.ts';

/** Calls `before` before each read; what it throws is what the read throws. */
export function watched(datastore: Datastore, before: () => void): Datastore {
  // Member by member: a snapshot may be of a class, whose methods a spread leaves behind.
  const watch = (snapshot: Snapshot): Snapshot => ({
    revision: snapshot.revision,
    symbol: (text) => snapshot.symbol(text),
    entity: (type, id) => snapshot.entity(type, id),
    entityRef: (entity) => snapshot.entityRef(entity),
    idsOf: (entities) => snapshot.idsOf(entities),
    guard: (guard) => snapshot.guard(guard),
    latestModelId: () => snapshot.latestModelId(),
    model: (id) => snapshot.model(id),
    find(...key) {
      before();
      return snapshot.find(...key);
    },
    subjects(...range) {
      before();
      return snapshot.subjects(...range);
    },
    objects(...range) {
      before();
      return snapshot.objects(...range);
    },
  });
  const { local } = datastore;
  return {
    ...datastore,
    local: {
      ...local,
      view: (store, read) => local.view(store, (snapshot) => read(watch(snapshot))),
      async hold(store, waitMs) {
        const held = await local.hold(store, waitMs);
        return {
          view: (read) => held.view((snapshot) => read(watch(snapshot))),
          [Symbol.dispose]: () => held[Symbol.dispose](),
        };
      },
    },
  };
}
