/** Many small stores in one file, each asked in turn by the embedding API, all from memory. */
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { open, Pemba } from '../../src/index.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import { apiCaller } from '../callers/in-process.ts';
import { jobOf } from '../callers/jobs.ts';
import type { Ask } from '../measure/closed-loop.ts';
import { closedLoop } from '../measure/closed-loop.ts';
import { drive } from '../workloads/drive.ts';
import { times, type World } from '../workloads/workload.ts';
import { answer } from './remote.ts';

/** The process has just started: its code is not compiled yet. */
const warmUpMs = 1_000;

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
}

answer(async (request: StoresRequest): Promise<StoresFigures> => {
  const { path, stores: count, tuplesEach, seed, ms, graphBytes: graphBytesMax } = request;
  const world = drive.at(tuplesEach, seed);
  // Loaded first and opened again: a graph that grows by changes is another thing than one that is built.
  const ids = await load(path, world, count);
  const datastore = await openSqlite({ path, clock: systemClock, graphBytesMax });
  const pemba = new Pemba(datastore);
  const asks = ids.flatMap((id, i) => {
    const job = jobOf(world, 'check', apiCaller(pemba.store(id)));
    // Every store another question, so that all of them are in use.
    return times(20, (ask) => job.asks[(i * 20 + ask) % job.asks.length] as Ask);
  });
  const job = { asks, answersEach: 1 };
  await intoMemory(datastore, asks, count);
  await closedLoop(job, { ms: Math.max(ms, warmUpMs), clients: 1 });
  const before = process.cpuUsage();
  const done = await closedLoop(job, { ms, clients: 1 });
  const { user, system } = process.cpuUsage(before);
  const resident = datastore.graphs
    .places(count)
    .flatMap(([, place]) => (place.kind === 'memory' ? [place] : []));
  await pemba.close();
  const total = (of: 'bytes' | 'tuples') => resident.reduce((sum, place) => sum + place[of], 0);
  return {
    checkMicros: (user + system) / done.count,
    bytesPerTuple: total('bytes') / total('tuples'),
  };
});

/** Only so many stores are loaded at a time, and a loop of checks gives none of them its turn. */
async function intoMemory({ graphs }: SqliteDatastore, asks: readonly Ask[], count: number) {
  for (let before = -1, now = 0; now < count; now = graphs.storesIn.memory) {
    if (now === before)
      throw new Error(`${now} of ${count} stores are in memory, and no more come`);
    before = now;
    for (const ask of asks) void ask();
    await graphs.settled();
  }
}

async function load(path: string, world: World, count: number): Promise<string[]> {
  const pemba = await open(path);
  const tuples = [...world.tuples()];
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const store = await pemba.createStore(`bench ${i}`);
    await store.writeModel(world.model);
    for (let at = 0; at < tuples.length; at += limits.tuplesPerLargeWriteMax) {
      await store.write({ writes: tuples.slice(at, at + limits.tuplesPerLargeWriteMax) });
    }
    ids.push(store.id);
  }
  await pemba.close();
  return ids;
}
