// Two stores with equal names, models and ids, in one server: all filters, all pages, all caches.
// What is in one is in no answer of the other, and nothing that one hands out is of use in the other.
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelId, StoreId } from '../../src/model/ids.ts';
import { parseConsistencyToken } from '../../src/storage/revision.ts';
import { driveModel, openService, type TestService } from './harness.ts';

let service: TestService;
const model = '01HK0000000000000000000000' as ModelId;
const sides = ['alpha', 'beta'] as const;
type Side = (typeof sides)[number];
const stores = {} as Record<Side, string>;

/** The same in both, and of each kind one that is in this store alone. */
const tuplesOf = (side: Side) => [
  'document:common#viewer@user:common',
  'document:common#viewer@group:common#member',
  'group:common#member@user:member',
  `document:common#viewer@user:${side}`,
  `document:${side}#viewer@user:common`,
  `group:common#member@user:${side}-member`,
  `document:common#viewer@group:${side}#member`,
  `folder:${side}#viewer@user:common`,
  `document:common#parent@folder:${side}`,
];

beforeAll(async () => {
  service = await openService();
  for (const side of sides) {
    const { id } = (await service.ask('CreateStore', { name: 'twins' })).body;
    stores[side] = id;
    await service.datastore.writeModel(id as StoreId, {
      id: model,
      schemaVersion: '1.1',
      definition: JSON.stringify(driveModel),
      names: [
        'user',
        'group',
        'folder',
        'document',
        'member',
        'viewer',
        'parent',
        'owner',
        'banned',
        'reader',
        'at_work',
      ],
    });
  }
  // By turns, so that revisions and symbols of the two are as alike as they can be.
  for (const [i, tuple] of tuplesOf('alpha').entries()) {
    for (const [side, text] of [
      ['alpha', tuple],
      ['beta', tuplesOf('beta')[i] ?? ''],
    ] as const) {
      await ask(side, 'Write', { writes: { tuple_keys: [keyOf(text)] } });
    }
  }
  for (const side of sides) {
    const tuple_key = keyOf(`document:common#viewer@user:${side}`);
    const assertions = [{ tuple_key, expectation: true }];
    await ask(side, 'WriteAssertions', { authorization_model_id: model, assertions });
  }
});
afterAll(() => service.close());

const ask = (side: Side, method: string, request: object) =>
  service.ask(method, { ...request, store_id: stores[side] } as JsonObject);

function keyOf(text: string) {
  const [, object = '', relation = '', user = ''] = /^(.*?)#([^@]*)@(.*)$/.exec(text) ?? [];
  return { object, relation, user };
}

const who = ['common', 'member', ...sides, 'alpha-member', 'beta-member'].map((id) => `user:${id}`);
const what = ['common', ...sides].map((id) => `document:${id}`);

/** Every question, and all its filters. */
const questions: readonly (readonly [method: string, requests: readonly object[]])[] = [
  ['Check', pairs((user, object) => ({ tuple_key: { user, relation: 'viewer', object } }))],
  [
    'BatchCheck',
    who.map((user) => ({
      checks: what.map((object, i) => ({
        tuple_key: { user, relation: 'reader', object },
        correlation_id: String(i),
      })),
    })),
  ],
  ['Expand', what.map((object) => ({ tuple_key: { relation: 'viewer', object } }))],
  ['ListObjects', who.map((user) => ({ type: 'document', relation: 'reader', user }))],
  ['StreamedListObjects', who.map((user) => ({ type: 'document', relation: 'viewer', user }))],
  [
    'ListUsers',
    ['common', ...sides].map((id) => ({
      object: { type: 'document', id },
      relation: 'viewer',
      user_filters: [{ type: 'user' }],
    })),
  ],
  ['ListRelations', pairs((subject, object) => ({ subject, object }))],
  ['Explain', pairs((subject, object) => ({ subject, relation: 'viewer', object }))],
  ['ReadAuthorizationModels', [{}, { page_size: 1 }]],
  ['ReadAssertions', [{ authorization_model_id: model }]],
  [
    'Read',
    [
      {},
      ...what.map((object) => ({ tuple_key: { object } })),
      ...pairs((user, object) => ({ tuple_key: { user, relation: 'viewer', object } })),
      ...who.map((user) => ({ tuple_key: { user, object: 'document:' } })),
    ],
  ],
  ['ReadChanges', [{}, { type: 'document' }, { type: 'group' }]],
  [
    'ReadTuples',
    [
      {},
      ...what.map((object) => ({ filter: { object } })),
      ...who.map((subject) => ({ filter: { subject } })),
      { filter: { object_type: 'document' } },
      { filter: { object_type: 'document', relation: 'viewer', subject_type: 'group' } },
      { filter: { subject_type: 'user' } },
    ],
  ],
  ['ReadTupleChanges', [{}, { object_type: 'document' }]],
  ['QueryService/ListObjects', who.map((subject) => ({ subject }))],
  ['ListSubjects', what.map((object) => ({ object }))],
];

