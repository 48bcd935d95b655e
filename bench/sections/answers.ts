/** What answers cost: one world, asked in process and over the wires, by Pemba, the floor and peers. */
import { WrongAnswer } from '../callers/caller.ts';
import { type JobName, jobNames } from '../callers/jobs.ts';
import type { Contender } from '../contenders/contender.ts';
import { Host } from '../contenders/embedded.ts';
import { startPeer } from '../contenders/peer.ts';
import { callerOver, Floor, servedContender } from '../contenders/served.ts';
import type { Loaded } from '../load.ts';
import { fsyncsPerSecond } from '../measure/fsync.ts';
import { medianOf, microsEach, perSecond, type Sample } from '../measure/sample.ts';
import type { Kind, Options } from '../options.ts';
import type { Results } from '../results.ts';
import { PembaServer } from '../servers/pemba-server.ts';
import { worldOf } from '../worlds.ts';
import { interleave } from './interleave.ts';

export const graphMemory = '4GiB';
/**
 * Rounds that are not measured, and no less than so long: V8 goes on compiling what a server is made of
 * for its first tens of thousands of requests, and until then they cost up to twice as much.
 */
const warmUpRounds = 6;
export const warmUpMs = 2_000;
const batchWarmUpMs = 500;
const servedJobs = ['check', 'batch', 'objects', 'users', 'mixed', 'write'] as const;

export async function answersInProcess(
  loaded: Loaded,
  options: Options,
  results: Results,
): Promise<void> {
  const hosts: Host[] = [];
  if (options.paths.has('memory')) hosts.push(await Host.open(loaded, 'graph'));
  const [graph] = hosts;
  const { graphBytes = 0, graphTuples = 0 } = graph?.opened ?? {};
  results.loads.push({ world: loaded.world, ...loaded.load, graphBytes, graphTuples });
  const contenders = hosts.flatMap((host) => [host.contender('engine'), host.contender('api')]);
  await measure(contenders, inProcessJobs(loaded, options.kinds), loaded, options, results);
  if (graph !== undefined && options.kinds.has('write')) {
    const { ms, rounds } = options;
    const sample = await graph.ask<Sample>({ kind: 'writes', ms: ms * rounds, clients: 64 });
    const { workload, size } = loaded.world;
    const disk = fsyncsPerSecond(loaded.path, ms * rounds);
    results.writes.push({
      ...{ workload, size, perSecond: perSecond(sample), fsyncsPerSecond: disk },
    });
  }
  if (graph !== undefined && options.kinds.has('objects')) {
    if (worldOf(loaded.world).hugeList !== undefined) {
      const found = await graph.ask<{ results: number; pauseMs: number }>({ kind: 'huge-list' });
      results.pauses.push({ size: loaded.world.size, ...found });
    }
  }
  await graph?.stop();
  // A file with graphs over it belongs to one process, so these cannot take turns.
  if (!options.paths.has('sqlite')) return;
  const sqlite = await Host.open(loaded, 'sqlite');
  const doors = [sqlite.contender('engine'), sqlite.contender('api')];
  await measure(doors, inProcessJobs(loaded, options.kinds), loaded, options, results);
  await sqlite.stop();
}

function inProcessJobs(loaded: Loaded, kinds: ReadonlySet<Kind>): JobName[] {
  const lists = (['batch', 'objects', 'users'] as const).filter((kind) => kinds.has(kind));
  return [...(kinds.has('check') ? jobNames(worldOf(loaded.world)) : []), ...lists];
}

