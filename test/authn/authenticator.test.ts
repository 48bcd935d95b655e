// Who calls: each way to authenticate, and what becomes of those who fail again and again.
import { expect, test } from 'vitest';
import {
  type AuthenticationConfig,
  type Authenticator,
  createAuthenticator,
  type Principal,
} from '../../src/authn/authenticator.ts';
import { createKey, readPresharedKey } from '../../src/authn/preshared.ts';
import { networkOf } from '../../src/authn/throttle.ts';
import { limits } from '../../src/base/limits.ts';
import { badTokens } from './bad-tokens.ts';
import { TestClock } from './test-clock.ts';
import { keys, openWorld, type World } from './world.ts';

function presharedKey(name: string) {
  const made = createKey(name);
  if (typeof made === 'string') throw new Error(made);
  const read = readPresharedKey(made.stored);
  if (typeof read === 'string') throw new Error(read);
  return { key: made.key, read };
}
const billing = presharedKey('billing');
const shop = presharedKey('shop');

const preshared = (clock: TestClock) => {
  const presharedKeys = [billing.read, shop.read];
  return createAuthenticator({ method: 'verified', presharedKeys, verifier: undefined }, clock);
};
const both = ({ verifier, clock }: World) => {
  const config: AuthenticationConfig = {
    method: 'verified',
    presharedKeys: [billing.read],
    verifier,
  };
  return createAuthenticator(config, clock);
};

/** The principal, or the refusal: thrown at once or later. */
async function ask(authenticator: Authenticator, token: string, address = '192.0.2.1') {
  const authorization = `Bearer ${token}`;
  try {
    return await authenticator.authenticate({ authorization, address });
  } catch (error) {
    return error as Error & { reason: string; code: string; retryAfterSeconds?: number };
  }
}

test('without authentication everybody is nobody in particular', () => {
  const authenticator = createAuthenticator({ method: 'none' }, new TestClock());
  const answer = authenticator.authenticate({ authorization: 'Bearer x', address: '127.0.0.1' });
  expect(answer).toEqual({ kind: 'anonymous' });
});

test('a preshared key says which client, and which key of it, at once', () => {
  const authenticator = preshared(new TestClock());
  for (const { key, read } of [billing, shop])
    for (const scheme of ['Bearer', 'bearer', 'BEARER '])
      expect(
        authenticator.authenticate({ authorization: `${scheme} ${key}`, address: '' }),
      ).toEqual({ kind: 'preshared', id: read.name, keyId: read.id });
});

test('a token says which client of which issuer; the second time at once', async () => {
  await using world = await openWorld();
  const authenticator = both(world);
  const attempt = { authorization: `Bearer ${world.token()}`, address: '192.0.2.1' };
  const first = authenticator.authenticate(attempt);
  expect(first).toBeInstanceOf(Promise);
  const principal: Principal = {
    kind: 'oidc',
    issuer: world.issuer.issuer,
    id: 'billing',
    claim: 'client_id',
    subject: 'alice',
    scopes: ['fga.check', 'fga.read'],
  };
  expect(await first).toEqual(principal);
  expect(authenticator.authenticate(attempt)).toBe(await first);
});

test.each([
  [
    { azp: 'a', client_id: 'b' },
    { id: 'a', claim: 'azp' },
  ],
  [{ client_id: 'b' }, { id: 'b', claim: 'client_id' }],
  [{ client_id: undefined }, { id: 'alice', claim: 'sub' }],
])('the client of %o is %o', async (claims, expected) => {
  await using world = await openWorld();
  expect(await ask(both(world), world.token(claims))).toMatchObject(expected);
});

