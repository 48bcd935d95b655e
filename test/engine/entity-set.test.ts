// What a list has met: the same as a plain set, whichever way entities come into it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntitySet } from '../../src/engine/entity-set.ts';

const entity = fc.integer({ min: 1, max: 60 });
const far = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add'), entity: fc.oneof(entity, far, fc.constant(-2)) } as const),
  fc.record({ kind: fc.constant('has'), entity } as const),
  fc.record({ kind: fc.constant('reserve'), more: fc.integer({ min: 0, max: 40 }) } as const),
  fc.record({ kind: fc.constant('run'), run: fc.uniqueArray(entity, { maxLength: 30 }) } as const),
  fc.record({ kind: fc.constant('any'), run: fc.array(entity, { maxLength: 6 }) } as const),
);

test('a set has what was added to it, and says of each whether it was new', () => {
  const property = fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const set = new EntitySet();
    const plain = new Set<number>();
    for (const step of steps) {
      switch (step.kind) {
        case 'add':
          expect(set.add(step.entity)).toBe(!plain.has(step.entity));
          plain.add(step.entity);
          break;
        case 'has':
          expect(set.has(step.entity)).toBe(plain.has(step.entity));
          break;
        case 'reserve':
          set.reserve(step.more);
          break;
        case 'run':
        case 'any': {
          const run = step.kind === 'run' ? step.run.sort((a, b) => a - b) : step.run;
          if (!set.addAscending([7, ...run, 8], 1, run.length + 1)) break;
          for (const each of run) {
            expect(plain.has(each)).toBe(false);
            plain.add(each);
          }
          break;
        }
      }
    }
    for (let each = 1; each <= 60; each++) expect(set.has(each)).toBe(plain.has(each));
  });
  fc.assert(property, { seed: 1, numRuns: 500 });
});

test('runs that go on from each other are added whole, and no others', () => {
  const set = new EntitySet();
  expect(set.addAscending([3, 5], 0, 2)).toBe(true);
  expect(set.addAscending([6, 9], 0, 2)).toBe(true);
  expect(set.addAscending([9, 10], 0, 2)).toBe(false);
  expect(set.addAscending([11, 11], 0, 2)).toBe(false);
  expect(set.has(10) || set.has(11)).toBe(false);
  expect([3, 5, 6, 9].map((entity) => set.has(entity))).toEqual([true, true, true, true]);
});
