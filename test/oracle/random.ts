/**
 * The long run: random worlds against the oracle, until the time is over. Each world is asked by
 * every API (one in four of everybody, the others of a few subjects: more worlds find more than more
 * questions), then changed by some metamorphic rules; to others come several clients at once. The
 * answers come from SQLite, or from a resident graph in one of its states, world by world.
 *
 *   npm run random -- --seconds 60 --seed 1 --workers 2
 *
 * World n of seed s is the same on every machine. Ends with 1 after a disagreement, whose seed and
 * smallest case are printed, and when a cell of the tables of what was asked stayed empty;
 * `--cpu` counts the seconds that each worker computes, not those that pass; `--only` does a part of it;
 * `--no-shrink` prints the case as it was found, at once; `--world N` runs that world alone, and
 * like `--no-coverage` leaves empty cells in peace.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Option } from 'commander';
import { systemClock } from '../../src/base/clock.ts';
import { sideSizes } from '../../src/engine/sides.ts';
import { seconds as secondsOption, tool, whole } from '../tool.ts';
import { compareWorld, type Disagreement } from './compare.ts';
import { emptyCellsOf } from './coverage.ts';
import { compareByRules } from './metamorphic.ts';
import { RandomSource } from './random-source.ts';
import { sequenceFault } from './sequence.ts';
import { Pemba } from './served-world.ts';
import { printCase, shrink } from './shrink.ts';
import { sources } from './source.ts';
import {
  addTally,
  countGraphs,
  describe,
  emptyTally,
  missingOfGraphs,
  type Tally,
} from './tally.ts';
import { isValidModel } from './valid-model.ts';
import { randomWorld } from './world.ts';

const parts = ['plain', 'clients'] as const;
type Part = (typeof parts)[number];

interface Task {
  readonly seed: number;
  /** Worlds `first`, `first + step`, … */
  readonly first: number;
  readonly step: number;
  /** 0 to run the first world alone. */
  readonly seconds: number;
  /** Whether the seconds are those that this thread has computed, however busy the machine. */
  readonly cpu: boolean;
  /** Of all that is done, what alone: worlds compared with the oracle, or several clients at once. */
  readonly only: Part | undefined;
  readonly shrink: boolean;
}

interface Report {
  readonly tally: Tally;
  readonly failure: string | undefined;
  /** What the thread has computed until now. */
  readonly cpuMs: number;
}

const reportEveryMs = 5_000;
/** Of so many subjects a world is asked, but for every fourth. */
const subjectsMax = 6;
/** Of the APIs, so many are asked of a world that is plain. */
const shareOfPlain = 0.2;
/** How often there is a crowd in a world that storage answers: that alone reads in runs. */
const crowdsInStorage = 0.6;
/** So often, with each world, several clients get one to themselves. REQUIRES: two at least. */
const sequencesPerWorld = 2;