const headers: [header: string | undefined, reason: string][] = [
  [undefined, 'token_missing'],
  ['', 'token_missing'],
  ['Bearer', 'scheme_unknown'],
  ['Bearer ', 'scheme_unknown'],
  ['Basic YTpi', 'scheme_unknown'],
  [billing.key, 'scheme_unknown'],
  [`Bearer${billing.key}`, 'scheme_unknown'],
  [`Bearer ${billing.key} x`, 'scheme_unknown'],
  [`Bearer ${billing.key}, Bearer ${shop.key}`, 'scheme_unknown'],
  [`Bearer x,Bearer ${billing.key}`, 'scheme_unknown'],
  ['Bearer x,y', 'scheme_unknown'],
  ['DPoP abc', 'scheme_unknown'],
];
test.each(headers)('the header %s: %s', (authorization, reason) => {
  const authenticator = preshared(new TestClock());
  expect(() => authenticator.authenticate({ authorization, address: '' })).toThrow(
    expect.objectContaining({ reason, code: 'bearer_token_missing' }),
  );
});

test('a wrong preshared key, and a token where no issuer is trusted', async () => {
  await using world = await openWorld();
  const authenticator = preshared(world.clock);
  for (const token of ['wrong', presharedKey('billing').key, world.token()])
    expect(await ask(authenticator, token)).toMatchObject({
      reason: 'preshared_key_wrong',
      code: 'unauthenticated',
    });
});

test('a preshared key serves while the issuer is away', async () => {
  await using world = await openWorld();
  await world.issuer.stop();
  const authenticator = both(world);
  expect(await ask(authenticator, world.token())).toMatchObject({ code: 'unavailable' });
  expect(await ask(authenticator, billing.key)).toMatchObject({ kind: 'preshared' });
});

test('every bad token is refused to a caller too, from a client each', async () => {
  await using world = await openWorld();
  const authenticator = both(world);
  let client = 0;
  for (const [name, , make] of Object.values(badTokens).flat()) {
    const answer = await ask(authenticator, make(world), `192.0.2.${client++ % 250}`);
    expect(answer, name).toBeInstanceOf(Error);
  }
  expect(client).toBeGreaterThan(140);
});

/** Fails so often, and says how often the answer was that it was wrong. */
async function fail(authenticator: Authenticator, count: number, address: string) {
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const { code } = (await ask(authenticator, `guess-${i}`, address)) as { code: string };
    if (code !== 'resource_exhausted') wrong++;
  }
  return wrong;
}

test('who fails too often has to wait; nobody else does', async () => {
  await using world = await openWorld();
  const authenticator = both(world);
  const known = world.token();
  await ask(authenticator, known, '198.51.100.1');
  expect(await fail(authenticator, 100, '192.0.2.1')).toBe(limits.authFailuresMax);
  expect(await ask(authenticator, 'x', '192.0.2.1')).toMatchObject({
    reason: 'throttled',
    code: 'resource_exhausted',
    retryAfterSeconds: 1,
  });
  // Another client; a known token and a key at the same address; and a new token elsewhere.
  expect(await fail(authenticator, 1, '192.0.2.2')).toBe(1);
  expect(await ask(authenticator, known, '192.0.2.1')).toMatchObject({ kind: 'oidc' });
  expect(await ask(authenticator, billing.key, '192.0.2.1')).toMatchObject({ kind: 'preshared' });
  expect(await ask(authenticator, world.token({ n: 1 }), '192.0.2.3')).toMatchObject({
    kind: 'oidc',
  });
  // A new token has to be verified, which is what the wait protects.
  const fresh = world.token({ n: 2 });
  expect(await ask(authenticator, fresh, '192.0.2.1')).toMatchObject({ reason: 'throttled' });
  world.clock.advance(limits.authBackoffMinMs);
  expect(await ask(authenticator, fresh, '192.0.2.1')).toMatchObject({ kind: 'oidc' });
});

test.each([
  [limits.authFailuresMax - 1, 'preshared_key_wrong'],
  [limits.authFailuresMax, 'throttled'],
  [limits.authFailuresMax + 1, 'throttled'],
])('after %d failed authentications: %s', async (count, reason) => {
  const authenticator = preshared(new TestClock());
  await fail(authenticator, count, '192.0.2.1');
  expect(await ask(authenticator, 'x', '192.0.2.1')).toMatchObject({ reason });
});

