/** Claims to subject, tuples and context: what comes out, and every way in which nothing does. */
import { describe, expect, test } from 'vitest';
import { Identity } from '../../src/authn/identity/identity.ts';
import { askedSubjects } from '../../src/authn/identity/mapped.ts';
import { mappingReasons } from '../../src/authn/identity/mapping-refusal.ts';
import { limits } from '../../src/base/limits.ts';
import {
  exampleClaims,
  exampleFile,
  fileWith,
  issuer,
  mapped,
  now,
  plainMap,
  reasonFor,
  seconds,
} from './identity-fixture.ts';

test('the example gives exactly this', () => {
  const subject = { type: 'user', id: 'corp|auth0|6f3a' };
  const actor = { type: 'agent', id: 'agent-7' };
  const identity = mapped(exampleFile, exampleClaims);
  expect(identity).toEqual({
    issuer,
    map: 'default',
    subject,
    actor,
    actorMode: 'both',
    tuples: [
      { object: { type: 'group', id: 'eng' }, relation: 'member', subject },
      { object: { type: 'group', id: 'Domain+20Admins' }, relation: 'member', subject },
      { object: { type: 'role', id: 'acme/editor' }, relation: 'assignee', subject },
      { object: { type: 'org', id: 'acme' }, relation: 'member', subject },
    ],
    tokenOnly: [{ type: 'org', relation: 'member' }],
    context: {
      token_acr: 'urn:pemba:loa:1',
      token_amr: ['pwd'],
      token_auth_age: 77,
      token_scopes: ['fga.check', 'docs.read'],
    },
    scopes: new Set(['fga.check', 'docs.read']),
    facts: { acr: 'urn:pemba:loa:1', amr: new Set(['pwd']), authTime: seconds - 77 },
  });
  expect(askedSubjects(identity)).toEqual([subject, actor]);
});

test('what a token does not say is absent, and a sign-in without a time is very old', () => {
  const { tuples, actor, context, facts, scopes } = mapped(exampleFile, { sub: 'a' });
  expect({ tuples, actor, scopes: [...scopes] }).toEqual({
    tuples: [],
    actor: undefined,
    scopes: [],
  });
  expect(context.token_auth_age).toBe(seconds);
  expect(facts).toEqual({ acr: undefined, amr: new Set(), authTime: undefined });
});

test('roles without the organisation that they belong to are refused', () => {
  expect(reasonFor(exampleFile, { sub: 'a', roles: ['editor'] })).toBe('expression_failed');
});

