/** What answers requests in one thread: the layers on top of each other, over a datastore. */
import type { Server as HttpServer } from 'node:http';
import { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import { systemClock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { Access } from '../service/access/access.ts';
import { Callers } from '../service/access/caller.ts';
import { guarded } from '../service/access/guard.ts';
import { createAccess, createMethods } from '../service/router.ts';
import type { Datastore } from '../storage/datastore.ts';
import type { Graphs } from '../storage/graphs.ts';
import type { Authentication } from './authentication.ts';
import type { ServerConfig } from './config.ts';
import { withDeadlines } from './deadline.ts';
import { createGrpcServer, type GrpcServer } from './grpc.ts';
import { createHttpServer } from './http.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createObserver, observed } from './observe.ts';

export interface Serving {
  readonly http: HttpServer;
  readonly grpc: GrpcServer;
  readonly access: Access;
  readonly bootstrapSecret: BootstrapSecret;
  /** From here on, the server says that it is not ready. */
  drain(): void;
}

/** ENSURES: nothing listens yet. */
export function assemble(
  config: ServerConfig,
  base: {
    readonly datastore: Datastore;
    readonly graphs: Graphs;
    readonly metrics: Metrics;
    readonly log: Log;
    readonly authentication: Authentication;
  },
): Serving {
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
    drain: () => {
      draining = true;
      grpc.drain();
    },
  };
}
