/** Latencies in an HDR histogram (Node's own): three figures, from a microsecond to an hour. */
import { createHistogram } from 'node:perf_hooks';

/** In milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const hourMicros = 3_600_000_000;

export class Latencies {
  // The library's smallest value is 1, so a microsecond is as fine as it gets.
  private readonly histogram = createHistogram({ lowest: 1, highest: hourMicros, figures: 3 });

  get count(): number {
    return this.histogram.count;
  }

  record(ms: number): void {
    this.histogram.record(Math.min(hourMicros, Math.max(1, Math.round(ms * 1_000))));
  }

  /** REQUIRES: something was recorded. */
  quantiles(): Quantiles {
    const at = (percentile: number) => this.histogram.percentile(percentile) / 1_000;
    const max = this.histogram.max / 1_000;
    return { p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max };
  }
}
