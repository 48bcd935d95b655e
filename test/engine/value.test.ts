/** The packed intervals against their definition, for every pair of values. */
import { describe, expect, it } from 'vitest';
import { both, causeOf, either, isError, uncertain, without } from '../../src/engine/value.ts';

interface Interval {
  readonly low: number;
  readonly high: number;
}

const intervals: readonly Interval[] = [0, 1, 2].flatMap((low) =>
  [0, 1, 2].filter((high) => high >= low).map((high) => ({ low, high })),
);

function pack({ low, high }: Interval, cause: number): number {
  return low | (high << 2) | (low === high ? 0 : cause << 4);
}

describe('intervals', () => {
  for (const a of intervals) {
    for (const b of intervals) {
      it(`combine [${a.low}, ${a.high}] and [${b.low}, ${b.high}] end by end`, () => {
        const [x, y] = [pack(a, 3), pack(b, 5)];
        const ends = (value: number) => ({ low: value & 3, high: (value >> 2) & 3 });
        expect(ends(either(x, y))).toEqual({
          low: Math.max(a.low, b.low),
          high: Math.max(a.high, b.high),
        });
        expect(ends(both(x, y))).toEqual({
          low: Math.min(a.low, b.low),
          high: Math.min(a.high, b.high),
        });
        expect(ends(without(x, y))).toEqual({
          low: Math.min(a.low, 2 - b.high),
          high: Math.min(a.high, 2 - b.low),
        });
        for (const value of [either(x, y), both(x, y), without(x, y)]) {
          expect(isError(value)).toBe((value & 3) !== ((value >> 2) & 3));
        }
      });
    }
  }

  it('keep the first cause that still matters', () => {
    expect(causeOf(either(uncertain(3), uncertain(5)))).toBe(3);
    expect(causeOf(either(pack({ low: 0, high: 0 }, 0), uncertain(5)))).toBe(5);
    expect(causeOf(without(pack({ low: 2, high: 2 }, 0), uncertain(7)))).toBe(7);
  });
});
