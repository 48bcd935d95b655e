// A server that asks who calls, whole: tokens of a real issuer on this machine, keys, the identity
// file as it changes, and what of all that is told, counted and written down.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialsMethod, OpenFgaClient } from '@openfga/sdk';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createKey } from '../../src/authn/preshared.ts';
import { assert } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { createAccess } from '../../src/service/router.ts';
import { KeyServer } from '../authn/key-server.ts';
import { ecKey, publicJwk, signToken } from '../authn/signing.ts';
import { GrpcClient } from './grpc-client.ts';
import { wire } from './grpc-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-authentication-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'pemba.identity.yaml');

const signing = ecKey('es');
const audience = 'https://pemba.example.com';
const made = createKey('ops');
assert(typeof made !== 'string', 'a name');
const { key, stored } = made;

let issuer: KeyServer;
let server: RunningServer;
let url: string;
let store: string;
const lines: string[] = [];

const fileFor = (...issuers: string[]) => `version: 1
issuers:
${issuers
  .map(
    (each) => `  - issuer: ${each}
    audiences: ['${audience}']
    map: people
    roles:
      - { scope: fga.check, role: check }
      - { scope: fga.admin, role: admin }`,
  )
  .join('\n')}
maps:
  people: { subject: { type: user, id: claims.sub } }
scopes: { write: fga.write }
`;

function token(scope: string, more: object = {}): string {
  const now = Math.floor(systemClock.now() / 1_000);
  const claims = { iss: issuer.issuer, aud: audience, sub: 'secret-subject', client_id: 'billing' };
  return signToken(signing, { ...claims, iat: now, exp: now + 600, scope, ...more });
}

async function start(flags: Record<string, string> = {}): Promise<void> {
  lines.length = 0;
  server = await startServer(
    resolveConfig({
      environment: { PEMBA_AUTHN_PRESHARED_KEYS: stored },
      flags: {
        'datastore-uri': ':memory:',
        'http-addr': '127.0.0.1:0',
        'grpc-addr': '127.0.0.1:0',
        'metrics-addr': '127.0.0.1:0',
        'authn-method': 'oidc',
        'identity-file': path,
        ...flags,
      },
    }),
    { write: (line) => void lines.push(line) },
  );
  url = `http://${server.httpAddress}`;
  await createAccess({ datastore: server.datastore, clock: systemClock }).bootstrap('key|ops');
  store = (await ask(key, 'POST', '/stores', { name: 'docs' })).body.id;
  const model = { schema_version: '1.1', type_definitions: [{ type: 'user' }] };
  await ask(key, 'POST', `/stores/${store}/authorization-models`, model);
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  readonly body: any;
  readonly headers: Headers;
}

