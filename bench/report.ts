/** The results as tables: for the terminal, and as Markdown for the README. */
import type { AnswerRow, Results } from './results.ts';
import type { Target } from './targets.ts';

export interface Table {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number | null | undefined)[])[];
}

const pathNames: Readonly<Record<AnswerRow['path'], string>> = {
  engine: 'engine, graph',
  api: 'API, graph',
  sqlite: 'engine, SQLite',
  'sqlite api': 'API, SQLite',
  grpc: 'gRPC',
  http: 'HTTP',
  embedded: 'embedded',
};

export function tablesOf(results: Results, targets: readonly Target[]): Table[] {
  const { loads, writes, latencies, interference, workers, starts, pauses, tokens } = results;
  const tables: Table[] = [
    answersTable(results),
    {
      title: 'Latency at a fixed rate, from when a request was to begin (check, all classes)',
      header: ['', 'rate/s', 'reached/s', 'p50 ms', 'p95', 'p99', 'p99.9', 'max'],
      rows: latencies.map((row) => [
        `${worldText(row)}: ${row.server}, ${pathNames[row.path]}`,
        ...[row.rate, row.reached, row.p50, row.p95, row.p99, row.p999, row.max],
      ]),
    },
    {
      title: 'Load',
      header: ['', 'tuples/s', 'CPU µs each', 'bytes on disk', 'in memory', 'peak MiB'],
      rows: loads.map((row) => [
        worldText(row.world),
        ...[row.tuples / row.seconds, row.cpuMicros / row.tuples, row.bytes / row.tuples],
        row.graphTuples > 0 ? row.graphBytes / row.graphTuples : undefined,
        row.peakBytes / 1024 ** 2,
      ]),
    },
    {
      title: 'Single durable writes by 64 clients, in process',
      header: ['', 'writes/s', "the disk's fsyncs/s"],
      rows: writes.map((row) => [worldText(row), row.perSecond, row.fsyncsPerSecond]),
    },
    {
      title: 'Checks beside other work of the same server, over gRPC',
      header: ['', 'p50 ms', 'p99', 'p99.9', 'max', 'loop p99', 'loop max', 'meanwhile'],
      rows: interference.map((row) => [
        `${sizeText(row.size)}: ${row.beside}`,
        ...[row.p50, row.p99, row.p999, row.max, row.loopP99, row.loopMax, row.did],
      ]),
    },
    {
      title: 'Workers, checks over gRPC',
      header: ['', 'checks/s', 'CPU µs', 'busiest thread µs'],
      rows: workers.map((row) => [
        String(row.workers),
        ...[row.perSecond, row.micros, row.busiestMicros],
      ]),
    },
    {
      title: 'Start',
      header: ['', 'ready ms', 'in memory ms'],
      rows: starts.map((row) => [sizeText(row.size), row.readyMs, row.residentMs]),
    },
    {
      title: 'One long list, in process',
      header: ['', 'results', 'longest pause ms'],
      rows: pauses.map((row) => [sizeText(row.size), row.results, row.pauseMs]),
    },
    {
      title: 'Check by its handler, with a subject token (over SQLite, direct questions)',
      header: ['', 'checks/s', 'CPU µs'],
      rows: tokens.map((row) => [row.name, row.perSecond, row.micros]),
    },
    {
      title: 'Growth',
      header: ['', 'from', 'to', 'cost', 'then', 'unit'],
      rows: growthRows(results),
    },
    refusalsTable(results),
    targetsTable(targets),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

export function targetsTable(targets: readonly Target[]): Table {
  return {
    title: 'Targets (a ratio of 1 or more is reached)',
    header: ['', 'target', 'reached', 'ratio', 'unit', 'of'],
    rows: targets
      .filter(({ reached }) => reached !== undefined)
      .map(({ what, wanted, reached, ratio, unit, note }) => [
        ...[what, wanted, reached, ratio, unit, note],
      ]),
  };
}

export function answersTable({ answers }: Pick<Results, 'answers'>): Table {
  return {
    title: 'Answers, as many as there can be',
    header: ['', 'answers/s', 'CPU µs each', 'floor µs', 'ratio'],
    rows: answers.map((row) => [
      `${worldText(row)}: ${row.job.replace('check:', '')} | ${row.server}, ${pathNames[row.path]}`,
      ...[row.perSecond, row.micros, row.floorMicros],
      row.floorMicros && row.micros ? row.micros / row.floorMicros : undefined,
    ]),
  };
}

function growthRows({ curves }: Results): Table['rows'] {
  return curves.flatMap(({ title, x, y, lines }) =>
    lines.flatMap(({ name, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined || points.length < 2) return [];
      const of = `${title}: ${name}`;
      return [[of, `${sizeText(first[0])} ${x}`, sizeText(last[0]), first[1], last[1], y]];
    }),
  );
}

/** The same reason once, however many jobs it stopped. */
function refusalsTable({ refusals }: Results): Table {
  const by = Map.groupBy(
    refusals,
    (row) => `${row.server}, ${pathNames[row.path]}: ${row.workload}: ${row.why}`,
  );
  return {
    title: 'Not answered (an error, never a wrong answer: that ends the run)',
    header: ['', 'of'],
    rows: [...by].map(([why, rows]) => [
      why.slice(0, 200),
      [...new Set(rows.map(({ size, job }) => `${sizeText(size)} ${job}`))].join(', '),
    ]),
  };
}

export function sizeText(count: number): string {
  if (count >= 1_000_000) return `${count / 1_000_000}M`;
  return count >= 1_000 ? `${count / 1_000}k` : String(count);
}

function worldText({ workload, size }: { workload: string; size: number }): string {
  return `${workload} ${sizeText(size)}`;
}

/** Texts to the left, figures to the right. */
export function textOf({ title, header, rows }: Table): string {
  const cells = rows.map((row) => row.map(cellText));
  const isNumber = header.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
  const widths = header.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [title, line(header), ...cells.map(line)].join('\n');
}

export function markdownOf({ title, header, rows }: Table): string {
  const isNumber = header.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll('|', '·')).join(' | ')} |`;
  const rule = `|${isNumber.map((number) => (number ? '--:' : '---')).join('|')}|`;
  return [
    `**${title}**`,
    '',
    line(header),
    rule,
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

function cellText(value: string | number | null | undefined): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined || Number.isNaN(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
