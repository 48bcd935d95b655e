// `pemba serve` ends: real processes, real signals, requests that are open when they come.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  CreateStoreRequestSchema,
  CreateStoreResponseSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { GrpcClient } from './grpc-client.ts';
import { wire } from './grpc-harness.ts';
import { runPemba, type ServeProcess, serveProcess } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-shutdown-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const database = join(folder, 'pemba.db');
const uri = ['--datastore-uri', `file:${database}`];

let served: ServeProcess;
afterEach(() => void served.process.kill('SIGKILL'));

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: exit code 0, the log checkpointed',
  async (signal) => {
    served = await serveProcess(uri);
    const client = new GrpcClient(served.grpc);
    expect((await client.call(wire.createStore, { name: 'drive' })).status.code).toBe(0);
    expect(existsSync(`${database}-wal`)).toBe(true);
    // The client stays connected: an idle connection holds nothing up.
    served.process.kill(signal);
    expect(await served.ended()).toBe(0);
    await served.logged('stopped');
    expect(existsSync(`${database}-wal`)).toBe(false);
    client.close();
  },
);

/** Long enough that a request which is not finished, but waited for, fails the test. */
const patient = [...uri, '--shutdown-timeout', '10m'];

test('an open HTTP request is finished, a new one refused', async () => {
  served = await serveProcess(patient);
  const body = '{"name":"finished"}';
  const socket = connect(portOf(served.http), '127.0.0.1');
  let answer = '';
  socket.on('data', (text) => {
    answer += text;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const head = `POST /stores HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
  await new Promise<void>((resolve) => socket.write(head + body.slice(0, 5), () => resolve()));
  // The server has surely read that once it has answered on another connection.
  expect((await fetch(`http://${served.http}/healthz`)).status).toBe(200);

  served.process.kill('SIGTERM');
  await served.logged('shutting down');
  await expect(fetch(`http://${served.http}/healthz`)).rejects.toThrow();
  socket.write(body.slice(5));
  await closed;
  expect(answer).toContain('HTTP/1.1 201');
  expect(answer).toContain('"name":"finished"');
  expect(await served.ended()).toBe(0);
});

test('an open gRPC call is finished', async () => {
  served = await serveProcess(patient);
  const message = toBinary(
    CreateStoreRequestSchema,
    create(CreateStoreRequestSchema, { name: 'finished' }),
  );
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const session = connectHttp2(`http://${served.grpc}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/openfga.v1.OpenFGAService/CreateStore',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const trailers = new Promise<Record<string, unknown>>((resolve) =>
    stream.once('trailers', resolve),
  );
  const chunks: Buffer[] = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  await new Promise<void>((resolve) => stream.write(frame.subarray(0, 4), () => resolve()));
  // In order on one connection: the answer to a ping says that the call has arrived.
  await new Promise<void>((resolve) => session.ping(() => resolve()));

  served.process.kill('SIGTERM');
  await served.logged('shutting down');
  stream.end(frame.subarray(4));
  expect(await trailers).toMatchObject({ 'grpc-status': '0' });
  const answer = fromBinary(CreateStoreResponseSchema, Buffer.concat(chunks).subarray(5));
  expect(answer.name).toBe('finished');
  expect(await served.ended()).toBe(0);
});

test('a request that never ends is cut at the shutdown timeout', async () => {
  served = await serveProcess([...uri, '--shutdown-timeout', '200ms']);
  const socket = await openRequest();
  served.process.kill('SIGTERM');
  await served.logged('the shutdown timeout has passed: open requests were cut');
  expect(await served.ended()).toBe(0);
  socket.destroy();
});

test('a second signal does not wait', async () => {
  served = await serveProcess(patient);
  const socket = await openRequest();
  served.process.kill('SIGTERM');
  await served.logged('shutting down');
  served.process.kill('SIGINT');
  expect(await served.ended()).toBe(130);
  socket.destroy();
});

test('a port in use is one line and exit code 7', async () => {
  served = await serveProcess(uri);
  const args = ['serve', '--datastore-uri', ':memory:', '--grpc-addr', served.grpc];
  const free = ['--http-addr', '127.0.0.1:0', '--metrics-addr', 'off'];
  const { code, stderr, stdout } = await runPemba([...args, ...free]);
  expect([code, stdout]).toEqual([7, '']);
  expect(stderr).toMatch(/^error: .*--grpc-addr.*is in use.*\n$/);
});

test.each([
  [['--http-addr', '0.0.0.0:8080'], '--insecure'],
  [['--request-timeout', 'soon'], '`soon`'],
  [['--config', '/nowhere/pemba.yaml'], '/nowhere/pemba.yaml'],
])('serve %j is one line and exit code 2', async (args, part) => {
  const { code, stderr } = await runPemba(['serve', ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(part);
});

test('an unknown flag is exit code 2', async () => {
  const { code, stderr } = await runPemba(['serve', '--http-adr', '127.0.0.1:1']);
  expect(code).toBe(2);
  expect(stderr).toContain('--http-adr');
});

async function openRequest() {
  const socket = connect(portOf(served.http), '127.0.0.1');
  socket.on('error', () => {});
  const head = 'POST /stores HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{';
  await new Promise<void>((resolve) => socket.write(head, () => resolve()));
  expect((await fetch(`http://${served.http}/healthz`)).status).toBe(200);
  return socket;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
