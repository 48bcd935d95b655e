// Verification: what is refused and with which reason, what is taken, and what is remembered.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuthenticationRefusal, reasons } from '../../src/authn/refusal.ts';
import { errorCodes } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { badTokens, sized } from './bad-tokens.ts';
import { publicJwk } from './signing.ts';
import { audience, configOf, goodJwks, keys, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const refusalOf = async (answer: Promise<unknown>): Promise<AuthenticationRefusal> => {
  const error = await answer.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(AuthenticationRefusal);
  return error as AuthenticationRefusal;
};
const reasonOf = async (answer: Promise<unknown>) => (await refusalOf(answer)).reason;

for (const [kind, cases] of Object.entries(badTokens)) {
  test.each(cases)(`${kind}: %s: %s`, async (_name, reason, make) => {
    const token = make(world);
    const refusal = await refusalOf(world.verifier.verify(token, 'caller'));
    expect(refusal.reason).toBe(reason);
    expect(refusal.code).toBe(reasons[reason].code);
    expect(refusal.message).toBe(reasons[reason].message);
    expect(refusal.cause).toBeUndefined();
    expect(world.canary.requests).toEqual([]);
    expect(world.verifier.known(token, 'caller')).toBeUndefined();
  });
}

test('the good token, of which all of these are the bad ones, is taken', async () => {
  const { claims, ...token } = await world.verifier.verify(world.token(), 'caller');
  expect(token).toEqual({
    issuer: world.issuer.issuer,
    subject: 'alice',
    client: { id: 'billing', claim: 'client_id' },
    scopes: ['fga.check', 'fga.read'],
    expiresAtMs: world.clock.now() + 600_000,
  });
  expect(claims).toEqual(world.claims());
});

const tolerance = limits.clockToleranceMs / 1_000;
const good: [name: string, claims: object, header?: object][] = [
  ['several audiences', { aud: ['other', audience] }],
  ['no client: the subject is one', { client_id: undefined }],
  ['no scope', { scope: undefined }],
  ['scopes as a list', { scope: undefined, scp: ['fga.check', 'fga.read'] }],
  ['typ in capitals', {}, { typ: 'AT+JWT' }],
  ['typ as a media type', {}, { typ: 'application/at+jwt' }],
  ['a name that objects have', { constructor: 1, toString: 2 }],
  ['the same name in two objects', { act: { sub: 'a' }, may_act: { sub: 'a' } }],
  ['a subject for the map to encode', { sub: '*' }],
  ['a subject like a userset', { sub: 'group:eng#member' }],
  ['a subject of 300 characters', { sub: 'é'.repeat(300) }],
  ['brackets and colons within text', { note: '{"sub": [' }],
];
test.each(good)('taken: %s', async (_name, claims, header) => {
  const token = await world.verifier.verify(world.token(claims, header), 'caller');
  expect(token.claims).toEqual(JSON.parse(JSON.stringify(world.claims(claims))));
});

test.each(['rs', 'rsAny', 'es', 'ed', 'es384'] as const)('taken: signed by %s', async (name) => {
  const token = await world.verifier.verify(world.token({}, {}, keys[name]), 'caller');
  expect(token.subject).toBe('alice');
});

test('a key that names no algorithm serves two of them', async () => {
  const key = { ...keys.rsAny, algorithm: 'PS256' };
  await world.verifier.verify(world.token({}, {}, key), 'caller');
});

const edges: [claim: string, seconds: number, reason: string][] = [
  ['exp', -tolerance + 1, 'taken'],
  ['exp', -tolerance, 'expired'],
  ['nbf', tolerance, 'taken'],
  ['nbf', tolerance + 1, 'not_yet_valid'],
  ['iat', tolerance, 'taken'],
  ['iat', tolerance + 1, 'issued_in_future'],
  ['iat', -limits.tokenAgeMs / 1_000 - tolerance, 'taken'],
  ['iat', -limits.tokenAgeMs / 1_000 - tolerance - 1, 'too_old'],
];
test.each(edges)('clock skew: %s at %d s: %s', async (claim, seconds, expected) => {
  const token = world.token({ [claim]: world.clock.seconds + seconds });
  const answer = world.verifier.verify(token, 'caller').then(
    () => 'taken',
    ({ reason }) => reason,
  );
  expect(await answer).toBe(expected);
});

test.each([
  [limits.tokenBytesMax - 1, true],
  [limits.tokenBytesMax, true],
  [limits.tokenBytesMax + 1, false],
])('a token of %d bytes: %s', async (bytes, passes) => {
  const token = sized(world, bytes);
  expect(token.length).toBe(bytes);
  const answer = world.verifier.verify(token, 'caller');
  if (passes) await answer;
  else expect(await reasonOf(answer)).toBe('token_too_large');
});

test.each([
  [limits.tokenKeyIdLengthMax - 1, 'key_unknown'],
  [limits.tokenKeyIdLengthMax, 'key_unknown'],
  [limits.tokenKeyIdLengthMax + 1, 'key_id_malformed'],
])('a key id of %d characters: %s', async (length, expected) => {
  const token = world.token({}, { kid: 'k'.repeat(length) });
  expect(await reasonOf(world.verifier.verify(token, 'caller'))).toBe(expected);
});

test.each([
  [limits.tokenDepthMax - 1, true],
  [limits.tokenDepthMax, true],
  [limits.tokenDepthMax + 1, false],
])('claims of %d levels: %s', async (levels, passes) => {
  let deep: unknown = 1;
  // The claims themselves are the first level.
  for (let level = 1; level < levels; level++) deep = level % 2 === 0 ? [deep] : { deep };
  const answer = world.verifier.verify(world.token({ deep }), 'caller');
  if (passes) await answer;
  else expect(await reasonOf(answer)).toBe('token_too_deep');
});

test('two issuers with the same subject are two; a token says which', async () => {
  const claims = world.claims({ iss: world.other.issuer });
  const theirs = world.token(claims, {}, keys.other);
  const ours = await world.verifier.verify(world.token(), 'subject');
  const others = await world.verifier.verify(theirs, 'subject');
  expect([ours.subject, others.subject]).toEqual(['alice', 'alice']);
  expect(ours.issuer).not.toBe(others.issuer);
  // Remembered as it is, it still is none of a caller.
  expect(world.verifier.known(theirs, 'subject')).toBe(others);
  expect(world.verifier.known(theirs, 'caller')).toBeUndefined();
  expect(await reasonOf(world.verifier.verify(theirs, 'caller'))).toBe('issuer_unfit');
});

test('a token of an unknown issuer asks nobody', async () => {
  await using fresh = await openWorld();
  const token = fresh.token({ iss: fresh.canary.issuer });
  await refusalOf(fresh.verifier.verify(token, 'caller'));
  for (const { requests } of [fresh.issuer, fresh.other, fresh.canary])
    expect(requests).toEqual([]);
});

test('a verified token is remembered until it expires, and no longer than five minutes', async () => {
  const [short, long] = [60, 600].map((seconds) =>
    world.token({ exp: world.clock.seconds + seconds, pad: 'remembered' }),
  ) as [string, string];
  const verified = await world.verifier.verify(short, 'caller');
  expect(world.verifier.known(short, 'caller')).toBe(verified);
  expect(await world.verifier.verify(short, 'caller')).toBe(verified);
  await world.verifier.verify(long, 'caller');
  world.clock.advance(59_999);
  expect(world.verifier.known(short, 'caller')).toBe(verified);
  world.clock.advance(1);
  expect(world.verifier.known(short, 'caller')).toBeUndefined();
  world.clock.advance(limits.verifiedTokenMs - 60_000 - 1);
  expect(world.verifier.known(long, 'caller')).toBeDefined();
  world.clock.advance(1);
  expect(world.verifier.known(long, 'caller')).toBeUndefined();
});

test('a remembered token ends with its greatest age', async () => {
  await using fresh = await openWorld({ maxTokenAgeMs: 60_000 });
  const token = fresh.token();
  await fresh.verifier.verify(token, 'caller');
  fresh.clock.advance(59_999);
  expect(fresh.verifier.known(token, 'caller')).toBeDefined();
  fresh.clock.advance(1);
  expect(fresh.verifier.known(token, 'caller')).toBeUndefined();
});

test('a remembered token ends with its key', async () => {
  await using fresh = await openWorld();
  const [kept, lost] = [fresh.token(), fresh.token({}, {}, keys.rs)];
  for (const token of [kept, lost]) await fresh.verifier.verify(token, 'caller');
  fresh.issuer.keys = [publicJwk(keys.es)];
  // An unknown key id makes it look again.
  fresh.clock.advance(limits.issuerCooldownMs);
  await refusalOf(fresh.verifier.verify(fresh.token({}, {}, keys.withdrawn), 'caller'));
  expect(fresh.verifier.known(kept, 'caller')).toBeDefined();
  expect(fresh.verifier.known(lost, 'caller')).toBeUndefined();
  expect(await reasonOf(fresh.verifier.verify(lost, 'caller'))).toBe('key_unknown');
});

test('another configuration forgets what was verified under the last, and keeps the keys', async () => {
  await using fresh = await openWorld();
  const token = fresh.token();
  await fresh.verifier.verify(token, 'caller');
  const [first, second] = fresh.configs as [never, never];
  fresh.verifier.reload([configOf(fresh.issuer.issuer, { audiences: ['another'] }), second]);
  expect(fresh.verifier.known(token, 'caller')).toBeUndefined();
  expect(await reasonOf(fresh.verifier.verify(token, 'caller'))).toBe('audience_wrong');
  fresh.verifier.reload([second]);
  expect(await reasonOf(fresh.verifier.verify(token, 'caller'))).toBe('issuer_unknown');
  fresh.verifier.reload([first]);
  await fresh.verifier.verify(token, 'caller');
  // Once at first, and once after the issuer was away from the configuration.
  expect(fresh.issuer.fetches).toBe(2);
});

test('what was begun under the last configuration is not remembered under the next', async () => {
  await using fresh = await openWorld();
  const token = fresh.token();
  const answer = fresh.verifier.verify(token, 'caller');
  fresh.verifier.reload([configOf(fresh.issuer.issuer, { audiences: ['another'] })]);
  await answer;
  expect(fresh.verifier.known(token, 'caller')).toBeUndefined();
});

test('many calls with one new token wait for one verification', async () => {
  await using fresh = await openWorld();
  const token = fresh.token();
  const answers = Array.from({ length: 20 }, () => fresh.verifier.verify(token, 'caller'));
  expect(new Set(await Promise.all(answers)).size).toBe(1);
});

test('every reason has a message and a code of the wire', () => {
  for (const { code, message } of Object.values(reasons)) {
    expect(errorCodes[code]).toBeGreaterThan(0);
    expect(message).toMatch(/^[^.]+$/);
  }
  const messages = Object.values(reasons).map(({ message }) => message);
  expect(new Set(messages).size).toBe(messages.length);
});

test('the good keys are all in use', () => {
  expect(world.verifier.health()).toMatchObject([
    { issuer: world.issuer.issuer, state: 'ready', keys: goodJwks.length + 2 },
    { issuer: world.other.issuer, state: 'ready', keys: 1 },
  ]);
});
