// Preshared keys: what a new one looks like, what the server is given of it, and what matches.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  createKey,
  matchPresharedKey,
  type PresharedKey,
  presharedKeysFault,
  readPresharedKey,
} from '../../src/authn/preshared.ts';
import { limits } from '../../src/base/limits.ts';

function made(name: string): { key: string; stored: string; read: PresharedKey } {
  const made = createKey(name);
  if (typeof made === 'string') throw new Error(made);
  const read = readPresharedKey(made.stored);
  if (typeof read === 'string') throw new Error(read);
  return { ...made, read };
}

test('a new key has 256 random bits, and its stored form is their SHA-256', () => {
  const { key, stored, read } = made('billing');
  expect(key).toMatch(/^pemba_[A-Za-z0-9_-]{43}$/);
  expect(Buffer.from(key.slice('pemba_'.length), 'base64url').length).toBe(32);
  const hex = createHash('sha256').update(key).digest('hex');
  expect(stored).toBe(`billing=sha256:${hex}`);
  expect(read).toEqual({ name: 'billing', id: hex.slice(0, 8), digest: Buffer.from(hex, 'hex') });
  expect(made('billing').key).not.toBe(key);
});

test('each of several keys matches, and nothing else does', () => {
  // Two of one name: a rotation under way.
  const all = ['billing', 'billing', 'shop'].map(made);
  const keys = all.map(({ read }) => read);
  for (const { key, read } of all) {
    expect(matchPresharedKey(keys, key)).toBe(read);
    const others = keys.filter((other) => other !== read);
    expect(matchPresharedKey(others, key)).toBeUndefined();
  }
  const { key, stored } = all[0] as { key: string; stored: string };
  const hex = stored.slice(-64);
  for (const guess of ['', key.slice(0, -1), `${key}x`, key.toLowerCase(), hex, stored])
    expect(matchPresharedKey(keys, guess), guess).toBeUndefined();
  expect(matchPresharedKey([], key)).toBeUndefined();
});

const digest = 'ab'.repeat(32);
test.each([
  ['', 'a secret itself'],
  [`=sha256:${digest}`, 'no name'],
  [`billing=${digest}`, 'no algorithm'],
  [`billing=sha1:${digest}`, 'another algorithm'],
  [`billing=sha256:${digest.slice(2)}`, 'too short'],
  [`billing=sha256:${digest}00`, 'too long'],
  [`billing=sha256:${digest.toUpperCase()}`, 'capitals'],
  [`Billing=sha256:${digest}`, 'a capital in the name'],
  [`a b=sha256:${digest}`, 'a space in the name'],
  [`billing=sha256:${digest}\n`, 'a line end'],
  ['pemba_supersecret', 'the key itself'],
])('no stored form: %s (%s)', (stored) => {
  const fault = readPresharedKey(stored);
  expect(fault).toMatch(/pemba key create/);
  if (stored !== '') expect(fault).not.toContain(stored);
});

test.each([
  [limits.presharedKeyNameLengthMax - 1, true],
  [limits.presharedKeyNameLengthMax, true],
  [limits.presharedKeyNameLengthMax + 1, false],
])('a key with a name of %d characters: %s', (length, passes) => {
  expect(typeof createKey('n'.repeat(length)) !== 'string').toBe(passes);
  expect(typeof readPresharedKey(`${'n'.repeat(length)}=sha256:${digest}`) !== 'string').toBe(
    passes,
  );
});

test.each(['', 'A', '-a', 'a b', 'a=b', 'é'])('no name for a key: `%s`', (name) => {
  expect(createKey(name)).toMatch(/the name of a key/);
});

test.each([
  [limits.presharedKeysMax - 1, true],
  [limits.presharedKeysMax, true],
  [limits.presharedKeysMax + 1, false],
])('%d preshared keys: %s', (count, passes) => {
  const keys = Array.from({ length: count }, (_, n) => made(`client-${n}`).read);
  expect(presharedKeysFault(keys) === undefined).toBe(passes);
});

test('the same key under two names would be one client with two', () => {
  const { read } = made('billing');
  expect(presharedKeysFault([read, { ...read, name: 'shop' }])).toMatch(/the same/);
});
