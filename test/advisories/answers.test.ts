/** Answers that were wrong in another engine: wildcards, restrictions, optimised paths, merges. */
import { expect, test } from 'vitest';
import type { TupleText } from '../engine/world.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { ask, filled, holds, opened, temporaryFile, writeModel } from './manners.ts';

test('A05: what the present model no longer allows grants nothing, whichever way it stood', async () => {
  await holds({
    olderModel: `
model
  schema 1.1
type user
type team
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user:*, team#member, user with brief]
    define guarded: [user with brief]
    define reader: viewer but not banned
    define banned: [user]
condition brief(now: int) {
  now < 10
}`,
    model: `
model
  schema 1.1
type user
type team
  relations
    define member: [user]
type document
  relations
    define viewer: [user]
    define guarded: [user]
    define reader: viewer but not banned
    define banned: [team#member]
condition brief(now: int) {
  now < 10
}`,
    tuples: [
      'document:1#viewer@team:a#member',
      'team:a#member@user:anne',
      'document:2#viewer@user:*',
      ['document:3#viewer@user:anne', 'brief'],
      ['document:3#guarded@user:anne', 'brief'],
      'document:4#viewer@user:anne',
      'document:4#banned@user:anne',
    ],
    context: { now: 1 },
    checks: {
      'document:1#viewer@user:anne': 'denied',
      'document:1#viewer@team:a#member': 'denied',
      'document:2#viewer@user:anne': 'denied',
      'document:2#viewer@user:*': 'denied',
      'document:3#viewer@user:anne': 'denied',
      'document:3#guarded@user:anne': 'denied',
      'document:4#viewer@user:anne': 'allowed',
      'document:4#reader@user:anne': 'allowed',
    },
    contextual: false,
  });
});

test('A05: the model that a request names decides, on one store, in any order', async () => {
  const service = await opened();
  const shape = (restrictions: string) => `
model
  schema 1.1
type user
type team
  relations
    define member: [user]
type document
  relations
    define viewer: [${restrictions}]`;
  const [wide, narrow] = [shape('user, team#member'), shape('user')];
  const tuples = ['document:1#viewer@team:a#member', 'team:a#member@user:anne'];
  const store = await filled(service, { model: wide, tuples });
  const first = await service.ask('ReadAuthorizationModels', { store_id: store });
  const [{ id: older }] = first.body.authorization_models;
  const newer = await writeModel(service, store, narrow);
  const key = { object: 'document:1', relation: 'viewer', user: 'user:anne' };
  for (const [model, allowed] of [
    [older, true],
    [newer, false],
    ['', false],
    [older, true],
  ]) {
    const request = { store_id: store, authorization_model_id: model, tuple_key: key };
    expect((await service.ask('Check', request)).body.allowed).toBe(allowed);
    const { relation, object } = key;
    const tree = { ...request, tuple_key: { relation, object } };
    const users = (await service.ask('Expand', tree)).body.tree.root.leaf.users.users;
    expect(users).toEqual(allowed ? ['team:a#member'] : []);

    const { user } = key;
    const ofModel = { store_id: store, authorization_model_id: model };
    const objects = await service.ask('ListObjects', {
      ...ofModel,
      type: 'document',
      relation,
      user,
    });
    expect(objects.body.objects).toEqual(allowed ? [object] : []);
    const listed = await service.ask('ListUsers', {
      ...ofModel,
      object: { type: 'document', id: '1' },
      relation,
      user_filters: [{ type: 'user' }],
    });
    expect(listed.body.users).toHaveLength(allowed ? 1 : 0);
    const query = { store_id: store, model_id: model, subject: user, object };
    const related = await service.ask('ListRelations', query);
    expect(related.body.relations).toEqual(allowed ? [relation] : []);
    const { body } = await service.ask('Explain', { ...query, relation });
    expect(body.outcome).toBe(allowed ? 'OUTCOME_ALLOWED' : 'OUTCOME_DENIED');
  }
});

test('A11: `but not` with `from` and usersets answers as it is written', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, group#member]
    define blocked: [user, group#member]
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent but not blocked from parent`,
    tuples: [
      'document:1#parent@folder:a',
      'document:1#parent@folder:b',
      'folder:a#viewer@group:all#member',
      'folder:b#blocked@group:some#member',
      'group:all#member@group:some#member',
      'group:all#member@user:beth',
      'group:some#member@user:anne',
      'document:2#parent@folder:a',
    ],
    checks: {
      'document:1#viewer@user:anne': 'denied',
      'document:1#viewer@user:beth': 'allowed',
      'document:1#viewer@user:carl': 'denied',
      'document:2#viewer@user:anne': 'allowed',
      'document:1#viewer@group:some#member': 'denied',
      'document:1#viewer@group:all#member': 'allowed',
    },
  });
});

test('A13: a userset subject never matches a wildcard, stored or contextual', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define can: [group:*, group#member]
    define both: can and can
    define without: can but not never
    define never: [user]`,
    tuples: ['document:1#can@group:*'],
    checks: {
      'document:1#can@group:g#member': 'denied',
      'document:1#both@group:g#member': 'denied',
      'document:1#without@group:g#member': 'denied',
      'document:1#can@group:g': 'allowed',
      'document:1#can@group:*': 'allowed',
    },
  });
});

