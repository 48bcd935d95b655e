/** Which charts are made of the results: what an answer costs, and how costs grow. */
import type { JobName } from '../callers/jobs.ts';
import type { AnswerRow, Curve, Results } from '../results.ts';
import { type BarGroup, barChart } from './bars.ts';
import { lineCharts } from './lines.ts';

const jobTitles: readonly (readonly [JobName, string])[] = [
  ['check', 'Check, all classes of questions'],
  ['batch', 'BatchCheck of 50, for each check'],
  ['objects', 'List objects'],
  ['users', 'List users'],
];

/** Undefined where nothing of the sort was measured. */
export function costChart(results: Results): string | undefined {
  const [first] = results.answers;
  if (first === undefined) return undefined;
  const rows = results.answers.filter((row) => row.workload === first.workload && row.micros);
  const groups = jobTitles.flatMap(([job, title]) => {
    const all = rows.filter((row) => groupOf(row) === job);
    // Peers are asked about a smaller world than the largest: next to each other stand only equals.
    const sizes = [...new Set(all.map((row) => row.size))].sort((a, b) => a - b);
    const shown = [...new Set([sizes[0], sizes.at(-1)])];
    return shown.flatMap((size): BarGroup[] => {
      const bars = all.filter((row) => row.size === size).map(barOf);
      const words = `${title}; ${size?.toLocaleString('en-US')} tuples`;
      return bars.length === 0 ? [] : [{ title: words, bars }];
    });
  });
  if (groups.length === 0) return undefined;
  const { machine, date } = results.about;
  return barChart(
    `What an answer costs: ${first.workload} (${machine}, ${date})`,
    'CPU µs',
    groups,
  );
}

/** In process the classes of checks are measured one by one; they are shown in the group of checks. */
function groupOf(row: AnswerRow): JobName {
  return row.job.startsWith('check:') && row.path === 'engine' ? 'check' : row.job;
}

const series: Readonly<Record<AnswerRow['path'], number>> = {
  ...{ engine: 0, api: 0, sqlite: 3, 'sqlite api': 3, grpc: 2, http: 4, embedded: 1 },
};
const places: Readonly<Record<AnswerRow['path'], string>> = {
  engine: 'in process',
  api: 'embedding API',
  sqlite: 'in process, SQLite',
  'sqlite api': 'embedding API, SQLite',
  grpc: 'gRPC',
  http: 'HTTP',
  embedded: 'embedded',
};

function barOf(row: AnswerRow): BarGroup['bars'][number] {
  const of = row.job.startsWith('check:') ? `, ${row.job.slice('check:'.length)}` : '';
  return {
    label: `${row.server}, ${places[row.path]}${of}`,
    value: row.micros ?? Number.NaN,
    series: row.server === 'Pemba' ? series[row.path] : 1,
    ...(row.floorMicros === undefined ? {} : { floor: row.floorMicros }),
  };
}

export function growthChart({ curves, about }: Results): string | undefined {
  const shown = curves.map(withValues).filter(({ lines }) => lines.length > 0);
  if (shown.length === 0) return undefined;
  return lineCharts(`How costs grow (${about.machine}, ${about.date})`, shown);
}

/** What cannot stand on a logarithmic scale is left out: nothing costs nothing. */
function withValues(curve: Curve): Curve {
  const lines = curve.lines.map(({ name, points }) => ({
    name,
    points: points.filter(([x, y]) => x > 0 && y > 0),
  }));
  return { ...curve, lines: lines.filter(({ points }) => points.length > 1) };
}