function pairs(make: (user: string, object: string) => object): readonly object[] {
  return who.flatMap((user) => what.map((object) => make(user, object)));
}

/** All pages, one row each, where the question has pages. */
async function pagesOf(side: Side, method: string, request: object): Promise<unknown[]> {
  const field = ['Read', 'ReadChanges', 'ReadAuthorizationModels'].includes(method)
    ? 'continuation_token'
    : 'cursor';
  const isPaged = ['Read', 'List'].some((verb) => method.includes(verb)) && !plain.has(method);
  if (!isPaged) return [(await ask(side, method, request)).body];
  const pages: unknown[] = [];
  let cursor = '';
  for (let last: string | undefined; last !== cursor; ) {
    last = cursor;
    const { body } = await ask(side, method, { page_size: 1, ...request, [field]: cursor });
    const { [field]: next, ...rest } = body;
    pages.push(rest);
    // A change cursor stays where it is at the end.
    if (next === '') break;
    cursor = next;
  }
  return pages;
}

const plain = new Set([
  'ListObjects',
  'StreamedListObjects',
  'ListUsers',
  'ListRelations',
  'ReadAssertions',
]);

const otherOf = (side: Side): Side => (side === 'alpha' ? 'beta' : 'alpha');

/** Without what the request itself named. */
function mentions(answer: unknown, name: string, request: object): boolean {
  const asked = JSON.stringify(request).includes(name);
  return !asked && JSON.stringify(answer).includes(name);
}

let answers = 0;
afterAll(() => console.log(`isolation: ${answers} answers, 0 of another store`));

describe.each(questions)('%s', (method, requests) => {
  // The second time every answer may come from a cache that the other store has been through.
  test.each([1, 2])('tells of its own store, round %d', async () => {
    let own = 0;
    for (const request of requests) {
      for (const side of sides) {
        const pages = await pagesOf(side, method, request);
        answers += pages.length;
        expect(mentions(pages, otherOf(side), request), JSON.stringify(request)).toBe(false);
        if (JSON.stringify(pages).includes(side)) own++;
      }
    }
    if (!['Check', 'BatchCheck', 'ListRelations', 'ReadAuthorizationModels'].includes(method)) {
      expect(own).toBeGreaterThan(0);
    }
  });
});

test('what is answered yes in one is answered no in the other', async () => {
  for (const side of sides) {
    for (const [user, object] of [
      [`user:${side}`, 'document:common'],
      [`user:${side}-member`, 'document:common'],
      ['user:common', `document:${side}`],
    ]) {
      const request = { tuple_key: { user, relation: 'viewer', object } };
      expect((await ask(side, 'Check', request)).body.allowed).toBe(true);
      expect((await ask(otherOf(side), 'Check', request)).body.allowed).toBe(false);
      expect((await ask(side, 'Check', request)).body.allowed).toBe(true);
    }
  }
});

test('the token of an answer is of the store that was asked, at the same revision too', async () => {
  const request = { tuple_key: keyOf('document:common#viewer@user:common') };
  const revisions = [];
  for (const side of [...sides, ...sides]) {
    const { headers } = await ask(side, 'Check', request);
    const token = headers['pemba-consistency-token'] ?? '';
    // Of another store it would be refused.
    revisions.push(parseConsistencyToken(token, stores[side] as StoreId));
  }
  expect(new Set(revisions).size).toBe(1);
});

