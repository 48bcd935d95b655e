/** Lists: what of whom, in every shape of model, and the failures of the field by their ids. */
import { afterEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { listObjects } from '../../src/engine/list-objects.ts';
import { listSubjects } from '../../src/engine/list-subjects.ts';
import type { Question, TupleText } from './world.ts';
import { World } from './world.ts';

let world: World;
afterEach(() => world.close());

type Listed = readonly string[] | ErrorCode;

interface Case {
  readonly name: string;
  readonly model: string;
  readonly tuples?: readonly TupleText[];
  readonly question?: Question;
  /** By `subject relation type`: ids, in any order. */
  readonly objects?: Readonly<Record<string, Listed>>;
  /** By `object#relation@kind`, in any order. */
  readonly subjects?: Readonly<Record<string, Listed>>;
}

const groups = `
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define owner: [user]
    define viewer: [user, user:*, group#member] or owner
    define banned: [user, user:*, group#member]
    define reader: viewer but not banned
    define signer: owner and viewer`;

const folders = `
type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent`;

const guarded = `
type user
type group
  relations
    define member: [user with given, user]
type document
  relations
    define viewer: [user with given, user, user:* with given, user:*, group#member]
    define banned: [user with given]
    define reader: viewer but not banned
condition given(x: bool) {
  x
}`;

const cases: readonly Case[] = [
  {
    name: 'nested groups, with a cycle',
    model: groups,
    tuples: [
      'group:a#member@group:b#member',
      'group:b#member@group:a#member',
      'group:b#member@user:anne',
      'document:1#viewer@group:a#member',
      'document:2#owner@user:anne',
      'document:3#viewer@user:bob',
    ],
    objects: {
      'user:anne member group': ['a', 'b'],
      'user:anne viewer document': ['1', '2'],
      'user:anne signer document': ['2'],
      'user:bob viewer document': ['3'],
      'user:nobody viewer document': [],
      'group:b#member member group': ['a', 'b'],
      'group:b#member viewer document': ['1'],
      'group:unseen#member member group': ['unseen'],
      'group:b viewer document': [],
    },
    subjects: {
      'document:1#viewer@user': ['user:anne'],
      'document:1#viewer@group#member': ['group:a#member', 'group:b#member'],
      'document:2#viewer@group#member': [],
      'document:2#signer@user': ['user:anne'],
      'group:eng#member@group#member': ['group:eng#member'],
      'document:unseen#viewer@user': [],
    },
  },
  {
    name: 'wildcards, and who is taken out of them',
    model: groups,
    tuples: [
      'document:1#viewer@user:*',
      'document:1#banned@user:anne',
      'document:1#viewer@user:bob',
      'document:2#viewer@user:anne',
      'document:2#banned@user:*',
    ],
    objects: {
      'user:anne viewer document': ['1', '2'],
      'user:anne reader document': [],
      'user:carl reader document': ['1'],
      'user:* reader document': ['1'],
      'user:* viewer document': ['1'],
      'user:* banned document': ['2'],
    },
    subjects: {
      'document:1#viewer@user': ['user:*', 'user:bob'],
      'document:1#reader@user': ['user:*', 'user:bob'],
      'document:2#reader@user': [],
    },
  },
  {
    name: 'who is taken out of what is subtracted is listed by name (chained_negation_10)',
    model: `
type user
type document
  relations
    define viewer: [user, user:*] but not blocked
    define blocked: [user, user:*] but not unblocked
    define unblocked: [user, user:*]`,
    tuples: [
      'document:1#viewer@user:*',
      'document:1#blocked@user:jon',
      'document:1#blocked@user:maria',
      'document:1#unblocked@user:jon',
      'document:1#unblocked@user:poovam',
    ],
    objects: { 'user:jon viewer document': ['1'], 'user:maria viewer document': [] },
    subjects: { 'document:1#viewer@user': ['user:*', 'user:jon'] },
  },
  {
    name: 'out of one wildcard and in another one is in',
    model: `
type user
type document
  relations
    define some: [user:*]
    define banned: [user]
    define all: [user:*]
    define either: (some but not banned) or all
    define viewer: [user] but not either`,
    tuples: [
      'document:1#some@user:*',
      'document:1#banned@user:anne',
      'document:1#all@user:*',
      'document:1#viewer@user:anne',
    ],
    objects: { 'user:anne viewer document': [], 'user:anne either document': ['1'] },
    subjects: { 'document:1#viewer@user': [], 'document:1#either@user': ['user:*'] },
  },
  {
    name: 'an operator under operators, and recursion through them',
    model: `
type user
type folder
  relations
    define parent: [folder]
    define member: [user]
    define viewer: ([user] or viewer from parent) and member
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent`,
    tuples: [
      'folder:1#parent@folder:2',
      'folder:2#parent@folder:1',
      'folder:2#viewer@user:anne',
      'folder:2#viewer@user:bob',
      'folder:1#member@user:anne',
      'folder:2#member@user:anne',
      'folder:1#member@user:bob',
      'document:1#parent@folder:1',
    ],
    objects: {
      'user:anne viewer document': ['1'],
      'user:anne viewer folder': ['1', '2'],
      'user:bob viewer document': [],
    },
    subjects: { 'document:1#viewer@user': ['user:anne'] },
  },
  {
    name: 'what a cycle leaves undefined is nobody, and is subtracted all the same',
    model: `
type user
type document
  relations
    define viewer: [user] but not restricted
    define restricted: [user, document#viewer]
    define editor: [user] but not viewer
    define member: [user]
    define both: viewer and member
    define outside: [user] but not both`,
    tuples: [
      'document:1#member@user:anne',
      'document:1#outside@user:anne',
      'document:1#outside@user:bob',
      'document:1#viewer@user:anne',
      'document:1#restricted@document:1#viewer',
      'document:1#editor@user:anne',
      'document:1#editor@user:bob',
    ],
    objects: { 'user:anne viewer document': [], 'user:anne editor document': [] },
    subjects: {
      'document:1#viewer@user': [],
      'document:1#restricted@user': [],
      'document:1#editor@user': ['user:bob'],
      'document:1#outside@user': ['user:bob'],
    },
  },
  {
    name: 'contextual tuples: unseen objects and subjects, and one that replaces a stored tuple',
    model: guarded,
    tuples: ['document:1#viewer@user:anne', 'document:2#viewer@user:*'],
    question: {
      contextual: [
        ['document:1#viewer@user:anne', 'given', { x: false }],
        ['document:2#viewer@user:*', 'given', { x: false }],
        'document:new#viewer@group:new#member',
        'group:new#member@user:new',
      ],
    },
    objects: {
      'user:anne viewer document': ['2'],
      'user:new viewer document': ['2', 'new'],
      'group:new#member viewer document': ['new'],
    },
    subjects: {
      'document:1#viewer@user': [],
      'document:2#viewer@user': ['user:*'],
      'document:new#viewer@user': ['user:new'],
      'document:new#viewer@group#member': ['group:new#member'],
    },
  },
  {
    name: 'a condition that cannot be told fails the list that meets it, and no other',
    model: guarded,
    tuples: [
      ['document:1#viewer@user:anne', 'given'],
      'document:2#viewer@user:bob',
      ['document:3#banned@user:bob', 'given'],
      'document:4#viewer@group:eng#member',
      'document:4#viewer@user:dora',
      ['group:eng#member@user:carl', 'given'],
    ],
    objects: {
      'user:anne viewer document': 'validation_error',
      'user:bob viewer document': ['2'],
      // Met only by a check of something that is no candidate.
      'user:bob reader document': ['2'],
      'user:carl viewer document': 'validation_error',
      'user:dora viewer document': ['4'],
    },
    subjects: {
      'document:1#viewer@user': 'validation_error',
      'document:2#viewer@user': ['user:bob'],
      // Dora is reached another way: the list of users is eager.
      'document:4#viewer@user': 'validation_error',
      'document:4#viewer@group#member': ['group:eng#member'],
      'document:3#reader@user': 'validation_error',
    },
  },
  {
    name: 'a condition that is told',
    model: guarded,
    tuples: [
      ['document:1#viewer@user:anne', 'given'],
      ['document:2#viewer@user:anne', 'given', { x: false }],
      ['document:1#banned@user:bob', 'given'],
    ],
    question: { context: { x: true } },
    objects: { 'user:anne reader document': ['1'], 'user:bob reader document': [] },
    subjects: { 'document:1#reader@user': ['user:anne'], 'document:2#reader@user': [] },
  },
  {
    name: 'A07: one object by two relations, of which both are wanted',
    model: `
type user
type document
  relations
    define a: [user]
    define b: [user]
    define both: a and b`,
    tuples: [
      'document:1#a@user:anne',
      'document:2#b@user:anne',
      'document:3#a@user:anne',
      'document:3#b@user:anne',
    ],
    objects: { 'user:anne both document': ['3'] },
    subjects: { 'document:1#both@user': [], 'document:3#both@user': ['user:anne'] },
  },
  {
    name: 'A15: a contextual userset beside a wildcard lets in nobody but its members',
    model: `
type user
type role
  relations
    define assignee: [user]
type document
  relations
    define viewer: [user:*, role#assignee]`,
    tuples: ['role:superadmin#assignee@user:anne'],
    question: { contextual: ['document:1#viewer@role:superadmin#assignee'] },
    objects: { 'user:outsider viewer document': [], 'user:anne viewer document': ['1'] },
    subjects: { 'document:1#viewer@user': ['user:anne'] },
  },
  {
    name: 'A26: an exclusion stands where a wildcard meets an intersection',
    model: `
type user
type document
  relations
    define member: [user, user:*]
    define banned: [user]
    define active: [user, user:*]
    define paid: [user, user:*]
    define two: (member but not banned) and active
    define three: (member but not banned) and active and paid
    define nested: two and paid`,
    tuples: [
      'document:1#member@user:*',
      'document:1#active@user:*',
      'document:1#paid@user:*',
      'document:1#banned@user:anne',
      'document:1#active@user:anne',
      'document:1#paid@user:anne',
      'document:1#active@user:bob',
    ],
    objects: { 'user:anne two document': [], 'user:bob two document': ['1'] },
    subjects: {
      'document:1#two@user': ['user:*', 'user:bob'],
      'document:1#three@user': ['user:*', 'user:bob'],
      'document:1#nested@user': ['user:*', 'user:bob'],
    },
  },
  {
    name: 'A35: objects and usersets of one type in one relation of one object',
    model: `
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group, group#member]`,
    tuples: [
      'document:1#viewer@group:a',
      'document:1#viewer@group:a#member',
      'document:1#viewer@group:b#member',
      'group:a#member@user:tom',
      'group:b#member@user:fred',
    ],
    objects: { 'group:a viewer document': ['1'], 'user:fred viewer document': ['1'] },
    subjects: {
      'document:1#viewer@user': ['user:tom', 'user:fred'],
      'document:1#viewer@group': ['group:a'],
      'document:1#viewer@group#member': ['group:a#member', 'group:b#member'],
    },
  },
  {
    name: 'A36: one of two ways is excluded, the other one stands',
    model: `
type user
type group
  relations
    define banned: [user]
    define allowed: [user] but not banned
type document
  relations
    define group: [group]
    define viewer: allowed from group`,
    tuples: [
      'document:1#group@group:a',
      'document:1#group@group:b',
      'group:a#allowed@user:tom',
      'group:a#banned@user:tom',
      'group:b#allowed@user:tom',
    ],
    objects: { 'user:tom viewer document': ['1'], 'user:tom allowed group': ['b'] },
    subjects: { 'document:1#viewer@user': ['user:tom'] },
  },
];

describe.each(cases)('$name', ({ model, tuples = [], question, objects = {}, subjects = {} }) => {
  test('lists', async () => {
    world = await World.open(model, tuples);
    const inOrder = (listed: Listed) => (typeof listed === 'string' ? listed : listed.toSorted());
    for (const [list, expected] of Object.entries(objects)) {
      expect(inOrder(world.listObjects(list, question)), list).toEqual(inOrder(expected));
    }
    for (const [list, expected] of Object.entries(subjects)) {
      expect(inOrder(world.listSubjects(list, question)), list).toEqual(inOrder(expected));
    }
  });
});

/** Folder 0 is viewed by Anne, and each folder by the viewers of the one before it. */
function chain(length: number): string[] {
  return [
    'folder:0#viewer@user:anne',
    ...Array.from({ length }, (_, i) => `folder:${i + 1}#parent@folder:${i}`),
  ];
}

test('as many levels as a check follows; the next one is too deep for a list too', async () => {
  world = await World.open(folders, chain(24));
  expect(world.listObjects('user:anne viewer folder')).toHaveLength(25);
  expect(world.listSubjects('folder:24#viewer@user')).toEqual(['user:anne']);
  await world.write(['folder:25#parent@folder:24']);
  const tooDeep = 'authorization_model_resolution_too_complex';
  expect(world.check('folder:25#viewer@user:anne')).toBe(tooDeep);
  expect(world.listObjects('user:anne viewer folder')).toBe(tooDeep);
  expect(world.listSubjects('folder:25#viewer@user')).toBe(tooDeep);
  // As for a check, a userset that asks for itself is no level.
  expect(world.check('folder:25#viewer@folder:0#viewer')).toBe('allowed');
  expect(world.listObjects('folder:0#viewer viewer folder')).toHaveLength(26);
});

test('a long chain is no fault where it leads to nothing of the kind', async () => {
  world = await World.open(folders, [...chain(40), 'document:1#parent@folder:3']);
  expect(world.listObjects('user:anne viewer document')).toEqual(['1']);
});

test('nearest first, then in the order in which the store met them', async () => {
  world = await World.open(folders, [
    'folder:z#viewer@user:anne',
    'folder:a#viewer@user:anne',
    'folder:m#parent@folder:a',
    'folder:b#parent@folder:z',
  ]);
  expect(world.listObjects('user:anne viewer folder')).toEqual(['z', 'a', 'b', 'm']);
});

test('A34: of 65,537 rows none is missed, either way', async () => {
  const count = 65_537;
  const numbers = Array.from({ length: count }, (_, i) => i);
  world = await World.open(groups, []);
  await world.write(numbers.map((i) => `document:all#viewer@user:${i}`));
  await world.write(numbers.map((i) => `document:${i}#viewer@user:star`));
  const users = world.listSubjects('document:all#viewer@user');
  expect(new Set(users).size).toBe(count);
  expect(users).toContain(`user:${count - 1}`);
  const objects = world.listObjects('user:star viewer document');
  expect(new Set(objects).size).toBe(count);
  expect(objects).toContain(String(count - 1));
  // Each through an exclusion, and so by a check or a set of its own.
  expect(world.listSubjects('document:all#reader@user')).toHaveLength(count);
  expect(world.listObjects('user:star reader document')).toHaveLength(count);
});

test('a list can be interrupted every so many steps, wherever it is', async () => {
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  world = await World.open(groups, [
    ...numbers.map((i) => `document:1#viewer@user:${i}`),
    ...numbers.map((i) => `document:${i + 2}#viewer@user:1`),
  ]);
  world.view((reader, model) => {
    const pauses = (list: Iterable<unknown>) => [...list].length;
    const request = { contextualTuples: [], context: {}, now: 0, sliceSteps: 50 };
    const object = { type: 'document', id: '1' };
    for (const relation of ['viewer', 'reader']) {
      const anne = { type: 'user', id: '1', relation: '' };
      const objects = { ...request, type: 'document', relation, subject: anne };
      expect(pauses(listObjects(reader, model, objects))).toBeGreaterThanOrEqual(10);
      const users = { ...request, object, relation, subject: { type: 'user', relation: '' } };
      expect(pauses(listSubjects(reader, model, users))).toBeGreaterThanOrEqual(10);
    }
  });
});
