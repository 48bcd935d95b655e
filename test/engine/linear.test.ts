/**
 * Nested groups of many shapes, counting what is read: every group is read once, however many ways
 * lead to it and however they turn back on themselves.
 */
import { describe, expect, it } from 'vitest';
import { createWalk } from '../../src/engine/check.ts';
import type { TupleReader } from '../../src/storage/tuple-reader.ts';
import { type Answer, answerOf, tupleOf, World } from './world.ts';

/** Groups in groups by unions; the same below a ban, which takes the walk another way. */
const model = `
type user
type group
  relations
    define member: [user, group#member]
    define banned: [user]
    define cleared: [user, group#cleared] but not banned`;

interface Shape {
  readonly name: string;
  /** Which group is in which, by number; group 0 is asked about. */
  readonly edges: readonly (readonly [number, number])[];
  readonly groups: number;
  readonly depthMax?: number;
}

/** Layers of groups, each group in all of the layer above it. */
function layers(count: number, width: number, back: boolean): Shape {
  const edges: [number, number][] = [];
  for (let layer = 0; layer < count; layer++) {
    const above = layer === 0 ? [0] : numbers(width, 1 + (layer - 1) * width);
    for (const outer of above) {
      for (const inner of numbers(width, 1 + layer * width)) edges.push([outer, inner]);
    }
  }
  const last = numbers(width, 1 + (count - 1) * width);
  if (back) for (const outer of last) edges.push([outer, 0]);
  const name = `${count} layers of ${width}${back ? ' that lead back to the first' : ''}`;
  return { name, edges, groups: 1 + count * width };
}

function numbers(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

const ring: Shape = {
  name: 'a ring of 20',
  edges: numbers(20, 0).map((i) => [i, (i + 1) % 20]),
  groups: 20,
};

const ladder: Shape = {
  name: 'a ladder of 20 rungs, up and down and across',
  edges: numbers(20, 0).flatMap((i): [number, number][] => {
    const [left, right] = [2 * i, 2 * i + 1];
    const rung: [number, number][] = [
      [left, right],
      [right, left],
    ];
    if (i === 19) return rung;
    return [...rung, [left, left + 2], [left + 2, left], [right, right + 2], [right + 2, right]];
  }),
  groups: 40,
  depthMax: 60,
};

const dense: Shape = {
  name: '30 groups, each in every other',
  edges: numbers(30, 0).flatMap((i) =>
    numbers(30, 0)
      .filter((j) => j !== i)
      .map((j): [number, number] => [i, j]),
  ),
  groups: 30,
  depthMax: 40,
};

const shapes = [
  ring,
  ladder,
  dense,
  layers(12, 2, false),
  layers(12, 2, true),
  layers(8, 30, true),
];

function counting(reader: TupleReader): { reader: TupleReader; reads: () => number } {
  let reads = 0;
  const counted: TupleReader = {
    symbol: (text) => reader.symbol(text),
    entity: (type, id) => reader.entity(type, id),
    entityRef: (entity) => reader.entityRef(entity),
    idsOf: (entities) => reader.idsOf(entities),
    guard: (guard) => reader.guard(guard),
    find(...key) {
      reads++;
      return reader.find(...key);
    },
    subjects(...range) {
      reads++;
      return reader.subjects(...range);
    },
    objects: (...range) => reader.objects(...range),
  };
  return { reader: counted, reads: () => reads };
}

async function measure(
  shape: Shape,
  relation: string,
  members: readonly number[],
): Promise<{ answer: Answer; reads: number }> {
  const { edges, depthMax } = shape;
  const tuples = edges.map(
    ([outer, inner]) => `group:${outer}#${relation}@group:${inner}#${relation}`,
  );
  const world = await World.open(model, [
    ...tuples,
    ...members.map((group) => `group:${group}#${relation}@user:anne`),
  ]);
  const { object, subject } = tupleOf('group:0#member@user:anne');
  const result = world.view((base, compiled) => {
    const { reader, reads } = counting(base);
    const request = { subject, contextualTuples: [], context: {}, now: 0 };
    const limits = depthMax === undefined ? {} : { depthMax };
    const walk = createWalk(reader, compiled, { ...request, ...limits });
    return { answer: answerOf(walk.check(object, relation)), reads: reads() };
  });
  await world.close();
  return result;
}

describe('nested groups', () => {
  for (const shape of shapes) {
    it(`in ${shape.name} are read once each`, async () => {
      // A member's tuple is looked for, and the groups in it are listed.
      const plain = await measure(shape, 'member', []);
      expect(plain).toEqual({ answer: 'denied', reads: plain.reads });
      expect(plain.reads).toBeLessThanOrEqual(shape.groups * 2);
      const found = await measure(shape, 'member', [shape.groups - 1]);
      expect(found.answer).toBe('allowed');
      expect(found.reads).toBeLessThanOrEqual(shape.groups * 2);
    });

    it(`in ${shape.name} are read once each below a ban, too`, async () => {
      const none = await measure(shape, 'cleared', []);
      expect(none.answer).toBe('denied');
      expect(none.reads).toBeLessThanOrEqual(shape.groups * 3);
      const found = await measure(shape, 'cleared', [shape.groups - 1]);
      expect(found.answer).toBe('allowed');
      expect(found.reads).toBeLessThanOrEqual(shape.groups * 3);
    });
  }

  it('of 100,000 edges are read once each', async () => {
    const shape = layers(22, 68, true);
    expect(shape.edges.length).toBeGreaterThan(97_000);
    const plain = await measure(shape, 'member', []);
    expect(plain.answer).toBe('denied');
    expect(plain.reads).toBeLessThanOrEqual(shape.groups * 2);
  });

  it('A34: are found in any place of a wide relation', async () => {
    // Around the lengths at which counters of 16 bits and runs of tuples end.
    for (const width of [127, 128, 129, 1_152, 1_153, 65_537]) {
      const shape = {
        name: 'wide',
        groups: width + 1,
        edges: numbers(width, 1).map((i): [number, number] => [0, i]),
      };
      const found = await measure(shape, 'member', [width]);
      expect(found.answer, String(width)).toBe('allowed');
      expect(found.reads).toBeLessThanOrEqual(width * 2 + width / 100 + 5);
    }
  });
});
