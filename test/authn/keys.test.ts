// The keys of an issuer over time: rotation, floods of unknown key ids, outages, hostile answers.
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { keysUriOf } from '../../src/authn/discovery.ts';
import { type FetchFault, fetchDocument } from '../../src/authn/fetch-document.ts';
import type { IssuerHealth } from '../../src/authn/key-source.ts';
import { limits } from '../../src/base/limits.ts';
import { type Answer, documentOf, KeyServer } from './key-server.ts';
import { outage } from './outage.ts';
import { publicJwk, type TestKey } from './signing.ts';
import { goodJwks, keys, openWorld, type World } from './world.ts';

/** `verify`, as the reason of the refusal or `taken`. */
const verdict = (world: World, token: string): Promise<string> =>
  world.verifier.verify(token, 'caller').then(
    () => 'taken',
    ({ reason }) => reason,
  );
const health = (world: World) => world.verifier.health()[0] as IssuerHealth;
const signedBy = (world: World, key: TestKey, n = 0) => world.token({ n }, {}, key);

test('keys are fetched when a token needs them, once for all that wait', async () => {
  await using world = await openWorld();
  expect(health(world)).toMatchObject({ state: 'unasked', keys: 0, ageMs: undefined });
  const tokens = Array.from({ length: 50 }, (_, n) => signedBy(world, keys.es, n));
  const verdicts = await Promise.all(tokens.map((token) => verdict(world, token)));
  expect(new Set(verdicts)).toEqual(new Set(['taken']));
  expect(world.issuer.requests).toEqual([world.issuer.discoveryPath, world.issuer.jwksPath]);
  expect(health(world)).toMatchObject({ state: 'ready', ageMs: 0, fault: undefined });
});

test('key rotation: the new key is taken at once, the old one until it is withdrawn', async () => {
  await using world = await openWorld();
  expect(await verdict(world, signedBy(world, keys.es))).toBe('taken');
  world.issuer.keys = [...goodJwks, publicJwk(keys.withdrawn)];
  world.clock.advance(limits.issuerCooldownMs);
  expect(await verdict(world, signedBy(world, keys.withdrawn))).toBe('taken');
  expect(await verdict(world, signedBy(world, keys.es, 1))).toBe('taken');
  expect(world.issuer.fetches).toBe(2);
  world.issuer.keys = [publicJwk(keys.withdrawn)];
  world.clock.advance(limits.issuerKeysFreshMs);
  // The first still finds the keys at hand while they are fetched.
  expect(await verdict(world, signedBy(world, keys.es, 2))).toBe('taken');
  await world.verifier.refresh();
  expect(await verdict(world, signedBy(world, keys.es, 3))).toBe('key_unknown');
  expect(world.issuer.fetches).toBe(3);
});

test('after a long quiet a withdrawn key is not taken even once', async () => {
  await using world = await openWorld();
  expect(await verdict(world, signedBy(world, keys.es))).toBe('taken');
  world.issuer.keys = [publicJwk(keys.rs)];
  world.clock.advance(2 * limits.issuerKeysFreshMs);
  expect(await verdict(world, signedBy(world, keys.es, 1))).toBe('key_unknown');
});

test('a key with the same id and other bytes is another key', async () => {
  await using world = await openWorld();
  const token = signedBy(world, keys.es);
  expect(await verdict(world, token)).toBe('taken');
  world.issuer.keys = [publicJwk(keys.other)];
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  expect(world.verifier.known(token, 'caller')).toBeUndefined();
  expect(await verdict(world, token)).toBe('signature_wrong');
  expect(await verdict(world, signedBy(world, keys.other))).toBe('taken');
});

test('an issuer that lists no keys any more has withdrawn them all', async () => {
  await using world = await openWorld();
  const token = signedBy(world, keys.es);
  expect(await verdict(world, token)).toBe('taken');
  world.issuer.keys = [];
  world.clock.advance(2 * limits.issuerKeysFreshMs);
  expect(await verdict(world, signedBy(world, keys.es, 1))).toBe('key_unknown');
  expect(world.verifier.known(token, 'caller')).toBeUndefined();
});

