/**
 * The composition root: a configuration in, a server that answers out. The only place that knows
 * which datastore there is.
 */
import type { Server as HttpServer } from 'node:http';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { Datastore } from '../storage/datastore.ts';

import { memoryPath } from '../storage/sqlite/database.ts';

import { openSqlite, type SqliteDatastore, type SqliteOptions } from '../storage/sqlite/open.ts';
import { OwnedByAnother } from '../storage/sqlite/owner.ts';
import { type Authentication, openAuthentication } from './authentication.ts';
import type { ServerConfig } from './config.ts';

import { expectFirstAdmin } from './first-admin.ts';

import { graphBytes } from './graph-memory.ts';
import { showGraphs } from './graph-metrics.ts';
import { canSharePorts, listen } from './listen.ts';
import { createLog, type Log, type LogSink } from './log.ts';
import { measuredDatastore } from './measured-datastore.ts';

import { createMetrics, createMetricsServer } from './metrics.ts';
import { assemble, type Serving } from './serving.ts';
import { closeHttpGently, finishOrCut, once } from './shutdown.ts';
import { cannotStart, configurationError, StartError } from './start-error.ts';
import { startWorkers } from './start-workers.ts';

export interface RunningServer {
  /** HOST:PORT, with the real port. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly metricsAddress: string | undefined;
  readonly datastore: Datastore;
  readonly logger: Logger;
  /** Those that serve beside each other, from 1; none where the main thread serves. */
  threads(): ReadonlyMap<number, Worker>;
  /** Takes the identity file as it is now, if it can be used. */
  reload(): Promise<void>;
  /**
   * Orderly: says that it is going, takes no more connections, finishes open requests for at most
   * the shutdown timeout, closes the datastore. A second call waits for the first.
   */
  close(): Promise<void>;
}

/** ENSURES: either everything listens, or a `StartError` says why not and nothing is left open. */
export async function startServer(config: ServerConfig, logSink?: LogSink): Promise<RunningServer> {
  const workers = workersOf(config);
  const log = createLog(config, systemClock, { sink: logSink });
  return workers === 1 ? await startHere(config, log) : await startWorkers(config, workers, log);
}

/** As many threads as were asked for, or else as there are cores, where several can be had. */
function workersOf({ workers, datastoreUri }: ServerConfig): number {
  const reason =
    datastoreUri === ':memory:'
      ? 'a database in memory is of one thread'
      : 'this system does not let several threads listen on one port';
  const canBeSeveral = datastoreUri !== ':memory:' && canSharePorts;
  if (workers === 'auto') return canBeSeveral ? availableParallelism() : 1;
  if (workers > 1 && !canBeSeveral) throw configurationError(`--workers: ${reason}; take 1`);
  return workers;
}

/** This thread serves. */
async function startHere(config: ServerConfig, log: Log): Promise<RunningServer> {
  const { logger } = log;
  const metrics = createMetrics();
  const authentication = await openAuthentication(config, { clock: systemClock, logger });
  const opened = await openDatastore(config.datastoreUri, {
    graphBytesMax: graphBytes(config.graphMemory),
    onFault: (error) => logger.error({ err: error }, 'no resident graph: storage answers'),
  }).catch((error: unknown) => {
    authentication.close();
    throw error;
  });
  const { graphs } = opened;
  showGraphs(metrics.registry, graphs);
  const datastore = measuredDatastore(opened, metrics, systemClock);
  const serving = assemble(config, { datastore, graphs, metrics, log, authentication });
  const { http, grpc, access, bootstrapSecret } = serving;
  const metricsServer = createMetricsServer(metrics, logger);
  const finish = finisher(serving, metricsServer, config.shutdownTimeout);
  try {
    const asksWhoCalls = config.authnMethod !== 'none';
    // Roles are decided from the first call on.
    if (asksWhoCalls) await access.prepare();
    const httpAddress = await listen(http, config.httpAddr, 'httpAddr');
    const grpcAddress = await listen(grpc.sockets, config.grpcAddr, 'grpcAddr');
    const metricsAddress =
      config.metricsAddr && (await listen(metricsServer, config.metricsAddr, 'metricsAddr'));
    logger.info({ http: httpAddress, grpc: grpcAddress, metrics: metricsAddress }, 'serving');
    await expectFirstAdmin({
      path: config.datastoreUri === memoryPath ? undefined : config.datastoreUri,
      isOwner: graphs.bytesMax > 0,
      asksWhoCalls,
      httpAddress,
      access,
      secret: bootstrapSecret,
      logger,
    });
    const close = once(() => {
      bootstrapSecret.end();
      return closeOrderly(finish, authentication, datastore, log);
    });
    const { reload } = authentication;
    const threads = () => new Map<number, Worker>();
    return { httpAddress, grpcAddress, metricsAddress, datastore, logger, threads, reload, close };
  } catch (error) {
    await finish();
    authentication.close();
    await datastore.close();
    throw error;
  }
}

/** The file of a configuration; without resident graphs where nothing is said of them. */
export async function openDatastore(
  path: string,
  graphs: Pick<SqliteOptions, 'graphBytesMax' | 'onFault'> = {},
): Promise<SqliteDatastore> {
  try {
    return await openSqlite({ path, clock: systemClock, ...graphs });
  } catch (error) {
    if (error instanceof Refusal) throw cannotStart(`--datastore-uri: ${error.message}`, error);
    throw error;
  }
}

/** Whether `openDatastore` failed because another process answers from memory for the file. */
export function isOwnedByAnother(error: unknown): boolean {
  return error instanceof StartError && error.cause instanceof OwnedByAnother;
}

/** ENSURES: the returned function resolves to whether all open requests finished in time. */
function finisher(
  serving: Serving,
  metricsServer: HttpServer,
  timeoutMs: number,
): () => Promise<boolean> {
  const http = [serving.http, metricsServer].map((server) => ({
    server,
    close: closeHttpGently(server),
  }));
  return () => {
    serving.drain();
    return finishOrCut({ http, grpc: serving.grpc }, timeoutMs);
  };
}

async function closeOrderly(
  finish: () => Promise<boolean>,
  authentication: Authentication,
  datastore: Datastore,
  { logger, flush }: Log,
): Promise<void> {
  logger.info('shutting down');
  const inTime = await finish();
  if (!inTime) logger.warn('the shutdown timeout has passed: open requests were cut');
  authentication.close();
  await datastore.close();
  logger.info('stopped');
  flush();
}
