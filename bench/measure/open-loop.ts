/**
 * An open loop: requests begin at fixed instants, answered or not, as those of many people do. The
 * latency is counted from the instant at which the request was to begin, so that a server that stops for
 * a second is charged for all who would have asked in it (no coordinated omission).
 */
import type { Ask } from './closed-loop.ts';
import { Latencies, type Quantiles } from './latencies.ts';

export interface Timeline {
  /** In milliseconds. */
  now(): number;
  until(instant: number): Promise<void>;
}

export const realTime: Timeline = {
  now: () => performance.now(),
  async until(instant) {
    const rest = instant - performance.now();
    // Timers are late by up to a millisecond or two; the rest is spun away, so it needs a core.
    if (rest > 3) await new Promise((done) => setTimeout(done, rest - 2));
    while (performance.now() < instant) await new Promise(setImmediate);
  },
};

/**
 * Late by a millisecond or so, which is counted, and off the processor meanwhile: one who spins beside
 * more threads than there are cores has used up his share when his request is due, and waits for it.
 */
export const restingTime: Timeline = {
  now: realTime.now,
  until: (instant) =>
    new Promise((done) => setTimeout(done, Math.max(0, instant - performance.now()))),
};

export interface OpenLoop extends Quantiles {
  /** Requests a second, as asked for. */
  readonly rate: number;
  /** Requests a second that were answered, until the last one was. */
  readonly reached: number;
  /** Whether it was given up, with so many requests open that there was no hope. */
  readonly overloaded: boolean;
}

export interface OpenLoopOptions {
  readonly asks: readonly Ask[];
  readonly rate: number;
  readonly ms: number;
  readonly time?: Timeline;
  readonly openMax?: number;
}

/** Rejects with the first fault of an ask, when all are done. */
export async function openLoop({
  asks,
  rate,
  ms,
  time = realTime,
  openMax = 20_000,
}: OpenLoopOptions): Promise<OpenLoop> {
  const latencies = new Latencies();
  const faults: unknown[] = [];
  const open = new Set<Promise<void>>();
  const start = time.now();
  let last = start;
  const answered = (due: number) => {
    last = time.now();
    latencies.record(last - due);
  };
  const begin = (ask: Ask, due: number) => {
    const answer = ask();
    if (answer === undefined) {
      answered(due);
      return;
    }
    const done = answer
      .then(() => answered(due))
      .catch((fault: unknown) => {
        faults.push(fault);
      })
      .finally(() => open.delete(done));
    open.add(done);
  };
  const planned = Math.max(1, Math.floor((rate * ms) / 1_000));
  let overloaded = false;
  for (let i = 0; i < planned && faults.length === 0; i++) {
    const due = start + (i * 1_000) / rate;
    // Where we are late ourselves, answers must still get their turn.
    if (time.now() < due || i % 64 === 0) await time.until(due);
    begin(asks[i % asks.length] as Ask, due);
    overloaded = open.size > openMax;
    if (overloaded) break;
  }
  await Promise.all(open);
  if (faults.length > 0) throw faults[0];
  const reached = (latencies.count / Math.max(last - start, 1_000 / rate)) * 1_000;
  return { rate, reached, overloaded, ...latencies.quantiles() };
}