test.each([
  [limits.issuerKeysFreshMs - 1, 1],
  [limits.issuerKeysFreshMs, 2],
  [limits.issuerKeysFreshMs + 1, 2],
])('keys of %d ms are fetched again: %d fetches', async (ageMs, fetches) => {
  await using world = await openWorld();
  await world.verifier.refresh();
  world.clock.advance(ageMs);
  await world.verifier.refresh();
  expect(world.issuer.fetches).toBe(fetches);
});

test.each([
  [limits.issuerCooldownMs - 1, 1],
  [limits.issuerCooldownMs, 2],
  [limits.issuerCooldownMs + 1, 2],
])('an unknown key id after %d ms: %d fetches', async (ageMs, fetches) => {
  await using world = await openWorld();
  await world.verifier.refresh();
  world.clock.advance(ageMs);
  expect(await verdict(world, signedBy(world, keys.withdrawn))).toBe('key_unknown');
  expect(world.issuer.fetches).toBe(fetches);
});

test('unknown key ids: a flood of them costs few fetches, and no good token', async () => {
  await using world = await openWorld();
  for (let second = 0; second < 60; second++) {
    const forged = Array.from({ length: 10 }, (_, n) =>
      verdict(world, world.token({}, { kid: `forged-${second}-${n}` })),
    );
    expect(new Set(await Promise.all(forged))).toEqual(new Set(['key_unknown']));
    expect(await verdict(world, signedBy(world, keys.es, second))).toBe('taken');
    world.clock.advance(1_000);
  }
  expect(world.issuer.fetches).toBe(2);
});

test('fetches for nothing come ever more rarely, and a rotation ends that', async () => {
  await using world = await openWorld();
  const fetched: number[] = [];
  for (let second = 0; second < 1_200; second += 10) {
    const before = world.issuer.fetches;
    await verdict(world, world.token({}, { kid: `forged-${second}` }));
    if (world.issuer.fetches > before) fetched.push(second);
    world.clock.advance(10_000);
  }
  expect(fetched).toEqual([0, 30, 90, 210, 450, 930]);
  world.issuer.keys = [...goodJwks, publicJwk(keys.withdrawn)];
  world.clock.advance(limits.issuerKeysFreshMs);
  expect(await verdict(world, signedBy(world, keys.withdrawn))).toBe('taken');
  const { fetches } = world.issuer;
  world.clock.advance(limits.issuerCooldownMs);
  await verdict(world, world.token({}, { kid: 'forged' }));
  expect(world.issuer.fetches).toBe(fetches + 1);
});

test('a fetch for nothing is forgotten after twenty minutes', async () => {
  await using world = await openWorld();
  await world.verifier.refresh();
  world.clock.advance(limits.issuerCooldownMs);
  await verdict(world, world.token({}, { kid: 'forged' }));
  world.clock.advance(2 * limits.issuerKeysFreshMs - limits.issuerCooldownMs);
  await world.verifier.refresh();
  const { fetches } = world.issuer;
  world.clock.advance(limits.issuerCooldownMs);
  await verdict(world, world.token({}, { kid: 'forged' }));
  expect(world.issuer.fetches).toBe(fetches + 1);
});

test('an issuer that was never reached is unavailable, and its tokens are not wrong', async () => {
  await using world = await openWorld();
  await world.issuer.stop();
  await world.verifier.refresh();
  expect(health(world)).toMatchObject({ state: 'missing', fault: 'unreachable' });
  const refusal = await world.verifier.verify(world.token(), 'caller').catch((error) => error);
  expect(refusal).toMatchObject({
    code: 'unavailable',
    reason: 'keys_unavailable',
    retryAfterSeconds: limits.issuerRetryMs / 1_000,
    isFailedAttempt: false,
  });
  await world.issuer.start();
  // Not before it is time to try again.
  world.clock.advance(limits.issuerRetryMs - 1);
  expect(await verdict(world, world.token())).toBe('keys_unavailable');
  expect(world.issuer.requests).toEqual([]);
  world.clock.advance(1);
  expect(await verdict(world, world.token())).toBe('taken');
  expect(health(world).state).toBe('ready');
});