describe('the subject', () => {
  const spelled: [what: string, sub: string, id: string][] = [
    ['a wildcard', '*', '+2a'],
    ['a userset', 'bob#member', 'bob+23member'],
    ['an object', 'a:b', 'a+3ab'],
    ['spaces', 'a b', 'a+20b'],
    ['the sign of the spelling', 'a+2a', 'a+2b2a'],
    ['a slash, which joins parts', 'a/b', 'a+2fb'],
    ['__proto__', '__proto__', '__proto__'],
    ['constructor', 'constructor', 'constructor'],
    ['a letter that is not ASCII', 'é', '+c3+a9'],
    ['the same letter in two', 'e\u0301', 'e+cc+81'],
    ['a pair of surrogates', '🦊', '+f0+9f+a6+8a'],
    ['zero', '\0', '+00'],
    ['a line break', 'a\nb', 'a+0ab'],
    ['a mail address', 'anne@example.com', 'anne@example.com'],
    ['upper and lower case', 'Anne', 'Anne'],
    ['a path', '../../etc/passwd', '..+2f..+2fetc+2fpasswd'],
  ];
  test.each(spelled)('%s is spelled', (_what, sub, id) => {
    expect(mapped(fileWith(plainMap), { sub }).subject).toEqual({ type: 'user', id });
  });

  const refused: [what: string, sub: unknown, reason: string][] = [
    ['nothing', '', 'id_empty'],
    ['a number', 7, 'id_not_text'],
    ['a list', ['a'], 'id_not_text'],
    ['a map', { a: 1 }, 'id_not_text'],
    ['true', true, 'id_not_text'],
    ['null', null, 'id_not_text'],
    ['300 characters', 'x'.repeat(300), 'id_too_long'],
    ['50,000 characters', 'x'.repeat(50_000), 'id_too_long'],
    ['what is too long only once it is spelled', ' '.repeat(100), 'id_too_long'],
    ['half a surrogate pair', 'a\ud800', 'id_not_unicode'],
    ['the other half', '\udc00b', 'id_not_unicode'],
    ['nothing at all', undefined, 'expression_failed'],
  ];
  test.each(refused)('%s is refused', (_what, sub, reason) => {
    expect(reasonFor(fileWith(plainMap), { sub })).toBe(reason);
  });

  test.each([
    [limits.objectLengthMax - 1, true],
    [limits.objectLengthMax, true],
    [limits.objectLengthMax + 1, false],
  ])('of %d characters with its type: %s', (length, passes) => {
    const sub = 'x'.repeat(length - 'user:'.length);
    expect(reasonFor(fileWith(plainMap), { sub }) === 'mapped').toBe(passes);
  });

  test('an optional that is empty is no id', () => {
    const map = '    subject: { type: user, id: claims.?nobody }';
    expect(reasonFor(fileWith(map), { sub: 'a' })).toBe('id_not_text');
  });

  test('a whole number is one that has all its digits', () => {
    const map = '    subject: { type: user, id: string(claims.uid) }';
    expect(mapped(fileWith(map), { uid: 9_007_199_254_740_991 }).subject.id).toBe(
      '9007199254740991',
    );
    expect(reasonFor(fileWith(map), { uid: 2 ** 53 })).toBe('claim_number_inexact');
    expect(reasonFor(fileWith(plainMap), { sub: 'a', other: 2 ** 60 })).toBe(
      'claim_number_inexact',
    );
  });

  test('the same `sub` of two issuers is two subjects', () => {
    const file = new Identity(`version: 1
issuers:
  - { issuer: 'https://a.example/', audiences: [x], map: one }
  - { issuer: 'https://b.example/', audiences: [x], map: two }
maps:
  one: { subject: { type: user, id: claims.sub, namespace: a } }
  two: { subject: { type: user, id: claims.sub, namespace: b } }
`);
    const subjectOf = (from: string, sub: string) => {
      const outcome = file.map(from, { iss: from, sub }, now);
      return outcome.kind === 'mapped' ? outcome.identity.subject.id : outcome.refusal.reason;
    };
    expect(subjectOf('https://a.example/', 'anne')).toBe('a|anne');
    expect(subjectOf('https://b.example/', 'anne')).toBe('b|anne');
    expect(subjectOf('https://b.example/', 'a|anne')).toBe('b|a|anne');
  });
});

describe('claims as a whole', () => {
  const deep = (levels: number) => {
    let value: unknown = 'x';
    for (let i = 1; i < levels; i++) value = [value];
    return { sub: 'a', deep: value };
  };
  const refused: [what: string, claims: unknown, reason: string][] = [
    ['a text', 'claims', 'claims_malformed'],
    ['a list', [], 'claims_malformed'],
    ['null', null, 'claims_malformed'],
    ['undefined', undefined, 'claims_malformed'],
    ['a function in them', { sub: 'a', f: () => 1 }, 'claims_malformed'],
    ['NaN in them', { sub: 'a', n: Number.NaN }, 'claims_malformed'],
    ['those of another issuer', { iss: 'https://other.example/', sub: 'a' }, 'unknown_issuer'],
    ['too deep', deep(limits.tokenDepthMax + 1), 'claims_too_deep'],
    ['10,000 levels', deep(10_000), 'claims_too_deep'],
  ];
  test.each(refused)('%s are refused', (_what, claims, reason) => {
    expect(reasonFor(fileWith(plainMap), claims)).toBe(reason);
  });

  test('so deep, but no deeper', () => {
    expect(reasonFor(fileWith(plainMap), deep(limits.tokenDepthMax))).toBe('mapped');
  });

  test('an issuer that the file does not name, or only for callers, is refused', () => {
    const file = fileWith(plainMap).replace('map: only', 'map: only\n    use: [caller]');
    expect(reasonFor(file, { sub: 'a' })).toBe('issuer_not_for_subjects');
    const outcome = new Identity(fileWith(plainMap)).map(`${issuer}x`, { sub: 'a' }, now);
    expect(outcome.kind === 'refused' && outcome.refusal.reason).toBe('unknown_issuer');
  });

  test('no name of a claim reaches what is not a claim', () => {
    const claims = JSON.parse('{"sub":"a","__proto__":{"admin":true},"constructor":"x"}');
    const file = (text: string) => fileWith(`    require: ${text}\n${plainMap}`);
    expect(reasonFor(file('claims.admin'), claims)).toBe('expression_failed');
    expect(reasonFor(file('has(claims.admin)'), claims)).toBe('requirement_not_met');
    expect(reasonFor(file('has(claims.toString)'), claims)).toBe('requirement_not_met');
    expect(reasonFor(file("claims.constructor == 'x'"), claims)).toBe('mapped');
  });
});

