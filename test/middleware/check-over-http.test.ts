// Checks over HTTP: put to a real server of Pemba, and to servers that answer all kinds of things.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkOverHttp } from '../../src/middleware/check-over-http.ts';
import { deciding } from '../../src/middleware/decide.ts';
import type { Check } from '../../src/middleware/permission.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { startTestServer } from '../cli/run.ts';
import { type Fixture, modelText, openFixture, tuples } from './fixture.ts';

const storeId = '01J00000000000000000000000';
let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The decision about one request that names the plan. */
function decide(check: Check, claims: object, more: { timeoutMs?: number } = {}) {
  const permission = { relation: 'can_view', object: () => 'document:plan' };
  const ask = deciding({ identity: fixture.identity, check, ...more }, permission);
  return ask(undefined, `Bearer ${fixture.world.token(claims)}`);
}

async function answering(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  return JSON.parse((await request.setEncoding('utf8').toArray()).join(''));
}

test('a real server decides by the groups of the token', async () => {
  const server = await startTestServer();
  try {
    const post = async (path: string, body: unknown) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${server.url}/stores${path}`, init);
      expect(response.ok).toBe(true);
      return (await response.json()) as { id: string; authorization_model_id: string };
    };
    const { id } = await post('', { name: 'documents' });
    const model = await post(`/${id}/authorization-models`, await modelFromDsl(modelText));
    const tuple_keys = tuples.map(({ subject, ...rest }) => ({ user: subject, ...rest }));
    await post(`/${id}/write`, { writes: { tuple_keys } });
    const modelId = model.authorization_model_id;
    // An address with a slash at its end is the same one.
    for (const url of [server.url, `${server.url}/`]) {
      const check = checkOverHttp({ url, storeId: id, modelId });
      expect(await decide(check, { groups: ['eng'] })).toMatchObject({ kind: 'allowed' });
      expect(await decide(check, { groups: ['ops'] })).toMatchObject({ status: 403 });
    }
    const elsewhere = checkOverHttp({ url: server.url, storeId });
    expect(await decide(elsewhere, { groups: ['eng'] })).toMatchObject({
      status: 503,
      cause: {
        message: expect.stringContaining('answered 400 latest_authorization_model_not_found'),
      },
    });
  } finally {
    await server.close();
  }
});

test('the wire gets the question, the token of the moment, and no claim that is not mapped', async () => {
  const seen: unknown[] = [];
  await using server = await answering(async (request, response) => {
    const { method, url, headers } = request;
    const { authorization } = headers;
    seen.push({ method, url, authorization, body: await bodyOf(request) });
    response.end('{"allowed":true}');
  });
  const modelId = '01J00000000000000000000001';
  let calls = 0;
  const apiToken = async () => `token-${++calls}`;
  const check = checkOverHttp({ url: `${server.url}/fga`, storeId, modelId, apiToken });
  const claims = {
    groups: ['eng'],
    acr: 'phr',
    act: { sub: 'helper' },
    email: 'alice@example.com',
  };
  expect(await decide(check, claims)).toMatchObject({ kind: 'allowed' });
  const requests = ['user:alice', 'agent:helper'].map((user, i) => ({
    method: 'POST',
    url: `/fga/stores/${storeId}/check`,
    authorization: `Bearer token-${i + 1}`,
    body: {
      tuple_key: { user, relation: 'can_view', object: 'document:plan' },
      contextual_tuples: {
        tuple_keys: [{ user: 'user:alice', relation: 'member', object: 'group:eng' }],
      },
      context: { token_acr: 'phr' },
      authorization_model_id: modelId,
    },
  }));
  expect(seen).toHaveLength(2);
  expect(seen).toEqual(expect.arrayContaining(requests));
});

test.each([
  ['an error', 500, '{"code":"internal_error","message":"secret"}'],
  ['a refusal of the caller', 401, '{"code":"bearer_token_missing","message":"secret"}'],
  ['a refusal of the question', 400, '{"code":"validation_error","message":"secret"}'],
  ['yes, with an error', 500, '{"allowed":true}'],
  ['yes, created', 201, '{"allowed":true}'],
  ['a page', 200, '<html>secret</html>'],
  ['nothing', 200, ''],
  ['half an answer', 200, '{"allowed":tr'],
  ['an empty object', 200, '{}'],
  ['a list', 200, '[{"allowed":true}]'],
  ['yes as text', 200, '{"allowed":"true"}'],
  ['yes as a number', 200, '{"allowed":1}'],
  ['null', 200, 'null'],
  ['true', 200, 'true'],
  ['yes in another place', 200, '{"result":{"allowed":true}}'],
])('a server that answers %s: 503', async (_what, status, body) => {
  await using server = await answering((_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body),
  );
  const decision = await decide(checkOverHttp({ url: server.url, storeId }), { groups: ['eng'] });
  expect(decision).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(String('cause' in decision && decision.cause)).not.toContain('secret');
});

test('a redirect is not followed, and the token goes nowhere else', async () => {
  const asked: string[] = [];
  await using other = await answering((request, response) => {
    asked.push(request.url ?? '');
    response.end('{"allowed":true}');
  });
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await answering((_request, response) =>
      response.writeHead(status, { location: other.url }).end(),
    );
    const check = checkOverHttp({ url: server.url, storeId, apiToken: () => 'secret' });
    expect(await decide(check, {})).toMatchObject({ status: 503 });
  }
  expect(asked).toEqual([]);
});

test('a server that hangs, before its answer or in the midst of it, or is not there: 503', async () => {
  await using silent = await answering(() => {});
  await using halting = await answering((_request, response) => response.write('{"allowed":true'));
  for (const { url } of [silent, halting, { url: 'http://127.0.0.1:9' }]) {
    const decision = await decide(checkOverHttp({ url, storeId }), {}, { timeoutMs: 50 });
    expect(decision).toMatchObject({ status: 503 });
  }
});

test('an API token that cannot be had: 503, and nobody is asked without it', async () => {
  let asked = 0;
  await using server = await answering((_request, response) => {
    asked++;
    response.end('{"allowed":true}');
  });
  for (const apiToken of [() => Promise.reject(new Error('no')), () => 'with\nline']) {
    const check = checkOverHttp({ url: server.url, storeId, apiToken });
    expect(await decide(check, {})).toMatchObject({ status: 503 });
  }
  expect(asked).toBe(0);
});

test('what cannot name a server, a store, a model or a relation is refused at the start', () => {
  const url = 'http://127.0.0.1:1';
  for (const server of [
    { url: 'nowhere', storeId },
    { url, storeId: '' },
    { url, storeId: '../../other' },
    { url, storeId, modelId: 'latest' },
  ]) {
    expect(() => checkOverHttp(server)).toThrow(/`.*` is no/);
  }
  const { identity } = fixture;
  for (const relation of ['', 'can view', 'a#b', 'r'.repeat(51)]) {
    const permission = { relation, object: () => 'document:plan' };
    expect(() => deciding({ identity, check: () => true }, permission)).toThrow(/relation/);
  }
});

test('the issuer is away: 503, and when to come again', async () => {
  await using away = await openFixture();
  const { world, identity } = away;
  await world.issuer.stop();
  const permission = { relation: 'can_view', object: () => 'document:plan' };
  const ask = deciding({ identity, check: () => true }, permission);
  expect(await ask(undefined, `Bearer ${world.token()}`)).toMatchObject({
    status: 503,
    headers: { 'retry-after': '10' },
  });
  await world.issuer.start();
});
