// The whole server in this process: what it serves, what it writes down, and why it does not start.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WriteAuthorizationModelRequestSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { QueryService } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { StartError } from '../../src/server/start-error.ts';
import { GrpcClient } from './grpc-client.ts';
import { wire } from './grpc-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const freePorts = {
  'http-addr': '127.0.0.1:0',
  'grpc-addr': '127.0.0.1:0',
  'metrics-addr': '127.0.0.1:0',
  workers: '1',
};

function start(flags: Record<string, string> = {}, lines: string[] = []): Promise<RunningServer> {
  const given = { 'datastore-uri': ':memory:', ...freePorts, ...flags };
  const sink = { write: (line: string) => void lines.push(line) };
  return startServer(resolveConfig({ environment: {}, flags: given }), sink);
}

describe('a running server', () => {
  let server: RunningServer;
  let client: GrpcClient;
  let storeId: string;
  const lines: string[] = [];

  beforeEach(async () => {
    lines.length = 0;
    server = await start({}, lines);
    client = new GrpcClient(server.grpcAddress);
    storeId = (await client.call(wire.createStore, { name: 'drive' })).message!.id;
    await client.call(wire.writeAuthorizationModel, { storeId, ...model });
    const { status } = await client.call(wire.write, {
      storeId,
      writes: { tupleKeys: [{ ...anne, condition: { name: 'small', context: { limit: 5 } } }] },
    });
    expect(status.code).toBe(0);
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  const anne = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
  const model: MessageInitShape<typeof WriteAuthorizationModelRequestSchema> = {
    schemaVersion: '1.1',
    typeDefinitions: [
      { type: 'user' },
      {
        type: 'document',
        relations: { viewer: { userset: { case: 'this', value: {} } } },
        metadata: {
          relations: {
            viewer: { directlyRelatedUserTypes: [{ type: 'user', condition: 'small' }] },
          },
        },
      },
    ],
    conditions: {
      small: {
        name: 'small',
        expression: 'size < limit',
        parameters: { size: { typeName: 4 }, limit: { typeName: 4 } },
      },
    },
  };

  test('the same answer over gRPC, REST and Connect', async () => {
    for (const [user, allowed] of [
      ['user:anne', true],
      ['user:bob', false],
    ] as const) {
      const question = { ...anne, user };
      const context = { size: 3 };
      const grpc = await client.call(wire.check, { storeId, tupleKey: question, context });
      expect(grpc.message?.allowed).toBe(allowed);
      const rest = await post(`/stores/${storeId}/check`, { tuple_key: question, context });
      expect(rest).toMatchObject({ allowed });
      const connect = await post('/openfga.v1.OpenFGAService/Check', {
        store_id: storeId,
        tuple_key: question,
        context,
      });
      expect(connect.allowed ?? false).toBe(allowed);
    }
  });

  test('the numbers of the wire, as gRPC statuses', async () => {
    const check = async (tupleKey: object) =>
      (await client.call(wire.check, { storeId, tupleKey })).status.code;
    expect(await check({ ...anne, relation: 'owner' })).toBe(2000);
    expect(await check(anne)).toBe(2000);
    expect(await check({ ...anne, user: '' })).toBe(3);

    const contextualTuples = { tupleKeys: [{ ...anne, object: 'folder:1' }] };
    const asked = await client.call(wire.check, { storeId, tupleKey: anne, contextualTuples });
    expect(asked.status.code).toBe(2027);

    const write = async (tuple: object, more: object = {}) => {
      const writes = { tupleKeys: [{ ...anne, ...tuple }], ...more };
      return (await client.call(wire.write, { storeId, writes })).status.code;
    };
    const other = { condition: { name: 'small', context: { limit: 6 } } };
    expect(await write(other)).toBe(2017);
    expect(await write(other, { onDuplicate: 'ignore' })).toBe(10);
    const unknown = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    expect((await client.call(wire.getStore, { storeId: unknown })).status.code).toBe(5002);
    const list = async (change: object) => {
      const asked = { storeId, type: 'document', relation: 'viewer', user: 'user:anne', ...change };
      return (await client.call(wire.listObjects, asked)).status.code;
    };
    expect(await list({ type: 'nothing' })).toBe(2021);
    expect(await list({ relation: 'nothing' })).toBe(2022);
    const renamed = await client.call(wire.updateStore, { storeId, name: 'renamed' });
    expect(renamed.status.code).toBe(12);
  });

  test('a read that carries the token of a write is answered', async () => {
    const written = await client.call(wire.write, {
      storeId,
      writes: {
        tupleKeys: [{ ...anne, user: 'user:cleo', condition: { name: 'small', context: {} } }],
      },
    });
    const token = String(written.headers.get('pemba-consistency-token')[0]);
    expect(written.status.metadata.get('pemba-consistency-token')).toEqual([token]);
    const { message } = await client.call(
      wire.check,
      { storeId, tupleKey: { ...anne, user: 'user:cleo' }, context: { size: 1, limit: 2 } },
      { headers: { 'pemba-consistency-token': token } },
    );
    expect(message?.allowed).toBe(true);
  });

  test('the log has a line a request, without who was asked about', async () => {
    lines.length = 0;
    const headers = { 'x-request-id': 'request-7' };
    await client.call(wire.check, { storeId, tupleKey: anne, context: { size: 3 } }, { headers });
    await client.call(wire.check, { storeId, tupleKey: { ...anne, relation: 'owner' } });
    await client.callRaw(wire.check, Buffer.from([0xff]));
    const [answered, refused, malformed] = lines.map((line) => JSON.parse(line));
    expect(answered).toMatchObject({
      level: 'info',
      msg: 'request',
      method: 'Check',
      status: 'ok',
      requestId: 'request-7',
      store: storeId,
      durationMs: expect.any(Number),
    });
    expect(refused).toMatchObject({ method: 'Check', status: 'validation_error' });
    expect(malformed).toMatchObject({ method: 'Check', status: 'validation_error' });
    expect(lines.join('')).not.toMatch(/anne|document:1|viewer/);
  });

  test('methods of one name are told apart in the log and in the metrics', async () => {
    lines.length = 0;
    await client.call(wire.listObjects, {
      storeId,
      type: 'document',
      relation: 'viewer',
      user: 'user:anne',
    });
    await client.call(QueryService.method.listObjects, { storeId, subject: 'user:anne' });
    await client.call(QueryService.method.listObjects, { storeId, subject: 'anne' });
    expect(lines.map((line) => [JSON.parse(line).method, JSON.parse(line).status])).toEqual([
      ['ListObjects', 'validation_error'],
      ['pemba.v1.QueryService/ListObjects', 'ok'],
      ['pemba.v1.QueryService/ListObjects', 'validation_error'],
    ]);
    const text = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
    for (const labels of [
      'method="ListObjects",code="validation_error"',
      'method="pemba.v1.QueryService/ListObjects",code="ok"',
      'method="pemba.v1.QueryService/ListObjects",code="validation_error"',
    ]) {
      expect(text).toContain(`pemba_request_duration_seconds_count{${labels}} 1\n`);
    }
  });

  test('metrics, on their own port', async () => {
    await client.call(wire.check, { storeId, tupleKey: anne, context: { size: 3 } });
    const item = { tupleKey: anne, context: { size: 3 } };
    await client.call(wire.batchCheck, {
      storeId,
      checks: [
        { ...item, correlationId: 'a' },
        { ...item, correlationId: 'b' },
      ],
    });
    const response = await fetch(`http://${server.metricsAddress}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(text).toContain('pemba_request_duration_seconds_count{method="Check",code="ok"} 1\n');
    expect(text).toContain('pemba_checks_total 3\n');
    expect(text).toContain(
      'pemba_datastore_write_duration_seconds_count{operation="write",outcome="ok"} 1\n',
    );
    expect(text).toContain('pemba_process_cpu_seconds_total');
    const names = text.match(/^[a-z]\w+/gm) ?? [];
    expect(names.filter((name) => !name.startsWith('pemba_'))).toEqual([]);
    expect((await fetch(`http://${server.metricsAddress}/`)).status).toBe(404);
  });

  test('health over HTTP', async () => {
    for (const path of ['/healthz', '/readyz']) {
      expect((await fetch(`http://${server.httpAddress}${path}`)).status).toBe(200);
    }
  });

  async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`http://${server.httpAddress}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  }
});

test('metrics can be off', async () => {
  const server = await start({ 'metrics-addr': 'off' });
  expect(server.metricsAddress).toBeUndefined();
  await server.close();
});

describe('a server that does not start says why in one line', () => {
  test.each(['http-addr', 'grpc-addr', 'metrics-addr'])('%s in use', async (flag) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const address = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    const path = join(folder, `${flag}.db`);
    const message = await refusalOf({ [flag]: address, 'datastore-uri': `file:${path}` });
    expect(message).toContain(`--${flag}`);
    expect(message).toContain(`\`${address}\` is in use`);
    await new Promise((resolve) => holder.close(resolve));
    // Nothing of the failed start is left: no listener, and the datastore closed as it should.
    await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap'));
    expect(existsSync(path)).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  const files: [what: string, path: () => string, part: string][] = [
    ['a folder that is not there', () => join(folder, 'none', 'pemba.db'), 'folder'],
    ['a place where nothing can be made', () => '/proc/pemba.db', 'cannot be'],
    ['a folder', () => folder, 'cannot be opened'],
    ['a file of another kind', textFile, 'is not a database'],
    ['a database of another program', foreignDatabase, 'another program'],
  ];
  test.each(files)('%s', async (_what, path, part) => {
    const at = path();
    const message = await refusalOf({ 'datastore-uri': `file:${at}` });
    expect(message).toContain('--datastore-uri');
    expect(message).toContain(at);
    expect(message).toContain(part);
  });

  test('a database of a newer version', async () => {
    const path = join(folder, 'newer.db');
    await (await start({ 'datastore-uri': `file:${path}` })).close();
    const database = new Database(path);
    database.pragma('user_version = 999');
    database.close();
    expect(await refusalOf({ 'datastore-uri': `file:${path}` })).toContain('version 999');
  });

  test('a name that nobody knows', async () => {
    const flags = { 'http-addr': 'no-such-host.invalid:0', insecure: 'true' };
    expect(await refusalOf(flags)).toContain('`no-such-host.invalid:0`');
  });

  function textFile(): string {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'to do: nothing\n'.repeat(500));
    return path;
  }

  function foreignDatabase(): string {
    const path = join(folder, 'foreign.db');
    const database = new Database(path);
    database.exec('CREATE TABLE note (text TEXT)');
    database.close();
    return path;
  }

  async function refusalOf(flags: Record<string, string>): Promise<string> {
    const error = await start(flags).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    const { message, exitCode } = error as StartError;
    expect(exitCode).toBe(7);
    expect(message).not.toContain('\n');
    return message;
  }
});
