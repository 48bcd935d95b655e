/**
 * The composition root: a configuration in, a server that answers out. The only place that knows
 * which datastore there is.
 */
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import { systemClock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { Access } from '../service/access/access.ts';
import { Callers } from '../service/access/caller.ts';
import { guarded } from '../service/access/guard.ts';
import { createAccess, createMethods } from '../service/router.ts';
import type { Datastore } from '../storage/datastore.ts';
import type { Graphs } from '../storage/graphs.ts';
import { memoryPath } from '../storage/sqlite/database.ts';
import { openSqlite, type SqliteDatastore, type SqliteOptions } from '../storage/sqlite/open.ts';
import { OwnedByAnother } from '../storage/sqlite/owner.ts';
import { type Authentication, openAuthentication } from './authentication.ts';
import type { ServerConfig } from './config.ts';
import { withDeadlines } from './deadline.ts';
import { expectFirstAdmin } from './first-admin.ts';
import { graphBytes } from './graph-memory.ts';
import { showGraphs } from './graph-metrics.ts';
import { createGrpcServer, type GrpcServer } from './grpc.ts';
import { createHttpServer } from './http.ts';
import { listen } from './listen.ts';
import { createLog, type Log, type LogSink } from './log.ts';
import { measuredDatastore } from './measured-datastore.ts';
import { createMetrics, createMetricsServer, type Metrics } from './metrics.ts';
import { createObserver, observed } from './observe.ts';
import { closeHttpGently, finishOrCut } from './shutdown.ts';
import { cannotStart, StartError } from './start-error.ts';

export interface RunningServer {
  /** HOST:PORT, with the real port. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly metricsAddress: string | undefined;
  readonly datastore: Datastore;
  readonly logger: Logger;
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
  const log = createLog(config, systemClock, logSink);
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
  const parts = assemble(config, { datastore, graphs, metrics, log, authentication });
  const { http, grpc, metricsServer } = parts;
  const finish = finisher(parts, config.shutdownTimeout);
  try {
    const asksWhoCalls = config.authnMethod !== 'none';
    // Roles are decided from the first call on.
    if (asksWhoCalls) await parts.access.prepare();
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
      access: parts.access,
      secret: parts.bootstrapSecret,
      logger,
    });
    const close = once(() => {
      parts.bootstrapSecret.end();
      return closeOrderly(finish, authentication, datastore, log);
    });
    const { reload } = authentication;
    return { httpAddress, grpcAddress, metricsAddress, datastore, logger, reload, close };
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

interface Parts {
  readonly http: HttpServer;
  readonly grpc: GrpcServer;
  readonly metricsServer: HttpServer;
  readonly access: Access;
  readonly bootstrapSecret: BootstrapSecret;
  /** From here on, the server says that it is not ready. */
  drain(): void;
}

/** The layers on top of each other; nothing listens yet. */
function assemble(
  config: ServerConfig,
  base: {
    readonly datastore: Datastore;
    readonly graphs: Graphs;
    readonly metrics: Metrics;
    readonly log: Log;
    readonly authentication: Authentication;
  },
): Parts {
  const { datastore, graphs, metrics, log, authentication } = base;
  const clock = systemClock;
  const observer = createObserver({ clock, log, metrics });
  const { checkDepthMax, checkStepsMax, requestTimeout, requestBytesMax } = config;
  const { authenticator, identity } = authentication;
  const access = createAccess({ datastore, clock });
  const bootstrapSecret = new BootstrapSecret(clock);
  const fileInUse = () => identity?.source.identity;
  const callers = new Callers(fileInUse);
  const handlers = createMethods({
    datastore,
    graphs,
    clock,
    checkDepthMax,
    checkStepsMax,
    access: { access, callers, bootstrapSecret },
    ...(identity && { identity }),
  });
  const behindGuard = guarded(handlers, {
    authenticator,
    access,
    callers,
    bootstrapSecret,
    identity: fileInUse,
  });
  const transport = {
    methods: observed(withDeadlines(behindGuard, clock), observer, clock),
    clock,
    observer,
    requestTimeoutMs: requestTimeout,
    requestBytesMax,
  };
  const grpc = createGrpcServer(transport);
  let draining = false;
  const http = createHttpServer({
    ...transport,
    corsOrigins: config.corsAllowedOrigins,
    ready: async () => {
      if (draining) throw new Refusal('unavailable', 'the server is shutting down');
      await datastore.ready();
      authentication.refresh();
      await authentication.reload();
      return authentication.degraded();
    },
  });
  return {
    http,
    grpc,
    access,
    bootstrapSecret,
    metricsServer: createMetricsServer(metrics, log.logger),
    drain: () => {
      draining = true;
      grpc.drain();
    },
  };
}

/** ENSURES: the returned function resolves to whether all open requests finished in time. */
function finisher(parts: Parts, timeoutMs: number): () => Promise<boolean> {
  const http = [parts.http, parts.metricsServer].map((server) => ({
    server,
    close: closeHttpGently(server),
  }));
  return () => {
    parts.drain();
    return finishOrCut({ http, grpc: parts.grpc }, timeoutMs);
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

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
