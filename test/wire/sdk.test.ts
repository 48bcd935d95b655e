// The published OpenFGA SDK, as it is, against the HTTP port over a real datastore.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ClientWriteRequestOnDuplicateWrites,
  ClientWriteRequestOnMissingDeletes,
  ConsistencyPreference,
  FgaApiError,
  FgaApiNotFoundError,
  FgaApiValidationError,
  OpenFgaClient,
  type WriteAuthorizationModelRequest,
} from '@openfga/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { createHttpServer } from '../../src/server/http.ts';
import { createMethods } from '../../src/service/router.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { openToAll } from '../service/open-to-all.ts';

/** A library of tools: a member of a club may borrow what stands in the club's sheds. */
const model = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'person', relations: {} },
    {
      type: 'club',
      relations: { member: { this: {} } },
      metadata: {
        relations: {
          member: {
            directly_related_user_types: [{ type: 'person' }, { type: 'club', relation: 'member' }],
          },
        },
      },
    },
    {
      type: 'shed',
      relations: { opener: { this: {} } },
      metadata: {
        relations: {
          opener: { directly_related_user_types: [{ type: 'club', relation: 'member' }] },
        },
      },
    },
    {
      type: 'tool',
      relations: {
        shed: { this: {} },
        banned: { this: {} },
        keeper: { this: {} },
        borrower: {
          difference: {
            base: {
              union: {
                child: [
                  { computedUserset: { relation: 'keeper' } },
                  {
                    tupleToUserset: {
                      tupleset: { relation: 'shed' },
                      computedUserset: { relation: 'opener' },
                    },
                  },
                ],
              },
            },
            subtract: { computedUserset: { relation: 'banned' } },
          },
        },
      },
      metadata: {
        relations: {
          shed: { directly_related_user_types: [{ type: 'shed' }] },
          banned: { directly_related_user_types: [{ type: 'person' }] },
          keeper: { directly_related_user_types: [{ type: 'person', condition: 'by_day' }] },
        },
      },
    },
  ],
  conditions: {
    by_day: {
      name: 'by_day',
      expression: 'hour < closing',
      parameters: { hour: { type_name: 'TYPE_NAME_INT' }, closing: { type_name: 'TYPE_NAME_INT' } },
    },
  },
} as unknown as WriteAuthorizationModelRequest;

const tuple = (user: string, relation: string, object: string) => ({ user, relation, object });
const tuples = [
  tuple('person:ida', 'member', 'club:woodworkers'),
  tuple('club:woodworkers#member', 'member', 'club:makers'),
  tuple('club:makers#member', 'opener', 'shed:yard'),
  tuple('shed:yard', 'shed', 'tool:saw'),
  tuple('shed:yard', 'shed', 'tool:lathe'),
  tuple('person:ida', 'banned', 'tool:lathe'),
  {
    ...tuple('person:ole', 'keeper', 'tool:saw'),
    condition: { name: 'by_day', context: { closing: 18 } },
  },
];

let datastore: Datastore;
let server: Server;
let apiUrl: string;
let client: OpenFgaClient;
let storeId: string;
let modelId: string;

