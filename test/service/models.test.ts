/** Models: what is written comes back, and what is no model is refused with the reason. */
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { AuthorizationModelSchema } from '../../src/gen/openfga/v1/authzmodel_pb.ts';
import { driveModel, openService, type TestService } from './harness.ts';

const store_id = '01HK0000000000000000000000';

let service: TestService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

async function write(model: JsonObject): Promise<string> {
  const { body } = await service.ask('WriteAuthorizationModel', { store_id, ...model });
  return body.authorization_model_id;
}

/** Modules and source files of schema 1.2, both spellings, nulls. */
const modular: JsonObject = {
  schema_version: '1.2',
  type_definitions: [
    { type: 'user', metadata: null },
    {
      type: 'document',
      relations: {
        owner: { this: {} },
        viewer: { union: { child: [{ this: {} }, { computed_userset: { relation: 'owner' } }] } },
      },
      metadata: {
        module: 'drive',
        source_info: { file: 'drive/document.fga' },
        relations: {
          owner: { directly_related_user_types: [{ type: 'user' }], module: 'drive' },
          viewer: {
            directly_related_user_types: [{ type: 'user', wildcard: {}, condition: 'open' }],
            source_info: { file: 'share.fga' },
          },
        },
      },
    },
  ],
  conditions: {
    open: {
      name: 'open',
      expression: 'now < until',
      parameters: {
        now: { type_name: 'TYPE_NAME_TIMESTAMP' },
        until: { type_name: 'TYPE_NAME_TIMESTAMP' },
      },
      metadata: { module: 'drive', source_info: { file: 'drive/open.fga' } },
    },
  },
};

test('a model comes back whole', async () => {
  const id = await write(modular);
  const { body } = await service.ask('ReadAuthorizationModel', { store_id, id });
  const [user, document] = body.authorization_model.type_definitions;
  expect(body.authorization_model).toMatchObject({ id, schema_version: '1.2' });
  expect(user.type).toBe('user');
  expect(document.metadata).toMatchObject({
    module: 'drive',
    source_info: { file: 'drive/document.fga' },
    relations: {
      owner: { directly_related_user_types: [{ type: 'user' }], module: 'drive' },
      viewer: {
        directly_related_user_types: [{ type: 'user', wildcard: {}, condition: 'open' }],
        source_info: { file: 'share.fga' },
      },
    },
  });
  expect(document.relations.viewer.union.child).toEqual([
    { this: {} },
    { computedUserset: { object: '', relation: 'owner' } },
  ]);
  expect(body.authorization_model.conditions.open).toMatchObject({
    expression: 'now < until',
    metadata: { module: 'drive', source_info: { file: 'drive/open.fga' } },
  });
});

test('no schema version is 1.1', async () => {
  const id = await write({ type_definitions: [{ type: 'user' }] });
  const { body } = await service.ask('ReadAuthorizationModel', { store_id, id });
  expect(body.authorization_model.schema_version).toBe('1.1');
});