test('A14: in a knot of groups and bans every order of questions has the same answers', async () => {
  const groups = ['a', 'b', 'c', 'd'];
  const model = `
model
  schema 1.1
type user
type group
  relations
    define banned: [user]
    define member: ([user, group#member] or member from parent) but not banned
    define parent: [group]`;
  const tuples = groups.flatMap((group, i) => [
    `group:${group}#member@group:${groups[(i + 1) % 4]}#member`,
    `group:${group}#parent@group:${groups[(i + 2) % 4]}`,
  ]);
  tuples.push('group:c#member@user:anne', 'group:b#banned@user:anne', 'group:d#member@user:beth');
  const answers = groups.flatMap((group): [string, string][] => [
    [`group:${group}#member@user:anne`, group === 'b' ? 'denied' : 'allowed'],
    [`group:${group}#member@user:beth`, 'allowed'],
    [`group:${group}#member@user:carl`, 'denied'],
  ]);
  const random = new RandomSource(14);
  for (let round = 0; round < 6; round++) {
    await holds({ model, tuples, checks: Object.fromEntries(random.shuffled(answers)) });
  }
});

test('A18, sort assumption: ids in any order, direct beside wildcard, doubled, merge to one set', async () => {
  const ids = ['a', 'B', 'b', 'a-', 'a.', 'aa', '10', '9', 'é', 'e\u0301', '💥', '~', 'Z'];
  const tuples: TupleText[] = ids.flatMap((id): TupleText[] => [
    `document:${id}#viewer@user:${id}`,
    `document:${id}#editor@user:${id}`,
    `document:${id}#parent@folder:${id}`,
  ]);
  tuples.push('document:b#viewer@user:*', 'document:10#editor@user:*', 'folder:é#viewer@user:*');
  const model = `
model
  schema 1.1
type user
type folder
  relations
    define viewer: [user, user:*]
type document
  relations
    define parent: [folder]
    define viewer: [user, user:*]
    define editor: [user, user:*]
    define both: viewer and editor
    define any: viewer or editor or viewer from parent`;
  const checks = Object.fromEntries(
    ids.flatMap((id) => [
      [`document:${id}#both@user:${id}`, 'allowed'],
      [`document:${id}#both@user:other`, 'denied'],
      [`document:${id}#any@user:x`, ['b', '10', 'é'].includes(id) ? 'allowed' : 'denied'],
    ]),
  );
  await holds({ model, tuples, checks });
  // Half of them stored, and all of them sent along: doubled, and in an order of their own.
  const service = await opened();
  const store = await filled(service, { model, tuples: tuples.filter((_, i) => i % 2 === 0) });
  const contextual = tuples.toReversed();
  await ask(
    service,
    store,
    Object.entries(checks).map(([check, expected]) => ({
      check,
      contextual,
      expected: expected as string,
    })),
  );
});

test('A24: ids that differ by case, accent or space are different, in memory and in a file', async () => {
  const ids = ['Foo', 'foo', 'FOO', 'caf\u00e9', 'cafe\u0301', 'stra\u00dfe', 'strasse', 'x'];
  ids.push('x\u00a0', 'x\u200b', 'x\u3000', '\u0131', 'i', 'I', '\u0130', 'ﬁ', 'fi', '１', '1');
  const model = `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user]`;
  await holds({
    model,
    tuples: ids.map((id) => `document:${id}#viewer@user:${id}`),
    checks: Object.fromEntries(
      ids.flatMap((id, i) => {
        const other = ids[(i + 1) % ids.length];
        return [
          [`document:${id}#viewer@user:${id}`, 'allowed'],
          [`document:${other}#viewer@user:${id}`, 'denied'],
          [`document:${id}#viewer@user:${other}`, 'denied'],
        ];
      }),
    ),
  });
  const service = await opened(temporaryFile());
  const store = await filled(service, {
    model,
    tuples: ids.map((id) => `document:${id}#viewer@user:${id}`),
  });
  for (const id of ids) {
    const key = { object: `document:${id}`, relation: '', user: '' };
    const { body } = await service.ask('Read', { store_id: store, tuple_key: key });
    expect(body.tuples.map((tuple: { key: { user: string } }) => tuple.key.user)).toEqual([
      `user:${id}`,
    ]);
  }
});