export async function answersOverWires(
  loaded: Loaded,
  options: Options,
  results: Results,
): Promise<void> {
  const wires = (['grpc', 'http'] as const).filter((path) => options.paths.has(path));
  const jobs = servedJobs.filter((kind) => options.kinds.has(kind));
  if (wires.length === 0 || (jobs.length === 0 && !options.kinds.has('latency'))) return;
  const world = worldOf(loaded.world);
  const flags = { 'graph-memory': graphMemory, ...options.serve };
  const server = await PembaServer.start(loaded.path, flags);
  const floor = await Floor.start();
  const contenders = wires.flatMap((path): Contender[] => [
    servedContender({
      ...{ name: 'Pemba', path, world, pid: server.pid },
      caller: callerOver(path, server, loaded),
    }),
    floor.contender(path, world, loaded),
  ]);
  try {
    await server.resident(loaded);
    contenders.push(...(await peersFor(loaded, options, results)));
    // A server that has just started runs code that is not compiled yet, whatever it is made of.
    const ms = Math.max(warmUpMs, options.ms * warmUpRounds);
    await interleave(contenders, 'check', { ms, rounds: 0 });
    if (jobs.includes('batch')) {
      await interleave(contenders, 'batch', { ms: batchWarmUpMs, rounds: 0 });
    }
    await measure(contenders, jobs, loaded, options, results);
    if (options.kinds.has('latency')) await latencies(contenders, loaded, options, results);
  } finally {
    await Promise.allSettled(contenders.map((contender) => contender.stop()));
    await Promise.allSettled([server.stop(), floor.stop()]);
  }
}

async function peersFor(
  { world }: Loaded,
  { peers, peerSizeMax }: Options,
  { refusals }: Results,
): Promise<Contender[]> {
  const started: Contender[] = [];
  if (world.size > peerSizeMax) return started;
  for (const peer of peers) {
    try {
      started.push(await startPeer(peer, world));
    } catch (error) {
      const [server, path] = peer.kind === 'embedded' ? spiceDb : ([peer.address, 'grpc'] as const);
      const why = `cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
      const { workload, size } = world;
      refusals.push({ workload, size, job: 'check', server, path, why });
    }
  }
  return started;
}

const spiceDb = ['SpiceDB', 'embedded'] as const;

async function measure(
  contenders: readonly Contender[],
  jobs: readonly JobName[],
  { world: { workload, size } }: Loaded,
  { ms, rounds }: Options,
  results: Results,
): Promise<void> {
  const refusedMicros = new Map<Contender, number>();
  for (const contender of contenders) {
    if (contender.refused === undefined) continue;
    await contender.refused(ms);
    refusedMicros.set(contender, microsEach(await contender.refused(ms)));
  }
  for (const job of jobs) {
    const { measured, refused } = await interleave(contenders, job, { ms, rounds });
    for (const { contender, why } of refused) {
      const { name: server, path } = contender;
      results.refusals.push({ workload, size, job, server, path, why });
    }
    for (const { contender, perSecond, micros } of measured) {
      const { name: server, path } = contender;
      if (server === 'floor') continue;
      const floor = measured.find(
        (each) => each.contender.name === 'floor' && each.contender.path === path,
      );
      // A call that is refused is one call: of a batch it is a part that nobody can tell.
      const floorMicros =
        floor?.micros ?? (job === 'batch' ? undefined : refusedMicros.get(contender));
      results.answers.push({
        ...{ workload, size, job, server, path, perSecond },
        micros: Number.isNaN(micros) ? null : micros,
        ...(floorMicros === undefined ? {} : { floorMicros }),
      });
    }
  }
}

/** Checks of all classes at a fixed rate, one contender after the other. */
async function latencies(
  contenders: readonly Contender[],
  { world: { workload, size } }: Loaded,
  { ms, rounds, rate: wanted }: Options,
  results: Results,
): Promise<void> {
  for (const contender of contenders) {
    if (contender.open === undefined) continue;
    const { name: server, path } = contender;
    try {
      // Who cannot keep up with the rate is asked for less: its queue would only measure our patience.
      const closed = medianOf([await contender.closed('check', ms)]);
      const rate = Math.max(1, Math.min(wanted, closed.perSecond * 0.7));
      const found = await contender.open('check', { rate, ms: Math.max(1_000, ms * rounds * 2) });
      results.latencies.push({ workload, size, server, path, ...found });
    } catch (error) {
      if (error instanceof WrongAnswer) throw error;
      const why = error instanceof Error ? error.message : String(error);
      results.refusals.push({ workload, size, job: 'check', server, path, why });
    }
  }
}
