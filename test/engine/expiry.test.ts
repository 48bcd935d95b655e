// Tuples that expire: at their very millisecond they stop to count, for every question alike.
import { afterEach, describe, expect, test } from 'vitest';
import { explain } from '../../src/engine/explain.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { type Question, type TupleText, tupleOf, World } from './world.ts';

/** In the year 2100: nothing is collected while a test runs. */
const end = 4_102_444_800_000;

const model = `
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, user:*, group#member, user with c]
type document
  relations
    define parent: [folder]
    define banned: [user]
    define viewer: viewer from parent
    define reader: viewer but not banned
    define gated: [user with c]
condition c(x: int) {
  x > 1
}
`;

let world: World;
afterEach(() => world.close());

const until = (tuple: string, condition = '', context = {}): TupleText => [
  tuple,
  condition,
  context,
  end,
];

interface Case {
  readonly name: string;
  readonly tuples: readonly TupleText[];
  /** `object#relation@subject`, allowed while the tuple is there. */
  readonly check: string;
  readonly question?: Question;
}

const cases: readonly Case[] = [
  {
    name: 'a tuple that names the subject',
    tuples: [until('folder:1#viewer@user:anne')],
    check: 'folder:1#viewer@user:anne',
  },
  {
    name: 'a wildcard',
    tuples: [until('folder:1#viewer@user:*')],
    check: 'folder:1#viewer@user:anne',
  },
  {
    name: 'a userset',
    tuples: [until('folder:1#viewer@group:1#member'), 'group:1#member@user:anne'],
    check: 'folder:1#viewer@user:anne',
  },
  {
    name: 'a member of a group',
    tuples: ['folder:1#viewer@group:1#member', until('group:1#member@user:anne')],
    check: 'folder:1#viewer@user:anne',
  },
  {
    name: 'a group in a group',
    tuples: [
      'folder:1#viewer@group:1#member',
      until('group:1#member@group:2#member'),
      'group:2#member@user:anne',
    ],
    check: 'folder:1#viewer@user:anne',
  },
  {
    name: 'a parent',
    tuples: [until('document:1#parent@folder:1'), 'folder:1#viewer@user:anne'],
    check: 'document:1#reader@user:anne',
  },
  {
    name: 'a tuple with a condition',
    tuples: [until('document:1#gated@user:anne', 'c', { x: 2 })],
    check: 'document:1#gated@user:anne',
  },
  {
    name: 'a condition that the request fills',
    tuples: [until('document:1#gated@user:anne', 'c')],
    check: 'document:1#gated@user:anne',
    question: { context: { x: 2 } },
  },
];

describe.each(cases)('$name', ({ tuples, check, question = {} }) => {
  test.each([
    ['a millisecond before', end - 1, true],
    ['at its instant', end, false],
    ['later', end + 1, false],
  ] as const)('%s', async (_name, now, there) => {
    world = await World.open(model, tuples);
    const { object, relation, subject } = tupleOf(check);
    const at = { ...question, now };
    expect(world.check(check, at)).toBe(there ? 'allowed' : 'denied');
    const objects = world.listObjects(`user:anne ${relation} ${object.type}`, at);
    expect(objects).toEqual(there ? [object.id] : []);
    const users = world.listSubjects(`${check.split('@')[0]}@user`, at);
    expect(users.length > 0).toBe(there);
    const explained = world.view((reader, compiled) =>
      explain(reader, compiled, {
        ...{ object, relation, subject, now, contextualTuples: [] },
        context: question.context ?? {},
      }),
    );
    expect(explained.outcome).toBe(there ? 'allowed' : 'denied');
  });
});

test('one that is subtracted gives back what it took', async () => {
  world = await World.open(model, [
    'document:1#parent@folder:1',
    'folder:1#viewer@user:anne',
    until('document:1#banned@user:anne'),
  ]);
  expect(world.check('document:1#reader@user:anne', { now: end - 1 })).toBe('denied');
  expect(world.check('document:1#reader@user:anne', { now: end })).toBe('allowed');
});

test('an expired condition fails nothing, though its parameters are missing', async () => {
  world = await World.open(model, [until('document:1#gated@user:anne', 'c')]);
  for (const [now, answer, listed] of [
    [end - 1, 'validation_error', 'validation_error'],
    [end, 'denied', []],
  ] as const) {
    expect(world.check('document:1#gated@user:anne', { now })).toBe(answer);
    expect(world.listObjects('user:anne gated document', { now })).toEqual(listed);
    expect(world.listSubjects('document:1#gated@user', { now })).toEqual(listed);
  }
});

test('an expiry does not make a tuple one that a condition has to allow, nor the other way', async () => {
  world = await World.open(model, [
    until('document:1#gated@user:anne'),
    until('document:1#banned@user:anne', 'c', { x: 2 }),
  ]);
  // Older models may have left both: this one allows neither.
  expect(world.check('document:1#gated@user:anne')).toBe('denied');
  expect(world.check('document:1#banned@user:anne')).toBe('denied');
});

