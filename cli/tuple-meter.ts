/** How far long work has come: a bar with rate and time left on a terminal, lines now and then elsewhere. */
import cliProgress from 'cli-progress';
import { systemClock } from '../src/base/clock.ts';
import { note } from './output.ts';

export interface Meter extends Disposable {
  add(count: number): void;
}

/** Between two lines. */
const lineMs = 5_000;

/** `done` is what an earlier run did of the total. */
export function startMeter(total: number, done: number): Meter {
  const startedMs = systemClock.monotonic();
  const bar = process.stderr.isTTY ? startBar(total, done) : undefined;
  let now = done;
  let saidMs = startedMs;

  /** Of this run. */
  function rate(): number {
    return ((now - done) * 1_000) / Math.max(1, systemClock.monotonic() - startedMs);
  }

  return {
    add(count) {
      now += count;
      bar?.update(now, { rate: Math.round(rate()) });
      const ms = systemClock.monotonic();
      if (bar !== undefined || ms - saidMs < lineMs) return;
      saidMs = ms;
      const left = Math.ceil((total - now) / Math.max(1, rate()));
      note(`${now} of ${total} tuples, ${Math.round(rate())} a second, ${left} s left`);
    },
    [Symbol.dispose]: () => bar?.stop(),
  };
}

function startBar(total: number, done: number) {
  const bar = new cliProgress.SingleBar({
    format: ' {bar} {value}/{total} tuples, {rate} a second, {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, done, { rate: 0 });
  return bar;
}
