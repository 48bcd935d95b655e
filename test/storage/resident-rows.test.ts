// The rows of a base: groups of every length around what a head can count, in any place of a row, with
// and without guards, compared with what they were written from.
import { expect, test } from 'vitest';
import { Adjacency, countMask } from '../../src/storage/resident/adjacency.ts';
import { RowWriter } from '../../src/storage/resident/row-writer.ts';
import { drain } from './fixtures.ts';

type Group = readonly [entity: number, kind: number, count: number, guardEvery: number];

/** Members are 2, 4, 6, …; one in `guardEvery` has a guard, 0: none. */
function written(entities: number, groups: readonly Group[]): Adjacency {
  const members: number[] = [];
  const guards: number[] = [];
  const writer = new RowWriter(entities);
  for (const [entity, kind, count, guardEvery] of groups) {
    writer.begin(entity, kind, members.length);
    for (let i = 1; i <= count; i++) {
      members.push(2 * i);
      guards.push(guardOf(i, guardEvery));
    }
  }
  const any = guards.some((guard) => guard !== 0);
  return new Adjacency(writer.build(Int32Array.from(members), Int32Array.from(any ? guards : [])));
}

function guardOf(i: number, guardEvery: number): number {
  return guardEvery > 0 && i % guardEvery === 0 ? i : 0;
}

function expectAll(adjacency: Adjacency, groups: readonly Group[]): void {
  for (const [entity, kind, count, guardEvery] of groups) {
    const { entities, guards } = drain((after) => adjacency.run(entity, kind, after));
    expect(entities).toHaveLength(count);
    expect(entities.every((member, i) => member === 2 * (i + 1))).toBe(true);
    expect(guards.every((guard, i) => guard === guardOf(i + 1, guardEvery))).toBe(true);
    expect(adjacency.run(entity, kind, 0).guards === undefined).toBe(
      guardEvery === 0 || count < guardEvery,
    );
    for (const i of [1, 2, count - 1, count]) {
      if (i < 1 || i > count) continue;
      expect(adjacency.find(entity, kind, 2 * i)).toBe(guardOf(i, guardEvery));
      expect(adjacency.find(entity, kind, 2 * i + 1)).toBe(-1);
    }
    expect(adjacency.find(entity, kind, 2 * count + 2)).toBe(-1);
    const chunks = adjacency.chunks(entity, kind);
    expect(chunks.flatMap(({ members }) => [...members])).toEqual(entities);
  }
}

test('groups that are too long for their head, before, between and after others', () => {
  const lengths = [1, countMask, countMask + 1, countMask + 2, 2, 3 * countMask, 1];
  const groups = lengths.map((count, i): Group => [1, i, count, i % 2]);
  const others: Group[] = [
    [2, 65_535, 3, 0],
    [4, 65_535, countMask + 1, 2],
    [4, 32_768, 1, 0],
    [4, 0, 1, 1],
  ];
  const adjacency = written(5, [...groups, ...others]);
  expectAll(adjacency, [...groups, ...others]);
  expectAll(written(5, groups.toReversed()), groups);
});

test('what has no group has no members', () => {
  const adjacency = written(3, [[2, 7, 1, 0]]);
  for (const [entity, kind] of [
    [0, 7],
    [1, 7],
    [2, 6],
    [2, 8],
    [3, 7],
    [4, 7],
    [1_000, 7],
  ] as const) {
    expect(adjacency.find(entity, kind, 2)).toBe(-1);
    expect(adjacency.run(entity, kind, 0)).toMatchObject({ start: 0, end: 0, next: 0 });
    expect(adjacency.chunks(entity, kind)).toEqual([]);
  }
  expectAll(written(0, []), []);
});

test('no guards are kept where nothing is guarded, many groups, and their order', () => {
  const groups = Array.from(
    { length: 5_000 },
    (_, i): Group => [1 + (i >> 2), i & 3, 1 + (i % 5), 0],
  );
  expectAll(written(1_250, groups), groups);
  const writer = new RowWriter(3);
  writer.begin(2, 0, 0);
  expect(() => writer.begin(1, 0, 0)).toThrow('in the order of their entities');
});
