// The graph by itself: commits upon a base, held revisions, groups long enough to be cut in chunks,
// and what it refuses, compared with a plain list of tuples for each revision.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Base, BaseBuilder } from '../../src/storage/resident/base.ts';
import { type Commit, type Horizon, ResidentGraph } from '../../src/storage/resident/graph.ts';
import { Kinds } from '../../src/storage/resident/kinds.ts';
import { NameTable, NameTableBuilder } from '../../src/storage/resident/name-table.ts';
import { TooLarge } from '../../src/storage/resident/too-large.ts';
import type { Run } from '../../src/storage/tuple-reader.ts';
import { drain } from './fixtures.ts';

const roomy = 2 ** 30;
/** Entities 1, 2, … are objects of type 1; those after them subjects of type 2 and 3, in turn. */
const objects = 3;
const [viewer, member] = [4, 5];

type Key = readonly [object: number, relation: number, subjectRelation: number, subject: number];

function typeOf(entity: number): number {
  return entity <= objects ? 1 : 2 + (entity % 2);
}

/** Guards by key, of one revision. */
type Tuples = ReadonlyMap<string, number>;

function baseOf(entities: number, tuples: Tuples): Base {
  const builder = new BaseBuilder({ entities, tuples: tuples.size }, roomy);
  for (let entity = 1; entity <= entities; entity++) {
    builder.addEntity(entity, typeOf(entity), `e${entity}`);
  }
  const rows = [...tuples].map(([key, guard]) => {
    const [object, relation, subjectRelation, subject] = JSON.parse(key) as Key;
    return [object, relation, typeOf(subject), subjectRelation, subject, guard] as const;
  });
  rows.sort((a, b) => a.reduce((order, part, i) => order || part - (b[i] as number), 0));
  for (const row of rows) builder.addTuple(...row);
  const symbols = ['one', 'two', 'three', 'viewer', 'member'];
  return builder.build({ incarnation: 1, revision: 7, latestModel: undefined, symbols });
}

function expectSame(graph: ResidentGraph, { revision }: Horizon, tuples: Tuples): void {
  const forward = new Map<string, [number, number][]>();
  const backward = new Map<string, [number, number][]>();
  for (const [key, guard] of tuples) {
    const [object, relation, subjectRelation, subject] = JSON.parse(key) as Key;
    const side = [object, relation, typeOf(subject), subjectRelation].join();
    const turned = [subject, subjectRelation, relation, typeOf(object)].join();
    forward.set(side, [...(forward.get(side) ?? []), [subject, guard]]);
    backward.set(turned, [...(backward.get(turned) ?? []), [object, guard]]);
    expect(graph.find(revision, object, relation, subject, subjectRelation)).toBe(guard);
  }
  const sorted = (members: [number, number][] = []) => members.sort(([a], [b]) => a - b);
  const drained = (read: (after: number) => Run) => {
    const { entities, guards } = drain(read);
    return entities.map((entity, i) => [entity, guards[i]]);
  };
  for (let entity = 1; entity <= objects; entity++) {
    for (const relation of [viewer, member]) {
      for (const type of [2, 3]) {
        for (const other of [0, member]) {
          const run = (after: number) =>
            graph.subjects(revision, entity, relation, type, other, after);
          const wanted = sorted(forward.get([entity, relation, type, other].join()));
          expect(drained(run)).toEqual(wanted);
          for (const [subject] of wanted.slice(0, 3)) {
            const found = graph.find(revision, entity, relation, subject, other);
            expect(found).toBe(wanted.find(([each]) => each === subject)?.[1]);
          }
        }
      }
    }
  }
  for (const [turned, wanted] of backward) {
    const [subject = 0, other = 0, relation = 0, type = 0] = turned.split(',').map(Number);
    const run = (after: number) => graph.objects(revision, subject, other, relation, type, after);
    expect(drained(run)).toEqual(sorted(wanted));
  }
}

