/** Lint beside real models, explanations, and a file that changes while it is in use. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lintModelOf } from '../../cli/lint-model.ts';
import { Identity } from '../../src/authn/identity/identity.ts';
import { IdentitySource } from '../../src/authn/identity/source.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { parseModel } from '../../src/model/parse.ts';
import { exampleClaims, exampleFile, fileWith, issuer, now, plainMap } from './identity-fixture.ts';

const schemas = new URL('../../schemas/', import.meta.url);
const shipped = (name: string) => readFileSync(new URL(name, schemas), 'utf8');

async function lint(file: string, dsl: string): Promise<string[]> {
  const model = lintModelOf(parseModel(await modelFromDsl(dsl)));
  return new Identity(file)
    .lint(model)
    .map(({ line, path, message }) => `${line}: ${path}: ${message}`);
}

const model = `model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user]
type role
  relations
    define assignee: [user, group#member]
type org
  relations
    define member: [user with recent]
    define guest: [user:*]
    define staff: member or guest
type account
  relations
    define can_close: [user]
    define can_write: [user]
condition recent(token_auth_age: int, token_level: int, limit: int) {
  token_auth_age < limit && token_level > 1
}
`;

test('the file that is shipped fits its model', async () => {
  expect(await lint(shipped('saas.identity.yaml'), shipped('saas.fga'))).toEqual([]);
  const faults = await lint(shipped('saas.identity.yaml'), shipped('forum.fga'));
  expect(faults.length).toBeGreaterThan(3);
});

test('what a condition reads and no token gives, and what needs a condition', async () => {
  expect(await lint(exampleFile, model)).toEqual([
    '12: maps.default: the condition `recent` reads `token_level`, which this map does not give; add it to `context`',
    '19: maps.default.tuples[2]: `org#member` takes a `user` only with a condition, which a mapped tuple never has',
  ]);
});

const rule = (relation: string, type = 'org') =>
  `${plainMap}\n    tuples: [{ relation: ${relation}, object: { type: ${type}, id: claims.o } }]\n` +
  '    context: { token_auth_age: "1", token_level: "1" }';

test.each([
  [
    'no such type of the subject',
    fileWith(rule('member', 'group')).replace('user', 'person'),
    'the model has no type `person`',
  ],
  ['no such type of the object', fileWith(rule('member', 'team')), 'the model has no type `team`'],
  [
    'no such relation',
    fileWith(rule('owner')),
    'the type `org` of the model has no relation `owner`',
  ],
  ['a relation that is computed', fileWith(rule('staff')), '`org#staff` takes no tuples'],
  ['a relation for everybody only', fileWith(rule('guest')), '`org#guest` takes no `user`'],
  [
    'no such relation in a step-up',
    fileWith(rule('member', 'group'), 'step_up: [{ type: group, relation: x, max_age: 1 }]'),
    'no relation `x`',
  ],
  [
    'no such type in a step-up',
    fileWith(rule('member', 'group'), 'step_up: [{ type: x, relation: x, max_age: 1 }]'),
    'no type `x`',
  ],
  [
    'no such relation in a ceiling',
    fileWith(rule('member', 'group'), 'scope_ceiling: [{ relation: x, any: [a] }]'),
    'no relation `x` on any type',
  ],
  [
    'no such relation of a type in a ceiling',
    fileWith(rule('member', 'group'), 'scope_ceiling: [{ type: org, relation: x, any: [a] }]'),
    'no relation `x`',
  ],
  [
    'a map of no issuer',
    fileWith(rule('member', 'group')).replace(
      'maps:\n',
      'maps:\n  idle: { subject: { type: user, id: claims.sub } }\n',
    ),
    'no issuer uses this map',
  ],
])('%s', async (_what, file, fault) => {
  const faults = await lint(file, model);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
});

test('an explanation says which claims were read and what came out, and nothing else', () => {
  const claims = { ...exampleClaims, email: 'private@example.com', phone: '555-0100' };
  const explanation = new Identity(exampleFile).explain(issuer, claims, now);
  expect(explanation.map).toBe('default');
  expect(explanation.refusal).toBeUndefined();
  expect(explanation.identity?.subject.id).toBe('corp|auth0|6f3a');
  expect(explanation.steps.slice(0, 5)).toEqual([
    {
      place: 'maps.default.require',
      expressions: ['claims.?email_verified.orValue(true) == true'],
      claims: [{ path: 'email_verified', present: false }],
      gave: ['true'],
    },
    {
      place: 'maps.default.subject.id',
      expressions: ['claims.sub'],
      claims: [{ path: 'sub', present: true }],
      gave: ['user:corp|auth0|6f3a'],
    },
    {
      place: 'maps.default.actor.id',
      expressions: ['claims.?act.?sub'],
      claims: [{ path: 'act.sub', present: true }],
      gave: ['agent:agent-7'],
    },
    {
      place: 'maps.default.tuples[0]',
      expressions: ['claims.?groups', 'item'],
      claims: [{ path: 'groups', present: true }],
      gave: ['group:eng#member', 'group:Domain+20Admins#member'],
    },
    {
      place: 'maps.default.tuples[1]',
      expressions: ['claims.?roles', 'claims.org_id', 'item'],
      claims: [
        { path: 'roles', present: true },
        { path: 'org_id', present: true },
      ],
      gave: ['role:acme/editor#assignee'],
    },
  ]);
  expect(JSON.stringify(explanation)).not.toMatch(/private|555-0100/);
});

test('an explanation of a refusal says how far it came', () => {
  const file = new Identity(exampleFile);
  const { org_id, ...claims } = exampleClaims;
  const { refusal, identity, steps } = file.explain(issuer, claims, now);
  expect([refusal?.reason, refusal?.place, identity]).toEqual([
    'expression_failed',
    'maps.default.tuples[1].object.id[0]',
    undefined,
  ]);
  const gave = Object.fromEntries(steps.map((step) => [step.place, step.gave]));
  expect(gave['maps.default.tuples[0]']).toHaveLength(2);
  expect(gave['maps.default.tuples[1]']).toBeUndefined();
  const unknown = file.explain('https://other.example/', claims, now);
  expect([unknown.refusal?.reason, unknown.steps]).toEqual(['unknown_issuer', []]);
});

test('a file that is broken or gone keeps the one before it', async () => {
  const good = fileWith(plainMap);
  let text: string | undefined = good;
  const source = await IdentitySource.open(async () => {
    if (text === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return text;
  });
  const first = source.identity;
  expect([source.generation, source.fault]).toEqual([1, undefined]);
  expect(await source.reload()).toBe('unchanged');

  text = good.replace('claims.sub', 'claims.');
  expect(await source.reload()).toBe('kept');
  expect(source.identity).toBe(first);
  expect(source.generation).toBe(1);
  expect(source.fault).toContain('line 8: maps.only.subject.id: ');

  text = undefined;
  expect(await source.reload()).toBe('kept');
  expect(source.fault).toBe('the identity file cannot be read: ENOENT');
  expect(source.identity).toBe(first);

  text = good;
  expect(await source.reload()).toBe('unchanged');
  expect(source.fault).toBeUndefined();

  text = good.replace('claims.sub', 'claims.email');
  expect(await source.reload()).toBe('replaced');
  expect(source.generation).toBe(2);
  const outcome = source.identity.map(issuer, { email: 'a@b.example' }, now);
  expect(outcome.kind === 'mapped' && outcome.identity.subject.id).toBe('a@b.example');
});

test('reloads wait for each other, so that an older text never wins', async () => {
  const texts = ['claims.a', 'claims.b', 'claims.c'].map((id) =>
    fileWith(plainMap.replace('claims.sub', id)),
  );
  const waiting: ((text: string) => void)[] = [];
  let reads = 0;
  const source = await IdentitySource.open(() => {
    if (reads++ === 0) return Promise.resolve(texts[0] ?? '');
    return new Promise((resolve) => waiting.push(resolve));
  });
  const reloads = [source.reload(), source.reload()];
  await Promise.resolve();
  expect(waiting).toHaveLength(1);
  waiting[0]?.(texts[1] ?? '');
  expect(await reloads[0]).toBe('replaced');
  await Promise.resolve();
  waiting[1]?.(texts[2] ?? '');
  expect(await reloads[1]).toBe('replaced');
  const outcome = source.identity.map(issuer, { c: 'newest' }, now);
  expect(outcome.kind).toBe('mapped');
});

test('a file that is bad from the start is refused', async () => {
  await expect(IdentitySource.open(async () => 'version: 2')).rejects.toThrow('cannot be used');
});
