/**
 * What a question is worth while a walk looks for its answer: an interval over
 * false < undefined < true, packed into one small integer.
 *
 * Both ends agree when the tuples settle the question. They differ below an error (a condition
 * whose parameters nobody gave, a limit): the answer lies somewhere between, and the interval
 * remembers the cause. So an error counts only where it could change the answer: a true beats it in
 * a union, a false in an intersection.
 */

/** Bits 0-1 the lower end, bits 2-3 the upper end, the rest the number of the cause. */
export type Value = number;

export const falseValue: Value = 0b00_00;
export const undefinedValue: Value = 0b01_01;
export const trueValue: Value = 0b10_10;

const top = 2;

/** Anything from false to true. REQUIRES: a cause from 1 up. */
export function uncertain(cause: number): Value {
  return (cause << 4) | (top << 2);
}

/** The number of the cause; 0 where both ends agree. */
export function causeOf(value: Value): number {
  return value >> 4;
}

export function isError(value: Value): boolean {
  return value >> 4 !== 0;
}

/** The greater of two values: a union. */
export function either(a: Value, b: Value): Value {
  if (a === falseValue || b === trueValue) return b;
  if (b === falseValue || a === trueValue) return a;
  const low = (a & 3) > (b & 3) ? a & 3 : b & 3;
  const high = (a & 12) > (b & 12) ? a & 12 : b & 12;
  return interval(low, high, a >> 4 || b >> 4);
}

/** The lesser of two values: an intersection, and a condition with what it guards. */
export function both(a: Value, b: Value): Value {
  if (a === trueValue || b === falseValue) return b;
  if (b === trueValue || a === falseValue) return a;
  const low = (a & 3) < (b & 3) ? a & 3 : b & 3;
  const high = (a & 12) < (b & 12) ? a & 12 : b & 12;
  return interval(low, high, a >> 4 || b >> 4);
}

/** What is in the base and not in what is subtracted. */
export function without(base: Value, subtract: Value): Value {
  const low = top - ((subtract >> 2) & 3);
  const high = (top - (subtract & 3)) << 2;
  return both(base, interval(low, high, subtract >> 4));
}

function interval(low: number, high: number, cause: number): Value {
  return low << 2 === high ? low | high : low | high | (cause << 4);
}
