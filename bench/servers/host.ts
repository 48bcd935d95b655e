/**
 * Pemba inside a program: the library, the loop that asks it and the measurement in one process. Checks
 * and lists of objects by the engine alone, everything by the embedding API; over the resident graph or
 * over SQLite.
 */
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { Pemba, type Store } from '../../src/index.ts';
import { isModelId, isStoreId, type ModelId, type StoreId } from '../../src/model/ids.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import type { Caller } from '../callers/caller.ts';
import { apiCaller, depthMax, engineCaller } from '../callers/in-process.ts';
import { type JobName, jobOf } from '../callers/jobs.ts';
import type { Loaded } from '../load.ts';
import { closedLoop, type Job } from '../measure/closed-loop.ts';
import { longestPauseMs } from '../measure/pauses.ts';
import type { Sample } from '../measure/sample.ts';
import type { World } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import { answer } from './remote.ts';

export type HostRequest =
  | { readonly kind: 'open'; readonly loaded: Loaded; readonly graphBytes: number }
  | {
      readonly kind: 'run';
      readonly door: 'engine' | 'api';
      readonly job: JobName;
      readonly ms: number;
    }
  /** Clients that write one tuple each at a time. */
  | { readonly kind: 'writes'; readonly ms: number; readonly clients: number }
  | { readonly kind: 'huge-list' };

export interface OpenedHost {
  /** Until the graph answers; 0 where there is to be none. */
  readonly residentMs: number;
  readonly graphBytes: number;
  readonly graphTuples: number;
}

interface Open {
  readonly datastore: SqliteDatastore;
  readonly pemba: Pemba;
  readonly world: World;
  readonly store: Store;
  readonly callers: { readonly engine: Caller; readonly api: Caller };
  readonly jobs: Map<string, Job>;
}

let opened: Open | undefined;

answer(
  async (request: HostRequest) => {
    if (request.kind === 'open') return await open(request.loaded, request.graphBytes);
    if (opened === undefined) throw new Error('nothing is open');
    switch (request.kind) {
      case 'run':
        return await run(opened, request);
      case 'writes': {
        const job = jobOf(opened.world, 'write', opened.callers.api);
        return await measured(() => closedLoop(job, request));
      }
      case 'huge-list':
        return await hugeList(opened);
    }
  },
  () => opened?.pemba.close(),
);

async function open(loaded: Loaded, graphBytesMax: number): Promise<OpenedHost> {
  const { path, store: storeId, model } = loaded;
  const datastore = await openSqlite({ path, clock: systemClock, graphBytesMax });
  const start = performance.now();
  const graph = graphBytesMax > 0 ? await intoMemory(datastore, storeIdOf(storeId)) : undefined;
  const residentMs = performance.now() - start;
  const pemba = new Pemba(datastore, { checkDepthMax: depthMax });
  const store = pemba.store(storeId);
  const callers = {
    engine: engineCaller(datastore, storeIdOf(storeId), modelIdOf(model)),
    api: apiCaller(store),
  };
  const world = worldOf(loaded.world);
  opened = { datastore, pemba, world, store, callers, jobs: new Map() };
  return {
    residentMs: graph === undefined ? 0 : residentMs,
    graphBytes: graph?.bytes ?? 0,
    graphTuples: graph?.tuples ?? 0,
  };
}

async function intoMemory({ local, graphs }: SqliteDatastore, store: StoreId) {
  local.view(store, () => undefined);
  await graphs.settled();
  const place = graphs.place(store);
  if (place?.kind === 'memory') return place;
  throw new Error(`the store is not in memory, but ${JSON.stringify(place)}`);
}

async function run(
  { world, callers, jobs }: Open,
  { door, job: name, ms }: { door: 'engine' | 'api'; job: JobName; ms: number },
): Promise<Sample> {
  const key = `${door} ${name}`;
  const job = jobs.get(key) ?? jobOf(world, name, callers[door], limits.listRowsMax);
  jobs.set(key, job);
  if (job.asks.length === 0) return { count: 0, cpuMicros: 0, wallMs: 0 };
  return await measured(() => closedLoop(job, { ms, clients: 1 }));
}

/** With the CPU of the whole process: collecting garbage and compiling have threads of their own. */
async function measured(loop: () => Promise<{ count: number; wallMs: number }>): Promise<Sample> {
  const before = process.cpuUsage();
  const done = await loop();
  const { user, system } = process.cpuUsage(before);
  return { ...done, cpuMicros: user + system };
}

async function hugeList({ world, store }: Open): Promise<{ results: number; pauseMs: number }> {
  const { hugeList: question } = world;
  if (question === undefined) throw new Error('this world has no list that is long enough');
  const ask = apiCaller(store).prepare({ kind: 'objects', question });
  // Once unmeasured: the expected names are sorted and compared in one go the first time.
  await ask();
  const pauseMs = await longestPauseMs(async () => ask());
  return { results: question.objects.length, pauseMs };
}

function storeIdOf(text: string): StoreId {
  if (!isStoreId(text)) throw new Error(`${text} is no store`);
  return text;
}

function modelIdOf(text: string): ModelId {
  if (!isModelId(text)) throw new Error(`${text} is no model`);
  return text;
}
