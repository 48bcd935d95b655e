/**
 * The classes of failure that verifiers of tokens have had: each with the bad tokens that would get
 * through, by their names in `test/authn/bad-tokens.ts`, and what is true besides.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IdentityFileError } from '../../src/authn/identity/file-fault.ts';
import { Identity } from '../../src/authn/identity/identity.ts';
import { type IssuerConfig, issuerFault, signatureAlgorithms } from '../../src/authn/issuer.ts';
import { createKey, matchPresharedKey, readPresharedKey } from '../../src/authn/preshared.ts';
import type { AuthenticationReason } from '../../src/authn/refusal.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';
import { StartError } from '../../src/server/start-error.ts';
import { badTokens } from '../authn/bad-tokens.ts';
import { exampleFile } from '../authn/identity-fixture.ts';
import { documentOf } from '../authn/key-server.ts';
import { configOf, openWorld, type World } from '../authn/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const cases = Object.entries(badTokens).flatMap(([kind, list]) =>
  list.map(([name, reason, make]) => ({ kind, name, reason, make })),
);

const reasonOf = (verifier: Verifier, token: string): Promise<AuthenticationReason | 'taken'> =>
  verifier.verify(token, 'caller').then(
    () => 'taken',
    ({ reason }) => reason,
  );

/** All bad tokens that are chosen are refused, each for its own reason; there are as many as said. */
async function refusesAll(
  count: number,
  chosen: (one: { kind: string; name: string; reason: AuthenticationReason }) => boolean,
): Promise<void> {
  const found = cases.filter(chosen);
  expect(found.length).toBeGreaterThanOrEqual(count);
  for (const { name, reason, make } of found) {
    expect(`${name}: ${await reasonOf(world.verifier, make(world))}`).toBe(`${name}: ${reason}`);
  }
}

test('algorithm confusion: only what the issuer is said to use, with a key that is for it', async () => {
  await refusesAll(20, ({ kind }) => kind === 'algorithm');
  await refusesAll(2, ({ reason }) => reason === 'token_nested' || reason === 'embedded_key');
});

test('algorithms by default: an entry cannot leave them open, or share a secret', () => {
  const { issuer } = world.issuer;
  expect(configOf(issuer).algorithms).toEqual(['RS256', 'ES256', 'EdDSA']);
  expect(signatureAlgorithms.filter((name) => !/^(RS|PS|ES)\d{3}$|^EdDSA$/.test(name))).toEqual([]);
  const shared = ['HS256', 'none'] as unknown as IssuerConfig['algorithms'];
  for (const algorithms of [[], shared]) {
    const config = configOf(issuer, { algorithms });
    expect(issuerFault(config)).toMatch(/algorithm/);
    expect(() => new Verifier([config], { clock: world.clock })).toThrow(/algorithm/);
  }
});

test('claims that are not required: a token lacks none of five', async () => {
  await refusesAll(5, ({ name }) => /^(iss|aud|sub|exp|iat): missing$/.test(name));
  // The greatest age holds for one that never expires, too.
  const token = world.token({ iat: world.clock.seconds - 90_000, exp: 8_000_000_000 });
  expect(await reasonOf(world.verifier, token)).toBe('too_old');
});

test('issuer and audience: compared whole, and each issuer has its own keys', async () => {
  await refusesAll(16, ({ name }) => /^(iss|aud): /.test(name));
  const listed = world.token({ aud: ['https://other.example.com', world.claims().aud] });
  expect(await reasonOf(world.verifier, listed)).toBe('taken');
  // A discovery document that speaks for another issuer is not believed.
  await using liar = await openWorld();
  const jwks_uri = `${liar.issuer.issuer}/jwks`;
  for (const issuer of [liar.other.issuer, `${liar.issuer.issuer}/`, undefined, '']) {
    const verifier = new Verifier(liar.configs, { clock: liar.clock });
    liar.issuer.answers.set(liar.issuer.discoveryPath, documentOf({ issuer, jwks_uri }));
    expect(await reasonOf(verifier, liar.token())).toBe('keys_unavailable');
    expect(verifier.health()[0]).toMatchObject({ fault: 'issuer_differs' });
  }
});

test('key ids and keys in headers: they find nothing, and lead nowhere', async () => {
  await refusesAll(20, ({ name }) => /^(kid|jku|x5u|jwk|x5c)\b/.test(name));
  expect(world.canary.requests).toEqual([]);
});

test('token type: only an access token, however it is spelled', async () => {
  await refusesAll(6, ({ name }) => name.startsWith('typ: '));
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt']) {
    expect(await reasonOf(world.verifier, world.token({}, { typ }))).toBe('taken');
  }
});

