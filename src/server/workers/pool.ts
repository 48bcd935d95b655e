/**
 * The workers that serve: all are started, one that ends is started again, after a pause that grows
 * while it keeps failing, and one that answers nothing any more is ended first.
 */
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Clock } from '../../base/clock.ts';
import { countedIn, type MetricsJson } from './merged-metrics.ts';
import type { ToWorker } from './messages.ts';
import { WorkerThread } from './worker-thread.ts';

/** In milliseconds, but for `pingsUnanswered`. */
export interface PoolTimes {
  /** Before the first attempt to start a worker again; it doubles with each that fails. */
  readonly restartMin: number;
  readonly restartMax: number;
  /** A worker that has served so long is no failing one. */
  readonly stable: number;
  readonly ping: number;
  /**
   * A worker that has left so many in a row is ended. They are counted, not timed: a process that was
   * stopped and goes on has no worker that hangs.
   */
  readonly pingsUnanswered: number;
  /** For the numbers of one worker, before those of the last time are shown again. */
  readonly metrics: number;
}

export const poolTimes: PoolTimes = {
  restartMin: 100,
  restartMax: 10_000,
  stable: 60_000,
  ping: 1_000,
  pingsUnanswered: 30,
  metrics: 1_000,
};

export interface PoolOptions {
  readonly workers: number;
  /** A new thread for the worker of this number, from 1. */
  readonly spawn: (number: number) => Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLog: (lines: string) => void;
  readonly onFirstAdmin: () => void;
  readonly times?: Partial<PoolTimes>;
}

/** One worker, through all threads that it has. */
interface Slot {
  readonly number: number;
  thread: WorkerThread | undefined;
  /** Of the thread, monotonic; undefined until it serves. */
  servingSince: number | undefined;
  /** Pings since the last answer to one. */
  unanswered: number;
  /** Ends in a row that came too soon. */
  failures: number;
  restart: NodeJS.Timeout | undefined;
  lastMetrics: MetricsJson;
}

