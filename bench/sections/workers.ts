/** One worker and two, side by side: what they answer, and what the busiest thread has to do for it. */
import { copyFileSync } from 'node:fs';
import { grpcCaller } from '../callers/grpc.ts';
import { jobOf } from '../callers/jobs.ts';
import { inFlight } from '../contenders/contender.ts';
import { type Loaded, removeDatabase } from '../load.ts';
import { closedLoop, type Job } from '../measure/closed-loop.ts';
import { busiest, cpuMicros, threadsOf } from '../measure/process.ts';
import { median } from '../measure/sample.ts';
import type { Options } from '../options.ts';
import type { Results, WorkersRow } from '../results.ts';
import { hasSetting, PembaServer } from '../servers/pemba-server.ts';
import { worldOf } from '../worlds.ts';
import { graphMemory, warmUpMs } from './answers.ts';

/** Connections are dealt out to the workers by chance: with many, about evenly. */
const connections = 32;
const setting = 'workers';

interface Side {
  readonly workers: number;
  readonly server: PembaServer;
  readonly job: Job;
  readonly rounds: WorkersRow[];
  readonly close: () => void;
}

export async function workers(loaded: Loaded, options: Options, results: Results): Promise<void> {
  if (!hasSetting(setting)) return;
  const sides: Side[] = [];
  const copy = `${loaded.path}.copy`;
  copyFileSync(loaded.path, copy);
  try {
    for (const [count, path] of [[1, loaded.path] as const, [2, copy] as const]) {
      const flags = { 'graph-memory': graphMemory, [setting]: String(count) };
      const server = await PembaServer.start(path, { ...options.serve, ...flags });
      await server.resident(loaded);
      const caller = grpcCaller(server.grpc, loaded, true, connections);
      const job = jobOf(worldOf(loaded.world), 'check', caller);
      sides.push({ workers: count, server, job, rounds: [], close: () => caller.close() });
    }
    // Each thread compiles for itself.
    for (const side of sides) {
      const ms = Math.max(warmUpMs * side.workers, options.ms * 4);
      await closedLoop(side.job, { ms, clients: inFlight * 2 });
    }
    for (let round = 0; round < Math.max(3, options.rounds); round++) {
      for (const side of sides) side.rounds.push(await once(side, options.ms * 2));
    }
  } finally {
    for (const { server, close } of sides) {
      close();
      await server.stop();
    }
    removeDatabase(copy);
  }
  for (const { workers: count, rounds } of sides) {
    const of = (value: (row: WorkersRow) => number | null) =>
      median(rounds.map((row) => value(row) ?? Number.NaN));
    results.workers.push({
      workers: count,
      perSecond: of((row) => row.perSecond),
      micros: of((row) => row.micros),
      busiestMicros: of((row) => row.busiestMicros),
    });
  }
}

async function once({ workers: count, server, job }: Side, ms: number): Promise<WorkersRow> {
  const [cpu, threads] = [cpuMicros(server.pid), threadsOf(server.pid)];
  const done = await closedLoop(job, { ms, clients: inFlight * 2 });
  return {
    workers: count,
    perSecond: (done.count / done.wallMs) * 1_000,
    micros: (cpuMicros(server.pid) - cpu) / done.count,
    busiestMicros: busiest(threads, threadsOf(server.pid)) / done.count,
  };
}
