/** The metrics, in Prometheus' text form on a port of their own. */
import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { Durations } from './durations.ts';
import { type MetricsJson, merged } from './workers/merged-metrics.ts';

export interface Metrics {
  /** One answered request. `code` is `ok` or the name of the refusal. */
  requestAnswered(method: string, code: string, durationMs: number): void;
  /** Requests so far. */
  answered(): number;
  /** Checks asked for, those of a batch one by one. */
  checksAsked(count: number): void;
  /** One call that the guard did not let through, by its reason. */
  callerRefused(reason: string): void;
  /** One call of the datastore that writes, whether it succeeded or not. */
  datastoreWritten(operation: string, succeeded: boolean, durationMs: number): void;
  /** For parts that count by themselves. */
  readonly registry: Registry;
  /** All of them, also those that are not in the registry. */
  json(): Promise<MetricsJson>;
  /** What Prometheus reads. */
  text(): Promise<string>;
}

/** From a tenth of a millisecond, for a check, to the longest request. */
const requestSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** From a write to memory to a disk that struggles. */
const writeSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A registry of its own: two servers in one process do not mix their numbers. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'pemba_' });
  const registers = [registry];
  const requests = new Durations(
    'pemba_request_duration_seconds',
    'Time to answer a request, by method and by outcome (ok, or the error code).',
    requestSeconds,
  );
  let checks = 0;
  new Counter({
    name: 'pemba_checks_total',
    help: 'Checks asked for; every check of a batch counts.',
    registers,
    collect() {
      this.reset();
      this.inc(checks);
    },
  });
  const refusals = new Counter({
    name: 'pemba_callers_refused_total',
    help: 'Calls refused for who calls, by reason: no token, a wrong one, a role that is missing.',
    labelNames: ['reason'],
    registers,
  });
  const writes = new Histogram({
    name: 'pemba_datastore_write_duration_seconds',
    help: 'Time until the datastore has made a write durable, or refused it.',
    labelNames: ['operation', 'outcome'],
    buckets: writeSeconds,
    registers,
  });
  return {
    requestAnswered: (method, code, durationMs) =>
      requests.observe(method, code, durationMs / 1000),
    callerRefused: (reason) => refusals.inc({ reason }),
    answered: () => requests.count,
    checksAsked(count) {
      checks += count;
    },
    datastoreWritten: (operation, succeeded, durationMs) =>
      writes.observe({ operation, outcome: succeeded ? 'ok' : 'error' }, durationMs / 1000),
    registry,
    json: async () => [...(await registry.getMetricsAsJSON()), requests.json()],
    async text() {
      const others = await registry.metrics();
      return `${others}\n${await merged([requests.json()], []).metrics()}`;
    },
  };
}

export function createMetricsServer(metrics: Pick<Metrics, 'text'>, logger: Logger): Server {
  return createServer((request, response) => {
    if (request.url !== '/metrics') {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end('the metrics are at /metrics\n');
      return;
    }
    metrics.text().then(
      (text) => {
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
        response.end(text);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'metrics failed');
        response.writeHead(500).end();
      },
    );
  });
}
