/** Check: answers over stored and contextual tuples, and every way in which it refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { callOf, openDrive, openService, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive([
    'document:1#viewer@user:anne',
    'document:1#banned@user:bob',
    'document:1#viewer@group:eng#member',
    'group:eng#member@user:bob',
    'group:eng#member@user:carl',
    'document:1#parent@folder:top',
    'folder:top#viewer@user:dora',
    'document:2#viewer@user:*',
  ]);
  const guarded = { name: 'at_work', context: { limit: 17 } };
  const tuple = { ...tupleKey('document:1#owner@user:eve'), condition: guarded };
  await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [tuple] } });
});
afterAll(() => drive.close());

const check = (question: string, more: object = {}) => ({
  store_id: drive.store,
  tuple_key: tupleKey(question),
  ...more,
});

describe('answers', () => {
  test.each([
    ['document:1#viewer@user:anne', true, {}],
    ['document:1#viewer@user:zoe', false, {}],
    ['document:1#viewer@user:carl', true, {}],
    ['document:1#viewer@group:eng#member', true, {}],
    ['document:1#viewer@user:dora', true, {}],
    ['document:1#reader@user:bob', false, {}],
    ['document:1#reader@user:carl', true, {}],
    ['document:2#viewer@user:zoe', true, {}],
    ['document:2#viewer@user:*', true, {}],
    ['document:9#viewer@user:anne', false, {}],
    ['document:1#viewer@document:1#viewer', true, {}],
    ['document:1#owner@user:eve', true, { context: { hour: 10 } }],
    ['document:1#owner@user:eve', false, { context: { hour: 17 } }],
    // What the tuple says of a parameter wins over what the request says.
    ['document:1#owner@user:eve', false, { context: { hour: 17, limit: 24 } }],
    ['document:9#viewer@user:anne', true, contextual('document:9#viewer@user:anne')],
    ['group:1#member@group:1#member', true, contextual('group:1#member@group:1#member')],
    ['document:9#viewer@user:dora', true, contextual('document:9#parent@folder:top')],
  ])('%s is %s with %j', async (question, allowed, more) => {
    const { body } = await drive.ask('Check', check(question, more));
    expect(body).toEqual({ allowed, resolution: '' });
  });

  test('names the model that it used', async () => {
    for (const authorization_model_id of ['', drive.model]) {
      const request = check('document:1#viewer@user:anne', { authorization_model_id });
      const { headers } = await drive.ask('Check', request);
      expect(headers['openfga-authorization-model-id']).toBe(drive.model);
    }
  });

  test('comes without a promise when the call asks for no revision', () => {
    const method = drive.methods.find(({ descriptor }) => descriptor.name === 'Check');
    const request = {
      storeId: drive.store,
      authorizationModelId: '',
      tupleKey: tupleKey('document:1#viewer@user:anne'),
      consistency: 0,
    };
    expect(method?.handle(request as never, callOf('Check'))).toMatchObject({ allowed: true });
  });
});

function contextual(...tuples: string[]) {
  return { contextual_tuples: { tuple_keys: tuples.map(tupleKey) } };
}

const noCondition = { ...tupleKey('document:1#owner@user:zoe') };
const withCondition = (name: string, context = {}) => ({
  contextual_tuples: { tuple_keys: [{ ...noCondition, condition: { name, context } }] },
});
const unknownModel = '01HK0000000000000000000000';

const refusals: readonly (readonly [string, object, ErrorCode, string])[] = [
  ['document:1#viewer@ghost:1', {}, 'validation_error', "type 'ghost' not found"],
  ['ghost:1#viewer@user:anne', {}, 'validation_error', "type 'ghost' not found"],
  ['document:1#ghost@user:anne', {}, 'validation_error', "relation 'document#ghost' not found"],
  ['document:1#viewer@group:1#ghost', {}, 'validation_error', "relation 'group#ghost' not found"],
  ['document:1#viewer@anne', {}, 'validation_error', "the 'user' field must be an object"],
  ['document:1#viewer@a:b:c', {}, 'validation_error', "the 'user' field is malformed"],
  ['document:1#viewer@group:*#member', {}, 'validation_error', "the 'user' field is malformed"],
  ['document#viewer@user:anne', {}, 'validation_error', "invalid 'object' field format"],
  ['document:*#viewer@user:anne', {}, 'validation_error', 'cannot reference a typed wildcard'],
  [
    'document:1#viewer@user:anne',
    { authorization_model_id: unknownModel },
    'authorization_model_not_found',
    `Authorization Model '${unknownModel}' not found`,
  ],
  [
    'document:1#viewer@user:anne',
    contextual('document:1#viewer@folder:1'),
    'invalid_tuple',
    "Invalid tuple 'document:1#viewer@folder:1'. Reason: type 'folder' is not an allowed",
  ],
  [
    'document:1#viewer@user:anne',
    contextual('document:1#viewer@anne'),
    'invalid_tuple',
    "Invalid tuple 'document:1#viewer@anne'. Reason: the 'user' field must be an object",
  ],
  [
    'document:1#viewer@user:anne',
    contextual('document:1#owner@user:zoe'),
    'invalid_tuple',
    "Invalid tuple 'document:1#owner@user:zoe'. Reason: condition is missing",
  ],
  [
    'document:1#viewer@user:anne',
    withCondition('at_home'),
    'invalid_tuple',
    "Invalid tuple 'document:1#owner@user:zoe (condition at_home)'. Reason: undefined condition",
  ],
  [
    'document:1#viewer@user:anne',
    withCondition('at_work', { minute: 1 }),
    'invalid_tuple',
    'found invalid context parameter: minute',
  ],
  ['document:1#owner@user:eve', {}, 'validation_error', "missing context parameters '[hour]'"],
  [
    'document:1#owner@user:eve',
    { context: { hour: 'ten' } },
    'validation_error',
    'parameter type error',
  ],
];

test.each(refusals)('%s with %j is %s', async (question, more, code, message) => {
  const refusal = await drive.refusal('Check', check(question, more));
  expect([refusal.code, refusal.message]).toEqual([code, expect.stringContaining(message)]);
  expect(refusal.malformedRequest).toBe(false);
});

test('a store without a model has no answer', async () => {
  const store_id = '01HK0000000000000000000000';
  const question = { store_id, tuple_key: tupleKey('document:1#viewer@user:anne') };
  const latest = await drive.refusal('Check', question);
  expect(latest.code).toBe('latest_authorization_model_not_found');
  expect(latest.message).toBe(`No authorization models found for store '${store_id}'`);
  const named = { ...question, authorization_model_id: drive.model };
  expect((await drive.refusal('Check', named)).code).toBe('authorization_model_not_found');
});

test('the model of a deleted store is gone, also from memory', async () => {
  const other = await openDrive(['document:1#viewer@user:anne']);
  const question = {
    store_id: other.store,
    authorization_model_id: other.model,
    tuple_key: tupleKey('document:1#viewer@user:anne'),
  };
  expect((await other.ask('Check', question)).body.allowed).toBe(true);
  await other.ask('DeleteStore', { store_id: other.store });
  expect((await other.refusal('Check', question)).code).toBe('authorization_model_not_found');
  const { type_definitions, schema_version } = newModel;
  const model = { store_id: other.store, type_definitions, schema_version };
  await other.ask('WriteAuthorizationModel', model);
  expect((await other.refusal('Check', question)).code).toBe('authorization_model_not_found');
  await other.close();
});

const newModel = { schema_version: '1.1', type_definitions: [{ type: 'user' }] };

describe('limits', () => {
  const chain = Array.from({ length: 30 }, (_, i) => `group:${i}#member@group:${i + 1}#member`);
  const nestedGroups = [...chain, 'group:30#member@user:anne'];

  test('the depth is one more than what the walk may descend', async () => {
    for (const [levels, code] of [
      [31, undefined],
      [5, 'authorization_model_resolution_too_complex'],
    ] as const) {
      const service = await openService({ checkDepthMax: levels });
      const store_id = (await service.ask('CreateStore', { name: 'deep' })).body.id;
      await service.ask('WriteAuthorizationModel', { store_id, ...groups });
      const writes = { tuple_keys: nestedGroups.map(tupleKey) };
      await service.ask('Write', { store_id, writes });
      const question = { store_id, tuple_key: tupleKey('group:0#member@user:anne') };
      if (code === undefined) {
        expect((await service.ask('Check', question)).body.allowed).toBe(true);
      } else {
        expect((await service.refusal('Check', question)).code).toBe(code);
      }
      await service.close();
    }
  });

  test('a check may visit so much and no more', async () => {
    const service = await openService({ checkStepsMax: 5 });
    const store_id = (await service.ask('CreateStore', { name: 'wide' })).body.id;
    await service.ask('WriteAuthorizationModel', { store_id, ...groups });
    const tuples = Array.from({ length: 20 }, (_, i) => `group:0#member@group:${i + 1}#member`);
    await service.ask('Write', { store_id, writes: { tuple_keys: tuples.map(tupleKey) } });
    const question = { store_id, tuple_key: tupleKey('group:0#member@user:anne') };
    const refusal = await service.refusal('Check', question);
    expect(refusal.code).toBe('authorization_model_resolution_too_complex');
    await service.close();
  });
});

const groups = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'group',
      relations: { member: { this: {} } },
      metadata: {
        relations: {
          member: {
            directly_related_user_types: [{ type: 'user' }, { type: 'group', relation: 'member' }],
          },
        },
      },
    },
  ],
};
