/** What checks remember: as of one revision, up to so many bytes, under keys that are never equal. */
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { Memory, type Remembered, textOf } from '../../src/engine/memory.ts';
import { compiledOf } from '../model/build.ts';

function entry(asOf: number, entities: number): Remembered {
  const hops = new Map(Array.from({ length: entities }, (_, i) => [i, 1]));
  return { asOf, steps: 1, height: 0, search: { kind: 'held', held: { hops, whole: true } } };
}

test('an entry is there as of its revision, and as of no other', () => {
  const memory = new Memory(100_000);
  memory.keep('a', entry(3, 1));
  expect([2, 3, 4].map((asOf) => memory.get('a', asOf)?.asOf)).toEqual([undefined, 3, undefined]);
  memory.keep('a', entry(4, 1));
  expect([3, 4].map((asOf) => memory.get('a', asOf)?.asOf)).toEqual([undefined, 4]);
});

test('so many bytes are kept, and those for longest that are used', () => {
  // An entry counts 400 bytes and 40 an entity: 1,200 here.
  const memory = new Memory(24_000);
  for (let i = 0; i < 100; i++) {
    memory.keep(`${i}`, entry(1, 20));
    expect(memory.get('0', 1)).toBeDefined();
  }
  const kept = Array.from({ length: 100 }, (_, i) => memory.get(`${i}`, 1)).filter(Boolean);
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept.length).toBeGreaterThanOrEqual(10);
});

test('half of them is the most that one entry takes', () => {
  const memory = new Memory(2 * (400 + 40 * 5));
  memory.keep('five', entry(1, 5));
  memory.keep('six', entry(1, 6));
  expect([memory.get('five', 1), memory.get('six', 1)]).toEqual([entry(1, 5), undefined]);
  expect(limits.checkMemoryBytesMax).toBeGreaterThan(2 * (400 + 40 * 4_096));
});

test('keys are told apart by all that they are about', async () => {
  const [one, other] = [await compiledOf('type user'), await compiledOf('type user')];
  const key = { model: one, store: 1, side: 'subject', depthMax: 25, about: [1, 23] } as const;
  const keys = [
    key,
    { ...key, model: other },
    { ...key, store: 2 },
    { ...key, side: 'question' } as const,
    { ...key, side: 'edge' } as const,
    { ...key, depthMax: 2 },
    { ...key, about: [12, 3] },
    { ...key, about: [1, 2, 3] },
    { ...key, about: [-1, 23] },
  ];
  expect(new Set(keys.map(textOf)).size).toBe(keys.length);
  expect(textOf({ ...key, about: [1, 23] })).toBe(textOf(key));
});
