// `pemba bootstrap` beside a server that has the database for its own: it asks that one, and says what
// to do where it cannot. Other commands that open a database, too.
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createKey } from '../../src/authn/preshared.ts';
import { assert } from '../../src/base/assert.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { pemba, pembaProcess } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-bootstrap-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const made = createKey('ops');
assert(typeof made !== 'string', 'a name');
const ops = made;

let files = 0;
let path: string;
let file: string;
let server: RunningServer;

async function start(flags: Record<string, string> = {}): Promise<RunningServer> {
  const asks = flags['authn-method'] !== 'none';
  const config = resolveConfig({
    environment: asks ? { PEMBA_AUTHN_PRESHARED_KEYS: ops.stored } : {},
    flags: {
      'datastore-uri': `file:${path}`,
      'http-addr': '127.0.0.1:0',
      'grpc-addr': '127.0.0.1:0',
      'metrics-addr': 'off',
      'log-level': 'off',
      workers: '1',
      'authn-method': 'preshared',
      ...flags,
    },
  });
  return await startServer(config);
}

beforeEach(async () => {
  path = join(folder, `pemba-${files++}.db`);
  file = `${path}-bootstrap`;
  server = await start();
});
afterEach(() => server.close());

const bootstrap = (...args: string[]) =>
  pemba(['bootstrap', '--datastore-uri', `file:${path}`, ...args]);

async function isAdmin(): Promise<boolean> {
  const list = ['role', 'list', '--all-stores', '--api-url', `http://${server.httpAddress}`];
  return (await pemba(list, { env: { PEMBA_API_TOKEN: ops.key } })).code === 0;
}

/** A server that is none of ours, at the address that the file names. */
async function answering(status: number, body: object): Promise<string> {
  const stranger = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void stranger.close());
  return `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
}

test('the server that owns the database makes the first admin, once', async () => {
  expect(await isAdmin()).toBe(false);
  const uri = ['--datastore-uri', `file:${path}`];
  expect(await pembaProcess(['bootstrap', ...uri, '--key', 'ops'])).toEqual({
    code: 0,
    stdout: 'the first admin is made\n',
    stderr: '',
  });
  expect(await isAdmin()).toBe(true);
  expect(existsSync(file)).toBe(false);
  const again = await bootstrap('--key', 'web');
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toContain('belongs to a running server that waits for no first admin');
  expect(again.stderr).toContain('pemba role grant admin');
});

test('a key that is made with the admin is printed as ever', async () => {
  const { code, stdout } = await bootstrap();
  expect([code, stdout.split('\n')]).toEqual([
    0,
    [expect.stringMatching(/^pemba_/), expect.stringMatching(/^admin=sha256:/), ''],
  ]);
});

test('a server that shares its database has it made beside itself', async () => {
  await server.close();
  server = await start({ 'graph-memory': '0' });
  expect(existsSync(file)).toBe(false);
  expect(await bootstrap('--key', 'ops')).toMatchObject({ code: 0 });
  expect(await isAdmin()).toBe(true);
  expect(await bootstrap('--key', 'web')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has had its first admin'),
  });
});

describe('where it cannot be, it is said what to do:', () => {
  test('the server asks nobody who calls', async () => {
    await server.close();
    server = await start({ 'authn-method': 'none' });
    const ended = await bootstrap('--key', 'ops');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('asks nobody who calls (--authn-method), and is stopped first');
  });

  test.skipIf(process.getuid?.() === 0)('the file is not ours to read', async () => {
    chmodSync(file, 0);
    const ended = await bootstrap('--key', 'ops');
    expect(ended).toMatchObject({ code: 6, stdout: '' });
    expect(ended.stderr).toContain('run this as the user that the server runs as');
  });

  test.each(['', 'x', '[]', '{"url": 1}'])('the file holds %j', async (content) => {
    writeFileSync(file, content);
    const ended = await bootstrap('--key', 'ops');
    expect(ended).toMatchObject({ code: 6, stdout: '' });
    expect(ended.stderr).toContain('is not what a server writes there');
  });

  test.each([
    ['nobody answers', undefined, 3, 'no server answers at'],
    ['the secret is of another', { status: 401, code: 'unauthenticated' }, 4, 'has not written'],
    ['somebody was first', { status: 412, code: 'failed_precondition' }, 1, 'has had its first'],
    ['it is no Pemba', { status: 404, code: 'undefined_endpoint' }, 4, 'Pemba'],
  ] as const)('at the address %s', async (_, answer, code, says) => {
    const url =
      answer === undefined
        ? 'http://127.0.0.1:1'
        : await answering(answer.status, { code: answer.code, message: 'no' });
    writeFileSync(file, JSON.stringify({ url, secret: 'not to be shown' }));
    const ended = await bootstrap('--key', 'ops');
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(says);
    expect(ended.stderr).not.toContain('not to be shown');
  });
});

test('the other commands that open a database: verify reads it, serve says whose it is', async () => {
  expect(await pembaProcess(['verify', path])).toMatchObject({ code: 0 });
  const ports = ['--http-addr', '127.0.0.1:0', '--grpc-addr', '127.0.0.1:0'];
  const serve = ['serve', '--datastore-uri', `file:${path}`, ...ports, '--metrics-addr', 'off'];
  const second = await pembaProcess(serve);
  expect(second).toMatchObject({ code: 7, stdout: '' });
  expect(second.stderr).toContain('stop the other one, or give both a graph memory of 0');
  const sharing = await pembaProcess([...serve, '--graph-memory', '0']);
  expect(sharing).toMatchObject({ code: 7, stdout: '' });
  expect(sharing.stderr).toContain('belongs to a server that answers from memory');
});