test('models of one id are two models', async () => {
  const rewrites = { plain: { this: {} }, none: { computedUserset: { relation: 'owner' } } };
  const asked: string[] = [];
  for (const [name, viewer] of Object.entries(rewrites)) {
    const { id } = (await service.ask('CreateStore', { name })).body;
    const restriction = { directly_related_user_types: [{ type: 'user' }] };
    const relations = name === 'plain' ? { viewer: restriction } : {};
    const definition = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'document',
          relations: { owner: { this: {} }, viewer },
          metadata: { relations: { owner: restriction, ...relations } },
        },
      ],
    };
    await service.datastore.writeModel(id, {
      id: model,
      schemaVersion: '1.1',
      definition: JSON.stringify(definition),
      names: ['user', 'document', 'owner', 'viewer'],
    });
    const tuples = [keyOf('document:1#owner@user:olga')];
    await service.ask('Write', { store_id: id, writes: { tuple_keys: tuples } });
    asked.push(id);
  }
  const allowed = async (store_id: string, authorization_model_id: string) => {
    const tuple_key = keyOf('document:1#viewer@user:olga');
    const request = { store_id, authorization_model_id, tuple_key };
    return (await service.ask('Check', request)).body.allowed;
  };
  for (const id of [model, '', model]) {
    expect(await Promise.all(asked.map((store) => allowed(store, id)))).toEqual([false, true]);
  }
});

describe('nothing that one hands out is of use in the other', () => {
  test.each([
    ['Read', {}, 'continuation_token'],
    ['ReadChanges', {}, 'continuation_token'],
    ['ReadTuples', {}, 'cursor'],
    ['ReadTupleChanges', {}, 'cursor'],
    ['QueryService/ListObjects', { subject: 'user:common' }, 'cursor'],
    ['ListSubjects', { object: 'document:common' }, 'cursor'],
    ['DeleteTuples', { filter: { object: 'document:nowhere' }, limit: 1 }, 'cursor'],
  ])('a cursor of %s', async (method, request, field) => {
    const asked =
      method === 'DeleteTuples' ? { ...request, all: false } : { ...request, page_size: 1 };
    const filled =
      method === 'DeleteTuples' ? { ...asked, filter: { object_type: 'folder' }, limit: 1 } : asked;
    if (method === 'DeleteTuples') {
      for (const side of sides) {
        const writes = ['1', '2', '3'].map((id) => keyOf(`folder:gone-${id}#viewer@user:common`));
        await ask(side, 'Write', { writes: { tuple_keys: writes } });
      }
    }
    const cursor = (await ask('alpha', method, filled)).body[field];
    expect(cursor).not.toBe('');
    const refusal = await service.refusal(method, {
      ...filled,
      store_id: stores.beta,
      [field]: cursor,
    } as JsonObject);
    expect(refusal.code).toBe('invalid_continuation_token');
  });

  test('a consistency token', async () => {
    const { headers } = await ask('alpha', 'Check', {
      tuple_key: { user: 'user:common', relation: 'viewer', object: 'document:common' },
    });
    const token = headers['pemba-consistency-token'] ?? '';
    const request = { store_id: stores.beta };
    expect((await service.refusal('Read', request, { token })).code).toBe('validation_error');
  });

  test('an idempotency key: the same write is done in each', async () => {
    const write = {
      writes: [{ subject: 'user:late', relation: 'viewer', object: 'document:late' }],
      idempotency_key: 'the same',
    };
    for (const side of sides) {
      expect((await ask(side, 'WriteTuples', write)).body.repeated_write).toBe(false);
      expect((await ask(side, 'WriteTuples', write)).body.repeated_write).toBe(true);
    }
  });
});

test('what is deleted in one stays in the other, with its store and its model', async () => {
  const tuple = keyOf('document:common#viewer@user:member');
  const membership = keyOf('group:common#member@user:member');
  await ask('beta', 'Write', { deletes: { tuple_keys: [membership] } });
  const allowed = async (side: Side) =>
    (await ask(side, 'Check', { tuple_key: tuple })).body.allowed;
  expect([await allowed('alpha'), await allowed('beta')]).toEqual([true, false]);
  await ask('beta', 'DeleteStore', {});
  expect(await allowed('alpha')).toBe(true);
  const refusal = await service.refusal('Check', { store_id: stores.beta, tuple_key: tuple });
  expect(refusal.code).toBe('latest_authorization_model_not_found');
  const asked = { store_id: stores.beta, authorization_model_id: model, tuple_key: tuple };
  expect((await service.refusal('Check', asked)).code).toBe('authorization_model_not_found');
});