describe('`require`', () => {
  const file = (text: string) => fileWith(`    require: ${text}\n${plainMap}`);
  test.each([
    ['true', 'claims.ok', { ok: true }, 'mapped'],
    ['false', 'claims.ok', { ok: false }, 'requirement_not_met'],
    ['text that says true', 'claims.ok', { ok: 'true' }, 'not_true_or_false'],
    ['one', 'claims.ok', { ok: 1 }, 'not_true_or_false'],
    ['nothing', 'claims.ok', {}, 'expression_failed'],
    ['a comparison of text and number', 'claims.ial >= 2', { ial: '3' }, 'expression_failed'],
    ['a comparison that holds', 'claims.ial >= 2', { ial: 3 }, 'mapped'],
  ])('that gives %s', (_what, text, claims, reason) => {
    expect(reasonFor(file(text), { sub: 'a', ...claims })).toBe(reason);
  });
});

describe('tuples', () => {
  const file = (rule: string) => fileWith(`${plainMap}\n    tuples: [{ ${rule} }]`);
  const groups = 'each: claims.?groups, relation: member, object: { type: group, id: item }';
  const reason = (rule: string, claims: object) => reasonFor(file(rule), { sub: 'a', ...claims });

  test('wildcards and usersets in a claim are ids like others', () => {
    const { tuples } = mapped(file(groups), { sub: 'a', groups: ['*', 'eng#member', 'x:*'] });
    expect(tuples.map(({ object }) => object.id)).toEqual(['+2a', 'eng+23member', 'x+3a+2a']);
  });

  test.each([
    ['one text instead of a list', { groups: 'eng' }, 'not_a_list'],
    ['null', { groups: null }, 'not_a_list'],
    ['a map', { groups: { a: 1 } }, 'not_a_list'],
    ['a number among them', { groups: ['eng', 7] }, 'id_not_text'],
    ['an empty one among them', { groups: ['eng', ''] }, 'id_empty'],
    ['a list among them', { groups: ['eng', ['ops']] }, 'id_not_text'],
    ['one too long among them', { groups: ['x'.repeat(300)] }, 'id_too_long'],
    ['5,000', { groups: Array.from({ length: 5_000 }, (_, i) => `g${i}`) }, 'too_many_entries'],
    ['all in another place', { _claim_names: { groups: 'src1' } }, 'claims_elsewhere'],
    ['some in another place', { groups: ['a'], _claim_names: { groups: 's' } }, 'claims_elsewhere'],
    ['left out', { hasgroups: true }, 'claims_elsewhere'],
    ['left out, said as text', { hasgroups: 'true' }, 'claims_elsewhere'],
    ['a pointer that is none', { _claim_names: 'groups' }, 'claims_malformed'],
  ])('groups that are %s are refused', (_what, claims, expected) => {
    expect(reason(groups, claims)).toBe(expected);
  });

  test.each([
    ['none', {}],
    ['an empty list', { groups: [] }],
    ['other claims in another place', { _claim_names: { addresses: 'src1' } }],
    ['not left out', { hasgroups: false }],
  ])('groups that are %s give no tuple', (_what, claims) => {
    expect(mapped(file(groups), { sub: 'a', ...claims }).tuples).toEqual([]);
  });

  test('`overage: ignore` gives none at all, rather than some', () => {
    const rule = `${groups}, max: 2, overage: ignore`;
    for (const claims of [
      { groups: ['a', 'b', 'c'] },
      { groups: ['a'], _claim_names: { groups: 'src1' } },
    ]) {
      expect(mapped(file(rule), { sub: 'a', ...claims }).tuples).toEqual([]);
    }
    expect(mapped(file(rule), { sub: 'a', groups: ['a', 'b'] }).tuples).toHaveLength(2);
  });

  test('what `require` and context read must be in the token too', () => {
    const claims = { sub: 'a', _claim_names: { groups: 'src1' } };
    const map = `    require: "!('guests' in claims.?groups.orValue([]))"\n${plainMap}`;
    expect(reasonFor(fileWith(map), claims)).toBe('claims_elsewhere');
    const context = `${plainMap}\n    context: { token_groups: 'claims.?groups.orValue([])' }`;
    expect(reasonFor(fileWith(context), claims)).toBe('claims_elsewhere');
    const whole = `    require: size(claims) > 0\n${plainMap}`;
    expect(reasonFor(fileWith(whole), claims)).toBe('claims_elsewhere');
  });

  test('each once, however often the claim has it', () => {
    const { tuples } = mapped(file(groups), { sub: 'a', groups: ['b', 'b', 'c', 'b'] });
    expect(tuples.map(({ object }) => object.id)).toEqual(['b', 'c']);
  });

  test('an id of parts is like no other', () => {
    const parts =
      'each: claims.roles, relation: assignee, object: { type: role, id: [claims.org, item] }';
    const id = (org: unknown, role: string) => {
      const { tuples } = mapped(file(parts), { sub: 'a', org, roles: [role] });
      return tuples[0]?.object.id;
    };
    expect(id('acme/x', 'editor')).toBe('acme+2fx/editor');
    expect(id('acme', 'x/editor')).toBe('acme/x+2feditor');
    expect(reason(parts, { org: 7, roles: ['a'] })).toBe('id_not_text');
    expect(reason(parts, { org: '', roles: ['a'] })).toBe('id_empty');
    expect(reason(parts, { roles: ['a'] })).toBe('expression_failed');
  });

  test('`when` chooses among entries, and must be true or false', () => {
    const rule = `when: item.startsWith('team-'), ${groups}`;
    const { tuples } = mapped(file(rule), { sub: 'a', groups: ['team-a', 'x', 'team-b'] });
    expect(tuples.map(({ object }) => object.id)).toEqual(['team-a', 'team-b']);
    const other = 'when: claims.on, relation: r, object: { type: t, id: claims.sub }';
    expect(reason(other, { on: 'yes' })).toBe('not_true_or_false');
    expect(reason(other, {})).toBe('expression_failed');
  });

  test('what only the store knows is not mapped, and not even read', () => {
    const rule = `${groups}, authority: store`;
    for (const claims of [{ groups: ['a'] }, { groups: 7 }, { _claim_names: { groups: 's' } }]) {
      const { tuples, tokenOnly } = mapped(file(rule), { sub: 'a', ...claims });
      expect([tuples, tokenOnly]).toEqual([[], []]);
    }
  });

  test('the token alone is asked of a relation even where it gives no tuple', () => {
    const { tuples, tokenOnly } = mapped(file(`${groups}, authority: token`), { sub: 'a' });
    expect(tuples).toEqual([]);
    expect(tokenOnly).toEqual([{ type: 'group', relation: 'member' }]);
  });

  test.each([
    [limits.mappedEntriesDefault - 1, true],
    [limits.mappedEntriesDefault, true],
    [limits.mappedEntriesDefault + 1, false],
  ])('%d entries where no `max` is said: %s', (count, passes) => {
    const claims = { groups: Array.from({ length: count }, (_, i) => `g${i}`) };
    expect(reason(groups, claims)).toBe(passes ? 'mapped' : 'too_many_entries');
  });

  test.each([
    [limits.mappedTuplesMax - 1, true],
    [limits.mappedTuplesMax, true],
    [limits.mappedTuplesMax + 1, false],
  ])('%d tuples of one token: %s', (count, passes) => {
    const rule = (claim: string) =>
      `{ each: claims.${claim}, max: ${limits.mappedTuplesMax}, relation: member, object: { type: ${claim}, id: item } }`;
    const text = fileWith(`${plainMap}\n    tuples: [${rule('a')}, ${rule('b')}]`);
    const texts = (length: number) => Array.from({ length }, (_, i) => `g${i}`);
    const claims = { sub: 'x', a: texts(500), b: texts(count - 500) };
    expect(reasonFor(text, claims)).toBe(passes ? 'mapped' : 'too_many_tuples');
  });
});

