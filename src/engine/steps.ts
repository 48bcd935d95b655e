/** Counts the steps of a list, and says when it is time to let others have their turn. */
import { limits } from '../base/limits.ts';

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
    this.own += count;
    const taken = this.own + (this.checks?.stepsTaken() ?? 0);
    if (taken < this.pauseAt) return false;
    this.pauseAt = taken + this.sliceSteps;
    return true;
  }
}