test('huge tokens, critical headers, ambiguous text: refused before any key is asked for', async () => {
  await using fresh = await openWorld();
  const reasons = new Set(
    ['token_too_large', 'token_too_deep', 'token_ambiguous', 'critical_header'].concat(
      'token_malformed',
    ),
  );
  const chosen = cases.filter(({ reason }) => reasons.has(reason));
  expect(chosen.length).toBeGreaterThan(30);
  for (const { name, reason, make } of chosen) {
    expect(`${name}: ${await reasonOf(fresh.verifier, make(fresh))}`).toBe(`${name}: ${reason}`);
  }
  expect(fresh.issuer.requests).toEqual([]);
});

test('encrypted tokens: not taken at all, so nothing is ever unpacked', async () => {
  await refusesAll(3, ({ reason }) => reason === 'token_encrypted');
});

test('tokens as keys of a cache: other spellings of a good one find nothing', async () => {
  const good = world.token({ n: 'known' });
  await world.verifier.verify(good, 'caller');
  expect(world.verifier.known(good, 'caller')).toBeDefined();
  const [head, body, signature] = good.split('.');
  for (const other of [
    `${good}=`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}=.${signature}`,
    `${good} `,
    ` ${good}`,
    `${good}\n`,
    `${head}.${body}.${signature}.`,
    good.toLowerCase(),
  ]) {
    expect(world.verifier.known(other, 'caller')).toBeUndefined();
    expect(await reasonOf(world.verifier, other)).not.toBe('taken');
  }
});

test('size of keys: short ones, points off the curve and empty signatures are of no use', async () => {
  const names = ['a key of 1,024 bits', 'a key off its curve', 'r = s = 0', 'none there'];
  await refusesAll(names.length, ({ name }) => names.includes(name));
});

test('A25: no issuer without an audience, wherever the entry comes from', () => {
  const audiences = 'audiences: [https://pemba.example.com]';
  expect(() => new Identity(exampleFile)).not.toThrow();
  for (const none of ['audiences: []', "audiences: ['']", 'audiences:', '']) {
    expect(() => new Identity(exampleFile.replace(audiences, none))).toThrow(IdentityFileError);
  }
  for (const issuer of ["issuer: ''", 'issuer:', 'issuer: idp.example.com']) {
    const file = exampleFile.replace(/issuer: https\S+/, issuer);
    expect(() => new Identity(file)).toThrow(IdentityFileError);
  }
  for (const audiences of [[], ['']]) {
    const config = configOf(world.issuer.issuer, { audiences });
    expect(() => new Verifier([config], { clock: world.clock })).toThrow(/audience/);
  }
});

test('A25: a server does not start without issuer or audience', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-tokens-'));
  const path = join(folder, 'identity.yaml');
  const start = (flags: Record<string, string>) =>
    startServer(
      resolveConfig({
        environment: {},
        flags: {
          'datastore-uri': ':memory:',
          'http-addr': '127.0.0.1:0',
          'grpc-addr': '127.0.0.1:0',
          'metrics-addr': 'off',
          'log-level': 'off',
          'authn-method': 'oidc',
          ...flags,
        },
      }),
    );
  await expect(start({})).rejects.toThrow(/--identity-file/);
  for (const [from, to] of [
    ['audiences: [https://pemba.example.com]', 'audiences: []'],
    ['    audiences: [https://pemba.example.com]\n', ''],
    ['issuer: https://idp.example.com/', 'issuer: idp'],
    ['use: [caller, subject]', 'use: [subject]'],
  ] as const) {
    expect(exampleFile).toContain(from);
    writeFileSync(path, exampleFile.replace(from, to));
    await expect(start({ 'identity-file': path })).rejects.toThrow(StartError);
  }
  rmSync(folder, { recursive: true });
});

test('A27: a preshared key is compared as a whole, with all keys, as a digest', () => {
  const made = ['billing', 'shop', 'web'].map((name) => {
    const key = createKey(name);
    if (typeof key === 'string') throw new Error(key);
    const read = readPresharedKey(key.stored);
    if (typeof read === 'string') throw new Error(read);
    return { ...key, read };
  });
  const seen: string[] = [];
  /** Says when it is looked at: no early end tells which key was nearly right. */
  const watched = made.map(({ read }) => ({
    ...read,
    get digest() {
      seen.push(read.name);
      return read.digest;
    },
  }));
  for (const { key } of made) {
    seen.length = 0;
    expect(matchPresharedKey(watched, key)?.name).toBeDefined();
    expect(new Set(seen)).toEqual(new Set(['billing', 'shop', 'web']));
    expect(JSON.stringify(made.map(({ stored }) => stored))).not.toContain(key);
  }
});