describe('delegation', () => {
  const file = (actor: string) => fileWith(`${plainMap}\n${actor}`);
  const agent = (mode: string) =>
    file(`    actor: { type: agent, id: claims.?act.?sub, mode: ${mode} }`);
  const claims = { sub: 'a', act: { sub: 'b' } };

  test.each([
    ['both', ['user:a', 'agent:b']],
    ['subject', ['user:a']],
    ['actor', ['agent:b']],
  ])('mode %s asks %j', (mode, asked) => {
    const subjects = askedSubjects(mapped(agent(mode), claims));
    expect(subjects.map(({ type, id }) => `${type}:${id}`)).toEqual(asked);
  });

  test('only the current actor counts, however many are behind it', () => {
    let act: object = { sub: 'first' };
    for (let i = 0; i < limits.tokenDepthMax - 3; i++) act = { sub: `agent-${i}`, act };
    const identity = mapped(agent('both'), { sub: 'a', act: { sub: 'last', act } });
    expect(askedSubjects(identity).map(({ id }) => id)).toEqual(['a', 'last']);
    expect(identity.tuples).toEqual([]);
  });

  test.each([
    ['without an id', { sub: 'a', act: {} }, 'actor_missing'],
    ['that is text', { sub: 'a', act: 'b' }, 'actor_missing'],
    ['null', { sub: 'a', act: null }, 'actor_missing'],
    ['with a number as id', { sub: 'a', act: { sub: 7 } }, 'id_not_text'],
    ['with an empty id', { sub: 'a', act: { sub: '' } }, 'id_empty'],
  ])('an actor %s is refused', (_what, each, reason) => {
    expect(reasonFor(agent('both'), each)).toBe(reason);
  });

  test('a delegated token is refused by a map that names no actor', () => {
    expect(reasonFor(fileWith(plainMap), claims)).toBe('actor_not_mapped');
  });

  test('a wildcard as actor is an id', () => {
    expect(mapped(agent('both'), { sub: 'a', act: { sub: '*' } }).actor?.id).toBe('+2a');
  });
});

