/** The local reads: from resident graphs where there are, else from the database. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { StoreId } from '../../model/ids.ts';
import type { LocalReads, Revision } from '../datastore.ts';
import type { Residency } from '../resident/residency.ts';
import type { Holding } from './hold.ts';
import type { Queue } from './queue.ts';
import type { ResidentViews } from './resident-views.ts';
import { createSnapshots } from './snapshot.ts';
import type { Texts } from './texts.ts';
import type { Reading } from './view.ts';

/** While it waits for a revision that another process writes, the file is looked at this often. */
const reachPollMs = 20;

export function createLocalReads(parts: {
  readonly database: Database.Database;
  /** Tells the residency of every revision that it shows. */
  readonly reading: Reading;
  readonly texts: Texts;
  readonly residentViews: ResidentViews;
  readonly residency: Residency;
  readonly queue: Queue;
  readonly holding: Holding | undefined;
}): LocalReads {
  const { database, reading, texts, residentViews, residency, queue, holding } = parts;
  const openSnapshot = createSnapshots(database, texts);

  /** Storage shows what a graph has not taken in yet; then it has. */
  function isReached(store: StoreId, revision: Revision): boolean {
    if ((residency.revisionOf(store) ?? 0) >= revision) return true;
    return reading.inStore(store, (view) => view.revision >= revision);
  }

  return {
    view(store, read) {
      const graph = residency.graph(store);
      if (graph !== undefined) return residentViews.view(graph, read);
      let exists = false;
      try {
        return reading.inStore(store, (view) => {
          exists = view.key !== 0;
          const opened = openSnapshot(view);
          try {
            return read(opened.snapshot);
          } finally {
            opened.close();
          }
        });
      } finally {
        if (exists) residency.answeredByStorage(store);
      }
    },
    canHold: holding !== undefined,
    async hold(store, waitMs) {
      assert(holding !== undefined, 'a database in memory holds no snapshot');
      const graph = residency.graph(store);
      if (graph !== undefined) return residentViews.hold(graph);
      const held = await holding.hold(store, waitMs);
      // A graph may have come meanwhile: it must not show less than what is held.
      if (reading.inStore(store, ({ key }) => key !== 0)) residency.answeredByStorage(store);
      return held;
    },
    reach: (store, revision, waitMs) => reach(() => isReached(store, revision), queue, waitMs),
  };
}

/** Looks after every group of this process's writer, and now and then for another process's. */
async function reach(reached: () => boolean, queue: Queue, waitMs: number): Promise<boolean> {
  if (reached()) return true;
  if (waitMs <= 0) return false;
  return await new Promise((resolve, reject) => {
    function look(): void {
      try {
        if (reached()) finish(true);
      } catch (error) {
        stop();
        reject(error);
      }
    }
    function finish(answer: boolean): void {
      stop();
      resolve(answer);
    }
    const forget = queue.onSettled(look);
    const poll = setInterval(look, reachPollMs);
    const timeout = setTimeout(() => finish(reached()), waitMs);
    function stop(): void {
      forget();
      clearInterval(poll);
      clearTimeout(timeout);
    }
  });
}
