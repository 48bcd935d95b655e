/** One thread that serves, as the main thread sees it: it is started, asked, and ended. */
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { FailedAttempt } from '../../authn/authenticator.ts';
import { StartError } from '../start-error.ts';
import type { MetricsJson } from './merged-metrics.ts';
import type { FromWorker, Order, ToWorker } from './messages.ts';

export interface WorkerEvents {
  onLog(lines: string): void;
  onFailedAttempt(attempt: FailedAttempt): void;
  onFirstAdmin(): void;
}

interface Ordered {
  resolve(metrics: MetricsJson): void;
  reject(error: Error): void;
}

export class WorkerThread {
  /** Resolves when it serves; rejects with a `StartError`, or where it ended before. */
  readonly started: Promise<void>;
  /** Resolves once the thread is gone, however it went. */
  readonly ended: Promise<void>;
  readonly worker: Worker;
  private readonly ordered = new Map<number, Ordered>();
  private lastId = 0;
  private hasEnded = false;

  constructor(worker: Worker, logger: Logger, events: WorkerEvents) {
    this.worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.started = promise;
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'serving':
          return resolve();
        case 'not started':
          return reject(new StartError(message.message, message.exitCode));
        case 'log':
          return events.onLog(message.lines);
        case 'failed attempt':
          return events.onFailedAttempt(message.attempt);
        case 'first admin made':
          return events.onFirstAdmin();
        case 'done':
          return this.answered(message.id)?.resolve(message.metrics ?? []);
        case 'not done':
          return this.answered(message.id)?.reject(new Error(message.message));
      }
    });
    worker.on('error', (err) => logger.error({ err }, 'a worker failed'));
    this.ended = new Promise((ended) => {
      worker.once('exit', () => {
        this.hasEnded = true;
        const gone = new Error('the worker has ended');
        reject(gone);
        for (const { reject: rejectOrder } of this.ordered.values()) rejectOrder(gone);
        this.ordered.clear();
        ended();
      });
    });
  }

  /** Resolves once it is done; with the metrics, where they were asked for. */
  order(order: Order): Promise<MetricsJson> {
    if (this.hasEnded) return Promise.reject(new Error('the worker has ended'));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.ordered.set(id, { resolve, reject });
      this.tell({ kind: 'order', id, order });
    });
  }

  tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
    await this.ended;
  }

  private answered(id: number): Ordered | undefined {
    const ordered = this.ordered.get(id);
    this.ordered.delete(id);
    return ordered;
  }
}