describe('context', () => {
  const file = (text: string) => fileWith(`${plainMap}\n    context: { token_x: "${text}" }`);
  const value = (text: string, claims: object) =>
    mapped(file(text), { sub: 'a', ...claims }).context;

  test.each([
    ['text', 'claims.x', { x: 'a' }, 'a'],
    ['a whole number', 'claims.x', { x: 7 }, 7],
    ['a fraction', 'claims.x', { x: 1.5 }, 1.5],
    ['null', 'claims.x', { x: null }, null],
    ['a map', 'claims.x', { x: { a: [1, true] } }, { a: [1, true] }],
    ['a map that it makes', "{'n': claims.x}", { x: 2 }, { n: 2 }],
    ['scopes of one text', "claims.x.split(' ')", { x: 'a b' }, ['a', 'b']],
  ])('%s', (_what, text, claims, expected) => {
    expect(value(text, claims)).toEqual({ token_x: expected });
  });

  test('an optional that is empty is left out, so that a condition misses it', () => {
    expect(value('claims.?x', {})).toEqual({});
  });

  test.each([
    ['a number beyond JSON', '9007199254740993', {}, 'context_not_json'],
    ['infinity', 'double(claims.x)', { x: 'Infinity' }, 'context_not_json'],
    ['a sum that is none', 'claims.x + 1', { x: 'a' }, 'expression_failed'],
    ['a conversion that fails', 'int(claims.x)', { x: 'abc' }, 'expression_failed'],
    [
      'a claim many times over',
      'claims.x.map(g, claims.x)',
      { x: Array(500).fill('abcd') },
      'context_too_large',
    ],
  ])('%s is refused', (_what, text, claims, reason) => {
    expect(reasonFor(file(text), { sub: 'a', ...claims })).toBe(reason);
  });

  test.each([
    [limits.mappedContextBytesMax - 1, true],
    [limits.mappedContextBytesMax, true],
    [limits.mappedContextBytesMax + 1, false],
  ])('a mapped context of %d bytes: %s', (bytes, passes) => {
    // The name and its quotes, and those of the text.
    const x = 'x'.repeat(bytes - 'token_x'.length - 4);
    expect(reasonFor(file('claims.x'), { sub: 'a', x })).toBe(
      passes ? 'mapped' : 'context_too_large',
    );
  });
});

