// From nobody to roles, at the command line: a key, the first admin, a server, who may do what.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { pemba, pembaJson } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-access-'));
const uri = `file:${join(folder, 'pemba.db')}`;
const keysFile = join(folder, 'keys.txt');
let server: RunningServer;
let apiUrl: string;
const keys = { admin: '', web: '' };

beforeAll(async () => {
  const made = await pemba(['bootstrap', '--datastore-uri', uri]);
  const [key = '', stored = ''] = made.stdout.split('\n');
  const web = await pembaJson(['key', 'create', 'web']);
  writeFileSync(keysFile, `# who may call\n${stored}\n\n${web.stored}\n`);
  Object.assign(keys, { admin: key, web: web.key });
  const flags = {
    'datastore-uri': uri,
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': 'off',
    'log-level': 'off',
    workers: '1',
    'authn-method': 'preshared',
    'authn-preshared-keys-file': keysFile,
  };
  server = await startServer(resolveConfig({ environment: {}, flags }));
  apiUrl = `http://${server.httpAddress}`;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const as = (name: 'admin' | 'web', ...args: string[]) =>
  pemba([...args, '--api-url', apiUrl], { env: { PEMBA_API_TOKEN: keys[name] } });

test('a key is random, and the server is given its digest alone', async () => {
  const [one, two] = [
    await pembaJson(['key', 'create', 'a']),
    await pembaJson(['key', 'create', 'a']),
  ];
  expect(one.key).toMatch(/^pemba_[\w-]{43}$/);
  expect(one.key).not.toBe(two.key);
  expect(one.stored).toMatch(/^a=sha256:[0-9a-f]{64}$/);
  const { stdout, stderr } = await pemba(['key', 'create', 'a']);
  expect(stdout.trim().split('\n')).toHaveLength(2);
  expect(stderr).toContain('not shown again');
  expect(await pemba(['key', 'create', 'No Name'])).toMatchObject({ code: 2 });
  expect(readFileSync(keysFile, 'utf8')).not.toContain(keys.web);
});

describe('bootstrap', () => {
  test('works once, also while a server runs on the file', async () => {
    const again = await pemba(['bootstrap', '--datastore-uri', uri, '--key', 'web']);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('waits for no first admin');
    expect(await as('web', 'role', 'list', '--all-stores')).toMatchObject({ code: 4 });
  });

  test.each([
    [['--datastore-uri', ':memory:'], 'ends with its server'],
    [['--key', 'a', '--issuer', 'https://a.example'], 'name the caller'],
    [['--issuer', 'https://a.example'], 'name the caller'],
    [['--issuer', 'https://a.example', '--client', 'b'], 'by which claim'],
    [['--issuer', 'https://a.example', '--client', 'b', '--claim', 'iss'], 'claim'],
    [['--key', 'x'.repeat(300)], 'longer than an id'],
  ])('%j is refused', async (args, says) => {
    const other = `file:${join(folder, 'other.db')}`;
    const uriArgs = args.includes('--datastore-uri') ? [] : ['--datastore-uri', other];
    const ended = await pemba(['bootstrap', ...uriArgs, ...args]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(says);
  });

  test('makes the client of an issuer the first admin too', async () => {
    const other = `file:${join(folder, 'client.db')}`;
    const client = ['--issuer', 'https://a.example', '--client', 'b', '--claim', 'azp'];
    const ended = await pemba(['bootstrap', '--datastore-uri', other, ...client]);
    expect(ended).toMatchObject({ code: 0, stdout: 'the first admin is made\n' });
  });
});

test('roles: granted, listed, in force, taken away', async () => {
  const created = await as('admin', 'store', 'create', '--name', 'docs', '--json');
  const store = ['--store-id', JSON.parse(created.stdout).id];
  expect(await as('web', 'store', 'list')).toMatchObject({
    code: 0,
    stdout: 'ID  NAME  CREATED\n',
  });
  const forbidden = await as('web', 'tuple', 'read', ...store);
  expect(forbidden).toMatchObject({ code: 4 });
  expect(forbidden.stderr).toContain('does not have the role `read` on this store');

  expect(await as('admin', 'role', 'grant', 'read', '--key', 'web', ...store)).toMatchObject({
    code: 0,
    stdout: 'granted read: key web\n',
  });
  const client = ['--issuer', 'https://a.example', '--client', 'c d'];
  const both = await as('admin', 'role', 'grant', 'check', ...client, ...store);
  expect(both.stdout.split('\n')).toEqual([
    'granted check: client c d (azp) of https://a.example',
    'granted check: client c d (client_id) of https://a.example',
    '',
  ]);
  expect(await as('web', 'tuple', 'read', ...store)).toMatchObject({ code: 0 });
  const listed = await as('admin', 'role', 'list', ...store, '--json');
  expect(JSON.parse(listed.stdout)).toHaveLength(4);
  expect(await as('web', 'role', 'list', ...store)).toMatchObject({ code: 4 });
  expect(await as('admin', 'role', 'revoke', 'read', '--key', 'web', ...store)).toMatchObject({
    code: 0,
  });
  expect(await as('web', 'tuple', 'read', ...store)).toMatchObject({ code: 4 });
});

test.each([
  [['role', 'grant', 'check', '--key', 'web'], 'no store named'],
  [['role', 'grant', 'owner', '--key', 'web', '--all-stores'], 'Allowed choices'],
  [['role', 'list', '--all-stores', '--store-id', '01ARZ3NDEKTSV4RRFFQ69G5FAV'], 'not both'],
])('%j is refused', async (args, says) => {
  const ended = await as('admin', ...args);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(says);
});

test('keys are no option of the command line', async () => {
  const { stdout } = await pemba(['serve', '--help']);
  expect(stdout).not.toMatch(/--authn-preshared-keys </);
  expect(await pemba(['serve', '--authn-preshared-keys', 'x'])).toMatchObject({ code: 2 });
});
