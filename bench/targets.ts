/** The targets that Pemba set itself, as rows of their own: wanted, reached, and the ratio of the two. */
import type { Path } from './contenders/contender.ts';
import { type AnswerRow, quiet, type Results } from './results.ts';

export interface Target {
  readonly what: string;
  readonly wanted: number;
  readonly unit: string;
  /** Undefined where this run did not measure it. */
  readonly reached: number | undefined;
  /** 1 or more where the target is reached, whichever way is better. */
  readonly ratio: number | undefined;
  /** Of which world, or what else must be known to read the row. */
  readonly note: string;
}

const inProcess = [
  ['direct', 1_000_000],
  ['nested 3', 500_000],
  ['folder 5', 200_000],
  ['negative', 200_000],
] as const;
/** Sizes that targets speak of; smaller runs stand in for them, and say so. */
const [million, tenMillion] = [1_000_000, 10_000_000];
const wanted = {
  largeShare: 1 / 3,
  listMicros: 100,
  pauseMs: 20,
  overFloor: 1.25,
  overSpiceDb: 8,
  batchMicros: 5,
  twoWorkers: 1.7,
  bytesPerTuple: 50,
  readyMs: 1_000,
  residentMs: 15_000,
  loadPerSecond: 150_000,
  flatMemory: 1.5,
  writesOverFsyncs: 20,
  besideOverQuiet: 5,
} as const;

export function targetsOf(results: Results): Target[] {
  return [
    ...engineTargets(results),
    ...listTargets(results),
    ...wireTargets(results),
    ...workerTargets(results),
    ...sizeTargets(results),
    ...writeTargets(results),
    ...besideTargets(results),
  ];
}

export function target(
  what: string,
  better: 'more' | 'less',
  [wanted, reached]: readonly [number, number | undefined],
  [unit, note]: readonly [string, string],
): Target {
  const known = reached !== undefined && Number.isFinite(reached) ? reached : undefined;
  const ratio =
    known === undefined ? undefined : better === 'more' ? known / wanted : wanted / known;
  return { what, wanted, unit, reached: known, ratio, note };
}

/** Of the first workload; at a million tuples, or as near as the run came from below. */
function find(
  { answers }: Results,
  job: AnswerRow['job'],
  path: Path,
  sizeMax = million,
): AnswerRow | undefined {
  const [first] = answers;
  return answers
    .filter((row) => row.workload === first?.workload && row.server === 'Pemba')
    .filter((row) => row.job === job && row.path === path && row.size <= sizeMax)
    .toSorted((a, b) => b.size - a.size)[0];
}

function at(row: { readonly size: number } | undefined): string {
  return row === undefined ? '' : `${row.size.toLocaleString('en-US')} tuples`;
}

/** Checks per CPU-second. */
function perCpuSecond(row: AnswerRow | undefined): number | undefined {
  return row?.micros == null ? undefined : 1_000_000 / row.micros;
}

function engineTargets(results: Results): Target[] {
  const unit = 'checks per CPU-second';
  const rows = inProcess.flatMap(([name, limit]) =>
    (['engine', 'api'] as const).map((path) => {
      const row = find(results, `check:${name}`, path);
      const what = `in process, ${path === 'api' ? 'embedding API' : 'engine'}: ${name}`;
      return target(what, 'more', [limit, perCpuSecond(row)], [unit, at(row)]);
    }),
  );
  const large = inProcess.map(([name]) => {
    const row = find(results, `check:${name}`, 'engine', tenMillion);
    const base = perCpuSecond(find(results, `check:${name}`, 'engine'));
    const reached = perCpuSecond(row);
    const share = row?.size === tenMillion && reached && base ? reached / base : undefined;
    const what = `10M tuples over 1M, engine: ${name}`;
    return target(what, 'more', [wanted.largeShare, share], ['of it', '']);
  });
  return [...rows, ...large];
}

function listTargets(results: Results): Target[] {
  const pause = results.pauses.toSorted((a, b) => b.results - a.results)[0];
  const length = pause === undefined ? '' : `${pause.results.toLocaleString('en-US')} results`;
  const lists = (['engine', 'api'] as const).map((path) => {
    const row = find(results, 'objects', path);
    // The embedding API sorts what it lists, and says of each object how far it may be told.
    const by = path === 'api' ? 'embedding API, sorted' : 'engine';
    const what = `list objects, about 1,000 results, in process, ${by}`;
    return target(what, 'less', [wanted.listMicros, row?.micros ?? undefined], ['CPU µs', at(row)]);
  });
  return [
    ...lists,
    target(
      'longest pause of the event loop, 100,000 results',
      'less',
      [wanted.pauseMs, pause?.pauseMs],
      ['ms', `${length} of ${at(pause)}`],
    ),
  ];
}

