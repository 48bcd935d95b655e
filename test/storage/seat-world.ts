// A hub and the datastores of its workers, all in one thread: the same ports, without the threads.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import type { ResidencyBounds } from '../../src/storage/resident/residency.ts';
import { type Hub, openHub } from '../../src/storage/sqlite/hub.ts';
import type { SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import { openSeat } from '../../src/storage/sqlite/seat.ts';
import type { Seat } from '../../src/storage/sqlite/seat-messages.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { temporaryFolder } from './fixtures.ts';

export interface SeatWorld {
  readonly path: string;
  readonly hub: Hub;
  /** One more worker; its port ends it as abruptly as the end of its thread would. */
  sit(): { readonly datastore: SqliteDatastore; readonly seat: Seat };
  close(): Promise<void>;
}

/** ENSURES: it is closed when the test ends, and its file found sound. */
export async function openWorld(options: {
  readonly clock: Clock;
  readonly graphBytesMax: number;
  readonly graphBounds?: Partial<ResidencyBounds>;
}): Promise<SeatWorld> {
  const path = join(temporaryFolder(), 'pemba.db');
  const hub = await openHub({ path, ...options });
  const seated: SqliteDatastore[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      await Promise.all(seated.map((datastore) => datastore.close()));
      await hub.close();
      const { problems } = verifyFile(path);
      if (problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 2));
    })();
    return closing;
  };
  onTestFinished(close);
  return {
    path,
    hub,
    sit() {
      const seat = hub.seat();
      const datastore = openSeat(seat, {
        clock: options.clock,
        ...(options.graphBounds && { graphBounds: options.graphBounds }),
        onFault: (error) => {
          throw error;
        },
      });
      seated.push(datastore);
      return { datastore, seat };
    },
    close,
  };
}