const keys = (entities: number): fc.Arbitrary<Key> =>
  fc.tuple(
    fc.integer({ min: 1, max: objects }),
    fc.constantFrom(viewer, member),
    fc.constantFrom(0, member),
    fc.integer({ min: objects + 1, max: entities }),
  );

type Change = readonly [Key, number];
type Step =
  | { readonly kind: 'commit'; readonly changes: readonly Change[]; readonly part: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'release' };

function steps(entities: number, changes: number): fc.Arbitrary<Step[]> {
  const change = fc.tuple(keys(entities), fc.constantFrom(-2, -1, -1, 0, 0, 0, 3, 4));
  return fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('commit' as const),
          changes: fc.array(change, { minLength: 1, maxLength: changes, size: 'max' }),
          part: fc.constantFrom(1, 3, Number.POSITIVE_INFINITY),
        }),
      },
      fc.constantFrom<Step>({ kind: 'hold' }, { kind: 'release' }),
    ),
    { minLength: 5, maxLength: 25, size: 'max' },
  );
}

function run(entities: number, first: Tuples, sequence: readonly Step[]): void {
  const graph = new ResidentGraph(baseOf(entities, first));
  let now = new Map(first);
  const held: [Horizon, Tuples][] = [];
  expectSame(graph, graph.horizon, now);
  for (const step of sequence) {
    if (step.kind === 'hold') held.push([graph.hold(), new Map(now)]);
    else if (step.kind === 'release') {
      const [gone] = held.splice(held.length >> 1, 1);
      if (gone !== undefined) graph.release(gone[0]);
    } else {
      const before = now;
      now = new Map(now);
      for (const [key, guard] of step.changes) {
        if (guard < 0) now.delete(JSON.stringify(key));
        else now.set(JSON.stringify(key), guard);
      }
      const { horizon } = graph;
      graph.begin(commitOf(graph, step.changes));
      // Halfway it is what it was; who holds that keeps it.
      while (!graph.proceed(step.part)) {
        expect(graph.horizon).toBe(horizon);
        if (step.changes.length < 10) expectSame(graph, horizon, before);
      }
    }
    for (const [horizon, tuples] of held) expectSame(graph, horizon, tuples);
  }
  expectSame(graph, graph.horizon, now);
}

function commitOf(graph: ResidentGraph, changes: readonly Change[]): Commit {
  return {
    revision: graph.horizon.revision + 1,
    entities: [],
    symbols: [],
    model: undefined,
    changes: changes.map(([[object, relation, subjectRelation, subject], guard]) => ({
      object,
      relation,
      subject,
      subjectRelation,
      guard,
    })),
  };
}

