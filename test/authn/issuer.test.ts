// What a configuration may say of an issuer.
import { expect, test } from 'vitest';
import { type IssuerConfig, isSafeUrl, issuerFault } from '../../src/authn/issuer.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { AssertionError } from '../../src/base/assert.ts';
import { limits } from '../../src/base/limits.ts';
import { TestClock } from './test-clock.ts';
import { configOf } from './world.ts';

const issuer = 'https://idp.example.com/';

test('the least that an entry says is enough', () => {
  expect(issuerFault(configOf(issuer))).toBeUndefined();
});

const faults: [name: string, more: Partial<IssuerConfig>, fault: RegExp][] = [
  ['http', { issuer: 'http://idp.example.com' }, /must be an https URL/],
  ['a host like this one', { issuer: 'http://localhost.example.com' }, /must be an https URL/],
  ['a password in it', { issuer: 'https://a:b@idp.example.com' }, /must be an https URL/],
  ['no URL', { issuer: 'idp.example.com' }, /must be an https URL/],
  ['a query', { issuer: 'https://idp.example.com/?a=b' }, /no query/],
  ['a fragment', { issuer: 'https://idp.example.com/#a' }, /no query/],
  ['keys over http', { jwksUri: 'http://idp.example.com/jwks' }, /jwks_uri/],
  ['no audience', { audiences: [] }, /at least one audience/],
  ['an empty audience', { audiences: [''] }, /at least one audience/],
  ['no type', { tokenTypes: [] }, /token type/],
  ['no algorithm', { algorithms: [] }, /at least one algorithm/],
  ['HS256', { algorithms: ['HS256'] as never }, /not an asymmetric/],
  ['none', { algorithms: ['none'] as never }, /not an asymmetric/],
  ['no use', { use: [] }, /caller, subject or both/],
  ['a negative tolerance', { clockToleranceMs: -1 }, /clock_tolerance/],
  ['no number for tolerance', { clockToleranceMs: Number.NaN }, /clock_tolerance/],
  ['no age', { maxTokenAgeMs: 0 }, /max_token_age/],
];
test.each(faults)('refused: %s', (_name, more, fault) => {
  const config = { ...configOf(issuer), ...more };
  expect(issuerFault(config)).toMatch(fault);
  expect(() => new Verifier([config], { clock: new TestClock() })).toThrow(AssertionError);
});

test('refused: one issuer twice', () => {
  const configs = [configOf(issuer), configOf(issuer, { audiences: ['another'] })];
  expect(() => new Verifier(configs, { clock: new TestClock() })).toThrow('named once');
});

test.each([
  [limits.clockToleranceMaxMs - 1, true],
  [limits.clockToleranceMaxMs, true],
  [limits.clockToleranceMaxMs + 1, false],
])('a clock that may be off by %d ms: %s', (clockToleranceMs, passes) => {
  expect(issuerFault(configOf(issuer, { clockToleranceMs })) === undefined).toBe(passes);
});

test.each([
  ['https://idp.example.com', true],
  ['http://127.0.0.1:8080/realm', true],
  ['http://localhost/realm', true],
  ['http://[::1]:8080', true],
  ['http://127.0.0.1.example.com', false],
  ['http://127.0.0.2', false],
  ['http://10.0.0.1', false],
  ['ftp://127.0.0.1', false],
  ['', false],
])('keys may come from %s: %s', (url, expected) => {
  expect(isSafeUrl(url)).toBe(expected);
});
