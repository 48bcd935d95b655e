// Checks by a real server of Pemba that has the identity file: the token goes along, and the server
// decides what it says, `authority: token`, delegation, scopes and the sign-in among it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { identity } from '../../src/identity.ts';
import { checkByPemba } from '../../src/middleware/check-over-http.ts';
import { deciding } from '../../src/middleware/decide.ts';
import type { TokenCheck } from '../../src/middleware/permission.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { openWorld, type World } from '../authn/world.ts';
import { folderOf } from '../cli/run.ts';
import { identityText, modelText, tuples } from './fixture.ts';

let world: World;
let server: RunningServer;
let storeId: string;
let text: string;
const url = () => `http://${server.httpAddress}`;

beforeAll(async () => {
  world = await openWorld();
  text = identityText(world.issuer.issuer).replace(
    'id: item } }',
    'id: item }, authority: token }',
  );
  using folder = folderOf({ 'identity.yaml': text });
  const flags = {
    'datastore-uri': ':memory:',
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': 'off',
    'log-level': 'off',
    'identity-file': folder.file('identity.yaml'),
  };
  server = await startServer(resolveConfig({ environment: {}, flags }));
  const post = async (path: string, body: unknown) => {
    const init = { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${url()}/stores${path}`, init);
    expect(response.ok).toBe(true);
    return (await response.json()) as { id: string };
  };
  storeId = (await post('', { name: 'documents' })).id;
  await post(`/${storeId}/authorization-models`, await modelFromDsl(modelText));
  const member = { subject: 'user:left', relation: 'member', object: 'group:eng' };
  const without = tuples.filter(({ object }) => object === 'document:plan');
  const tuple_keys = [...without, member].map(({ subject, ...rest }) => ({
    user: subject,
    ...rest,
  }));
  await post(`/${storeId}/write`, { writes: { tuple_keys } });
});
afterAll(async () => {
  await server.close();
  await world[Symbol.asyncDispose]();
});

const seconds = () => Math.floor(systemClock.now() / 1_000);

function decide(
  claims: object,
  relation = 'can_view',
  check = checkByPemba({ url: url(), storeId }),
) {
  const permission = { relation, object: () => 'document:plan' };
  const ask = deciding({ identity: identity(text), check }, permission);
  const times = { iat: seconds(), exp: seconds() + 600 };
  return ask(undefined, `Bearer ${world.token({ ...times, ...claims })}`);
}

test('the groups of the token decide, and alone where the file says so', async () => {
  expect(await decide({ groups: ['eng'] })).toMatchObject({
    kind: 'allowed',
    grant: { users: ['user:alice'], object: 'document:plan' },
  });
  expect(await decide({ groups: ['ops'] })).toMatchObject({ status: 403 });
  // Stored as a member, and out by the token.
  expect(await decide({ sub: 'left', groups: [] })).toMatchObject({ status: 403 });
});

test('a delegated token: both must be allowed', async () => {
  const act = (sub: string) => ({ groups: ['eng'], act: { sub } });
  expect(await decide(act('helper'))).toMatchObject({
    kind: 'allowed',
    grant: { users: ['user:alice', 'agent:helper'] },
  });
  expect(await decide(act('stranger'))).toMatchObject({ status: 403 });
});

test('the challenge of the server is the answer', async () => {
  const groups = ['eng'];
  expect(await decide({ groups }, 'can_delete')).toMatchObject({
    status: 401,
    headers: {
      'www-authenticate': expect.stringMatching(
        /^Bearer error="insufficient_user_authentication".*acr_values="phr phrh", max_age="300"$/,
      ),
    },
    body: { error: 'insufficient_user_authentication' },
  });
  const strong = { groups, acr: 'phr', auth_time: seconds() };
  expect(await decide(strong, 'can_delete')).toMatchObject({ kind: 'allowed' });
  expect(await decide({ groups: [] }, 'can_delete')).toMatchObject({ status: 403 });
  expect(await decide({ groups }, 'can_share')).toMatchObject({ status: 403 });
});

test('more groups than contextual tuples fit a request', async () => {
  const groups = ['eng', ...Array.from({ length: 150 }, (_, n) => `g${n}`)];
  expect(await decide({ groups })).toMatchObject({ kind: 'allowed' });
});

test('a server that passes over the token is not believed', async () => {
  const other = createServer((_request, response) => response.end('{"allowed":true}'));
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as AddressInfo;
  const check = checkByPemba({ url: `http://127.0.0.1:${port}`, storeId });
  expect(await decide({ groups: ['eng'] }, 'can_view', check)).toMatchObject({ status: 503 });
  await new Promise((done) => other.close(done));
});

test('the demands of the file hold here too, whatever the server says', async () => {
  const check: TokenCheck = { checkToken: async () => ({ allowed: true }) };
  expect(await decide({}, 'can_delete', check)).toMatchObject({ status: 401 });
  expect(await decide({}, 'can_share', check)).toMatchObject({ status: 403 });
  const wrong = { checkToken: async () => ({ allowed: 'true' }) } as unknown as TokenCheck;
  expect(await decide({}, 'can_view', wrong)).toMatchObject({ status: 503 });
});