describe('commits upon a base', () => {
  test('few entities, so that every group changes often', () => {
    const firstOf = fc.array(fc.tuple(keys(8), fc.constantFrom(0, 0, 3)), { maxLength: 20 });
    fc.assert(
      fc.property(firstOf, steps(8, 8), (first, sequence) => {
        run(8, new Map(first.map(([key, guard]) => [JSON.stringify(key), guard])), sequence);
      }),
      { numRuns: 80, seed: 3 },
    );
  });

  test('groups of thousands, in chunks', () => {
    const entities = 9_000;
    const first = new Map<string, number>();
    for (let subject = objects + 1; subject <= entities; subject++) {
      if (subject % 3 !== 0) first.set(JSON.stringify([1, viewer, 0, subject]), subject % 50 && 0);
    }
    fc.assert(
      fc.property(steps(entities, 300), (sequence) => run(entities, first, sequence)),
      { numRuns: 2, seed: 5 },
    );
  });

  test('a group that is emptied, filled, and longer than all chunks before', () => {
    const all = (guard: number) =>
      Array.from({ length: 5_000 }, (_, i) => [[1, viewer, 0, objects + 1 + i], guard] as const);
    const commit = (changes: readonly Change[]): Step => ({
      kind: 'commit',
      changes,
      part: 700,
    });
    run(6_000, new Map(), [
      commit(all(0)),
      { kind: 'hold' },
      commit(all(-1)),
      { kind: 'hold' },
      commit(all(3)),
      commit(all(0).slice(1_000, 1_100)),
      { kind: 'release' },
      commit(all(-2).slice(1)),
    ]);
  });

  test('members that come one by one fill chunks, and do not get one each', () => {
    const graph = new ResidentGraph(baseOf(4_000, new Map()));
    const write = (subject: number) => graph.apply(commitOf(graph, [[[1, viewer, 0, subject], 0]]));
    for (let subject = 4; subject <= 4_000; subject += 2) write(subject);
    let runs = 0;
    for (let after = 0, more = true; more; runs++) {
      const { next } = graph.subjects(graph.horizon.revision, 1, viewer, 2, 0, after);
      after = next;
      more = next !== 0;
    }
    expect(runs).toBeLessThan(5);
  });

  test('versions that nobody can read are let go of, however long another is held', () => {
    const graph = new ResidentGraph(baseOf(10, new Map()));
    const write = (guard: number) => graph.apply(commitOf(graph, [[[1, viewer, 0, 5], guard]]));
    write(0);
    const held = graph.hold();
    write(3);
    const bytes = graph.bytes;
    for (let i = 0; i < 1_000; i++) write(i % 2);
    expect(graph.bytes).toBeLessThan(bytes + 1_000);
    expect(graph.find(held.revision, 1, viewer, 5, 0)).toBe(0);
    graph.release(held);
    for (let i = 0; i < 10; i++) write(0);
    expect(graph.bytes).toBeLessThan(bytes);
  });
});

describe('what is held', () => {
  test('shows no entity, symbol or model that came later', () => {
    const graph = new ResidentGraph(baseOf(4, new Map()));
    const held = graph.hold();
    graph.apply({
      revision: 8,
      entities: [{ entity: 5, type: 2, name: 'new' }],
      symbols: [{ symbol: 6, text: 'six' }],
      changes: [],
      model: '01MZDEK0000000000000000001' as never,
    });
    expect([graph.entity(held, 2, 'new'), graph.entity(graph.horizon, 2, 'new')]).toEqual([0, 5]);
    expect([graph.symbol(held, 'six'), graph.symbol(graph.horizon, 'six')]).toEqual([0, 6]);
    expect(graph.latestModelId(held.revision)).toBeUndefined();
    expect(graph.latestModelId(8)).toBe('01MZDEK0000000000000000001');
  });
});

test('a commit that is taken in by parts is seen as one, and a reader of before may hold on', () => {
  const graph = new ResidentGraph(baseOf(4, new Map()));
  const before = graph.horizon;
  graph.begin({
    ...commitOf(graph, [
      [[1, viewer, 0, 4], 0],
      [[1, viewer, 0, 5], 0],
    ]),
    entities: [{ entity: 5, type: 2, name: 'new' }],
    model: '01MZDEK0000000000000000001' as never,
  });
  const seen = ({ revision }: Horizon) => [
    graph.entity(graph.horizon, 2, 'new'),
    graph.latestModelId(graph.horizon.revision),
    drain((after) => graph.subjects(revision, 1, viewer, 2, 0, after)).entities,
  ];
  for (const more of [0, 1, 1]) {
    expect([graph.proceed(more), graph.isWhole]).toEqual([false, false]);
    expect(graph.horizon).toBe(before);
    expect(seen(before)).toEqual([0, undefined, []]);
  }
  const held = graph.hold();
  expect([graph.proceed(1), graph.isWhole, graph.proceed(1)]).toEqual([true, true, true]);
  expect(seen(held)).toEqual([5, '01MZDEK0000000000000000001', []]);
  expect(graph.horizon.revision).toBe(8);
  expect(seen(graph.horizon)[2]).toHaveLength(2);
});

