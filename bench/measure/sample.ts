/** What was measured in one go, and what many goes come to. */

export interface Sample {
  /** Answers: a batch of 50 is 50. */
  readonly count: number;
  /** Of the process that answers, all its threads and children; NaN where it cannot be told. */
  readonly cpuMicros: number;
  readonly wallMs: number;
}

/** Of an even number of values the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return sorted[Math.floor(half)] as number;
  return ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

export function perSecond({ count, wallMs }: Sample): number {
  return (count / wallMs) * 1_000;
}

export function microsEach({ count, cpuMicros }: Sample): number {
  return cpuMicros / count;
}

/** The medians over the rounds: one that was disturbed does not count for more than one. */
export function medianOf(samples: readonly Sample[]): { perSecond: number; micros: number } {
  return { perSecond: median(samples.map(perSecond)), micros: median(samples.map(microsEach)) };
}

/** Samples of the same thing one after another, as one. */
export function sum(samples: readonly Sample[]): Sample {
  return samples.reduce(
    (all, { count, cpuMicros, wallMs }) => ({
      count: all.count + count,
      cpuMicros: all.cpuMicros + cpuMicros,
      wallMs: all.wallMs + wallMs,
    }),
    { count: 0, cpuMicros: 0, wallMs: 0 },
  );
}
