/**
 * A worker that serves beside others: the composition root of its thread, and that thread's entry.
 * What only one of a process can have, it has from the main thread (`start-workers.ts`).
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import type { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import type { PresharedKey } from '../authn/preshared.ts';
import { assert } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { openSeat } from '../storage/sqlite/seat.ts';
import { type Authentication, openAuthentication } from './authentication.ts';
import type { ServerConfig } from './config.ts';
import { showGraphsOfWorker } from './graph-metrics.ts';
import { listenShared } from './listen.ts';
import { createLog, type Log } from './log.ts';
import { measuredDatastore } from './measured-datastore.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { assemble } from './serving.ts';
import { closeHttpGently, finishOrCut } from './shutdown.ts';
import { StartError } from './start-error.ts';
import type { FromWorker, Order, ToWorker } from './workers/messages.ts';
import { entryMark, type WorkerStart } from './workers/spawn.ts';
import { createWorkerLog, type WorkerLog } from './workers/worker-log.ts';

interface RunningWorker {
  readonly bootstrapSecret: BootstrapSecret;
  readonly authentication: Authentication;
  readonly metrics: Metrics;
  /** Finishes what is open, within the shutdown timeout; then nothing is open any more. */
  close(): Promise<void>;
  /** Cuts all connections at once. */
  cut(): void;
}

type Send = (message: FromWorker) => void;

async function serve(start: WorkerStart, send: Send): Promise<void> {
  const sink = createWorkerLog((lines) => send({ kind: 'log', lines }));
  const log = createLog(start.config, systemClock, { sink, worker: start.number });
  const { logger } = log;
  let running: RunningWorker;
  try {
    running = await startServing(start, log, send);
  } catch (error) {
    // A bug is one also while it starts: the thread ends with it.
    if (!(error instanceof StartError)) throw error;
    sink.flush();
    send({ kind: 'not started', message: error.message, exitCode: error.exitCode });
    return;
  }
  endAfterFault(running, logger, sink);
  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'failed attempt') {
      running.authentication.authenticator.failedElsewhere(message.attempt);
      return;
    }
    if (message.kind === 'first admin made') {
      running.bootstrapSecret.end();
      return;
    }
    const { id, order } = message;
    follow(running, order).then(
      (done) => {
        sink.flush();
        send({ kind: 'done', id, ...done });
      },
      (error: unknown) => {
        logger.error({ err: error }, `${order.kind} failed`);
        sink.flush();
        send({ kind: 'not done', id, message: String(error) });
      },
    );
  });
  send({ kind: 'serving' });
}

/**
 * What nobody caught ends the thread, as it would end a process, but not in the midst of reading: Node
 * 24 aborts the whole process where the thread of an HTTP/2 session ends while it reads
 * (`onread->IsFunction()` in stream_base.cc).
 */
function endAfterFault(running: RunningWorker, logger: Logger, sink: WorkerLog): void {
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'a bug ends the worker');
    sink.flush();
    running.cut();
    setImmediate(() => process.exit(1));
  });
}

async function follow(running: RunningWorker, order: Order) {
  switch (order.kind) {
    case 'ping':
      return {};
    case 'reload':
      await running.authentication.reload();
      return {};
    case 'metrics':
      return { metrics: await running.metrics.json() };
    case 'close':
      await running.close();
      return {};
  }
}

async function startServing(start: WorkerStart, log: Log, send: Send): Promise<RunningWorker> {
  const { logger } = log;
  const clock = systemClock;
  const config = { ...start.config, ...keysOf(start.config) };
  const metrics = createMetrics();
  const authentication = await openAuthentication(config, {
    clock,
    logger,
    onFailedAttempt: (attempt) => send({ kind: 'failed attempt', attempt }),
  });
  const opened = openSeat(start.seat, {
    clock,
    onFault: (error) => logger.error({ err: error }, 'no resident graph: storage answers'),
  });
  const { graphs } = opened;
  showWorker(metrics, start.number);
  showGraphsOfWorker(metrics.registry, graphs);
  const datastore = measuredDatastore(opened, metrics, clock);
  const serving = assemble(config, { datastore, graphs, metrics, log, authentication });
  const { http, grpc, bootstrapSecret } = serving;
  if (start.bootstrapSecret !== undefined) {
    bootstrapSecret.accept(start.bootstrapSecret, () => send({ kind: 'first admin made' }));
  }
  const closeHttp = closeHttpGently(http);
  await listenShared(http, start.httpAddress, 'httpAddr');
  await listenShared(grpc.sockets, start.grpcAddress, 'grpcAddr');
  return {
    authentication,
    bootstrapSecret,
    metrics,
    cut() {
      http.close();
      http.closeAllConnections();
      grpc.sockets.close();
      grpc.destroy();
    },
    async close() {
      serving.drain();
      const listeners = { http: [{ server: http, close: closeHttp }], grpc };
      const inTime = await finishOrCut(listeners, config.shutdownTimeout);
      if (!inTime) logger.warn('the shutdown timeout has passed: open requests were cut');
      authentication.close();
      await datastore.close();
    },
  };
}

/** Bytes that crossed to a thread have lost what makes them a `Buffer`. */
function keysOf({ authnPresharedKeys, authnPresharedKeysFile }: ServerConfig) {
  const restored = (keys: readonly PresharedKey[]) =>
    keys.map((key) => ({ ...key, digest: Buffer.from(key.digest) }));
  return {
    authnPresharedKeys: restored(authnPresharedKeys),
    authnPresharedKeysFile: restored(authnPresharedKeysFile),
  };
}

/** How the system spreads the connections; what is of the process, the main thread shows. */
function showWorker({ registry, answered }: Metrics, number: number): void {
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('pemba_process_')) registry.removeSingleMetric(name);
  }
  new Counter({
    name: 'pemba_worker_requests_total',
    help: 'Requests answered by each worker.',
    labelNames: ['worker'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ worker: String(number) }, answered());
    },
  });
}

if (!isMainThread && isOurs(workerData)) {
  const port = parentPort;
  assert(port !== null, 'a worker has a parent');
  await serve(workerData, (message) => port.postMessage(message));
}

function isOurs(data: unknown): data is WorkerStart {
  return typeof data === 'object' && data !== null && 'mark' in data && data.mark === entryMark;
}