test('issuer outage: for three minutes known keys serve, and fetches are rare', async () => {
  const { refused, fetchesPerTenSeconds, verified } = await outage({ minutes: 3, everyMs: 5_000 });
  expect(verified).toBe(36);
  expect(refused).toBe(0);
  expect(fetchesPerTenSeconds).toBe(1);
});

test('no token of a known key waits for an issuer that fails', async () => {
  await using world = await openWorld();
  expect(await verdict(world, world.token())).toBe('taken');
  world.issuer.answers.set(world.issuer.jwksPath, documentOf({}, 503));
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  world.issuer.answers.set(world.issuer.discoveryPath, () => {});
  world.clock.advance(limits.issuerKeysFreshMs);
  expect(await verdict(world, signedBy(world, keys.es, 1))).toBe('taken');
  // The answer came while the issuer was still being asked: it would be `timeout` else.
  expect(health(world)).toMatchObject({ state: 'stale', fault: 'status' });
});

test('while the issuer fails, a key id that is unknown may be new: unavailable', async () => {
  await using world = await openWorld();
  expect(await verdict(world, world.token())).toBe('taken');
  await world.issuer.stop();
  world.clock.advance(limits.issuerCooldownMs);
  expect(await verdict(world, signedBy(world, keys.withdrawn))).toBe('keys_unavailable');
  expect(health(world)).toMatchObject({ state: 'stale', keys: goodJwks.length + 2 });
  expect(await verdict(world, signedBy(world, keys.es, 1))).toBe('taken');
});

test.each([
  [limits.issuerKeysStaleMs - 1, 'taken'],
  [limits.issuerKeysStaleMs, 'keys_unavailable'],
])('without the issuer, keys of %d ms: %s', async (ageMs, expected) => {
  await using world = await openWorld();
  expect(await verdict(world, world.token())).toBe('taken');
  await world.issuer.stop();
  world.clock.advance(ageMs);
  expect(await verdict(world, world.token())).toBe(expected);
  const isGone = expected !== 'taken';
  expect(health(world)).toMatchObject(isGone ? { state: 'missing', keys: 0 } : { state: 'stale' });
});

