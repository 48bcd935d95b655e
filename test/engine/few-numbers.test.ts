/** FewNumbers is a Map, whatever its size. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FewNumbers } from '../../src/engine/few-numbers.ts';

const key = fc.oneof(fc.integer({ min: -10, max: 20 }), fc.constantFrom(2 ** 40, 2 ** 53 - 1, -2));
const step = fc.record({ key, value: fc.integer(), remove: fc.boolean() });
const mostlyKept = fc.record({ key, value: fc.integer(), remove: fc.constant(false) });

test.each([step, mostlyKept])('after any steps it holds what a Map does', (steps) => {
  const property = fc.property(fc.array(steps, { maxLength: 60 }), (taken) => {
    const few = new FewNumbers();
    const map = new Map<number, number>();
    for (const { key, value, remove } of taken) {
      if (remove) {
        few.delete(key);
        map.delete(key);
      } else {
        few.set(key, value);
        map.set(key, value);
      }
      expect(few.get(key)).toBe(map.get(key));
      expect(few.has(key)).toBe(map.has(key));
    }
    expect([...few.keys()].sort()).toEqual([...map.keys()].sort());
    for (const [each, value] of map) expect(few.get(each)).toBe(value);
  });
  fc.assert(property, { seed: 1, numRuns: 1_000 });
});
