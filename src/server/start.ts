/** Starts a server: a configuration in, a server that answers out, of one thread or of several. */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.ts';
import type { Datastore } from '../storage/datastore.ts';
import type { ServerConfig } from './config.ts';
import { canSharePorts } from './listen.ts';
import { createLog, type LogSink } from './log.ts';
import { configurationError } from './start-error.ts';

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
  if (workers > 1) {
    const { startWorkers } = await import('./start-workers.ts');
    return await startWorkers(config, workers, log);
  }
  const { startHere } = await import('./start-here.ts');
  return await startHere(config, log);
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
