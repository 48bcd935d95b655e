/** The exact lists, where they differ from the wire's, and at the borders of what can be told. */
import { afterEach, describe, expect, test } from 'vitest';
import { sorted } from '../../src/engine/sorted.ts';
import { Steps } from '../../src/engine/steps.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { World, whole } from './world.ts';

let world: World;
afterEach(() => world?.close());

const guarded = `
type user
type group
  relations
    define member: [user, user with given]
type document
  relations
    define owner: [user with given]
    define viewer: [user, user with given, user:*, user:* with given, group#member with given] or owner
    define banned: [user, user:*, user with given]
    define reader: viewer but not banned
    define signer: viewer and owner
condition given(x: bool) {
  x
}`;

test('a tuple that cannot be told fails nothing that does not hang on it', async () => {
  world = await World.open(guarded, [
    ['document:1#viewer@user:anne', 'given'],
    'document:2#viewer@user:anne',
    ['document:2#banned@user:anne', 'given'],
    ['document:3#owner@user:anne', 'given', { x: true }],
    ['document:3#viewer@group:g#member', 'given'],
    'group:g#member@user:anne',
    ['document:4#viewer@group:g#member', 'given'],
    ['document:5#owner@user:anne', 'given', { x: false }],
  ]);
  expect(world.listObjects('user:anne viewer document')).toBe('validation_error');
  expect(world.objectsOf('user:anne')).toEqual([
    'group:g member',
    'document:1 ?viewer ?reader',
    'document:2 viewer ?banned ?reader',
    'document:3 owner viewer reader signer',
    'document:4 ?viewer ?reader',
  ]);
  expect(world.objectsOf('user:anne', { context: { x: false } })).toEqual([
    'group:g member',
    'document:2 viewer reader',
    'document:3 owner viewer reader signer',
  ]);
  expect(world.subjectsOf('document:4', { relations: ['reader'] })).toEqual([
    'user:anne ?reader',
    'group:g#member ?reader',
    'document:4#owner reader',
    'document:4#viewer reader',
    'document:4#reader reader',
  ]);
  expect(world.subjectsOf('document:2', { relations: ['viewer', 'reader'] })[0]).toBe(
    'user:anne viewer ?reader',
  );
});

test('of a candidate the rest is asked, and the whole where that does not settle it', async () => {
  world = await World.open(
    `
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user]
    define granted: [user]
    define banned: [user, group#member]
    define signer: [user]
    define reader: viewer but not banned
    define guest: granted or reader
    define admitted: granted or (viewer but not banned)
    define writer: viewer and signer
    define editor: (viewer and signer) but not (banned or granted)
    define odd: viewer but not even
    define even: viewer but not odd`,
    [
      'group:g#member@user:anne',
      ...['1', '2', '3', '4', '5'].map((id) => `document:${id}#viewer@user:anne`),
      'document:2#banned@user:anne',
      'document:3#banned@group:g#member',
      'document:3#granted@user:anne',
      'document:4#signer@user:anne',
      'document:5#signer@user:anne',
      'document:5#granted@user:anne',
    ],
  );
  expect(world.objectsOf('user:anne')).toEqual([
    'group:g member',
    'document:1 viewer reader guest admitted',
    'document:2 viewer banned',
    'document:3 viewer granted banned guest admitted',
    'document:4 viewer signer reader guest admitted writer editor',
    'document:5 viewer granted signer reader guest admitted writer',
  ]);
  expect(world.listObjects('user:anne editor document')).toEqual(['4']);
  expect(world.listObjects('user:anne odd document')).toEqual([]);
});

test('a wildcard that cannot be told speaks for those without a row', async () => {
  world = await World.open(guarded, [
    ['document:1#viewer@user:*', 'given'],
    'document:1#banned@user:bob',
    ['document:1#banned@user:carl', 'given'],
    'document:1#viewer@user:anne',
  ]);
  const users = (context: object) =>
    world
      .subjectsOf('document:1', { relations: ['reader'], context: { ...context } })
      .filter((row) => row.startsWith('user:'));
  expect(users({})).toEqual(['user:* ?reader -bob', 'user:anne reader', 'user:carl ?reader']);
  expect(users({ x: true })).toEqual(['user:* reader -bob -carl', 'user:anne reader']);
  expect(users({ x: false })).toEqual(['user:anne reader']);
});

