// A clock that is set by hand: wall and monotonic time go together.
import type { Clock } from '../../src/base/clock.ts';

export class TestClock implements Clock {
  #elapsed = 0;
  readonly #start: number;

  constructor(start = Date.UTC(2030, 0, 1)) {
    this.#start = start;
  }

  now = () => this.#start + this.#elapsed;
  monotonic = () => 1_000_000 + this.#elapsed;

  advance(ms: number): void {
    this.#elapsed += ms;
  }

  get seconds(): number {
    return Math.floor(this.now() / 1_000);
  }
}
