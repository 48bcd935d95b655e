/** Many small stores in one file, each asked in turn by the embedding API, all from memory. */
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { Pemba } from '../../src/index.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { apiCaller } from '../callers/in-process.ts';
import { jobOf } from '../callers/jobs.ts';
import type { Ask } from '../measure/closed-loop.ts';
import { closedLoop } from '../measure/closed-loop.ts';
import { drive } from '../workloads/drive.ts';
import { answer } from './remote.ts';

export interface StoresRequest {
  readonly path: string;
  readonly stores: number;
  readonly tuplesEach: number;
  readonly seed: number;
  readonly ms: number;
  readonly graphBytes: number;
}

export interface StoresFigures {
  readonly checkMicros: number;
  readonly bytesPerTuple: number;
  readonly inMemory: number;
}

answer(async (request: StoresRequest): Promise<StoresFigures> => {
  const { path, stores: count, tuplesEach, seed, ms, graphBytes: graphBytesMax } = request;
  const datastore = await openSqlite({ path, clock: systemClock, graphBytesMax });
  const pemba = new Pemba(datastore);
  const world = drive.at(tuplesEach, seed);
  const tuples = [...world.tuples()];
  const asks: Ask[] = [];
  for (let i = 0; i < count; i++) {
    const store = await pemba.createStore(`bench ${i}`);
    await store.writeModel(world.model);
    for (let at = 0; at < tuples.length; at += limits.tuplesPerLargeWriteMax) {
      await store.write({ writes: tuples.slice(at, at + limits.tuplesPerLargeWriteMax) });
    }
    // Every store another question, so that all of them are in use.
    const job = jobOf(world, 'check', apiCaller(store));
    for (let ask = 0; ask < 20; ask++) asks.push(job.asks[(i * 20 + ask) % job.asks.length] as Ask);
    asks.at(-1)?.();
  }
  await datastore.graphs.settled();
  const job = { asks, answersEach: 1 };
  await closedLoop(job, { ms, clients: 1 });
  await datastore.graphs.settled();
  const before = process.cpuUsage();
  const done = await closedLoop(job, { ms, clients: 1 });
  const { user, system } = process.cpuUsage(before);
  const { bytes, storesIn } = datastore.graphs;
  await pemba.close();
  return {
    checkMicros: (user + system) / done.count,
    bytesPerTuple: bytes / (tuples.length * storesIn.memory),
    inMemory: storesIn.memory,
  };
});