describe('what is refused', () => {
  const nothing = { entities: [], symbols: [], changes: [], model: undefined };

  test('a commit in the midst of another', () => {
    const graph = new ResidentGraph(baseOf(4, new Map()));
    graph.begin(commitOf(graph, [[[1, viewer, 0, 4], 0]]));
    expect(() => graph.begin({ ...nothing, revision: 8 })).toThrow('whole before the next');
  });

  test('a commit that is not the next', () => {
    const graph = new ResidentGraph(baseOf(4, new Map()));
    for (const revision of [7, 9, 0]) {
      expect(() => graph.apply({ ...nothing, revision })).toThrow('one after the other');
    }
  });

  test('ids with a gap, and tuples of entities that nobody has heard of', () => {
    const graph = () => new ResidentGraph(baseOf(4, new Map()));
    const entities = [{ entity: 6, type: 2, name: 'x' }];
    expect(() => graph().apply({ ...nothing, revision: 8, entities })).toThrow('without gaps');
    const symbols = [{ symbol: 7, text: 'x' }];
    expect(() => graph().apply({ ...nothing, revision: 8, symbols })).toThrow('without gaps');
    const stray = graph();
    expect(() => stray.apply(commitOf(stray, [[[1, viewer, 0, 5], 0]]))).toThrow('known');
    const builder = new BaseBuilder({ entities: 2, tuples: 1 }, roomy);
    builder.addEntity(1, 1, 'a');
    expect(() => builder.addEntity(3, 1, 'b')).toThrow('without gaps');
  });

  test('more kinds of tuples than numbers for them', () => {
    const kinds = new Kinds();
    for (let i = 0; i < 65_536; i++) expect(kinds.add(i, 1, 0)).toBe(i);
    expect(kinds.add(3, 1, 0)).toBe(3);
    expect(() => kinds.add(65_536, 1, 0)).toThrow(TooLarge);
  });

  test('a store that would not fit, before it is read', () => {
    expect(() => new BaseBuilder({ entities: 10, tuples: 1_000 }, 8_239)).toThrow(TooLarge);
    expect(() => new BaseBuilder({ entities: 10, tuples: 1_000 }, 8_240)).not.toThrow();
    expect(() => new BaseBuilder({ entities: 2 ** 31 - 1, tuples: 1 }, 2 ** 50)).toThrow(TooLarge);
  });
});

describe('names', () => {
  const texts = [
    '',
    'a',
    'A',
    'ab',
    '\u00e9',
    'e\u0301',
    '😀',
    'a\0',
    'ß',
    'ss',
    '*',
    'x'.repeat(5_000),
  ];

  test('are found by all of their bytes and by their type', () => {
    const builder = new NameTableBuilder(texts.length * 2, 1);
    for (const type of [1, 2]) for (const text of texts) builder.add(type, text);
    const table = new NameTable(builder.build());
    for (const [at, text] of texts.entries()) {
      expect([table.find(1, text), table.find(2, text)]).toEqual([at + 1, texts.length + at + 1]);
      expect(table.nameOf(at + 1)).toBe(text);
      expect(table.typeOf(texts.length + at + 1)).toBe(2);
      expect(table.find(3, text)).toBe(0);
    }
    for (const unknown of ['b', 'aa', '\ud800', 'a\ud800', '\ufffd', 'x'.repeat(4_999)]) {
      expect(table.find(1, unknown)).toBe(0);
    }
  });

  test('random ones, and others that differ in one character', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 200 }), (all) => {
        const builder = new NameTableBuilder(all.length, 8);
        for (const text of all) builder.add(1, text);
        const table = new NameTable(builder.build());
        for (const [at, text] of all.entries()) {
          expect(table.find(1, text)).toBe(at + 1);
          const longer = `${text}x`;
          expect(table.find(1, longer)).toBe(all.indexOf(longer) + 1);
        }
      }),
      { numRuns: 50, seed: 2 },
    );
  });
});
