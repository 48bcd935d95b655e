/** Timestamps and durations that were read before are not read again, up to a number and a length. */
import { expect, test, vi } from 'vitest';
import { limits } from '../../src/base/limits.ts';

/** Each time with nothing remembered. */
async function freshConvert() {
  vi.resetModules();
  const { convert } = await import('../../src/model/parameter-types.ts');
  return (type: 'timestamp' | 'duration', text: string) =>
    convert(text, { name: type, generics: [] });
}

/** A value that was read again is another object. */
test.each([
  [limits.timesRememberedMax - 1, true],
  [limits.timesRememberedMax, true],
  [limits.timesRememberedMax + 1, false],
])('of %d timestamps the first is remembered: %s', async (count, remembered) => {
  const read = await freshConvert();
  const textOf = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();
  const first = read('timestamp', textOf(0));
  // As many durations are kept beside them.
  const beside = read('duration', '1h');
  for (let second = 1; second < count; second++) read('timestamp', textOf(second));
  expect(read('timestamp', textOf(0)) === first).toBe(remembered);
  expect(read('duration', '1h')).toBe(beside);
});

test.each([
  [limits.timeTextRememberedMax - 1, true],
  [limits.timeTextRememberedMax, true],
  [limits.timeTextRememberedMax + 1, false],
])('a duration of %d characters is remembered: %s', async (length, remembered) => {
  const read = await freshConvert();
  const text = `1.${'0'.repeat(length - 3)}s`;
  expect(text.length).toBe(length);
  const first = read('duration', text);
  expect(read('duration', text) === first).toBe(remembered);
  expect(read('duration', text)).toEqual(first);
});
