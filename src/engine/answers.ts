/**
 * What a walk remembers: the final answers, and the questions that are still pending because they
 * lie on a cycle through an intersection or an exclusion.
 *
 * A question met again on its own path is false where no subtracted side lies between the two
 * (nothing holds by its own say), else undefined. Why answers can be remembered all the same:
 *
 * - A true leans on nothing. Rewrites are monotone in what was taken for false above it, and what
 *   lies under a subtraction of its own was taken for false only on behalf of questions below it.
 * - An undefined and an error claim nothing but that this walk cannot tell. Whoever is answered so
 *   at the root is settled otherwise, or told the error.
 * - A false may lean on open questions that were taken for false, all of them under exactly as many
 *   subtractions as itself. It is *provisional*: good for questions under as many, while those are
 *   open. When the lowest one that it leans on comes out false too, all of them are unfounded
 *   together and so final; when that one comes out otherwise, they are forgotten. A true forgets
 *   the errors that leaned on it as well: it may decide them.
 *
 * Questions are kept as Tarjan keeps the nodes of strong components, in the order in which they were
 * opened, each with the lowest place that it leans on.
 */
import { FewNumbers } from './few-numbers.ts';
import { falseValue, isError, trueValue, undefinedValue, type Value } from './value.ts';

/** In place of the value of a question that is on the path. */
const onPath = -1;

/** The place of a question that leans on none. */
const nowhere = Number.MAX_SAFE_INTEGER;

/** Stands for arrays that were not made yet. */
const unused: number[] = [];

export class Answers {
  /** Whether anything was ever undefined: then a value that is neither true nor false may be more. */
  metUndefined = false;

  /** By key of the question: its final value, or the complement of its place among the pending. */
  private readonly known = new FewNumbers();
  /** An error may come of the depth at which it was met, so it holds at that depth and below. */
  private errorDepths: Map<number, number> | undefined = undefined;

  /** The pending questions, open or provisional, in the order in which they were opened. */
  private keys = unused;
  private values = unused;
  private depths = unused;
  private subtractions = unused;
  /** What the question below on the path leaned on when this one was opened. */
  private outer = unused;
  private size = 0;
  /** The lowest place that the question on top of the path leans on so far. */
  private lowest = nowhere;

  /**
   * What a question is worth that is asked at this depth, under so many subtracted sides; undefined
   * if it must be evaluated.
   */
  find(key: number, depth: number, subtracted: number): Value | undefined {
    const known = this.known.get(key);
    if (known === undefined) return undefined;
    if (known < 0) return this.pending(~known, depth, subtracted);
    return isError(known) && depth < (this.errorDepths?.get(key) ?? 0) ? undefined : known;
  }

  /** REQUIRES: the value leans on no open question. */
  remember(key: number, value: Value, depth: number): void {
    this.known.set(key, value);
    if (!isError(value)) return;
    this.errorDepths ??= new Map();
    this.errorDepths.set(key, depth);
  }

  /** Puts a question on the path, and returns its place. */
  open(key: number, depth: number, subtracted: number): number {
    if (this.keys === unused) this.makePending();
    const place = this.size++;
    this.keys[place] = key;
    this.values[place] = onPath;
    this.depths[place] = depth;
    this.subtractions[place] = subtracted;
    this.outer[place] = this.lowest;
    this.lowest = nowhere;
    this.known.set(key, ~place);
    return place;
  }

  /** Takes the question on top of the path off it. */
  close(place: number, value: Value): void {
    const lowest = this.lowest;
    const outer = this.outer[place] as number;
    this.lowest = outer;
    this.values[place] = value;
    if (value === trueValue) {
      const key = this.keys[place] as number;
      this.forget(place);
      this.known.set(key, value);
      return;
    }
    if (value !== falseValue) this.forgetFalse(place + 1);
    if (lowest >= place) this.conclude(place);
    else if (lowest < outer) this.lowest = lowest;
  }

  /** Forgets what a walk left open that was broken off. */
  reset(): void {
    this.forget(0);
    this.lowest = nowhere;
  }

  /** Few walks meet a cycle that is no plain recursion. */
  private makePending(): void {
    this.keys = [];
    this.values = [];
    this.depths = [];
    this.subtractions = [];
    this.outer = [];
  }

  private pending(place: number, depth: number, subtracted: number): Value | undefined {
    let value = this.values[place] as Value;
    const straight = this.subtractions[place] === subtracted;
    if (value === onPath) {
      if (!straight) {
        this.metUndefined = true;
        return undefinedValue;
      }
      value = falseValue;
    } else if (value === falseValue) {
      if (!straight) return undefined;
    } else if (isError(value) && depth < (this.depths[place] as number)) {
      return undefined;
    }
    if (place < this.lowest) this.lowest = place;
    return value;
  }

  /** The question at this place leans on none before it, and so none after it does: all are final. */
  private conclude(from: number): void {
    for (let place = from; place < this.size; place++) {
      if (!this.isAt(place)) continue;
      this.remember(
        this.keys[place] as number,
        this.values[place] as Value,
        this.depths[place] as number,
      );
    }
    this.size = from;
  }

  /** Those after a question that did not come out false: some were false only if it was. */
  private forgetFalse(from: number): void {
    for (let place = from; place < this.size; place++) {
      if (this.values[place] !== falseValue || !this.isAt(place)) continue;
      this.known.delete(this.keys[place] as number);
    }
  }

  private forget(from: number): void {
    for (let place = from; place < this.size; place++) {
      if (this.isAt(place)) this.known.delete(this.keys[place] as number);
    }
    this.size = from;
  }

  /** Whether the question at this place is still known by it: it may have been opened again. */
  private isAt(place: number): boolean {
    return this.known.get(this.keys[place] as number) === ~place;
  }
}