test('expand shows those that are there, with or without a condition', async () => {
  world = await World.open(model, [
    until('folder:1#viewer@user:anne'),
    until('folder:1#viewer@user:beth', 'c'),
    'folder:1#viewer@user:carl',
    until('document:1#parent@folder:1'),
  ]);
  const users = (now: number) => world.expand('folder:1#viewer', [], now);
  expect(users(end - 1)).toMatchObject({ users: ['user:anne', 'user:beth', 'user:carl'] });
  expect(users(end)).toMatchObject({ users: ['user:carl'] });
  expect(world.expand('document:1#viewer', [], end - 1)).toMatchObject({
    computed: ['folder:1#viewer'],
  });
  expect(world.expand('document:1#viewer', [], end)).toMatchObject({ computed: [] });
});

test('an explanation shows an expired tuple as one that does not count', async () => {
  world = await World.open(model, [until('folder:1#viewer@user:anne')]);
  const { object, relation, subject } = tupleOf('folder:1#viewer@user:anne');
  const explained = (now: number) =>
    world.view((reader, compiled) =>
      explain(reader, compiled, {
        ...{ object, relation, subject, now, contextualTuples: [], context: {} },
      }),
    );
  const tuple = { ...tupleOf('folder:1#viewer@user:anne'), expiresAt: end };
  expect(explained(end - 1).tree.tuples).toMatchObject([{ tuple, value: 'true' }]);
  expect(explained(end).tree.tuples).toMatchObject([{ tuple, value: 'false' }]);
});

test('a contextual tuple stands in for a stored one that has expired', async () => {
  world = await World.open(model, [
    until('folder:1#viewer@user:anne'),
    until('folder:2#viewer@user:*'),
  ]);
  const contextual = ['folder:1#viewer@user:anne', 'folder:2#viewer@user:*'];
  for (const [question, answer] of [
    [{ now: end }, 'denied'],
    [{ now: end, contextual }, 'allowed'],
  ] as const) {
    for (const folder of ['folder:1', 'folder:2']) {
      expect(world.check(`${folder}#viewer@user:anne`, question)).toBe(answer);
    }
  }
  expect(() =>
    world.check('folder:1#viewer@user:anne', { contextual: [until('folder:1#viewer@user:beth')] }),
  ).toThrow('a contextual tuple');
});

test('random worlds answer as the same worlds without what has expired', async () => {
  const random = new RandomSource(77);
  for (let round = 0; round < 25; round++) {
    const tuples = randomTuples(random);
    const now = end + random.below(5);
    const alive = tuples.filter((text) => typeof text === 'string' || (text[3] ?? end + 9) > now);
    world = await World.open(model, tuples);
    const plain = await World.open(model, alive);
    for (const relation of ['viewer', 'reader', 'gated']) {
      for (const user of ['user:1', 'user:2', 'group:1#member']) {
        const question = { now, context: random.chance(0.5) ? { x: 2 } : {} };
        for (const id of [1, 2, 3]) {
          const check = `document:${id}#${relation}@${user}`;
          expect(world.check(check, question), check).toBe(plain.check(check, question));
        }
        const list = `${user} ${relation} document`;
        expect(sorted(world.listObjects(list, question))).toEqual(
          sorted(plain.listObjects(list, question)),
        );
      }
      for (const kind of ['user', 'group#member']) {
        const list = `document:1#${relation}@${kind}`;
        expect(sorted(world.listSubjects(list, { now }))).toEqual(
          sorted(plain.listSubjects(list, { now })),
        );
      }
    }
    await plain.close();
    if (round < 24) await world.close();
  }
});

function sorted(list: readonly string[] | string): readonly string[] | string {
  return typeof list === 'string' ? list : list.toSorted();
}

function randomTuples(random: RandomSource): TupleText[] {
  const keys = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const n = () => random.between(1, 3);
    keys.add(
      random.pick([
        `group:${n()}#member@user:${n()}`,
        `group:${n()}#member@group:${n()}#member`,
        `folder:${n()}#viewer@user:${n()}`,
        `folder:${n()}#viewer@user:*`,
        `folder:${n()}#viewer@group:${n()}#member`,
        `document:${n()}#parent@folder:${n()}`,
        `document:${n()}#banned@user:${n()}`,
        `document:${n()}#gated@user:${n()}`,
      ]),
    );
  }
  return [...keys].map((key): TupleText => {
    const isUser = /#(gated|viewer)@user:[0-9]/.test(key);
    const condition = key.includes('#gated') || (isUser && random.chance(0.3)) ? 'c' : '';
    const context = random.chance(0.7) ? { x: random.between(1, 2) } : {};
    if (random.chance(0.5)) return [key, condition, context, end + random.below(5)];
    return condition === '' ? key : [key, condition, context];
  });
}
