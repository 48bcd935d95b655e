/**
 * The datastore of a worker thread: it reads the file with connections of its own and answers from
 * memory like all of them; its writes, and the bases of its graphs, it has from the hub (`hub.ts`).
 */
import { assert } from '../../base/assert.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Place } from '../graphs.ts';
import { type Base, bytesOf } from '../resident/base.ts';
import type { Siblings } from '../resident/residency.ts';
import { RevisionBoard } from '../resident/revision-board.ts';
import { cursorsOf } from './cursor.ts';
import { openDatabase } from './database.ts';
import { createHolding } from './hold.ts';
import { HubPort } from './hub-port.ts';
import { createDatastore, type SqliteDatastore, type SqliteOptions } from './open.ts';
import type { Seat } from './seat-messages.ts';
import type { OldBase } from './shared-bases.ts';
import { createReading } from './view.ts';

/** The hub is told of a graph's size again when it has changed by so many bytes. */
const bytesUntold = 64 * 1024;

/** REQUIRES: the seat is one that a hub gave, and nobody else has opened it. */
export function openSeat(
  seat: Seat,
  options: Omit<SqliteOptions, 'path' | 'graphBytesMax'>,
): SqliteDatastore {
  const hub = new HubPort(seat.port);
  const board = new RevisionBoard(seat.board);
  const database = openDatabase(seat.path);
  try {
    database.pragma('query_only = ON');
    const datastore = createDatastore(
      {
        database,
        reading: createReading(database),
        board,
        holding: createHolding(seat.path, cursorsOf(database), options.clock),
        bases: {
          async build(store, _, old) {
            const answer = await hub.ask({ kind: 'base', store, old: old && idOf(old) });
            assert(answer.kind === 'base', 'a base is answered by one');
            return answer.base;
          },
          close: async () => undefined,
        },
        siblings: createSiblings(hub, board),
        writing: (audience) => hub.queue(audience),
      },
      { ...options, graphBytesMax: seat.graphBytesMax },
    );
    hub.onGiveWay = (store) => datastore.graphs.giveWay(store);
    return { ...datastore, graphs: graphsOfProcess(datastore.graphs, hub) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function idOf({ incarnation, revision }: OldBase): OldBase {
  return { incarnation, revision };
}

function createSiblings(hub: HubPort, board: RevisionBoard): Siblings {
  const told = new Map<StoreId, { readonly base: Base; readonly bytes: number }>();
  return {
    mayKnowMore({ base, horizon }) {
      board.markRead(base.incarnation);
      return board.isNewer(base.incarnation, horizon.revision);
    },
    held(store, graph) {
      if (graph === undefined) {
        told.delete(store);
        hub.tell({ kind: 'held', store, bytes: undefined });
        return;
      }
      const { base } = graph;
      const bytes = graph.bytes - bytesOf(base);
      const last = told.get(store);
      if (last?.base === base && Math.abs(last.bytes - bytes) < bytesUntold) return;
      told.set(store, { base, bytes });
      hub.tell({ kind: 'held', store, bytes });
    },
  };
}

type Here = SqliteDatastore['graphs'];

/** What is counted is this thread's own; what is shown to a caller is the whole process. */
function graphsOfProcess(here: Here, hub: HubPort): Here {
  return {
    bytesMax: here.bytesMax,
    counts: here.counts,
    get bytes() {
      return here.bytes;
    },
    get storesIn() {
      return here.storesIn;
    },
    place: (store) => here.place(store),
    places: (max) => here.places(max),
    async shown(of) {
      const answer = await hub.ask({ kind: 'graphs', of });
      assert(answer.kind === 'graphs', 'graphs are answered by graphs');
      const { bytes, stores, places } = answer.graphs;
      const found = new Map(places.map(([store, place]) => [store, newest(place, here, store)]));
      // Why a store is not in memory, each thread knows for itself.
      for (const [store, place] of (await here.shown(of)).places) {
        if (!found.has(store)) found.set(store, place);
      }
      const { bytesMax, storesIn } = here;
      const max = typeof of === 'number' ? of : 1;
      return {
        bytesMax,
        bytes,
        storesIn: { ...stores, storage: storesIn.storage },
        places: [...found].slice(0, max),
      };
    },
    settled: () => here.settled(),
    giveWay: (store) => here.giveWay(store),
  };
}

/** The memory that a store takes is that of all; how far it has come, this thread knows better. */
function newest(shared: Place, here: Here, store: StoreId): Place {
  const place = here.place(store);
  if (shared.kind !== 'memory' || place?.kind !== 'memory') return shared;
  return { ...place, bytes: shared.bytes };
}
