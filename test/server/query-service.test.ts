// The second service, over each protocol: the server knows it by its descriptors alone.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Outcome, QueryService } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { driveModel } from '../service/harness.ts';
import { GrpcClient } from './grpc-client.ts';
import { post } from './http-fixture.ts';

let server: RunningServer;
let url: string;
let storeId: string;
beforeAll(async () => {
  const flags = {
    'datastore-uri': ':memory:',
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': 'off',
    'log-level': 'off',
  };
  server = await startServer(resolveConfig({ environment: {}, flags }));
  url = `http://${server.httpAddress}`;
  const send = async (path: string, body: unknown) => (await post(url, path, body)).json();
  storeId = ((await send('/stores', { name: 'drive' })) as { id: string }).id;
  await send(`/stores/${storeId}/authorization-models`, driveModel);
  const tuple = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
  await send(`/stores/${storeId}/write`, { writes: { tuple_keys: [tuple] } });
});
afterAll(() => server.close());

const anne = { subject: 'user:anne', object: 'document:1' };

const page = {
  objects: [{ object: 'document:1', relations: ['viewer', 'reader'], unanswered: [] }],
  cursor: '',
  count: 1,
};
const readers = { object: 'document:1', relations: ['reader'], subjectTypes: ['user'] };
const readersPage = {
  subjects: [{ subject: 'user:anne', relations: ['reader'], unanswered: [], except: [] }],
  cursor: '',
  count: 1,
};

test('gRPC', async () => {
  const client = new GrpcClient(server.grpcAddress);
  try {
    const { listRelations, explain } = QueryService.method;
    const listed = await client.call(listRelations, { storeId, ...anne });
    expect(listed.message?.relations).toEqual(['viewer', 'reader']);
    expect(listed.headers.get('pemba-consistency-token')).toHaveLength(1);
    expect(listed.status.metadata.get('pemba-consistency-token')).toHaveLength(1);
    const explained = await client.call(explain, { storeId, relation: 'viewer', ...anne });
    expect(explained.message).toMatchObject({ outcome: Outcome.ALLOWED });
    const { listObjects, listSubjects } = QueryService.method;
    const objects = await client.call(listObjects, { storeId, subject: 'user:anne', pageSize: 1 });
    expect(objects.message).toMatchObject(page);
    expect(objects.headers.get('pemba-consistency-token')).toEqual([
      objects.message?.consistencyToken,
    ]);
    const subjects = await client.call(listSubjects, { storeId, ...readers });
    expect(subjects.message).toMatchObject(readersPage);
    const forged = await client.call(listObjects, {
      storeId,
      subject: 'user:anne',
      cursor: 'AAAA',
    });
    expect(forged.status.code).toBe(2007);
    const relation = 'editor';
    expect((await client.call(explain, { storeId, relation, ...anne })).status.code).toBe(2000);
    expect((await client.call(explain, { storeId, ...anne })).status.code).toBe(3);
  } finally {
    client.close();
  }
});

test.each([
  ['Connect', createConnectTransport],
  ['gRPC-Web', createGrpcWebTransport],
])('%s', async (_, createTransport) => {
  const client = createClient(
    QueryService,
    createTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat: true }),
  );
  expect((await client.listRelations({ storeId, ...anne })).relations).toEqual([
    'viewer',
    'reader',
  ]);
  const explained = await client.explain({ storeId, relation: 'owner', ...anne });
  expect(explained.outcome).toBe(Outcome.DENIED);
  expect(await client.listObjects({ storeId, subject: 'user:anne' })).toMatchObject(page);
  expect(await client.listSubjects({ storeId, ...readers })).toMatchObject(readersPage);
});

test('REST', async () => {
  const listed = await post(url, `/stores/${storeId}/list-relations`, anne);
  expect(listed.status).toBe(200);
  expect(listed.headers.get('pemba-consistency-token')).not.toBeNull();
  expect(await listed.json()).toEqual({
    relations: ['viewer', 'reader'],
    unanswered: [],
    obligations: [],
  });
  const objects = await post(url, `/stores/${storeId}/objects`, { subject: 'user:anne' });
  const token = objects.headers.get('pemba-consistency-token');
  expect(await objects.json()).toEqual({ ...page, consistency_token: token });
  const { subjectTypes: subject_types, ...rest } = readers;
  const subjects = await post(url, `/stores/${storeId}/subjects`, { ...rest, subject_types });
  expect(await subjects.json()).toEqual({ ...readersPage, consistency_token: token });
  const wire = await post(url, `/stores/${storeId}/list-objects`, {
    type: 'document',
    relation: 'reader',
    user: 'user:anne',
  });
  expect(await wire.json()).toEqual({ objects: ['document:1'] });
  const path = `/stores/${storeId}/explain`;
  const explained = await post(url, path, { ...anne, relation: 'viewer' });
  expect(await explained.json()).toMatchObject({ outcome: 'OUTCOME_ALLOWED', truncated: false });
  const refused = await post(url, path, { ...anne, relation: 'editor' });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toEqual({
    code: 'validation_error',
    message: expect.stringContaining("'document#editor'"),
  });
});