beforeAll(async () => {
  datastore = await openSqlite({ path: ':memory:', clock: systemClock });
  server = createHttpServer({
    methods: openToAll(createMethods({ datastore, clock: systemClock })),
    clock: systemClock,
    requestTimeoutMs: limits.requestTimeoutMs,
    requestBytesMax: limits.requestBytesMax,
    corsOrigins: [],
    ready: async () => [],
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { id } = await connect({}).createStore({ name: 'tools' });
  storeId = id;
  modelId = (await connect({ storeId }).writeAuthorizationModel(model)).authorization_model_id;
  client = connect({ storeId, authorizationModelId: modelId });
  await client.write({ writes: tuples });
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await datastore.close();
});

function connect(ids: { storeId?: string; authorizationModelId?: string }): OpenFgaClient {
  return new OpenFgaClient({ apiUrl, ...ids, retryParams: { maxRetry: 0, minWaitInMs: 1 } });
}

describe('stores and models', () => {
  test('a store is found by its id and by its name', async () => {
    expect(await client.getStore()).toMatchObject({ id: storeId, name: 'tools' });
    const { stores, continuation_token } = await client.listStores({ name: 'tools' });
    expect([stores.map(({ id }) => id), continuation_token]).toEqual([[storeId], '']);
  });

  test('a model comes back as it was written', async () => {
    const { authorization_model } = await client.readAuthorizationModel();
    expect(authorization_model).toMatchObject(model);
    const latest = await connect({ storeId }).readLatestAuthorizationModel();
    expect(latest.authorization_model?.id).toBe(modelId);
  });

  test('models are listed newest first, page by page', async () => {
    const { id } = await client.createStore({ name: 'paged' });
    const other = connect({ storeId: id });
    const written: string[] = [];
    for (let i = 0; i < 3; i++) {
      written.push((await other.writeAuthorizationModel(model)).authorization_model_id);
    }
    const read: string[] = [];
    let continuationToken = '';
    do {
      const page = await other.readAuthorizationModels({ pageSize: 2, continuationToken });
      read.push(...page.authorization_models.map((each) => each.id));
      continuationToken = page.continuation_token ?? '';
    } while (continuationToken !== '');
    expect(read).toEqual(written.reverse());
    await other.deleteStore();
    await expect(other.getStore()).rejects.toBeInstanceOf(FgaApiNotFoundError);
  });
});

describe('checks', () => {
  test.each([
    ['person:ida', 'borrower', 'tool:saw', true],
    ['person:ida', 'borrower', 'tool:lathe', false],
    ['person:eve', 'borrower', 'tool:saw', false],
    ['club:makers#member', 'opener', 'shed:yard', true],
  ])('%s %s %s: %s', async (user, relation, object, allowed) => {
    const consistency = ConsistencyPreference.HigherConsistency;
    expect((await client.check(tuple(user, relation, object))).allowed).toBe(allowed);
    expect((await client.check(tuple(user, relation, object), { consistency })).allowed).toBe(
      allowed,
    );
  });

  test('read contextual tuples, for one request only', async () => {
    const question = tuple('person:eve', 'borrower', 'tool:saw');
    const contextualTuples = [tuple('person:eve', 'member', 'club:woodworkers')];
    expect((await client.check({ ...question, contextualTuples })).allowed).toBe(true);
    expect((await client.check(question)).allowed).toBe(false);
  });

  test('evaluate conditions', async () => {
    const question = tuple('person:ole', 'keeper', 'tool:saw');
    expect((await client.check({ ...question, context: { hour: 17 } })).allowed).toBe(true);
    expect((await client.check({ ...question, context: { hour: 18 } })).allowed).toBe(false);
    await expect(client.check(question)).rejects.toBeInstanceOf(FgaApiValidationError);
  });

  test('come in batches, each with an answer or an error of its own', async () => {
    const { result } = await client.batchCheck({
      checks: [
        { ...tuple('person:ida', 'borrower', 'tool:saw'), correlationId: 'yes' },
        { ...tuple('person:ida', 'borrower', 'tool:lathe'), correlationId: 'no' },
        { ...tuple('person:ida', 'eater', 'tool:lathe'), correlationId: 'wrong' },
        {
          ...tuple('person:ole', 'keeper', 'tool:saw'),
          context: { hour: 9 },
          correlationId: 'context',
        },
      ],
    });
    const of = (id: string) => result.find(({ correlationId }) => correlationId === id);
    expect([of('yes')?.allowed, of('no')?.allowed, of('context')?.allowed]).toEqual([
      true,
      false,
      true,
    ]);
    expect(of('wrong')?.error?.input_error).toBe('validation_error');
  });

  test('are sent one by one for clientBatchCheck and listRelations', async () => {
    const { result } = await client.clientBatchCheck([
      tuple('person:ida', 'borrower', 'tool:saw'),
      tuple('person:ida', 'eater', 'tool:saw'),
    ]);
    expect(result.map(({ _request, allowed }) => [_request.relation, allowed])).toEqual([
      ['borrower', true],
      ['eater', undefined],
    ]);
    const relations = ['shed', 'banned', 'borrower'];
    const about = { user: 'person:ida', object: 'tool:lathe', relations };
    expect(await client.listRelations(about)).toEqual({ relations: ['banned'] });
  });

  test('are explained one level deep by expand', async () => {
    const { tree } = await client.expand({ relation: 'borrower', object: 'tool:saw' });
    expect(tree?.root?.name).toBe('tool:saw#borrower');
    const base = tree?.root?.difference?.base.union?.nodes;
    expect(base?.[0]?.leaf?.computed?.userset).toBe('tool:saw#keeper');
    expect(base?.[1]?.leaf?.tupleToUserset).toEqual({
      tupleset: 'tool:saw#shed',
      computed: [{ userset: 'shed:yard#opener' }],
    });
  });
});

describe('tuples', () => {
  test('are read by filter and page by page', async () => {
    const { tuples: found } = await client.read({ user: 'shed:yard', object: 'tool:' });
    expect(found.map(({ key }) => key.object).sort()).toEqual(['tool:lathe', 'tool:saw']);
    const [kept] = (await client.read({ object: 'tool:saw', relation: 'keeper' })).tuples;
    expect(kept?.key.condition).toEqual({ name: 'by_day', context: { closing: 18 } });
    const seen: string[] = [];
    let continuationToken = '';
    do {
      const page = await client.read({}, { pageSize: 2, continuationToken });
      seen.push(...page.tuples.map(({ key }) => `${key.object}#${key.relation}@${key.user}`));
      continuationToken = page.continuation_token;
    } while (continuationToken !== '');
    expect(seen.sort()).toEqual(
      tuples.map((each) => `${each.object}#${each.relation}@${each.user}`).sort(),
    );
  });

  test('change, and the changes are listed in order', async () => {
    const guest = tuple('person:guest', 'member', 'club:guests');
    await client.write({ writes: [guest] });
    await client.write({ deletes: [guest] });
    const { changes, continuation_token } = await client.readChanges({ type: 'club' });
    expect(
      changes.slice(-2).map(({ operation, tuple_key }) => [operation, tuple_key.user]),
    ).toEqual([
      ['TUPLE_OPERATION_WRITE', 'person:guest'],
      ['TUPLE_OPERATION_DELETE', 'person:guest'],
    ]);
    const options = { continuationToken: continuation_token ?? '' };
    expect((await client.readChanges({ type: 'club' }, options)).changes).toEqual([]);
  });

  test('that exist, or do not, are refused or passed over', async () => {
    const present = tuple('person:ida', 'banned', 'tool:lathe');
    const absent = tuple('person:eve', 'banned', 'tool:lathe');
    for (const write of [{ writes: [present] }, { deletes: [absent] }]) {
      const error = await client.write(write).then(noFailure, (each: unknown) => each);
      expect(error).toBeInstanceOf(FgaApiValidationError);
      expect(error).toMatchObject({ apiErrorCode: 'write_failed_due_to_invalid_input' });
    }
    const conflict = {
      onDuplicateWrites: ClientWriteRequestOnDuplicateWrites.Ignore,
      onMissingDeletes: ClientWriteRequestOnMissingDeletes.Ignore,
    };
    await client.write({ writes: [present], deletes: [absent] }, { conflict });
    const other = { name: 'by_day', context: { closing: 19 } };
    const changed = { ...tuple('person:ole', 'keeper', 'tool:saw'), condition: other };
    const error = await client
      .write({ writes: [changed] }, { conflict })
      .then(noFailure, (each: unknown) => each);
    expect(error).toBeInstanceOf(FgaApiError);
    expect(error).toMatchObject({ statusCode: 409 });
  });
});

test('assertions are replaced and read', async () => {
  await client.writeAssertions([
    { ...tuple('person:eve', 'borrower', 'tool:saw'), expectation: true },
  ]);
  await client.writeAssertions([
    { ...tuple('person:ida', 'borrower', 'tool:saw'), expectation: true },
    { ...tuple('person:ida', 'borrower', 'tool:lathe'), expectation: false },
  ]);
  const read = await client.readAssertions();
  expect(read.authorization_model_id).toBe(modelId);
  expect(read.assertions?.map((each) => [each.tuple_key.object, each.expectation])).toEqual([
    ['tool:saw', true],
    ['tool:lathe', false],
  ]);
});

describe('errors', () => {
  const unknownId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const question = tuple('person:ida', 'borrower', 'tool:saw');

  test.each([
    [
      'an unknown relation',
      () => client.check(tuple('person:ida', 'eater', 'tool:saw')),
      FgaApiValidationError,
      'validation_error',
      400,
    ],
    [
      'an unknown model',
      () => client.check(question, { authorizationModelId: unknownId }),
      FgaApiValidationError,
      'authorization_model_not_found',
      400,
    ],
    [
      'no model at all',
      () => connect({ storeId: unknownId }).check(question),
      FgaApiValidationError,
      'latest_authorization_model_not_found',
      400,
    ],
    [
      'an invalid model',
      () => client.writeAuthorizationModel({ schema_version: '1.1', type_definitions: [] }),
      FgaApiValidationError,
      'type_definitions_too_few_items',
      400,
    ],
    [
      'an unknown store',
      () => connect({ storeId: unknownId }).getStore(),
      FgaApiNotFoundError,
      'store_id_not_found',
      404,
    ],
  ])('%s', async (_what, call, kind, apiErrorCode, statusCode) => {
    const error = await call().then(noFailure, (each: unknown) => each);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ apiErrorCode, statusCode });
  });
});

function noFailure(): never {
  throw new Error('the call did not fail');
}
