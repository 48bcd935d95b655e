/** What the identity file decides beside the relations: binding, scopes, step-up. */
import { validateHeaderValue } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { challengeOf, joinContext } from '../../src/authn/identity/decisions.ts';
import { Identity } from '../../src/authn/identity/identity.ts';
import { MappingRefusal } from '../../src/authn/identity/mapping-refusal.ts';
import {
  exampleClaims,
  exampleFile,
  fileWith,
  mapped,
  now,
  plainMap,
  seconds,
} from './identity-fixture.ts';

const own = { sub: 'anne' };
const subject = { type: 'user', id: 'anne' };

describe('the subject that is asked about', () => {
  const any = ['fga.check.any'];
  const rows: [binding: string, asked: string, scopes: string[], bound: string][] = [
    ['verify', 'user:anne', [], 'mapped'],
    ['verify', 'user:bob', [], 'refused'],
    ['verify', 'user:bob', any, 'refused'],
    ['verify', 'user:me', [], 'refused'],
    ['verify', '', [], 'refused'],
    ['verify', 'user:*', [], 'refused'],
    ['verify', 'user:anne#friend', [], 'refused'],
    ['verify', 'agent:anne', [], 'refused'],
    ['verify', 'user:Anne', [], 'refused'],
    ['verify', 'user:anne ', [], 'refused'],
    ['substitute', 'user:anne', [], 'mapped'],
    ['substitute', 'user:me', [], 'mapped'],
    ['substitute', '', [], 'mapped'],
    ['substitute', 'agent:me', [], 'refused'],
    ['substitute', 'user:bob', any, 'refused'],
    ['service', 'user:anne', [], 'mapped'],
    ['service', 'user:bob', [], 'refused'],
    ['service', 'user:bob', ['fga.check'], 'refused'],
    ['service', 'user:bob', any, 'asked'],
    ['service', 'user:anne', any, 'mapped'],
    ['service', '', any, 'refused'],
  ];
  test.each(rows)('%s: `%s` with %j is %s', (binding, asked, scopes, expected) => {
    const file = fileWith(plainMap, `subject_binding: ${binding}\n`);
    const bind = () => new Identity(file).bindSubject(mapped(file, own), asked, new Set(scopes));
    if (expected === 'refused') {
      expect(bind).toThrow(MappingRefusal);
      expect(bind).toThrow('subject_mismatch');
      return;
    }
    const bound = bind();
    expect(bound.kind).toBe(expected);
    if (bound.kind === 'mapped') expect(bound.subjects).toEqual([subject]);
  });

  test('the scope to ask about others can have another name', () => {
    const file = fileWith(plainMap, 'subject_binding: service\nscopes: { check_any: ask.all }\n');
    const bind = (scope: string) =>
      new Identity(file).bindSubject(mapped(file, own), 'user:bob', new Set([scope])).kind;
    expect(bind('ask.all')).toBe('asked');
    expect(() => bind('fga.check.any')).toThrow('subject_mismatch');
  });

  test('a delegated question is about both', () => {
    const file = new Identity(exampleFile);
    const bound = file.bindSubject(mapped(exampleFile, exampleClaims), 'user:corp|auth0|6f3a');
    expect(bound.kind === 'mapped' && bound.subjects.map(({ id }) => id)).toEqual([
      'corp|auth0|6f3a',
      'agent-7',
    ]);
  });
});

test('a scope is a ceiling: every entry that names the relation must be met', () => {
  const entries =
    '[{ relation: can_write, any: [a, b] }, { type: doc, relation: can_write, any: [c] }]';
  const file = new Identity(fileWith(plainMap, `scope_ceiling: ${entries}\n`));
  const missing = (type: string, relation: string, scopes: string[]) =>
    file.missingScopes(type, relation, new Set(scopes));
  expect(missing('doc', 'can_read', [])).toBeUndefined();
  expect(missing('folder', 'can_write', [])).toEqual(['a', 'b']);
  expect(missing('folder', 'can_write', ['b'])).toBeUndefined();
  expect(missing('doc', 'can_write', ['b'])).toEqual(['c']);
  expect(missing('doc', 'can_write', ['c'])).toEqual(['a', 'b']);
  expect(missing('doc', 'can_write', ['a', 'c'])).toBeUndefined();
});