describe('scopes and sign-in', () => {
  test.each([
    ['scope', { scope: ' a  b ' }, ['a', 'b']],
    ['scp as text', { scp: 'a b' }, ['a', 'b']],
    ['scp as a list', { scp: ['a', 'b'] }, ['a', 'b']],
    ['scope before scp', { scope: 'a', scp: 'b' }, ['a']],
    ['neither', {}, []],
  ])('%s', (_what, claims, scopes) => {
    expect([...mapped(fileWith(plainMap), { sub: 'a', ...claims }).scopes]).toEqual(scopes);
  });

  test.each([
    [{ scope: 7 }],
    [{ scope: { a: 1 } }],
    [{ scp: ['a', 7] }],
    [{ scp: ['a', '\ud800'] }],
    [{ scp: [''] }],
  ])('%j is refused', (claims) => {
    expect(reasonFor(fileWith(plainMap), { sub: 'a', ...claims })).toBe('scopes_malformed');
  });

  test.each([
    ['a number as acr', { acr: 2 }],
    ['text as amr', { amr: 'mfa' }],
    ['a list with a number as amr', { amr: ['mfa', 1] }],
    ['text as auth_time', { auth_time: String(seconds) }],
    ['a sign-in before 1970', { auth_time: -1 }],
    ['a sign-in to come', { auth_time: seconds + 31 }],
  ])('%s is as if it were not there', (_what, claims) => {
    expect(mapped(fileWith(plainMap), { sub: 'a', ...claims }).facts).toEqual({
      acr: undefined,
      amr: new Set(),
      authTime: undefined,
    });
  });

  test('a sign-in within the tolerance of the clock counts', () => {
    const { facts } = mapped(fileWith(plainMap), { sub: 'a', auth_time: seconds + 30 });
    expect(facts.authTime).toBe(seconds + 30);
  });
});

test('a refusal has a class and a code, and says nothing of a claim', () => {
  const secret = 'S3cret value';
  const outcomes = [
    { sub: ['x', secret] },
    { sub: secret, roles: [secret] },
    { sub: secret, email_verified: secret },
    { sub: secret, auth_time: secret },
    { sub: secret, groups: secret },
    { sub: `${secret}${'x'.repeat(300)}` },
    { sub: secret, act: { [secret]: secret } },
    { sub: secret, _claim_names: { groups: secret } },
  ].map((claims) => new Identity(exampleFile).map(issuer, claims, now));
  for (const outcome of outcomes) {
    if (outcome.kind !== 'refused') throw new Error('it was mapped');
    const { refusal } = outcome;
    const kind = mappingReasons[refusal.reason][0];
    expect(refusal.class).toBe(kind);
    expect(refusal.code).toBe(kind === 'denial' ? 'forbidden' : 'invalid_claims');
    expect(refusal.message).toContain(refusal.reason);
    expect(`${refusal.message}${refusal.stack}${refusal.cause}`).not.toContain('S3cret');
  }
});