/** One seed for each world, far from those of its neighbours. */
function worldSeed(seed: number, index: number): number {
  return (Math.imul(seed, 0x01000193) ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
}

async function work(task: Task, report: (report: Report) => void): Promise<void> {
  const pembas = await Promise.all(sources.map((source) => Pemba.open((world) => world, source)));
  const spent = task.cpu ? cpuMs : systemClock.monotonic;
  const end = spent() + task.seconds * 1_000;
  let tally = emptyTally();
  let reported = systemClock.monotonic();
  for (let index = task.first; ; index += task.step) {
    const pemba = pembas[index % pembas.length] as Pemba;
    const before = { ...pemba.counts };
    const failure = await failureOf(pemba, task, index, tally);
    countGraphs(tally, pemba.counts, before);
    const now = systemClock.monotonic();
    const over = failure !== undefined || spent() >= end;
    if (over || now - reported >= reportEveryMs) {
      report({ tally, failure, cpuMs: cpuMs() });
      tally = emptyTally();
      reported = now;
    }
    if (over) break;
  }
  for (const pemba of pembas) await pemba.close();
}

/**
 * The worlds are small: in two of three a walk looks at the subject's side as if they were large,
 * and in one of those it soon gives that up. In one of three it never sweeps, and in another one it
 * ends its sweeps early.
 */
function chooseSideSizes(index: number): void {
  const sizes = [usualSizes, smallSizes, { ...smallSizes, wideFrom: 2, subjectStepsMax: 3 }];
  const sweptMax = [usualSizes.sweptMax, 0, 2][Math.floor(index / sizes.length) % 3];
  Object.assign(sideSizes, sizes[index % sizes.length], { sweptMax });
}

const usualSizes = { ...sideSizes };
const smallSizes = { ...usualSizes, wideFrom: 1, stepsPerTuple: 1_000 };

/** What this thread has computed, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** One world; what to print where the oracle and Pemba differ, or one of them throws. */
async function failureOf(
  pemba: Pemba,
  task: Task,
  index: number,
  tally: Tally,
): Promise<string | undefined> {
  const { seed, only } = task;
  const name = `seed ${seed}, world ${index}, from ${pemba.source}`;
  try {
    const random = worldSeed(seed, index);
    chooseSideSizes(index);
    const found = only === 'clients' ? undefined : await faultInWorld(pemba, task, index, tally);
    if (found !== undefined) {
      const shown = task.shrink ? await shrink(pemba, found, isValidModel) : found;
      return `${name}\n\n${printCase(shown)}`;
    }
    if (only === 'plain') return undefined;
    for (let more = 0; more < sequencesPerWorld; more++) {
      // Where nothing is swept, the most is remembered from request to request.
      if (more > 0) Object.assign(sideSizes, { ...smallSizes, sweptMax: 0 });
      const fault = await sequenceFault(random + more, task.shrink, tally);
      if (fault !== undefined) return `${name}\n\n${fault}`;
    }
    return undefined;
  } catch (error) {
    return `${name}\n\n${error instanceof Error ? error.stack : error}`;
  }
}

async function faultInWorld(
  pemba: Pemba,
  { seed, only }: Task,
  index: number,
  tally: Tally,
): Promise<Disagreement | undefined> {
  const random = worldSeed(seed, index);
  const count = () => {
    tally.rejectedModels++;
  };
  const crowds = pemba.source === 'storage' ? crowdsInStorage : undefined;
  const world = randomWorld(random, isValidModel, count, crowds);
  const source = new RandomSource(random);
  const isPlain = only === 'plain';
  const extent = {
    subjectsMax: index % 4 === 0 && !isPlain ? Number.POSITIVE_INFINITY : subjectsMax,
    share: isPlain ? shareOfPlain : 1,
  };
  const [byOracle] = await compareWorld(pemba, world, source, tally, extent);
  if (byOracle !== undefined || isPlain) return byOracle;
  const [byRule] = await compareByRules(pemba, world, source, tally, isValidModel);
  return byRule;
}

interface Asked {
  readonly seconds: number;
  readonly seed: number;
  readonly workers: number;
  readonly world?: number;
  readonly shrink: boolean;
  readonly coverage: boolean;
  readonly cpu: boolean;
  readonly only?: Part;
}

async function main(): Promise<void> {
  const asked = tool('random', 'Compares Pemba with the oracle on random worlds.')
    .addOption(secondsOption('seconds', 'to stop after').default(60))
    .addOption(whole('seed', 'of the worlds', 0).default(1))
    .addOption(whole('workers', 'threads', 1).default(Math.min(2, availableParallelism())))
    .addOption(whole('world', 'this one alone', 0))
    .option('--no-shrink', 'prints a disagreement as it was found')
    .option('--no-coverage', 'leaves empty cells of the tables in peace')
    .option('--cpu', 'the seconds are those that each thread computes', false)
    .addOption(
      new Option(
        '--only <part>',
        'plain: only compares with the oracle, by some of the APIs, which is the quickest way to ' +
          'most bugs; clients: only several of them at once',
      ).choices(parts),
    )
    .parse()
    .opts<Asked>();
  const { seed, shrink, cpu, only } = asked;
  const seconds = asked.world === undefined ? asked.seconds : 0;
  const workers = asked.world === undefined ? asked.workers : 1;
  const total = emptyTally();
  const failures: string[] = [];
  const computedMs: number[] = [];
  const started = systemClock.monotonic();
  const runs = Array.from({ length: workers }, (_, first) => {
    const start = first + (asked.world ?? 0);
    const task = { seed, first: start, step: workers, seconds, shrink, cpu, only };
    return runWorker(task, ({ tally, failure, cpuMs }) => {
      computedMs[first] = cpuMs;
      addTally(total, tally);
      if (failure !== undefined) failures.push(failure);
      const passed = Math.round((systemClock.monotonic() - started) / 1_000);
      console.log(
        `${passed} s: ${total.worlds} worlds, ${total.decisions} decisions, ${total.disagreements} disagreements`,
      );
    });
  });
  await Promise.all(runs);
  console.log(`\n${describe(total)}\n`);
  const mustCover = asked.coverage && asked.world === undefined && only === undefined;
  const empty = mustCover ? [...emptyCellsOf(total.cells), ...missingOfGraphs(total)] : [];
  for (const cell of empty) console.log(`EMPTY ${cell}`);
  const computed = computedMs.reduce((sum, ms) => sum + ms, 0) / 1_000;
  console.log(`computed ${computed.toFixed(1)} s`);
  console.log(`seed ${seed}: ${failures.length === 0 ? 'agreed' : 'DISAGREED'}`);
  for (const failure of failures) console.log(`\n--- ${failure}`);
  if (failures.length > 0 || empty.length > 0) process.exitCode = 1;
}

function runWorker(task: Task, report: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.on('message', report);
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

if (isMainThread) await main();
else await work(workerData as Task, (report) => parentPort?.postMessage(report));
