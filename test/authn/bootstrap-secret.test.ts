// The secret of the first admin: who is let in by it, how long, and how often others may guess.
import { describe, expect, test } from 'vitest';
import { BootstrapSecret } from '../../src/authn/bootstrap-secret.ts';
import { AuthenticationRefusal } from '../../src/authn/refusal.ts';
import { limits } from '../../src/base/limits.ts';
import { TestClock } from './test-clock.ts';

const address = '10.0.0.1';

function reasonFor(secret: BootstrapSecret, authorization?: string, from = address): string {
  try {
    secret.authenticate({ authorization, address: from });
    return 'let in';
  } catch (error) {
    if (error instanceof AuthenticationRefusal) return error.reason;
    throw error;
  }
}

test('lets in whoever knows it, and nobody else', () => {
  const secret = new BootstrapSecret(new TestClock());
  const text = secret.issue(() => undefined);
  expect(text).toMatch(/^pemba_[\w-]{43}$/);
  expect(reasonFor(secret, `Bearer ${text}`)).toBe('let in');
  for (const other of [`${text}x`, text.slice(0, -1), text.toUpperCase(), 'x'.repeat(100_000)]) {
    expect(reasonFor(secret, `Bearer ${other}`), other.slice(0, 60)).toBe('bootstrap_secret_wrong');
  }
  expect(reasonFor(secret, `Basic ${text}`)).toBe('scheme_unknown');
  expect(reasonFor(secret, text)).toBe('scheme_unknown');
  for (const none of [undefined, '']) expect(reasonFor(secret, none)).toBe('token_missing');
});

describe('is good for a time', () => {
  test('not before it is issued, and not after its end, of which its owner hears once', () => {
    const secret = new BootstrapSecret(new TestClock());
    let ends = 0;
    secret.end();
    const text = secret.issue(() => void ends++);
    expect(ends).toBe(0);
    secret.end();
    secret.end();
    expect(ends).toBe(1);
    expect(reasonFor(secret, `Bearer ${text}`)).toBe('bootstrap_secret_wrong');
  });

  test('not after another one, which is never the same', () => {
    const secret = new BootstrapSecret(new TestClock());
    const first = secret.issue(() => undefined);
    const second = secret.issue(() => undefined);
    expect(second).not.toBe(first);
    expect(reasonFor(secret, `Bearer ${first}`)).toBe('bootstrap_secret_wrong');
    expect(reasonFor(secret, `Bearer ${second}`)).toBe('let in');
  });
});

test('who guesses wrong too often waits, and does not keep out whoever knows it', () => {
  const clock = new TestClock();
  const secret = new BootstrapSecret(clock);
  const text = secret.issue(() => undefined);
  for (let i = 0; i < limits.authFailuresMax; i++) {
    expect(reasonFor(secret, `Bearer guess-${i}`)).toBe('bootstrap_secret_wrong');
  }
  expect(reasonFor(secret, 'Bearer guess')).toBe('throttled');
  expect(reasonFor(secret, `Bearer ${text}`)).toBe('let in');
  expect(reasonFor(secret, 'Bearer guess', '10.0.0.2')).toBe('bootstrap_secret_wrong');
  clock.advance(limits.authBackoffMinMs);
  expect(reasonFor(secret, 'Bearer guess')).toBe('bootstrap_secret_wrong');
});