test('nested negation: who is subtracted from what is subtracted is no exception', async () => {
  world = await World.open(
    `
type user
type document
  relations
    define unbanned: [user]
    define banned: [user] but not unbanned
    define viewer: [user:*] but not banned`,
    [
      'document:1#viewer@user:*',
      'document:1#banned@user:anne',
      'document:1#banned@user:bob',
      'document:1#unbanned@user:bob',
      'document:1#unbanned@user:carl',
    ],
  );
  expect(world.subjectsOf('document:1', { relations: ['viewer'] })).toEqual([
    'user:* viewer -anne',
    'user:bob viewer',
    'user:carl viewer',
    'document:1#viewer viewer',
  ]);
});

test('a wildcard that an older model left in a tupleset is no subject', async () => {
  const older = `
type user
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder, folder:*]`;
  world = await World.open(older, ['document:1#parent@folder:*']);
  await world.useModel(`
type user
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent`);
  expect(world.subjectsOf('document:1')).toEqual([
    'document:1#parent parent',
    'document:1#viewer viewer',
  ]);
  expect(world.listSubjects('document:1#viewer@folder#viewer')).toEqual([]);
});

test('what lies deeper than a check goes is named, and only where tuples lead to it', async () => {
  const chain = Array.from({ length: 6 }, (_, i) => `group:${i}#member@group:${i + 1}#member`);
  world = await World.open(
    `
type user
type group
  relations
    define member: [user, group#member]`,
    [...chain, 'group:6#member@user:anne', 'group:2#member@user:bob'],
  );
  const question = { depthMax: 4 };
  expect(world.check('group:0#member@user:anne', question)).toBe(
    'authorization_model_resolution_too_complex',
  );
  expect(world.objectsOf('user:anne', question)).toEqual([
    'group:0 ?member',
    'group:1 ?member',
    'group:2 ?member',
    ...['group:3 member', 'group:4 member', 'group:5 member', 'group:6 member'],
  ]);
  expect(world.subjectsOf('group:0', question).slice(0, 2)).toEqual([
    'user:anne ?member',
    'user:bob member',
  ]);
  expect(world.objectsOf('user:nobody', question)).toEqual([]);
});

test('lists of many slices are those of one', async () => {
  const tuples = Array.from({ length: 300 }, (_, i) => [
    `document:${i}#viewer@user:anne`,
    `document:0#viewer@user:${i}`,
    `document:0#banned@user:${2 * i}`,
  ]).flat();
  world = await World.open(guarded, tuples);
  for (const sliceSteps of [1, 7, 1_000_000]) {
    expect(world.objectsOf('user:anne', { sliceSteps })).toHaveLength(300);
    const subjects = world.subjectsOf('document:0', { sliceSteps });
    expect(subjects.filter((row) => row.startsWith('user:'))).toHaveLength(451);
  }
});

describe('a sort in slices', () => {
  const ends = ['', '0', '1', '10', 'a', '\0', '\x7f', '\x7f'.repeat(9), 'é', '\uffff', '😀', '𐀀b'];
  const beginnings = ['', 'd', 'a long beginning that all have ', 'ü', '😀'];

  function bytesInOrder(texts: readonly string[]): string[] {
    return texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  test.each(beginnings)('is one by bytes, of texts that begin with %j', (beginning) => {
    const random = new RandomSource(5);
    for (let length = 0; length < 60; length++) {
      const texts = Array.from({ length }, () => {
        const parts = Array.from({ length: random.below(4) }, () => random.pick(ends));
        return beginning + parts.join('');
      });
      const places = whole(sorted(texts, new Steps(3)));
      expect(Array.from(places, (place) => texts[place])).toEqual(bytesInOrder(texts));
      expect(new Set(places).size).toBe(length);
    }
  });

  test('pauses', () => {
    const texts = Array.from({ length: 1_000 }, (_, i) => `${(i * 7_919) % 1_009}`);
    const list = sorted(texts, new Steps(100));
    let pauses = 0;
    while (list.next().done !== true) pauses++;
    expect(pauses).toBeGreaterThan(20);
  });
});
