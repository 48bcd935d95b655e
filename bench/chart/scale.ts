/** Logarithmic scales: costs and sizes of a bench span many powers of ten. */

export interface Scale {
  /** Whole powers of ten, the first and the last included. */
  readonly ticks: readonly number[];
  /** Where a value stands between the ends of the range. */
  at(value: number): number;
}

/** REQUIRES: values above 0; one at least. */
export function logScale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const least = Math.floor(Math.log10(Math.min(...values)));
  // One power apart at least, so that a single value has a scale too.
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))));
  const ticks = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
  return {
    ticks,
    at: (value) => from + ((Math.log10(value) - least) / (most - least)) * (to - from),
  };
}

export function tickText(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  if (value >= 1_000) return `${value / 1_000}k`;
  return value >= 1 ? String(value) : value.toPrecision(1);
}
