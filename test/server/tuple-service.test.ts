// Tuples of pemba.v1 over each protocol: a write with an end and a condition, and all that follows.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ChangeKind,
  OnDuplicate,
  Requirement,
  TupleService,
} from '../../src/gen/pemba/v1/tuple_service_pb.ts';
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
});
afterAll(() => server.close());
beforeEach(async () => {
  const send = async (path: string, body: unknown) => (await post(url, path, body)).json();
  storeId = ((await send('/stores', { name: 'drive' })) as { id: string }).id;
  await send(`/stores/${storeId}/authorization-models`, driveModel);
});

const anne = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };
/** In the year 2199. */
const expiresAt = { seconds: 7_258_118_399n, nanos: 500_000_000 };
const filter = { object: 'document:1' };
const bobMustExist = {
  requirement: Requirement.MUST_EXIST,
  filter: { ...filter, subject: 'user:bob' },
};

test('gRPC', async () => {
  const client = new GrpcClient(server.grpcAddress);
  const { writeTuples, readTuples, deleteTuples, readTupleChanges } = TupleService.method;
  try {
    const writes = [{ ...anne, expiresAt }];
    const written = await client.call(writeTuples, { storeId, writes, idempotencyKey: 'one' });
    const token = written.message?.consistencyToken;
    expect(written.headers.get('pemba-consistency-token')).toEqual([token]);
    expect(written.status.metadata.get('pemba-consistency-token')).toEqual([token]);
    const again = await client.call(writeTuples, { storeId, writes, idempotencyKey: 'one' });
    expect(again.message).toMatchObject({ repeatedWrite: true, consistencyToken: token });
    const read = await client.call(readTuples, { storeId, filter });
    expect(read.message?.tuples).toMatchObject([{ tuple: { ...anne, expiresAt } }]);
    // 9 is gRPC's FAILED_PRECONDITION, 3 its INVALID_ARGUMENT, 10 ABORTED; 2017 is the wire's.
    const statusOf = async (more: object) =>
      (await client.call(writeTuples, { storeId, writes: [anne], ...more })).status.code;
    expect(await statusOf({ preconditions: [bobMustExist] })).toBe(9);
    expect(await statusOf({ onDuplicate: OnDuplicate.IGNORE })).toBe(10);
    expect(await statusOf({})).toBe(2017);
    expect(await statusOf({ modelId: 'x' })).toBe(3);
    expect((await client.call(deleteTuples, { storeId })).status.code).toBe(2000);
    const deleted = await client.call(deleteTuples, { storeId, filter });
    expect(deleted.message).toMatchObject({ deleted: 1, cursor: '' });
    const changes = await client.call(readTupleChanges, { storeId });
    expect(changes.message?.changes.map(({ kind }) => kind)).toEqual([
      ChangeKind.WRITE,
      ChangeKind.DELETE,
    ]);
  } finally {
    client.close();
  }
});

describe.each([
  ['Connect', createConnectTransport],
  ['gRPC-Web', createGrpcWebTransport],
])('%s', (_, createTransport) => {
  test('write, read, delete, changes', async () => {
    const client = createClient(
      TupleService,
      createTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat: true }),
    );
    const { consistencyToken } = await client.writeTuples({ storeId, writes: [anne] });
    await client.writeTuples({
      storeId,
      writes: [{ ...anne, expiresAt }],
      onDuplicate: OnDuplicate.REPLACE,
    });
    expect((await client.readTuples({ storeId })).tuples).toMatchObject([
      { tuple: { ...anne, expiresAt } },
    ]);
    const { changes } = await client.readTupleChanges({ storeId });
    expect(changes).toHaveLength(2);
    expect(changes[0]?.consistencyToken).toBe(consistencyToken);
    const refused = client.writeTuples({ storeId, writes: [anne], preconditions: [bobMustExist] });
    await expect(refused).rejects.toMatchObject({ code: 9 });
    expect((await client.deleteTuples({ storeId, all: true })).deleted).toBe(1);
  });
});

test('REST', async () => {
  const send = (path: string, body: unknown) =>
    post(url, `/stores/${storeId}/tuples/${path}`, body);
  const expires_at = '2199-12-31T23:59:59.500Z';
  const written = await send('write', { writes: [{ ...anne, expires_at }] });
  const { consistency_token, repeated_write } = (await written.json()) as Record<string, unknown>;
  expect(repeated_write).toBe(false);
  expect(written.headers.get('pemba-consistency-token')).toBe(consistency_token);
  expect(await (await send('read', { filter, page_size: 5 })).json()).toEqual({
    tuples: [{ tuple: { ...anne, condition: null, expires_at }, written_at: expect.any(String) }],
    cursor: '',
    consistency_token,
  });
  const refusals: [string, object, number, string][] = [
    ['write', { writes: [anne], on_duplicate: 'ON_DUPLICATE_IGNORE' }, 409, 'Aborted'],
    [
      'write',
      {
        writes: [anne],
        preconditions: [{ requirement: 'REQUIREMENT_MUST_NOT_EXIST', filter }],
      },
      412,
      'failed_precondition',
    ],
    ['delete', {}, 400, 'validation_error'],
    ['write', { writes: [{ ...anne, expires_at: 'soon' }] }, 400, 'validation_error'],
  ];
  for (const [path, body, status, code] of refusals) {
    const refused = await send(path, body);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      status,
      code,
    ]);
  }
  expect(await (await send('delete', { filter })).json()).toMatchObject({ deleted: 1, cursor: '' });
  const changes = await fetch(
    `${url}/stores/${storeId}/tuples/changes?object_type=document&page_size=1`,
  );
  expect(await changes.json()).toMatchObject({
    changes: [{ kind: 'CHANGE_KIND_WRITE', tuple: { ...anne, expires_at }, consistency_token }],
    cursor: expect.stringMatching(/./),
  });
});
