/**
 * When expired rows are collected: a timer sleeps until the next one is due, and not at all where
 * nothing will expire. The work itself is done by the queue, a step between two groups of writes.
 */
import type { Clock } from '../../base/clock.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { WriterHost } from './queue.ts';

export interface Collector {
  /** Something expires at this time. */
  expect(at: number): void;
  /** Resolves once all that has expired by now is collected. */
  collect(): Promise<void>;
  /** Whether a step is to be taken. */
  isWanted(): boolean;
  /** REQUIRES: one at a time, and not beside a group. */
  step(): Promise<void>;
  /** What is left is collected after the next open. */
  close(): void;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Longer sleeps overflow a timer. */
const sleepMaxMs = 2 ** 31 - 1;

/** Before the next attempt when one has failed: a write would have told of the fault. */
const retryMs = 60_000;

const never = Number.POSITIVE_INFINITY;

/**
 * `wake` makes the queue look whether a step is wanted; `show` is told of the stores that a step has
 * written, before anybody else, or of none where it failed and may have written any.
 */
export function createCollector(
  host: WriterHost,
  clock: Clock,
  wake: () => void,
  show: (stores: readonly StoreId[] | undefined) => void,
): Collector {
  let due = never;
  let timer: NodeJS.Timeout | undefined;
  let wanted = false;
  let closed = false;
  /** Of the sweep under way, and those who came while it was: its time may be before theirs. */
  let served: Waiter[] = [];
  let waiting: Waiter[] = [];

  function sleep(): void {
    clearTimeout(timer);
    if (closed || due === never) return;
    const ms = Math.min(Math.max(due - clock.now(), limits.collectPauseMs), sleepMaxMs);
    timer = setTimeout(() => (due <= clock.now() ? want() : sleep()), ms);
    // What has expired counts for nothing already: it does not keep a process alive.
    timer.unref();
  }

  function want(): void {
    wanted = true;
    wake();
  }

  function expect(at: number): void {
    if (at >= due) return;
    due = at;
    sleep();
  }

  function collect(): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      want();
    });
  }

  async function step(): Promise<void> {
    if (served.length === 0) [served, waiting] = [waiting, served];
    try {
      const { stores, more, nextDue } = await host.collect(clock.now());
      show(stores);
      if (more) return;
      due = nextDue ?? never;
      for (const { resolve } of served.splice(0)) resolve();
    } catch (error) {
      show(undefined);
      due = clock.now() + retryMs;
      for (const { reject } of served.splice(0)) reject(error);
    }
    wanted = waiting.length > 0;
    sleep();
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
    const closing = new Refusal('unavailable', 'the datastore was closed');
    for (const { reject } of [...served.splice(0), ...waiting.splice(0)]) reject(closing);
  }

  return { expect, collect, isWanted: () => wanted && !closed, step, close };
}