test('ids grow, also within a millisecond and when the clock goes back', async () => {
  const ids: string[] = [];
  for (const step of [0, 0, -5_000, 0, 10_000]) {
    service.clock.time += step;
    ids.push(await write({ type_definitions: [{ type: 'user' }] }));
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('an unknown model is refused by its id', async () => {
  const id = '01HK0000000000000000000009';
  const refusal = await service.refusal('ReadAuthorizationModel', { store_id, id });
  expect(refusal.code).toBe('authorization_model_not_found');
  expect(refusal.message).toBe(`Authorization Model '${id}' not found`);
});

test('models are listed newest first, page by page', async () => {
  const own = '01HK0000000000000000000001';
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const model = { store_id: own, type_definitions: [{ type: `t${i}` }] };
    ids.unshift((await service.ask('WriteAuthorizationModel', model)).body.authorization_model_id);
  }
  const seen: string[] = [];
  let token = '';
  do {
    const request = { store_id: own, page_size: 2, continuation_token: token };
    const { body } = await service.ask('ReadAuthorizationModels', request);
    seen.push(...body.authorization_models.map(({ id }: { id: string }) => id));
    token = body.continuation_token;
  } while (token !== '');
  expect(seen).toEqual(ids);
  const bad = { store_id: own, continuation_token: 'nonsense' };
  const refusal = await service.refusal('ReadAuthorizationModels', bad);
  expect(refusal.code).toBe('invalid_continuation_token');
});

describe('what is no model', () => {
  const [, , , document] = driveModel.type_definitions;
  const broken = (change: object) => ({
    ...driveModel,
    type_definitions: [
      ...driveModel.type_definitions.slice(0, 3),
      { ...document, ...change },
    ] as JsonObject[],
  });
  const cel = (expression: string) => ({
    ...driveModel,
    conditions: { at_work: { ...driveModel.conditions.at_work, expression } },
  });
  test.each<readonly [string, JsonObject, readonly string[]]>([
    [
      'an unknown relation',
      broken({
        relations: { ...document.relations, viewer: { computedUserset: { relation: 'ghost' } } },
      }),
      ['document', 'ghost'],
    ],
    [
      'an unknown type',
      broken({
        metadata: {
          relations: {
            ...document.metadata.relations,
            banned: { directly_related_user_types: [{ type: 'ghost' }] },
          },
        },
      }),
      ['ghost'],
    ],
    [
      'a type twice',
      { ...driveModel, type_definitions: [{ type: 'user' }, { type: 'user' }] },
      ['user'],
    ],
    ['a condition that is no condition', cel('hour +'), ['at_work']],
    ['a condition that is not bool', cel('hour + limit'), ['at_work']],
    ['schema 1.0', { ...driveModel, schema_version: '1.0' }, []],
  ])('%s is refused', async (_, model, parts) => {
    const refusal = await service.refusal('WriteAuthorizationModel', { store_id, ...model });
    expect(refusal.code).toBe('invalid_authorization_model');
    for (const part of parts) expect(refusal.message).toContain(part);
  });
});

describe('limits', () => {
  const types = (count: number) => ({
    type_definitions: Array.from({ length: count }, (_, i) => ({ type: `t${i}` })),
  });

  test.each([
    [limits.modelTypesMax - 1, true],
    [limits.modelTypesMax, true],
    [limits.modelTypesMax + 1, false],
  ])('%d types pass: %s', async (count, passes) => {
    if (passes) return void (await write(types(count)));
    const request = { store_id, ...types(count) };
    const refusal = await service.refusal('WriteAuthorizationModel', request);
    expect(refusal.code).toBe('exceeded_entity_limit');
    expect(refusal.message).toBe(
      'The number of type definitions in an authorization model exceeds the allowed limit of 100',
    );
  });

  test('a model of so many bytes passes, of one more does not', async () => {
    await write(sized(-1));
    const id = await write(sized(0));
    const { body } = await service.ask('ReadAuthorizationModel', { store_id, id });
    expect(body.authorization_model.id).toBe(id);
    const refusal = await service.refusal('WriteAuthorizationModel', { store_id, ...sized(1) });
    expect(refusal.code).toBe('exceeded_entity_limit');
    expect(refusal.message).toBe(
      `model exceeds size limit: ${limits.modelBytesMax + 1} bytes vs ${limits.modelBytesMax} bytes`,
    );
  });
});

/** A valid model whose encoding, with its id, is `extra` bytes above the limit. */
function sized(extra: number): JsonObject {
  const target = limits.modelBytesMax + extra;
  const base = encodedBytes(manyRelations(1_000, 1, 1));
  const each = (encodedBytes(manyRelations(2_000, 1, 1)) - base) / 1_000;
  const relations = Math.floor(1_000 + (target - base - 20) / each);
  const room = target - encodedBytes(manyRelations(relations, 1, 1));
  const first = Math.min(room, 90);
  return manyRelations(relations, 1 + first, 1 + room - first);
}

function encodedBytes(model: JsonObject): number {
  const message = fromJson(AuthorizationModelSchema, { id: store_id, ...model });
  return toBinary(AuthorizationModelSchema, message).length;
}

/** The names of the two source files are the padding. */
function manyRelations(count: number, first: number, second: number): JsonObject {
  const names = Array.from({ length: count }, (_, i) => `r${String(i).padStart(49, '0')}`);
  const restricted = { directly_related_user_types: [{ type: 'user' }] };
  const file = (length: number) => ({ file: `${'f'.repeat(length)}.fga` });
  return {
    schema_version: '1.1',
    type_definitions: [
      { type: 'user', metadata: { source_info: file(first) } },
      {
        type: 'document',
        relations: Object.fromEntries(names.map((name) => [name, { this: {} }])),
        metadata: {
          relations: Object.fromEntries(names.map((name) => [name, restricted])),
          source_info: file(second),
        },
      },
    ],
  };
}