test('each further failure doubles the wait, up to a minute, and quiet ends it', async () => {
  const clock = new TestClock();
  const authenticator = preshared(clock);
  await fail(authenticator, limits.authFailuresMax, '192.0.2.1');
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    const { retryAfterSeconds = 0 } = (await ask(authenticator, 'x', '192.0.2.1')) as never as {
      retryAfterSeconds?: number;
    };
    waits.push(retryAfterSeconds);
    clock.advance(retryAfterSeconds * 1_000);
    expect(await fail(authenticator, 2, '192.0.2.1')).toBe(1);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  clock.advance(limits.authForgetMs);
  expect(await fail(authenticator, 100, '192.0.2.1')).toBe(limits.authFailuresMax);
});

test.each([
  [limits.authForgetMs - 1, 'throttled'],
  [limits.authForgetMs, 'preshared_key_wrong'],
  [limits.authForgetMs + 1, 'preshared_key_wrong'],
])('failures %d ms ago: %s', async (ago, reason) => {
  const clock = new TestClock();
  const authenticator = preshared(clock);
  await fail(authenticator, limits.authFailuresMax, '192.0.2.1');
  clock.advance(ago);
  // One more is free; whether the next is depends on what is remembered.
  await fail(authenticator, 1, '192.0.2.1');
  expect(await ask(authenticator, 'x', '192.0.2.1')).toMatchObject({ reason });
});

test('an outage of the issuer is no failure of its clients', async () => {
  await using world = await openWorld();
  await world.issuer.stop();
  const authenticator = both(world);
  for (let i = 0; i < 3 * limits.authFailuresMax; i++)
    expect(await ask(authenticator, world.token())).toMatchObject({ code: 'unavailable' });
});

test('a key under attack from many addresses: each has two tries, its holders are not slowed', async () => {
  await using world = await openWorld();
  const authenticator = both(world);
  const forged = (n: number) => world.token({ n }, {}, keys.other);
  /** Tries of one more address until it has to wait. */
  const tries = async (client: number) => {
    for (let n = 0; ; n++) {
      const answer = await ask(authenticator, forged(client * 100 + n), `192.0.2.${client}`);
      if ((answer as { reason?: string }).reason === 'throttled') return n;
    }
  };
  const counts = [];
  for (let client = 0; client < 8; client++) counts.push(await tries(client));
  // 99 failures are none of an attack's; the hundredth is.
  expect(counts).toEqual([20, 20, 20, 20, 20, 2, 2, 2]);
  for (let client = 0; client < 5; client++)
    expect(await ask(authenticator, world.token({ client }), `198.51.100.${client}`)).toMatchObject(
      {
        kind: 'oidc',
      },
    );
});

test.each([
  // The new client's own failures count: with its second they are the hundred.
  [limits.authAttackFailuresMax - 3, 3],
  [limits.authAttackFailuresMax - 2, 2],
  [limits.authAttackFailuresMax - 1, 2],
])('after %d failures at one key a new client has %d tries', async (before, expected) => {
  const authenticator = preshared(new TestClock());
  for (let i = 0; i < before; i++) await ask(authenticator, 'x', `192.0.2.${i}`);
  let tries = await fail(authenticator, 2, '198.51.100.1');
  tries += await fail(authenticator, 1, '198.51.100.1');
  expect(tries).toBe(expected);
});

test('a flood of addresses takes no more memory than so many', async () => {
  const authenticator = preshared(new TestClock());
  await fail(authenticator, limits.authFailuresMax, '2001:db8::1');
  for (let i = 0; i < limits.authTrackedMax - 1; i++)
    await ask(authenticator, 'x', `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  expect(await ask(authenticator, 'x', '2001:db8::1')).toMatchObject({ reason: 'throttled' });
  // Whose wait was looked at last is forgotten last.
  for (let i = 0; i < limits.authTrackedMax; i++)
    await ask(authenticator, 'x', `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  expect(await ask(authenticator, 'x', '2001:db8::1')).toMatchObject({
    reason: 'preshared_key_wrong',
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::', '2001:db8:1:2'],
  ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
  ['unix', 'unix'],
])('the address %s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
