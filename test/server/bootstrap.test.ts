// The first admin of a server that owns its database: by the secret in a file, and by nothing else.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createKey } from '../../src/authn/preshared.ts';
import { assert } from '../../src/base/assert.ts';
import { limits } from '../../src/base/limits.ts';
import { AccessService, BootstrapRequestSchema } from '../../src/gen/pemba/v1/access_service_pb.ts';
import { bootstrap } from '../../src/server/bootstrap.ts';
import { bootstrapFileOf, readBootstrapFile } from '../../src/server/bootstrap-file.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';
import { ask, grpcClient, type Protocol, protocols } from './doors-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshPath = () => join(folder, `pemba-${files++}.db`);

const made = createKey('ops');
assert(typeof made !== 'string', 'a name');
const { key, stored } = made;

async function start(path: string, flags: Record<string, string> = {}) {
  const lines: string[] = [];
  const asks = flags['authn-method'] !== 'none';
  const config = resolveConfig({
    environment: asks ? { PEMBA_AUTHN_PRESHARED_KEYS: stored } : {},
    flags: {
      'datastore-uri': `file:${path}`,
      'http-addr': '127.0.0.1:0',
      'grpc-addr': '127.0.0.1:0',
      'metrics-addr': 'off',
      workers: '1',
      'authn-method': 'preshared',
      ...flags,
    },
  });
  const server = await startServer(config, { write: (line) => void lines.push(line) });
  onTestFinished(() => server.close());
  const url = `http://${server.httpAddress}`;
  const post = async (to: string, bearer: string, body: object) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await fetch(`${url}${to}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
    const answer: any = await response.json();
    return { status: response.status, headers: response.headers, body: answer };
  };
  return { server, url, lines, post, path, file: `${path}-bootstrap` };
}

type Started = Awaited<ReturnType<typeof start>>;

const ops = { principal: { key: 'ops' } };
const isAdmin = async ({ post }: Started) =>
  (await post('/stores', key, { name: 'docs' })).status === 201;
const secretIn = (file: string) => {
  const content = readBootstrapFile(file);
  assert(content !== undefined, 'a file that a server has written');
  return content.secret;
};

describe('the file', () => {
  test('is there for its owner alone, with the address and a secret that no log has', async () => {
    const started = await start(freshPath());
    const { file, url, lines } = started;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readBootstrapFile(file)).toEqual({
      url,
      secret: expect.stringMatching(/^pemba_[\w-]{43}$/),
    });
    const secret = secretIn(file);
    await started.post('/roles/bootstrap', `${secret}x`, ops);
    await started.post('/roles/bootstrap', secret, ops);
    await started.post('/roles/bootstrap', secret, ops);
    await started.server.close();
    expect(lines.join('')).toContain('pemba bootstrap');
    expect(lines.join('')).toContain('"reason":"bootstrap_secret_wrong"');
    expect(lines.join('')).not.toContain(secret);
  });

  test.each([
    ['127.0.0.1:0', /^http:\/\/127\.0\.0\.1:\d+$/],
    ['0.0.0.0:0', /^http:\/\/127\.0\.0\.1:\d+$/],
    ['[::]:0', /^http:\/\/\[::1\]:\d+$/],
  ])('says where a server at %s is reached', async (address, url) => {
    const { file } = await start(freshPath(), { 'http-addr': address });
    expect(readBootstrapFile(file)?.url).toMatch(url);
  });

  test('goes when the server does, and another server writes another one', async () => {
    const path = freshPath();
    const first = await start(path, { workers: '2' });
    const secret = secretIn(first.file);
    await first.server.close();
    expect(existsSync(first.file)).toBe(false);
    const second = await start(path);
    expect(secretIn(second.file)).not.toBe(secret);
    const old = await second.post('/roles/bootstrap', secret, ops);
    expect(old).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(existsSync(second.file)).toBe(true);
  });

  test('replaces what lies there, and does not write through a link', async () => {
    const path = freshPath();
    const file = `${path}-bootstrap`;
    const other = join(folder, 'other.txt');
    writeFileSync(other, 'mine');
    symlinkSync(other, file);
    const { server } = await start(path);
    expect(readFileSync(other, 'utf8')).toBe('mine');
    expect(secretIn(file)).not.toBe('');
    await server.close();
    writeFileSync(file, 'stale', { mode: 0o644 });
    await start(path);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('lies beside the database itself, by whatever link that was named', async () => {
    const path = freshPath();
    await (await start(path)).server.close();
    const link = freshPath();
    symlinkSync(path, link);
    await start(link);
    expect(bootstrapFileOf(link)).toBe(bootstrapFileOf(path));
    expect(existsSync(`${path}-bootstrap`)).toBe(true);
  });

  test.each([
    ['nobody is asked who calls', { 'authn-method': 'none' }, false],
    ['the database is opened by others too', { 'graph-memory': '0' }, false],
    ['there is a first admin', {}, true],
  ] as const)('is not there where %s, and a stale one is gone', async (_, flags, isMade) => {
    const path = freshPath();
    if (isMade) expect(await bootstrap(path, 'key|ops')).toBe('made');
    writeFileSync(`${path}-bootstrap`, 'stale');
    const { file, post } = await start(path, flags);
    expect(existsSync(file)).toBe(false);
    const refused = await post('/roles/bootstrap', 'pemba_guess', ops);
    expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });
});

describe('the secret', () => {
  test.each(protocols)('makes the first admin over %s, once', async (protocol) => {
    const started = await start(freshPath());
    const { file } = started;
    const grpc = grpcClient(started.server.grpcAddress);
    onTestFinished(() => grpc.close());
    const doors = { httpUrl: started.url, grpc };
    const secret = secretIn(file);
    const asked = (bearer: string) =>
      ask(doors, protocol, {
        method: AccessService.method.bootstrap,
        store: '',
        headers: [['authorization', `Bearer ${bearer}`]],
        bytes: requestFor(protocol),
      });
    // A known caller is nobody here either.
    for (const wrong of [key, `${secret}x`]) expect(await asked(wrong)).toBe('unauthenticated');
    expect(existsSync(file)).toBe(true);
    expect(await isAdmin(started)).toBe(false);
    expect(await asked(secret)).toBe('through');
    expect(existsSync(file)).toBe(false);
    expect(await isAdmin(started)).toBe(true);
    expect(await asked(secret)).toBe('unauthenticated');
    // It opens no other door.
    expect((await started.post('/roles/list', secret, {})).status).toBe(401);
  });

  test('makes one of those who come at once, whichever thread they come to', async () => {
    const { file, post } = await start(freshPath(), { workers: '2' });
    const secret = secretIn(file);
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(
      names.map((name) => post('/roles/bootstrap', secret, { principal: { key: name } })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(names.length - 1);
    for (const { body } of refused) {
      expect(['failed_precondition', 'unauthenticated']).toContain(body.code);
    }
  });

  test('is not used up by a request that names nobody', async () => {
    const started = await start(freshPath());
    const secret = secretIn(started.file);
    for (const body of [{}, { principal: {} }, { principal: { key: '' } }]) {
      expect(await started.post('/roles/bootstrap', secret, body)).toMatchObject({
        status: 400,
        body: { code: 'validation_error' },
      });
    }
    expect(await started.post('/roles/bootstrap', secret, ops)).toMatchObject({ status: 200 });
    expect(await isAdmin(started)).toBe(true);
  });

  test('may be guessed so often, and no more', async () => {
    const { file, post } = await start(freshPath());
    const guess = () => post('/roles/bootstrap', 'pemba_guess', ops);
    for (let i = 0; i < limits.authFailuresMax; i++) expect((await guess()).status).toBe(401);
    const last = await guess();
    expect(last).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await post('/roles/bootstrap', secretIn(file), ops)).toMatchObject({ status: 200 });
  });
});

function requestFor(protocol: Protocol): Uint8Array {
  if (protocol === 'rest' || protocol === 'connect-json') return Buffer.from(JSON.stringify(ops));
  const principal = { kind: { case: 'key', value: 'ops' } } as const;
  return toBinary(BootstrapRequestSchema, create(BootstrapRequestSchema, { principal }));
}
