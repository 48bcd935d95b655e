/** ListRelations: the answers of Check for every relation of an object, none dropped. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive([
    'document:1#viewer@user:anne',
    'document:1#viewer@group:eng#member',
    'group:eng#member@user:bob',
    'document:1#banned@user:bob',
  ]);
  const condition = { name: 'at_work', context: { limit: 17 } };
  const tuple = { ...tupleKey('document:1#owner@user:eve'), condition };
  await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [tuple] } });
});
afterAll(() => drive.close());

const request = (subject: string, more: object = {}) => ({
  store_id: drive.store,
  subject,
  object: 'document:1',
  ...more,
});
const relationsOf = async (subject: string, more: object = {}) =>
  (await drive.ask('ListRelations', request(subject, more))).body;

test.each([
  ['user:anne', ['viewer', 'reader']],
  ['user:bob', ['banned', 'viewer']],
  ['user:zoe', []],
  ['group:eng#member', ['viewer', 'reader']],
  ['user:*', []],
])('%s has %j, in the order of the model', async (subject, relations) => {
  expect(await relationsOf(subject)).toEqual({ relations, unanswered: [], obligations: [] });
});

test('only those that were asked for, each once, in the order of the model', async () => {
  const asked = (relations: string[]) => relationsOf('user:bob', { relations });
  expect((await asked(['viewer', 'banned', 'viewer', 'owner'])).relations).toEqual([
    'banned',
    'viewer',
  ]);
  expect((await asked(['reader'])).relations).toEqual([]);
});

test('a relation that cannot be computed is named with its reason', async () => {
  const { relations, unanswered } = await relationsOf('user:eve');
  expect(relations).toEqual([]);
  expect(unanswered).toEqual(
    ['owner', 'viewer', 'reader'].map((relation) => ({
      relation,
      code: 'validation_error',
      message: expect.stringContaining("missing context parameters '[hour]'"),
      missing_parameters: ['hour'],
    })),
  );
  const context = { hour: 10 };
  expect((await relationsOf('user:eve', { context })).relations).toEqual([
    'owner',
    'viewer',
    'reader',
  ]);
  const failed = await relationsOf('user:eve', { context: { hour: 'noon' }, relations: ['owner'] });
  expect(failed.unanswered).toMatchObject([{ relation: 'owner', missing_parameters: [] }]);
});

test('contextual tuples count, with their conditions', async () => {
  const contextual_tuples = [
    {
      subject: 'user:zoe',
      relation: 'owner',
      object: 'document:1',
      condition: { name: 'at_work', context: { hour: 9, limit: 10 } },
    },
  ];
  expect((await relationsOf('user:zoe', { contextual_tuples })).relations).toEqual([
    'owner',
    'viewer',
    'reader',
  ]);
});

test('the headers are those of a check', async () => {
  const { headers } = await drive.ask('ListRelations', request('user:anne'));
  const check = { store_id: drive.store, tuple_key: tupleKey('document:1#viewer@user:anne') };
  expect(headers).toEqual((await drive.ask('Check', check)).headers);
  expect(headers['openfga-authorization-model-id']).toBe(drive.model);
  const token = headers['pemba-consistency-token'] as string;
  const again = await drive.ask('ListRelations', request('user:anne'), { token });
  expect(again.body.relations).toEqual(['viewer', 'reader']);
});

test.each([
  ['no subject', { subject: 'anne' }, 'validation_error', '`anne` is no subject'],
  ['a subject of no type', { subject: 'robot:1' }, 'validation_error', "type 'robot' not found"],
  ['no object', { object: 'document' }, 'validation_error', '`document` is no object'],
  ['all objects', { object: 'document:*' }, 'validation_error', 'is no object'],
  ['an object of no type', { object: 'robot:1' }, 'validation_error', "type 'robot' not found"],
  ['a relation that is none', { relations: ['editor'] }, 'validation_error', "'document#editor'"],
  [
    'a contextual tuple that the model refuses',
    { contextual_tuples: [{ subject: 'user:a', relation: 'parent', object: 'document:1' }] },
    'invalid_tuple',
    "Invalid tuple 'document:1#parent@user:a'",
  ],
  [
    'another model',
    { model_id: '01HK0000000000000000000000' },
    'authorization_model_not_found',
    '01HK0000000000000000000000',
  ],
])('%s is refused', async (_, change, code, message) => {
  const refusal = await drive.refusal('ListRelations', request('user:anne', change));
  expect(refusal.code).toBe(code);
  expect(refusal.message).toContain(message);
});

test('what a field may not hold is refused before the handler', async () => {
  const tuple = { subject: 'user:zoe', relation: 'viewer', object: 'document:1' };
  for (const [change, place] of [
    [{ store_id: 'x' }, 'StoreId'],
    [{ subject: '' }, 'Subject'],
    [{ object: 'a b' }, 'Object'],
    [{ model_id: 'x' }, 'ModelId'],
    [{ contextual_tuples: Array(limits.contextualTuplesMax + 1).fill(tuple) }, 'ContextualTuples'],
  ] as const) {
    const refusal = await drive.refusal('ListRelations', request('user:anne', change));
    expect(refusal.malformedRequest).toBe(true);
    expect(refusal.message).toContain(`invalid ListRelationsRequest.${place}:`);
  }
});

test('a call that is late is refused', async () => {
  const refusal = await drive.refusal('ListRelations', request('user:anne'), {
    deadline: drive.clock.monotonic(),
  });
  expect(refusal.code).toBe('deadline_exceeded');
});