test('A30: a wildcard that is subtracted takes everybody, one under `and` takes nobody', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
    define banned: [user, user:*]
    define view: viewer but not banned
    define both: viewer and banned`,
    tuples: [
      'document:1#viewer@user:tom',
      'document:1#banned@user:*',
      'document:2#viewer@user:tom',
    ],
    checks: {
      'document:1#view@user:tom': 'denied',
      'document:1#both@user:tom': 'allowed',
      'document:1#both@user:*': 'denied',
      'document:2#view@user:tom': 'allowed',
      'document:2#both@user:tom': 'denied',
    },
  });
});

test('A35: an arrow over a relation of two types gathers the subjects of both', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
type document
  relations
    define folder: [folder]
    define parent: [folder]
    define view: viewer from folder or viewer from parent`,
    tuples: [
      'document:1#folder@folder:a',
      'document:1#parent@folder:b',
      'folder:a#viewer@user:tom',
      'folder:b#parent@folder:c',
      'folder:c#viewer@user:fred',
    ],
    checks: {
      'document:1#view@user:tom': 'allowed',
      'document:1#view@user:fred': 'allowed',
      'document:1#view@user:sarah': 'denied',
    },
  });
});

test('A36: a group that excludes does not speak for another, in every manner', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type group
  relations
    define direct: [user]
    define banned: [user, user:*]
    define member: direct but not banned
type document
  relations
    define group: [group]
    define view: member from group`,
    tuples: [
      'document:1#group@group:a',
      'document:1#group@group:b',
      'group:a#direct@user:tom',
      'group:b#direct@user:tom',
      'group:a#banned@user:*',
    ],
    checks: { 'document:1#view@user:tom': 'allowed', 'document:1#view@user:fred': 'denied' },
  });
});

test('A38: the context of a request reaches every hop, with its tuples and without', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type group
  relations
    define member: [user with brief, group#member with brief]
type folder
  relations
    define parent: [folder with brief]
    define viewer: [group#member with brief] or viewer from parent
type document
  relations
    define parent: [folder with brief]
    define view: viewer from parent
condition brief(now: int, until: int) {
  now < until
}`,
    tuples: [
      ['document:1#parent@folder:a', 'brief', { until: 9 }],
      ['folder:a#parent@folder:b', 'brief', { until: 9 }],
      ['folder:b#viewer@group:g#member', 'brief', { until: 9 }],
      ['group:g#member@group:h#member', 'brief', { until: 9 }],
      ['group:h#member@user:tom', 'brief', { until: 9 }],
      ['group:h#member@user:late', 'brief', { until: 3 }],
    ],
    context: { now: 5 },
    checks: { 'document:1#view@user:tom': 'allowed', 'document:1#view@user:late': 'denied' },
  });
});

test('A40: a union of a relation and of an arrow over the same relation loses neither', async () => {
  await holds({
    model: `
model
  schema 1.1
type user
type folder
  relations
    define special: [user]
    define viewer: [user] or special
type document
  relations
    define viewer: [folder, user]
    define view: viewer or special from source
    define source: [folder]
    define both: view or viewer from source`,
    tuples: [
      'document:1#source@folder:a',
      'folder:a#special@user:tom',
      'document:1#viewer@user:fred',
      'folder:a#viewer@user:sarah',
    ],
    checks: {
      'document:1#view@user:tom': 'allowed',
      'document:1#view@user:fred': 'allowed',
      'document:1#view@user:sarah': 'denied',
      'document:1#both@user:sarah': 'allowed',
      'document:1#both@user:tom': 'allowed',
    },
  });
});

test('A52: usersets of types that the model dropped are not followed', async () => {
  const shape = (restrictions: string) => `
model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type group
  relations
    define member: [user, ${restrictions}]
type document
  relations
    define viewer: [group#member${restrictions === 'group#member' ? '' : ', team#member'}]`;
  await holds({
    olderModel: shape('group#member, team#member'),
    model: shape('group#member'),
    tuples: [
      'document:1#viewer@group:g#member',
      'group:g#member@team:t#member',
      'team:t#member@user:anne',
      'group:g#member@group:h#member',
      'group:h#member@user:beth',
      'document:2#viewer@team:t#member',
    ],
    checks: {
      'document:1#viewer@user:anne': 'denied',
      'document:1#viewer@user:beth': 'allowed',
      'document:1#viewer@team:t#member': 'denied',
      'document:2#viewer@user:anne': 'denied',
    },
    contextual: false,
  });
});

test('missed results: sizes around every run, with members stored and contextual', async () => {
  const model = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define owner: [group]
    define viewer: [group#member]
    define any: viewer or member from owner`;
  for (const count of [127, 128, 129, 256, 1_151, 1_152, 1_153, 2_304]) {
    const groups = Array.from({ length: count }, (_, i) => `g${i}`);
    const last = groups.at(-1);
    const service = await opened();
    const store = await filled(service, {
      model,
      raw: [
        ...groups.map((group) => `document:1#viewer@group:${group}#member`),
        ...groups.map((group) => `document:2#owner@group:${group}`),
        `group:${last}#member@user:anne`,
        'group:g0#member@user:beth',
      ],
    });
    const more = [`group:${last}#member@user:carl`];
    await ask(service, store, [
      { check: 'document:1#any@user:anne', expected: 'allowed' },
      { check: 'document:2#any@user:anne', expected: 'allowed' },
      { check: 'document:1#any@user:beth', expected: 'allowed' },
      { check: 'document:2#any@user:carl', expected: 'denied' },
      { check: 'document:2#any@user:carl', contextual: more, expected: 'allowed' },
    ]);
  }
});
