/** The numbers of all threads as those of one server: each metric summed, or as it says itself. */
import { AggregatorRegistry, type Registry } from 'prom-client';

/** One metric of one thread, as `Registry.getMetricsAsJSON` has it; it can cross to another. */
export interface MetricJson {
  readonly name: string;
  /** The library's types say numbers where there are words. */
  readonly type: unknown;
}

export type MetricsJson = readonly MetricJson[];

/** What a thread that is gone has counted stays counted; what it had of memory and time is gone. */
export function countedIn(metrics: MetricsJson): MetricsJson {
  return metrics.filter(({ type }) => type === 'counter' || type === 'histogram');
}

/** Metrics that only the main thread has are those of the process, and stay as they are. */
export function merged(main: MetricsJson, workers: readonly MetricsJson[]): Registry {
  const ofWorkers = new Set(workers.flat().map(({ name }) => name));
  const ownFirst = main.map((metric) =>
    ofWorkers.has(metric.name) ? metric : { ...metric, aggregator: 'first' },
  );
  return AggregatorRegistry.aggregate([ownFirst, ...workers]);
}
