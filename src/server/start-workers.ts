/**
 * A server of several threads: the main thread owns the file and its one writer, the metrics port
 * and the log, and looks after the workers that serve (`start-worker.ts`).
 */
import type { Server as HttpServer } from 'node:http';
import { Counter, Gauge, type Registry } from 'prom-client';
import { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import { assert } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { createAccess } from '../service/router.ts';
import { type Hub, openHub } from '../storage/sqlite/hub.ts';
import type { ServerConfig } from './config.ts';
import { expectFirstAdmin } from './first-admin.ts';
import { graphBytes } from './graph-memory.ts';
import { showSharedGraphs } from './graph-metrics.ts';
import { listen, settle } from './listen.ts';
import type { Log } from './log.ts';
import { createMetrics, createMetricsServer } from './metrics.ts';
import { formatAddress } from './setting-values.ts';
import { closeHttpGently, once } from './shutdown.ts';
import type { RunningServer } from './start.ts';
import { cannotStart } from './start-error.ts';
import { merged } from './workers/merged-metrics.ts';
import { WorkerPool } from './workers/pool.ts';
import { spawnWorker } from './workers/spawn.ts';

/** ENSURES: either all workers serve, or a `StartError` says why not and nothing is left open. */
export async function startWorkers(
  config: ServerConfig,
  workers: number,
  log: Log,
): Promise<RunningServer> {
  const { logger } = log;
  const hub = await open(config);
  const closing: (() => Promise<unknown>)[] = [() => hub.close()];
  try {
    const { datastore } = hub;
    const access = createAccess({ datastore, clock: systemClock });
    const asksWhoCalls = config.authnMethod !== 'none';
    if (asksWhoCalls) await access.prepare();
    const [httpAddress, grpcAddress] = await settle([
      [config.httpAddr, 'httpAddr'],
      [config.grpcAddr, 'grpcAddr'],
    ]);
    assert(httpAddress !== undefined && grpcAddress !== undefined, 'every address is settled');
    const secret = new BootstrapSecret(systemClock);
    closing.push(async () => secret.end());
    // Before they serve, so that each of them knows it from its start.
    await expectFirstAdmin({
      path: config.datastoreUri,
      isOwner: graphBytes(config.graphMemory) > 0,
      asksWhoCalls,
      httpAddress: shown(httpAddress),
      access,
      secret,
      logger,
    });
    const pool = new WorkerPool({
      workers,
      spawn(number) {
        const place = { number, httpAddress, grpcAddress, bootstrapSecret: secret.stored };
        return spawnWorker(place, config, hub.seat());
      },
      onFirstAdmin() {
        secret.end();
        pool.firstAdminMade();
      },
      clock: systemClock,
      logger,
      onLog: (lines) => log.write(lines),
    });
    const metricsServer = createMetricsOf(pool, hub, log);
    const closeMetrics = closeHttpGently(metricsServer);
    closing.push(async () => {
      const closed = closeMetrics();
      metricsServer.closeAllConnections();
      await closed;
    });
    const metricsAddress =
      config.metricsAddr && (await listen(metricsServer, config.metricsAddr, 'metricsAddr'));
    await pool.start();
    closing.push(() => pool.close(config.shutdownTimeout));
    const [http, grpc] = [shown(httpAddress), shown(grpcAddress)];
    logger.info({ http, grpc, metrics: metricsAddress, workers }, 'serving');
    return {
      httpAddress: http,
      grpcAddress: grpc,
      metricsAddress,
      datastore,
      logger,
      threads: () => pool.threads,
      reload: () => pool.reload(),
      close: once(async () => {
        logger.info('shutting down');
        for (const close of closing.reverse()) await close();
        logger.info('stopped');
        log.flush();
      }),
    };
  } catch (error) {
    for (const close of closing.reverse()) await close();
    throw error;
  }
}

async function open(config: ServerConfig): Promise<Hub> {
  try {
    return await openHub({
      path: config.datastoreUri,
      clock: systemClock,
      graphBytesMax: graphBytes(config.graphMemory),
    });
  } catch (error) {
    if (error instanceof Refusal) throw cannotStart(`--datastore-uri: ${error.message}`, error);
    throw error;
  }
}

/** One port shows the numbers of all threads. */
function createMetricsOf(pool: WorkerPool, hub: Hub, { logger }: Log): HttpServer {
  const metrics = createMetrics();
  const { registry } = metrics;
  showSharedGraphs(registry, hub.bases);
  showPool(registry, pool);
  const text = async () => {
    const workers = await pool.metrics();
    return await merged(await metrics.json(), workers).metrics();
  };
  return createMetricsServer({ text }, logger);
}

function showPool(registry: Registry, pool: WorkerPool): void {
  const registers = [registry];
  new Gauge({
    name: 'pemba_workers',
    help: 'Threads that serve (--workers).',
    registers,
    collect() {
      this.set(pool.serving);
    },
  });
  new Counter({
    name: 'pemba_worker_restarts_total',
    help: 'Threads that had ended, and were started again.',
    registers,
    collect() {
      this.reset();
      this.inc(pool.restarts);
    },
  });
}

/** As clients can use it. */
function shown({ host, port }: { readonly host: string; readonly port: number }): string {
  return formatAddress({ host: host || '0.0.0.0', port });
}
