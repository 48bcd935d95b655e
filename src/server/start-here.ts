/** A server of one thread: the composition root, and the only place that knows all layers. */
import type { Server as HttpServer } from 'node:http';
import type { Worker } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { Datastore } from '../storage/datastore.ts';
import { memoryPath } from '../storage/sqlite/database.ts';
import { type Authentication, openAuthentication } from './authentication.ts';
import type { ServerConfig } from './config.ts';
import { expectFirstAdmin } from './first-admin.ts';
import { graphBytes } from './graph-memory.ts';
import { showGraphs } from './graph-metrics.ts';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { measuredDatastore } from './measured-datastore.ts';
import { createMetrics, createMetricsServer } from './metrics.ts';
import { openDatastore } from './open-datastore.ts';
import { assemble, type Serving } from './serving.ts';
import { closeHttpGently, finishOrCut, once } from './shutdown.ts';
import type { RunningServer } from './start.ts';

/** ENSURES: either everything listens, or a `StartError` says why not and nothing is left open. */
export async function startHere(config: ServerConfig, log: Log): Promise<RunningServer> {
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