const raw =
  (body: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(200, headers).end(body);
const spaces = ' '.repeat(limits.issuerBytesMax);
const jwks = JSON.stringify({ keys: goodJwks });
const padded = (bytes: number) => jwks + ' '.repeat(bytes - jwks.length);
const many = (count: number) => ({
  keys: Array.from({ length: count }, (_, n) => ({ kty: 'oct', kid: `${n}` })),
});

type Hostile = [name: string, fault: FetchFault, answer: Answer];
const hostileKeys: Hostile[] = [
  ['a page', 'not_json', raw('<html>maintenance</html>')],
  ['nothing', 'not_json', raw('')],
  ['half of it', 'not_json', raw(jwks.slice(0, -10))],
  ['a list', 'no_key_set', raw('[]')],
  ['no list of keys', 'no_key_set', raw('{"keys": {}}')],
  ['null', 'no_key_set', raw('null')],
  ['10,000 keys', 'too_large', documentOf(many(10_000))],
  ['more keys than may be', 'no_key_set', documentOf(many(limits.issuerKeysMax + 1))],
  ['too much', 'too_large', raw(padded(limits.issuerBytesMax + 1))],
  [
    'much in a small gzip',
    'too_large',
    raw(gzipSync(jwks + spaces), { 'content-encoding': 'gzip' }),
  ],
  [
    'much in a small brotli',
    'too_large',
    raw(brotliCompressSync(jwks + spaces), { 'content-encoding': 'br' }),
  ],
  ['a redirect', 'redirect', (response) => response.writeHead(302, { location: '/moved' }).end()],
  [
    'a redirect to a service of the cloud',
    'redirect',
    (response) => response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
  ],
  ['an error', 'status', documentOf({ keys: goodJwks }, 503)],
  ['not found', 'status', documentOf({}, 404)],
  ['no content', 'status', (response) => response.writeHead(204).end()],
  ['a cut connection', 'unreachable', (response) => response.socket?.destroy()],
  [
    'an answer cut short',
    'unreachable',
    (response) => {
      response
        .writeHead(200, { 'content-length': '1000' })
        .write('{', () => response.socket?.destroy());
    },
  ],
  ['silence', 'timeout', () => {}],
  ['a head and then silence', 'timeout', (response) => response.writeHead(200).write('{')],
];

/** A test that waits for a timeout waits for a short one; elsewhere a slow machine may be slow. */
const patience = (fault: FetchFault) => (fault === 'timeout' ? { timeoutMs: 500 } : {});

test.each(hostileKeys)('key set content: %s: %s', async (_name, fault, answer) => {
  await using world = await openWorld({}, patience(fault));
  world.issuer.answers.set(world.issuer.jwksPath, answer);
  expect(await verdict(world, world.token())).toBe('keys_unavailable');
  expect(health(world)).toMatchObject({ state: 'missing', fault });
  expect(world.issuer.requests).not.toContain('/moved');
  world.issuer.answers.clear();
  world.clock.advance(limits.issuerRetryMs);
  expect(await verdict(world, world.token())).toBe('taken');
});

test.each(hostileKeys)('keys at hand serve on: %s', async (_name, fault, answer) => {
  await using world = await openWorld({}, patience(fault));
  expect(await verdict(world, world.token())).toBe('taken');
  world.issuer.answers.set(world.issuer.jwksPath, answer);
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  expect(health(world)).toMatchObject({ state: 'stale', fault });
  expect(await verdict(world, world.token())).toBe('taken');
});

const discoveries: [name: string, fault: FetchFault, document: (world: World) => unknown][] = [
  [
    'of another issuer',
    'issuer_differs',
    (w) => ({ ...w.issuer.discovery, issuer: w.other.issuer }),
  ],
  [
    'with a slash more',
    'issuer_differs',
    (w) => ({ ...w.issuer.discovery, issuer: `${w.issuer.issuer}/` }),
  ],
  ['of no issuer', 'issuer_differs', (w) => ({ ...w.issuer.discovery, issuer: undefined })],
  ['without keys', 'no_discovery_document', (w) => ({ issuer: w.issuer.issuer })],
  [
    'with a number for keys',
    'no_discovery_document',
    (w) => ({ ...w.issuer.discovery, jwks_uri: 1 }),
  ],
  ['a list', 'no_discovery_document', () => []],
  ...[
    'http://169.254.169.254/latest/meta-data',
    'http://idp.example.com/jwks',
    'file:///etc/passwd',
    'data:application/json,{"keys":[]}',
    'http://127.0.0.1.example.com/jwks',
    'https://user:secret@idp.example.com/jwks',
    'jwks',
  ].map((jwks_uri): [string, FetchFault, (world: World) => unknown] => [
    `with keys at ${jwks_uri}`,
    'unsafe_jwks_uri',
    (w) => ({ ...w.issuer.discovery, jwks_uri }),
  ]),
];

test.each(discoveries)('discovery: a document %s: %s', async (_name, fault, document) => {
  await using world = await openWorld();
  world.issuer.answers.set(world.issuer.discoveryPath, documentOf(document(world)));
  expect(await verdict(world, world.token())).toBe('keys_unavailable');
  expect(health(world)).toMatchObject({ state: 'missing', fault });
  expect(world.issuer.requests).toEqual([world.issuer.discoveryPath]);
});

test('discovery: an issuer elsewhere names no port of this machine', () => {
  const document = (issuer: string, jwks_uri: string) => () =>
    keysUriOf(issuer, { issuer, jwks_uri });
  const elsewhere = 'https://idp.example.com';
  expect(document(elsewhere, `${elsewhere}/jwks`)()).toBe(`${elsewhere}/jwks`);
  expect(document('http://localhost:1', 'http://127.0.0.1:2/jwks')).not.toThrow();
  for (const host of ['127.0.0.1:2112', 'localhost', '[::1]:8080'])
    expect(document(elsewhere, `http://${host}/jwks`)).toThrow('unsafe_jwks_uri');
});

test('discovery: the form of RFC 8414 is asked where the other is not there', async () => {
  await using world = await openWorld();
  const { issuer } = world;
  const path = '/.well-known/oauth-authorization-server/tenant';
  issuer.answers.set(issuer.discoveryPath, documentOf({}, 404));
  issuer.answers.set(path, documentOf(issuer.discovery));
  expect(await verdict(world, world.token())).toBe('taken');
  expect(issuer.requests).toEqual([issuer.discoveryPath, path, issuer.jwksPath]);
});

test('discovery: keys that move are found', async () => {
  await using world = await openWorld();
  const { issuer } = world;
  expect(await verdict(world, world.token())).toBe('taken');
  const moved = { ...issuer.discovery, jwks_uri: `${issuer.issuer}/moved` };
  issuer.answers.set(issuer.discoveryPath, documentOf(moved));
  issuer.answers.set(`${issuer.jwksPath}`, documentOf({}, 410));
  issuer.answers.set('/tenant/moved', documentOf({ keys: [publicJwk(keys.rs)] }));
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  world.clock.advance(limits.issuerRetryMs);
  await world.verifier.refresh();
  expect(await verdict(world, signedBy(world, keys.rs))).toBe('taken');
  expect(health(world)).toMatchObject({ state: 'ready', keys: 1 });
});

test('discovery: its answer is not believed for longer than an hour', async () => {
  await using world = await openWorld();
  for (const ageMs of [0, limits.issuerAddressMs - 1, 1]) {
    world.clock.advance(ageMs);
    await world.verifier.refresh();
  }
  const asked = world.issuer.requests.filter((path) => path === world.issuer.discoveryPath);
  // Once at first; at the end of the hour the keys themselves are still fresh.
  expect(asked.length).toBe(1);
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  expect(world.issuer.requests.at(-2)).toBe(world.issuer.discoveryPath);
});

test('no discovery where the configuration says where the keys are', async () => {
  await using server = await KeyServer.open();
  server.keys = goodJwks;
  await using world = await openWorld({ jwksUri: `${server.issuer}/jwks` });
  expect(await verdict(world, world.token())).toBe('taken');
  expect(world.issuer.requests).toEqual([]);
  expect(server.requests).toEqual(['/jwks']);
});

test.each([
  [limits.issuerBytesMax - 1, true],
  [limits.issuerBytesMax, true],
  [limits.issuerBytesMax + 1, false],
])('a document of %d bytes: %s', async (bytes, passes) => {
  await using server = await KeyServer.open();
  server.answers.set('/jwks', raw(padded(bytes)));
  const answer = fetchDocument(`${server.issuer}/jwks`, 5_000);
  if (passes) expect(await answer).toEqual({ keys: JSON.parse(JSON.stringify(goodJwks)) });
  else await expect(answer).rejects.toMatchObject({ fault: 'too_large' });
});

test.each([
  [limits.issuerKeysMax - 1, 'ready'],
  [limits.issuerKeysMax, 'ready'],
  [limits.issuerKeysMax + 1, 'missing'],
])('a key set of %d keys: %s', async (count, state) => {
  await using world = await openWorld();
  world.issuer.answers.set(world.issuer.jwksPath, documentOf(many(count)));
  await world.verifier.refresh();
  expect(health(world).state).toBe(state);
});

test('each attempt is told, for the log', async () => {
  const told: IssuerHealth[] = [];
  await using world = await openWorld({}, { onFetch: (health) => told.push(health) });
  await verdict(world, world.token());
  await world.issuer.stop();
  world.clock.advance(limits.issuerKeysFreshMs);
  await world.verifier.refresh();
  const ours = told.filter(({ issuer }) => issuer === world.issuer.issuer);
  expect(ours.map(({ state, fault }) => [state, fault])).toEqual([
    ['ready', undefined],
    ['stale', 'unreachable'],
  ]);
});
