/** Counts the steps of a list, and says when it is time to let others have their turn. */
import { limits } from '../base/limits.ts';

/**
 * Called every `limits.interruptSteps` steps of long work, which it ends by throwing a `Refusal`:
 * nobody waits for the answer any more. The engine knows no clock; who asks it does.
 */
export type Interrupt = () => void;

export class Steps {
  private readonly sliceSteps: number;
  private readonly checks: { stepsTaken(): number } | undefined;
  private own = 0;
  private pauseAt: number;

  /** `checks` take steps of their own, which count too. */
  constructor(sliceSteps: number = limits.listSliceSteps, checks?: { stepsTaken(): number }) {
    this.sliceSteps = sliceSteps;
    this.checks = checks;
    this.pauseAt = sliceSteps;
  }

  /** Takes steps. Returns whether a slice is over. */
  take(count = 1): boolean {
    this.spend(count);
    const taken = this.taken();
    if (taken < this.pauseAt) return false;
    this.pauseAt = taken + this.sliceSteps;
    return true;
  }

  /** Takes steps. Whether a slice is over is asked later, by `left` or `take`. */
  spend(count = 1): void {
    this.own += count;
  }

  /** How many there are until the slice is over: then none, or fewer. */
  left(): number {
    return this.pauseAt - this.taken();
  }

  private taken(): number {
    return this.own + (this.checks?.stepsTaken() ?? 0);
  }
}

/** What is found as a whole, as a part of a list that is found piece by piece. */
export function* inPieces<Result>(
  work: Generator<undefined, Result, void>,
): Generator<readonly never[], Result, void> {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
    yield [];
  }
}
