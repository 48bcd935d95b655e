/**
 * How long requests took, by method and outcome: counted in plain numbers, and a histogram of the
 * library's only where somebody reads it. To observe through its labels costs a third of a check.
 */
import type { MetricJson } from './workers/merged-metrics.ts';

interface Series {
  readonly method: string;
  readonly code: string;
  /** By bucket, those of no lower one; the last is of what is beyond them all. */
  readonly counts: Float64Array;
  count: number;
  seconds: number;
}

interface HistogramJson extends MetricJson {
  readonly values: readonly {
    readonly metricName: string;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
  }[];
}

export class Durations {
  readonly #name: string;
  readonly #help: string;
  /** In seconds, ascending. */
  readonly #buckets: readonly number[];
  /** By method, then by code: both are few. */
  readonly #series = new Map<string, Map<string, Series>>();

  #count = 0;

  constructor(name: string, help: string, buckets: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#buckets = buckets;
  }

  /** Of all methods and outcomes. */
  get count(): number {
    return this.#count;
  }

  observe(method: string, code: string, seconds: number): void {
    this.#count++;
    const series = this.#series.get(method)?.get(code) ?? this.#begin(method, code);
    const buckets = this.#buckets;
    let at = 0;
    while (at < buckets.length && seconds > (buckets[at] as number)) at++;
    series.counts[at] = (series.counts[at] as number) + 1;
    series.count++;
    series.seconds += seconds;
  }

  /** As `Registry.getMetricsAsJSON` has histograms. */
  json(): HistogramJson {
    const values = [...this.#series.values()].flatMap((byCode) =>
      [...byCode.values()].flatMap((series) => this.#valuesOf(series)),
    );
    const about = { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum' };
    return { ...about, values };
  }

  #begin(method: string, code: string): Series {
    const counts = new Float64Array(this.#buckets.length + 1);
    const series: Series = { method, code, counts, count: 0, seconds: 0 };
    const known = this.#series.get(method);
    if (known === undefined) this.#series.set(method, new Map([[code, series]]));
    else known.set(code, series);
    return series;
  }

  /** A bucket counts what is in those below it, too. */
  #valuesOf({ method, code, counts, count, seconds }: Series) {
    const labels = { method, code };
    let sum = 0;
    const buckets = [...this.#buckets, '+Inf'].map((le, i) => {
      sum += counts[i] as number;
      return { metricName: `${this.#name}_bucket`, labels: { le, ...labels }, value: sum };
    });
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: seconds },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}
