// `pemba dev`: what it prints is pasted and run, and answers as printed.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CheckRequestSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { GrpcClient } from './grpc-client.ts';
import { wire } from './grpc-harness.ts';
import { runPemba } from './serve-process.ts';

const root = resolve(import.meta.dirname, '../..');
const freePorts = ['--http-addr', '127.0.0.1:0', '--grpc-addr', '127.0.0.1:0'];

let child: ChildProcess;
let printed = '';

beforeAll(async () => {
  const args = ['cli/main.ts', 'dev', ...freePorts, '--metrics-addr', 'off'];
  child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const text of child.stdout!) {
    printed += text;
    if (printed.includes('Ctrl-C')) break;
  }
});
afterAll(async () => {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
});

function lineOf(start: string): string {
  const line = printed.split('\n').find((each) => each.startsWith(start));
  expect(line, printed).toBeDefined();
  return line as string;
}

async function paste(line: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', line], { cwd: root })).stdout.trim();
}

const hasCurl = spawnSync('curl', ['--version']).status === 0;

test.skipIf(!hasCurl)('curl', async () => {
  const line = lineOf('curl ');
  expect(await paste(line)).toBe('{"allowed":true,"resolution":""}');
  const denied = line.replace('user:ravi', 'user:noor');
  expect(await paste(denied)).toBe('{"allowed":false,"resolution":""}');
});

test('the pemba command', async () => {
  const line = lineOf('npm run -s pemba -- ');
  expect(await paste(line)).toBe('allowed');
  expect(await paste(line.replace('user:ravi', 'user:noor'))).toBe('denied');
});

test('grpcurl: what it would send', async () => {
  const words = /-d '(.*)' (\S+) openfga\.v1\.OpenFGAService\/Check$/.exec(lineOf('grpcurl '));
  const [, json = '', address = ''] = words ?? [];
  const client = new GrpcClient(address);
  const ask = async (text: string) => {
    const request = fromJson(CheckRequestSchema, JSON.parse(text) as JsonValue);
    return (await client.call(wire.check, request)).message?.allowed;
  };
  expect(await ask(json)).toBe(true);
  expect(await ask(json.replace('user:ravi', 'user:noor'))).toBe(false);
  client.close();
});

test('a taken port: one line that says what to run', async () => {
  const [, taken = ''] = /^ {2}HTTP {3}http:\/\/(\S+)$/m.exec(printed) ?? [];
  const { code, stderr } = await runPemba(['dev', '--http-addr', taken]);
  expect(code).toBe(7);
  expect(stderr).toMatch(/^error: .*is in use.*npm start -- --http-addr.*\n$/);
});

test('SIGTERM ends it with exit code 0', async () => {
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(0);
});