async function ask(bearer: string, method: string, to: string, body?: object): Promise<Answer> {
  const response = await fetch(`${url}${to}`, {
    method,
    headers: { authorization: `Bearer ${bearer}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { status, headers } = response;
  return { status, headers, body: await response.json() };
}

const question = { tuple_key: { user: 'user:a', relation: 'x', object: 'user:b' } };
const check = (bearer: string) => ask(bearer, 'POST', `/stores/${store}/check`, question);
const ready = async (): Promise<{ status: string; degraded: string[] }> =>
  JSON.parse(await (await fetch(`${url}/readyz`)).text());

beforeEach(async () => {
  issuer = await KeyServer.open();
  issuer.keys = [publicJwk(signing)];
  writeFileSync(path, fileFor(issuer.issuer));
  await start();
});
afterEach(async () => {
  await server.close();
  await issuer.stop();
});

describe('a token of an issuer', () => {
  // The model has no such relation: the guard has let through who is told so.
  const through = { status: 400, body: { code: 'validation_error' } };
  const forbidden = { status: 403, body: { code: 'forbidden' } };

  test('brings the roles of its scopes, and no others', async () => {
    expect(await check(token('fga.check'))).toMatchObject(through);
    expect(await check(token('fga.admin'))).toMatchObject(through);
    expect(await check(token('openid'))).toMatchObject(forbidden);
    expect(await ask(token('fga.check'), 'GET', `/stores/${store}`)).toMatchObject({ status: 200 });
    expect(await ask(token('fga.check'), 'POST', `/stores/${store}/read`, {})).toMatchObject(
      forbidden,
    );
  });

  test('has the roles that its client was granted', async () => {
    const client = { issuer: issuer.issuer, id: 'billing', claim: 'client_id' };
    const grant = { store_id: store, principal: { client }, role: 'check' };
    expect(await ask(key, 'POST', '/roles/grant', grant)).toMatchObject({ status: 200 });
    expect(await check(token(''))).toMatchObject(through);
    expect(await check(token('', { client_id: 'other' }))).toMatchObject(forbidden);
    // The same id, said by another claim, is another principal.
    expect(await check(token('', { client_id: undefined, sub: 'billing' }))).toMatchObject(
      forbidden,
    );
    expect((await ask(key, 'POST', '/roles/list', { store_id: store })).body.grants).toEqual([
      { principal: { key: 'ops' }, role: 'admin' },
      { principal: { client }, role: 'check' },
    ]);
  });

  test('must have the scope that the file asks for, whatever its role', async () => {
    const path = `/stores/${store}/write`;
    const refused = await ask(token('fga.admin'), 'POST', path, {});
    expect(refused).toMatchObject(forbidden);
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="fga.write"',
    );
    // What Write needs, its kin need too.
    const kin = await ask(token('fga.admin'), 'POST', `/stores/${store}/tuples/write`, {});
    expect(kin).toMatchObject(forbidden);
    const both = await ask(token('fga.admin fga.write'), 'POST', path, {});
    expect(both.status).toBe(400);
  });

  test('that is bad is told so in the words of RFC 6750', async () => {
    const bad = await check(token('fga.check', { exp: 1 }));
    expect(bad).toMatchObject({ status: 401, body: { code: 'invalid_claims' } });
    expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    const none = await fetch(`${url}/stores`);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });
});

test('an issuer that is away: its tokens are unavailable, keys go on, health says it', async () => {
  await server.close();
  await issuer.stop();
  await start();
  const refused = await check(token('fga.check'));
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask(key, 'GET', `/stores/${store}`)).status).toBe(200);
  const { status, degraded } = await ready();
  expect([status, degraded.length]).toEqual(['SERVING', 1]);
  expect(degraded[0]).toContain(issuer.issuer);
  await issuer.start();
});

describe('the identity file', () => {
  const other = 'https://other.example.com/';

  test('is read again when it changes', async () => {
    expect((await check(token('fga.check'))).status).toBe(400);
    writeFileSync(path, fileFor(other));
    await vi.waitFor(
      () => expect(lines.join('')).toContain('the identity file is replaced'),
      5_000,
    );
    expect(await check(token('fga.check'))).toMatchObject({
      status: 401,
      body: { code: 'auth_failed_invalid_issuer' },
    });
  });

  test('that is broken leaves the one before it in use, and health and log say so', async () => {
    writeFileSync(path, 'version: 2\n');
    await server.reload();
    await server.reload();
    expect((await check(token('fga.check'))).status).toBe(400);
    expect((await ready()).degraded[0]).toContain('the identity file cannot be used');
    const told = lines.filter((line) => line.includes('the identity file cannot be used'));
    expect(told).toHaveLength(1);
    writeFileSync(path, fileFor(issuer.issuer));
    expect(await ready()).toEqual({ status: 'SERVING' });
  });
});

test('who fails too often waits, and says nothing of the others at its address', async () => {
  const statuses: number[] = [];
  let last: Answer | undefined;
  for (let i = 0; i < 30; i++) {
    last = await check(`pemba_${i}`);
    statuses.push(last.status);
  }
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
  expect(statuses.at(-1)).toBe(429);
  expect(last?.body.code).toBe('resource_exhausted');
  expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await check(key)).status).toBe(400);
});

test('no log line holds a key, a token or a claim, and metrics count the refusals', async () => {
  const bad = token('fga.check', { exp: 1 });
  const good = token('fga.check');
  for (const bearer of [good, bad, key, `${key}x`, token('fga.none')]) {
    await check(bearer);
    await fetch(`${url}/stores/${store}/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'pemba-subject-token': bearer },
      body: JSON.stringify(question),
    });
  }
  const text = lines.join('');
  for (const secret of [key, stored, good, bad, 'secret-subject', 'billing', audience]) {
    expect(text).not.toContain(secret);
  }
  for (const part of [...good.split('.'), ...bad.split('.')]) expect(text).not.toContain(part);
  for (const reason of ['expired', 'token_malformed', 'role_missing']) {
    expect(text).toContain(`"reason":"${reason}"`);
  }
  const metrics = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
  expect(metrics).toMatch(/pemba_callers_refused_total\{reason="expired"\} \d+/);
  expect(metrics).toMatch(/pemba_callers_refused_total\{reason="role_missing"\} \d+/);
});

test(`two tokens of ${limits.tokenBytesMax} bytes reach whoever refuses them`, async () => {
  // 'two tokens of %d bytes': together they are what the headers must hold.
  const long = 'x'.repeat(limits.tokenBytesMax);
  const headers = { authorization: `Bearer ${long}`, 'pemba-subject-token': long };
  const response = await fetch(`${url}/stores`, { headers });
  expect(response.status).toBe(401);
  const client = new GrpcClient(server.grpcAddress);
  const { status } = await client.call(wire.listStores, {}, { headers });
  client.close();
  expect(status.code).toBe(1005);
  const over = { authorization: `Bearer ${'x'.repeat(limits.headersBytesMax)}` };
  expect((await fetch(`${url}/stores`, { headers: over })).status).toBe(431);
});

test('the SDK of OpenFGA with its credentials', async () => {
  const clientWith = (apiToken: string) =>
    new OpenFgaClient({
      apiUrl: url,
      storeId: store,
      credentials: { method: CredentialsMethod.ApiToken, config: { token: apiToken } },
    });
  expect((await clientWith(key).getStore()).name).toBe('docs');
  expect((await clientWith(token('fga.check')).getStore()).name).toBe('docs');
  await expect(clientWith('nobody').getStore()).rejects.toMatchObject({ statusCode: 401 });
});
