/**
 * Snapshots that outlive one turn of the event loop: each has a reading connection to itself, with
 * a read transaction that stays open. The connections are opened when they are needed, and kept.
 */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { HeldSnapshot, HeldTuples, Snapshot } from '../datastore.ts';
import type { Cursors } from './cursor.ts';
import { openReadonly } from './database.ts';
import { createTupleReads } from './read-tuples.ts';
import { createSnapshots, type OpenSnapshots } from './snapshot.ts';
import { storageRefusal } from './storage-fault.ts';
import { createTexts } from './texts.ts';
import { createReading, type Reading, type StoreView } from './view.ts';

interface Connection {
  readonly database: Database.Database;
  readonly reading: Reading;
  readonly openSnapshot: OpenSnapshots;
  readonly tuples: ReturnType<typeof createTupleReads>;
}

interface Waiter {
  take(connection: Connection): void;
  refuse(refusal: Refusal): void;
}

/** A connection in a read transaction of one store, which nobody else has. */
export interface Borrowed extends Disposable {
  readonly view: StoreView;
  readonly database: Database.Database;
}

export interface Holding {
  borrow(store: StoreId, waitMs: number): Promise<Borrowed>;
  hold(store: StoreId, waitMs: number): Promise<HeldSnapshot>;
  holdTuples(store: StoreId, waitMs: number): Promise<HeldTuples>;
  /** Snapshots that are held still can be read to their end. */
  close(): void;
}

export function createHolding(path: string, cursors: Cursors, clock: Clock): Holding {
  const idle: Connection[] = [];
  /** First come, first served. */
  const waiters = new Set<Waiter>();
  let opened = 0;
  let closed = false;

  function connect(): Connection {
    const database = openReadonly(path);
    opened++;
    const texts = createTexts(database);
    return {
      database,
      reading: createReading(database),
      openSnapshot: createSnapshots(database, texts),
      tuples: createTupleReads(database, texts, cursors),
    };
  }

  async function acquire(waitMs: number): Promise<Connection> {
    if (closed) throw closedRefusal();
    const free = idle.pop();
    if (free !== undefined) return free;
    if (opened < limits.heldSnapshotsMax) return connect();
    return await new Promise((resolve, reject) => {
      const settle = () => {
        waiters.delete(waiter);
        clearTimeout(timeout);
      };
      const waiter: Waiter = {
        take(connection) {
          settle();
          resolve(connection);
        },
        refuse(refusal) {
          settle();
          reject(refusal);
        },
      };
      waiters.add(waiter);
      const timeout = setTimeout(() => waiter.refuse(busyRefusal()), Math.max(0, waitMs));
    });
  }

  function release(connection: Connection): void {
    const [waiter] = waiters;
    if (waiter !== undefined) waiter.take(connection);
    else if (closed) discard(connection);
    else idle.push(connection);
  }

  function discard(connection: Connection): void {
    opened--;
    connection.database.close();
  }

  async function begin(store: StoreId, waitMs: number) {
    const connection = await acquire(waitMs);
    try {
      const { end, view } = connection.reading.begin(store);
      const letGo = () => {
        end();
        release(connection);
      };
      return { connection, view, letGo };
    } catch (error) {
      release(connection);
      throw error;
    }
  }

  return {
    async borrow(store, waitMs) {
      const { connection, view, letGo } = await begin(store, waitMs);
      return { view, database: connection.database, [Symbol.dispose]: letGo };
    },
    async hold(store, waitMs) {
      const { connection, view, letGo } = await begin(store, waitMs);
      const opened = connection.openSnapshot(view);
      return heldSnapshot(opened.snapshot, () => {
        opened.close();
        letGo();
      });
    },
    async holdTuples(store, waitMs) {
      const { connection, view, letGo } = await begin(store, waitMs);
      const { tuples } = connection;
      return heldTuples(
        (filter, query) => tuples.readAtOnce(view, filter, query, clock.now()),
        letGo,
      );
    },
    close() {
      closed = true;
      for (const waiter of waiters) waiter.refuse(closedRefusal());
      for (const connection of idle.splice(0)) discard(connection);
    },
  };
}

/** What is read until it is let go of, which happens once. */
function heldUntil(letGo: () => void) {
  let held = true;
  return {
    read<Result>(read: () => Result): Result {
      assert(held, 'a snapshot is not read after it was let go');
      try {
        return read();
      } catch (error) {
        throw storageRefusal(error);
      }
    },
    letGo(): void {
      if (!held) return;
      held = false;
      letGo();
    },
  };
}

function heldSnapshot(snapshot: Snapshot, letGo: () => void): HeldSnapshot {
  const held = heldUntil(letGo);
  return {
    view: (read) =>
      held.read(() => {
        const result = read(snapshot);
        assert(!(result instanceof Promise), 'a held snapshot is read synchronously');
        return result;
      }),
    [Symbol.dispose]: held.letGo,
  };
}

function heldTuples(read: HeldTuples['read'], letGo: () => void): HeldTuples {
  const held = heldUntil(letGo);
  return {
    read: (filter, query) => held.read(() => read(filter, query)),
    [Symbol.dispose]: held.letGo,
  };
}

function busyRefusal(): Refusal {
  return new Refusal(
    'resource_exhausted',
    `${limits.heldSnapshotsMax} long lists are being read already; try again later`,
  );
}

function closedRefusal(): Refusal {
  return new Refusal('unavailable', 'the datastore is closed');
}
