// CPU time and rates. Figures of one run are compared with one another, never with another machine's.

export interface Sample {
  readonly count: number;
  /** CPU of the measured side, in microseconds. */
  readonly cpuMicros: number;
  readonly wallMs: number;
}

/** Runs `work` again and again for about `ms` milliseconds on this thread; it returns how much it did. */
export function measure(ms: number, work: () => number): Sample {
  work();
  const cpu = process.threadCpuUsage();
  const start = performance.now();
  let count = 0;
  do count += work();
  while (performance.now() - start < ms);
  const used = process.threadCpuUsage(cpu);
  return { count, cpuMicros: used.user + used.system, wallMs: performance.now() - start };
}

/**
 * The same for work that may wait: CPU of the whole process, as signatures may be checked beside this
 * thread. One after another.
 */
export async function measureAsync(ms: number, work: () => unknown): Promise<Sample> {
  await work();
  const cpu = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  do {
    const result = work();
    if (result instanceof Promise) await result;
    count++;
  } while (performance.now() - start < ms);
  const used = process.cpuUsage(cpu);
  return { count, cpuMicros: used.user + used.system, wallMs: performance.now() - start };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function perSecond(sample: Sample): number {
  return (sample.count / sample.wallMs) * 1_000;
}

export function microsEach(sample: Sample): number {
  return sample.cpuMicros / sample.count;
}

/** A table with its columns aligned: texts to the left, numbers to the right. */
export function printTable(
  title: string,
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? format(cell) : cell)),
  );
  const widths = header.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ');
  console.log(`\n${title}\n${line(header)}`);
  for (const row of cells) console.log(line(row));
}

function format(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
