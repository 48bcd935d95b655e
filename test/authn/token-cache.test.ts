// The memory of verified tokens: bounded, and the least used goes first.
import { expect, test } from 'vitest';
import { type KeySet, readKeySet } from '../../src/authn/key-set.ts';
import { digestOf, TokenCache } from '../../src/authn/token-cache.ts';
import type { VerifiedToken } from '../../src/authn/verified-token.ts';
import { limits } from '../../src/base/limits.ts';
import { publicJwk } from './signing.ts';
import { TestClock } from './test-clock.ts';
import { keys } from './world.ts';

const token: VerifiedToken = {
  issuer: 'https://issuer.example.com',
  subject: 'alice',
  client: { id: 'billing', claim: 'client_id' },
  scopes: [],
  claims: {},
  expiresAtMs: 0,
};

test.each([
  [limits.verifiedTokensMax - 1, true],
  [limits.verifiedTokensMax, true],
  [limits.verifiedTokensMax + 1, false],
])('of %d tokens the first is remembered: %s', (count, isThere) => {
  const clock = new TestClock();
  const cache = new TokenCache(clock);
  const [key] = readKeySet({ keys: [publicJwk(keys.es)] }) as KeySet;
  if (key === undefined) throw new Error('the key is good');
  for (let i = 0; i < count; i++) cache.set(digestOf(`${i}`), token, key, clock.now() + 1_000);
  expect(cache.size).toBe(Math.min(count, limits.verifiedTokensMax));
  expect(cache.get(digestOf('0')) !== undefined).toBe(isThere);
  expect(cache.get(digestOf(`${count - 1}`))).toBe(token);
});