function wireTargets(results: Results): Target[] {
  const overFloor = (['grpc', 'http'] as const).map((path) => {
    const row = find(results, 'check', path);
    const ratio = row?.micros && row.floorMicros ? row.micros / row.floorMicros : undefined;
    const what = `check over ${path === 'grpc' ? 'gRPC' : 'HTTP'}, over the empty handler`;
    return target(what, 'less', [wanted.overFloor, ratio], ['×', at(row)]);
  });
  const [first] = results.answers;
  const peers = results.answers
    .filter((row) => row.job === 'check' && /spicedb/i.test(row.server))
    .filter((row) => row.workload === first?.workload);
  const spiceDbs = peers.map((peer) => {
    const mine = results.answers.find(
      (row) =>
        row.server === 'Pemba' &&
        row.path === 'grpc' &&
        row.job === 'check' &&
        row.size === peer.size &&
        row.workload === peer.workload,
    );
    const theirs = peer.micros === null ? undefined : peer.micros - (peer.floorMicros ?? 0);
    const ratio = theirs && mine?.micros ? theirs / mine.micros : undefined;
    const less = peer.path === 'embedded' ? ', less its own floor; caches off' : '';
    const note = `${peer.server} ${peer.path}${less}; ${at(peer)}`;
    return target(
      'SpiceDB check over check by gRPC',
      'more',
      [wanted.overSpiceDb, ratio],
      ['×', note],
    );
  });
  const batch = find(results, 'batch', 'grpc');
  const each = target(
    'BatchCheck of 50 over gRPC, each check',
    'less',
    [wanted.batchMicros, batch?.micros ?? undefined],
    ['CPU µs', at(batch)],
  );
  return [...overFloor, ...spiceDbs, each];
}

/** By what the busiest thread must do: where clients share the machine, they leave no room to see more. */
function workerTargets({ workers }: Results): Target[] {
  const of = (count: number) => workers.find((row) => row.workers === count)?.busiestMicros;
  const [one, two] = [of(1), of(2)];
  const ratio = one && two ? one / two : undefined;
  const note = 'CPU of the busiest thread for each answer';
  return [target('two workers over one', 'more', [wanted.twoWorkers, ratio], ['×', note])];
}

function sizeTargets(results: Results): Target[] {
  const [first] = results.loads;
  const loads = results.loads.filter(({ world }) => world.workload === first?.world.workload);
  const bytes = [million, tenMillion].flatMap((size) => {
    const row = loads.find(({ world }) => world.size === size);
    const memory = row && row.graphTuples > 0 ? row.graphBytes / row.graphTuples : undefined;
    const name = size === million ? '1M' : '10M';
    return [
      target(
        `bytes a tuple in memory, ${name}`,
        'less',
        [wanted.bytesPerTuple, memory],
        ['bytes', ''],
      ),
      target(
        `bytes a tuple on disk, ${name}`,
        'less',
        [wanted.bytesPerTuple, row && row.bytes / row.tuples],
        ['bytes', 'with its indexes and its changelog'],
      ),
    ];
  });
  const start = results.starts.toSorted((a, b) => b.size - a.size)[0];
  return [
    ...bytes,
    target('start until ready', 'less', [wanted.readyMs, start?.readyMs], ['ms', at(start)]),
    target(
      'start until resident',
      'less',
      [wanted.residentMs, start?.residentMs],
      ['ms', at(start)],
    ),
  ];
}

function writeTargets({ loads, writes }: Results): Target[] {
  const load = loads.toSorted((a, b) => b.tuples - a.tuples)[0];
  // On one core: what threads do at the same time counts one after the other.
  const rate = load && load.tuples / Math.max(load.seconds, load.cpuMicros / 1_000_000);
  const write = writes.toSorted((a, b) => b.size - a.size)[0];
  const size = load && at({ size: load.tuples });
  const [fsyncs, each] = [write?.fsyncsPerSecond, write?.perSecond];
  const unit = `writes/s over the disk's fsyncs/s`;
  const note = fsyncs === undefined ? '' : `${Math.round(fsyncs).toLocaleString('en-US')} fsyncs/s`;
  return [
    target(
      'bulk load, durable, one core',
      'more',
      [wanted.loadPerSecond, rate],
      ['tuples/s', size ?? ''],
    ),
    target(
      'memory of the load, its most over a tenth of the way',
      'less',
      [wanted.flatMemory, load && load.peakBytes / load.earlyBytes],
      ['×', size ?? ''],
    ),
    target(
      'single writes by 64 clients',
      'more',
      [wanted.writesOverFsyncs, each && fsyncs && each / fsyncs],
      [unit, note],
    ),
  ];
}

function besideTargets({ interference }: Results): Target[] {
  const isQuiet = ({ beside }: (typeof interference)[number]) =>
    quiet.some((name) => name === beside);
  const least = interference.filter(isQuiet).sort((a, b) => a.p99 - b.p99)[0];
  return interference
    .filter((row) => !isQuiet(row))
    .map((row) =>
      target(
        `p99 of checks beside ${row.beside}, over quiet`,
        'less',
        [wanted.besideOverQuiet, least && row.p99 / least.p99],
        ['×', row.did],
      ),
    );
}
