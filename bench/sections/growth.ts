/** How costs grow: with tuples, with depth, with width, with the number of stores. */
import { join } from 'node:path';
import type { JobName } from '../callers/jobs.ts';
import { graphBytes, Host } from '../contenders/embedded.ts';
import { type Databases, type Loaded, removeDatabase, type WorldName } from '../load.ts';
import type { Options } from '../options.ts';
import type { AnswerRow, Curve, Results } from '../results.ts';
import { PembaServer } from '../servers/pemba-server.ts';
import { Remote } from '../servers/remote.ts';
import type { StoresFigures, StoresRequest } from '../servers/stores-host.ts';
import { graphMemory } from './answers.ts';
import { interleave } from './interleave.ts';

type Point = readonly [number, number];

const depths = [1, 2, 5, 10, 20, 50, 100];
const widths = [10, 100, 1_000, 10_000, 100_000];
const storeCounts = [1, 10, 100, 1_000];

/** How long a server takes from nothing to its first answer, and to answers from memory. */
export async function startUp(loaded: Loaded, options: Options, results: Results): Promise<void> {
  const flags = { 'graph-memory': graphMemory, ...options.serve };
  const server = await PembaServer.start(loaded.path, flags);
  try {
    const residentMs = server.startMs + (await server.resident(loaded));
    results.starts.push({ size: loaded.world.size, readyMs: server.startMs, residentMs });
  } finally {
    await server.stop();
  }
}

export async function growth(
  databases: Databases,
  options: Options,
  results: Results,
): Promise<void> {
  const quick = !options.thorough;
  const deep = quick ? depths.filter((depth) => [1, 10, 100].includes(depth)) : depths;
  const wide = quick ? widths.slice(0, 4) : widths;
  results.curves.push(...bySize(results));
  results.curves.push(
    await byShape({
      ...{ databases, options, results, workload: 'folders', shapes: deep },
      ...{ title: 'Cost by depth', x: 'folders above the document', sizeOf: () => 20_000 },
      jobs: ['check:top', 'check:negative', 'objects'],
    }),
    await byShape({
      ...{ databases, options, results, workload: 'groups', shapes: wide },
      ...{ title: 'Cost by width', x: 'members of a group', sizeOf: (width) => width * 3 + 600 },
      jobs: ['check:member', 'check:negative', 'objects'],
    }),
    ...(await byStores(options, quick ? storeCounts.slice(0, 3) : storeCounts, databases)),
  );
}

/** From what was measured before: the first workload's rows. */
export function bySize(results: Results): Curve[] {
  const [workload] = results.answers.map((row) => row.workload);
  const rows = results.answers.filter((row) => row.workload === workload && row.micros !== null);
  const lineOf = (name: string, keep: (row: AnswerRow) => boolean) => ({
    name,
    points: rows.filter(keep).map((row): Point => [row.size, row.micros ?? 0]),
  });
  const checks = [...new Set(rows.map((row) => row.job))].filter((job) => job.startsWith('check:'));
  const loads = results.loads.filter(({ world }) => world.workload === workload);
  const resident = loads.filter(({ graphTuples }) => graphTuples > 0);
  const x = 'tuples';
  return [
    {
      ...{ title: 'Check in process', x, y: 'CPU µs' },
      lines: checks.map((job) =>
        lineOf(job.slice('check:'.length), (row) => row.job === job && row.path === 'engine'),
      ),
    },
    {
      ...{ title: 'Lists in process', x, y: 'CPU µs' },
      lines: (['objects', 'users'] as const).map((job) =>
        lineOf(
          job,
          (row) => row.job === job && row.path === (job === 'objects' ? 'engine' : 'api'),
        ),
      ),
    },
    {
      ...{ title: 'Bytes a tuple', x, y: 'bytes' },
      lines: [
        {
          name: 'in memory',
          points: resident.map((row): Point => [row.world.size, row.graphBytes / row.graphTuples]),
        },
        {
          name: 'on disk',
          points: loads.map((row): Point => [row.world.size, row.bytes / row.tuples]),
        },
      ],
    },
    {
      ...{ title: 'Load', x, y: 'tuples/s' },
      lines: [
        {
          name: 'durable',
          points: loads.map((row): Point => [row.world.size, row.tuples / row.seconds]),
        },
      ],
    },
    {
      ...{ title: 'Start', x, y: 'ms' },
      lines: [
        { name: 'ready', points: results.starts.map((row): Point => [row.size, row.readyMs]) },
        {
          name: 'in memory',
          points: results.starts.map((row): Point => [row.size, row.residentMs]),
        },
      ],
    },
  ].filter(({ lines }) => lines.some(({ points }) => points.length > 1));
}

interface ByShape {
  readonly databases: Databases;
  readonly options: Options;
  readonly results: Results;
  readonly workload: string;
  readonly shapes: readonly number[];
  readonly title: string;
  readonly x: string;
  readonly sizeOf: (shape: number) => number;
  readonly jobs: readonly JobName[];
}

async function byShape(from: ByShape): Promise<Curve> {
  const { databases, options, results, workload, shapes, title, x, sizeOf, jobs } = from;
  const lines = new Map<string, Point[]>(jobs.map((job) => [job, []]));
  for (const shape of shapes) {
    const world: WorldName = { workload, size: sizeOf(shape), seed: options.seed, shape };
    const loaded = await databases.loaded(world);
    const host = await Host.open(loaded, 'graph');
    for (const job of jobs) {
      const contender = host.contender(job.startsWith('check') ? 'engine' : 'api');
      const { measured, refused } = await interleave([contender], job, options);
      for (const { micros } of measured) lines.get(job)?.push([shape, micros]);
      for (const { why } of refused) {
        const { name: server, path } = contender;
        const { size } = world;
        results.refusals.push({ workload: `${workload} ${shape}`, size, job, server, path, why });
      }
    }
    await host.stop();
    databases.drop(loaded);
  }
  const named = [...lines].map(([job, points]) => ({ name: job.replace('check:', ''), points }));
  return { title, x, y: 'CPU µs', lines: named };
}

async function byStores(
  { seed, ms }: Options,
  counts: readonly number[],
  { folder }: Databases,
): Promise<Curve[]> {
  const checks: Point[] = [];
  const bytes: Point[] = [];
  for (const stores of counts) {
    const path = join(folder, `stores-${stores}.db`);
    removeDatabase(path);
    const host = Remote.start('stores-host.ts');
    const request: StoresRequest = { path, stores, tuplesEach: 1_000, seed, ms, graphBytes };
    const found = await host.ask<StoresFigures>(request);
    await host.stop();
    removeDatabase(path);
    checks.push([stores, found.checkMicros]);
    bytes.push([stores, found.bytesPerTuple]);
  }
  const x = 'stores of 1,000 tuples each';
  return [
    { title: 'Check by stores', x, y: 'CPU µs', lines: [{ name: 'all classes', points: checks }] },
    {
      title: 'Memory by stores',
      x,
      y: 'bytes a tuple',
      lines: [{ name: 'in memory', points: bytes }],
    },
  ];
}
