/** Starts the thread of a worker, and loads nothing of what that one serves with. */
import { Worker } from 'node:worker_threads';
import type { Seat } from '../../storage/sqlite/seat-messages.ts';
import type { ServerConfig } from '../config.ts';
import type { WorkerPlace } from './messages.ts';

/** Marks a worker as ours. */
export const entryMark = 'pemba-server';

/** What the thread is started with. */
export interface WorkerStart extends WorkerPlace {
  readonly mark: string;
  readonly config: ServerConfig;
  readonly seat: Seat;
}

/** The entry lies beside this module, built and unbuilt. */
const entry = import.meta.url.endsWith('.ts') ? '../start-worker.ts' : '../start-worker.js';

export function spawnWorker(place: WorkerPlace, config: ServerConfig, seat: Seat): Worker {
  return new Worker(new URL(entry, import.meta.url), {
    name: `${entryMark} ${place.number}`,
    workerData: { mark: entryMark, config, seat, ...place } satisfies WorkerStart,
    transferList: [seat.port],
  });
}