describe('step-up', () => {
  const file = new Identity(
    fileWith(
      plainMap,
      `step_up:
  - { type: account, relation: close, acr_any: [phr, phrh], max_age: 300 }
  - { type: account, relation: pay, amr_all: [pwd, otp] }
  - { type: account, relation: see, amr_any: [hwk, swk] }
`,
    ),
  );
  const missing = (relation: string, claims: object, at = now) => {
    const { facts } = mapped(fileWith(plainMap), { sub: 'a', ...claims });
    return file.missingStepUp('account', relation, facts, at);
  };
  const close = { acr_values: ['phr', 'phrh'], max_age: 300 };
  const fresh = { acr: 'phrh', auth_time: seconds };

  test.each([
    ['a strong and recent sign-in', 'close', fresh, undefined],
    ['a weak one', 'close', { ...fresh, acr: 'pwd' }, close],
    ['one without acr', 'close', { auth_time: seconds }, close],
    ['one of 300 s ago', 'close', { ...fresh, auth_time: seconds - 300 }, undefined],
    ['one of 301 s ago', 'close', { ...fresh, auth_time: seconds - 301 }, close],
    ['one without a time', 'close', { acr: 'phr' }, close],
    ['one to come', 'close', { ...fresh, auth_time: seconds + 3_600 }, close],
    ['acr in another case', 'close', { ...fresh, acr: 'PHR' }, close],
    ['both methods', 'pay', { amr: ['otp', 'x', 'pwd'] }, undefined],
    ['one method of two', 'pay', { amr: ['pwd'] }, { amr_all: ['pwd', 'otp'] }],
    ['no method', 'pay', {}, { amr_all: ['pwd', 'otp'] }],
    ['one method of any', 'see', { amr: ['swk'] }, undefined],
    ['none of any', 'see', { amr: ['pwd'] }, { amr_any: ['hwk', 'swk'] }],
    ['a relation that demands nothing', 'list', {}, undefined],
  ])('%s', (_what, relation, claims, expected) => {
    expect(missing(relation, claims)).toEqual(expected);
  });

  test('another type demands nothing', () => {
    const { facts } = mapped(fileWith(plainMap), { sub: 'a' });
    expect(file.missingStepUp('invoice', 'close', facts, now)).toBeUndefined();
  });

  test('a sign-in grows old while the token lives', () => {
    expect(missing('close', fresh, now + 300_000)).toBeUndefined();
    expect(missing('close', fresh, now + 301_000)).toEqual(close);
  });

  test('the challenge is as RFC 9470 has it', () => {
    expect(challengeOf(close)).toBe(
      'Bearer error="insufficient_user_authentication", ' +
        'error_description="A stronger or more recent sign-in is needed", ' +
        'acr_values="phr phrh", max_age="300"',
    );
    expect(challengeOf({ amr_all: ['otp'] })).not.toContain('acr_values');
  });

  test('whatever a file says, a challenge is a header, and its words end where they end', () => {
    const texts = Array.from({ length: 0xa0 }, (_, code) => `a${String.fromCharCode(code)}b`);
    const odd = ['', 'é', 'ſ', '\u2028', '\u{1f600}', '\ud800', 'a\r\nx: y', 'a", max_age="0'];
    const taken = [...texts, ...odd].filter((text) => {
      const acr = `acr_any: [${JSON.stringify(text)}]`;
      const file = exampleFile.replace("acr_any: ['urn:pemba:loa:2', phr, phrh]", acr);
      expect(file).toContain(acr);
      try {
        new Identity(file);
        return true;
      } catch {
        return false;
      }
    });
    // Printable ASCII, but for the space, the quote and the backslash.
    expect(taken).toHaveLength(0x7f - 0x21 - 2);
    for (const text of taken) {
      const challenge = challengeOf({ acr_values: [text] });
      expect(challenge.split('"')).toHaveLength(7);
      expect(() => validateHeaderValue('pemba-step-up', challenge)).not.toThrow();
      // What grpc-js would have looked at: our metadata goes out as it is.
      expect(() => new Metadata().set('pemba-step-up', challenge)).not.toThrow();
    }
  });
});

test('a method is found by either of its names', () => {
  const file = new Identity(exampleFile);
  expect(file.scopeFor('BatchCheck')).toBe('fga.check');
  expect(file.scopeFor('write_authorization_model')).toBe('fga.admin');
  expect(file.scopeFor('WriteAuthorizationModel')).toBe('fga.admin');
  expect(file.scopeFor('Read')).toBeUndefined();
  expect(file.scopeFor('constructor')).toBeUndefined();
});

test('a request cannot say what a token says', () => {
  const request = { token_acr: 'high', token_other: 1, amount: 5 };
  expect(joinContext(request, { token_acr: 'low' })).toEqual({ amount: 5, token_acr: 'low' });
  expect(joinContext(request, {})).toEqual({ amount: 5 });
  expect(joinContext(request, undefined)).toEqual({ amount: 5 });
});