export class WorkerPool {
  restarts = 0;
  private readonly options: PoolOptions;
  private readonly times: PoolTimes;
  private readonly slots: readonly Slot[];
  /** What threads that are gone had counted when they were last asked. */
  private readonly past: MetricsJson[] = [];
  private pinging: NodeJS.Timeout | undefined;
  /** From when all have started until the end: only then is a worker started again. */
  private isOpen = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.times = { ...poolTimes, ...options.times };
    this.slots = Array.from({ length: options.workers }, (_, index) => ({
      number: index + 1,
      thread: undefined,
      servingSince: undefined,
      unanswered: 0,
      failures: 0,
      restart: undefined,
      lastMetrics: [],
    }));
  }

  /** ENSURES: all serve; or it rejects with the first reason why not, and none is left. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.slots.map((slot) => this.spawn(slot)));
    } catch (error) {
      await Promise.all(this.slots.map(({ thread }) => thread?.terminate()));
      throw error;
    }
    this.isOpen = true;
    // One may have served, and ended, before the last one did.
    for (const slot of this.slots) if (slot.thread === undefined) this.restart(slot);
    this.pinging = setInterval(() => this.ping(), this.times.ping);
    this.pinging.unref();
  }

  /** How many serve now. */
  get serving(): number {
    return this.slots.filter(({ servingSince }) => servingSince !== undefined).length;
  }

  /** The threads that there are, by the number of their worker. */
  get threads(): ReadonlyMap<number, Worker> {
    const threads = new Map<number, Worker>();
    for (const { number, thread } of this.slots) {
      if (thread !== undefined) threads.set(number, thread.worker);
    }
    return threads;
  }

  /** Rejects where one of them could not. */
  async reload(): Promise<void> {
    await Promise.all(this.slots.map(({ thread }) => thread?.order({ kind: 'reload' })));
  }

  /** Each of them lets nobody in by the secret any more. */
  firstAdminMade(): void {
    this.tell({ kind: 'first admin made' });
  }

  /** The numbers of every worker, and those of threads that are gone. */
  async metrics(): Promise<readonly MetricsJson[]> {
    await Promise.all(this.slots.map((slot) => this.ask(slot)));
    return [...this.past, ...this.slots.map(({ lastMetrics }) => lastMetrics)];
  }

  /** Resolves to whether all finished what was open within the time. ENSURES: all are gone. */
  async close(timeoutMs: number): Promise<boolean> {
    this.isOpen = false;
    clearInterval(this.pinging);
    const closed = await Promise.all(this.slots.map((slot) => closeSlot(slot, timeoutMs)));
    return closed.every((inTime) => inTime);
  }

  private async spawn(slot: Slot): Promise<void> {
    const { logger, clock, spawn, onLog, onFirstAdmin } = this.options;
    const log = logger.child({ worker: slot.number });
    const thread = new WorkerThread(spawn(slot.number), log, {
      onLog,
      onFailedAttempt: (attempt) => this.tell({ kind: 'failed attempt', attempt }, slot),
      onFirstAdmin,
    });
    slot.thread = thread;
    slot.servingSince = undefined;
    void thread.ended.then(() => this.ended(slot, thread));
    await thread.started;
    slot.servingSince = clock.monotonic();
    slot.unanswered = 0;
  }

  private ended(slot: Slot, thread: WorkerThread): void {
    if (slot.thread !== thread) return;
    const { clock, logger } = this.options;
    const { servingSince } = slot;
    slot.thread = undefined;
    slot.servingSince = undefined;
    if (slot.lastMetrics.length > 0) this.past.push(countedIn(slot.lastMetrics));
    slot.lastMetrics = [];
    if (!this.isOpen) return;
    const wasStable =
      servingSince !== undefined && clock.monotonic() - servingSince >= this.times.stable;
    if (wasStable) slot.failures = 0;
    const { restartMin, restartMax } = this.times;
    const pauseMs = Math.min(restartMax, restartMin * 2 ** slot.failures);
    slot.failures++;
    logger.error({ worker: slot.number, pauseMs }, 'a worker has ended; it is started again');
    slot.restart = setTimeout(() => this.restart(slot), pauseMs);
  }

  private restart(slot: Slot): void {
    const { logger } = this.options;
    const worker = slot.number;
    this.restarts++;
    this.spawn(slot).then(
      () => logger.info({ worker }, 'a worker serves again'),
      (err: unknown) => {
        logger.error({ worker, err }, 'a worker could not be started');
        // It says why, and waits; its end is what the next attempt follows.
        void slot.thread?.terminate();
      },
    );
  }

  private ping(): void {
    const { logger } = this.options;
    for (const slot of this.slots) {
      const { thread, servingSince, number } = slot;
      if (thread === undefined || servingSince === undefined) continue;
      if (slot.unanswered >= this.times.pingsUnanswered) {
        logger.error({ worker: number }, 'a worker does not answer any more: it is ended');
        void thread.terminate();
        continue;
      }
      const answered = () => {
        if (slot.thread === thread) slot.unanswered = 0;
      };
      slot.unanswered++;
      thread.order({ kind: 'ping' }).then(answered, () => undefined);
    }
  }

  private async ask(slot: Slot): Promise<void> {
    const { thread } = slot;
    if (thread === undefined || slot.servingSince === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.times.metrics);
    });
    const asked = thread.order({ kind: 'metrics' }).catch(() => undefined);
    const found = await Promise.race([asked, late]);
    clearTimeout(timer);
    if (found !== undefined && slot.thread === thread) slot.lastMetrics = found;
  }

  private tell(message: ToWorker, but?: Slot): void {
    for (const slot of this.slots) {
      if (slot !== but) slot.thread?.tell(message);
    }
  }
}

/** A worker cuts what is open after the time by itself; one that does not is cut off. */
const graceMs = 1_000;

async function closeSlot(slot: Slot, timeoutMs: number): Promise<boolean> {
  clearTimeout(slot.restart);
  const { thread } = slot;
  if (thread === undefined) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs + graceMs);
  });
  const closed = thread.order({ kind: 'close' }).then(
    () => true,
    () => false,
  );
  const inTime = await Promise.race([closed, late]);
  clearTimeout(timer);
  await thread.terminate();
  return inTime;
}
