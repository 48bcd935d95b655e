/** Subject tokens: whom a call may ask about, by binding, in every API; and tokens that are refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '../../src/authn/authenticator.ts';
import { Refusal } from '../../src/base/errors.ts';
import { openDrive } from './harness.ts';
import { apis, listsOfSubjects } from './subject-answers.ts';
import { openSubjectWorld, type SubjectWorld, stranger } from './subject-world.ts';

const question = { relation: 'can_view', object: 'doc:1' };
const everyApi = Object.entries(apis);
const everyList = Object.entries(listsOfSubjects);

const caller = (...scopes: string[]): Principal => ({
  kind: 'oidc',
  issuer: 'https://callers.example.com',
  id: 'billing',
  claim: 'client_id',
  subject: 'billing',
  scopes,
});

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    (given) => new Error(`answered ${JSON.stringify(given)}`),
    (error: unknown) => error,
  );
  if (!(error instanceof Refusal)) throw error;
  return `${error.code}: ${error.message}`;
}

/** `yes`, `no`, or the start of the refusal; for whom, with which scopes of the caller. */
const cases: Readonly<Record<string, readonly (readonly [string, string[], string])[]>> = {
  verify: [
    ['user:alice', [], 'yes'],
    ['user:bob', [], 'forbidden: subject_mismatch'],
    ['user:bob', ['fga.check.any'], 'forbidden: subject_mismatch'],
    ['user:Alice', [], 'forbidden: subject_mismatch'],
    ['user:*', [], 'forbidden: subject_mismatch'],
    ['agent:alice', [], 'forbidden: subject_mismatch'],
    ['group:eng#member', [], 'forbidden: subject_mismatch'],
    ['user:me', [], 'forbidden: subject_mismatch'],
    ['', [], 'forbidden: subject_mismatch'],
  ],
  substitute: [
    ['user:alice', [], 'yes'],
    ['user:me', [], 'yes'],
    ['', [], 'yes'],
    ['agent:me', [], 'forbidden: subject_mismatch'],
    ['user:bob', [], 'forbidden: subject_mismatch'],
    ['user:bob', ['fga.check.any'], 'forbidden: subject_mismatch'],
    ['user:*', [], 'forbidden: subject_mismatch'],
  ],
  service: [
    ['user:alice', [], 'yes'],
    ['user:alice', ['fga.check.any'], 'yes'],
    ['user:bob', [], 'forbidden: subject_mismatch'],
    ['user:bob', ['fga.check'], 'forbidden: subject_mismatch'],
    ['user:bob', ['fga.check.any'], 'no'],
    ['user:carol', ['fga.check.any'], 'yes'],
    ['', ['fga.check.any'], 'forbidden: subject_mismatch'],
  ],
};

describe.each(Object.entries(cases))('subject_binding: %s', (binding, expected) => {
  let world: SubjectWorld;
  beforeAll(async () => {
    world = await openSubjectWorld({ binding });
    await world.write('doc:1#viewer@group:eng#member', 'doc:1#viewer@user:carol');
  });
  afterAll(() => world.close());

  describe.each(everyApi)('%s', (_name, ask) => {
    test.each(expected)('asked about %j by a caller with %j: %s', async (user, scopes, wanted) => {
      const options = { subjectToken: world.token(), principal: caller(...scopes) };
      const answer = ask(world, { ...question, user }, options);
      if (wanted === 'yes' || wanted === 'no') {
        expect((await answer).allowed).toBe(wanted === 'yes');
      } else {
        expect(await refusalOf(answer)).toContain(wanted);
      }
    });

    test('without a token the request alone is asked', async () => {
      for (const [user, allowed] of [
        ['user:alice', false],
        ['user:carol', true],
      ] as const) {
        expect((await ask(world, { ...question, user }, {})).allowed, user).toBe(allowed);
      }
    });

    test('without a token nobody is filled in', async () => {
      // By the field rules, as without an identity file.
      expect(await refusalOf(ask(world, { ...question, user: '' }, {}))).toMatch(
        /^validation_error: invalid \w+\.(User|Subject): value /,
      );
      // An id like any other.
      expect((await ask(world, { ...question, user: 'user:me' }, {})).allowed).toBe(false);
    });

    test('a bad token is refused, whoever is asked about', async () => {
      const subjectToken = world.token({}, stranger);
      for (const user of ['user:alice', 'user:carol']) {
        const answer = ask(world, { ...question, user }, { subjectToken });
        expect(await refusalOf(answer)).toBe(
          'auth_failed_invalid_bearer_token: pemba-subject-token: the signature of the token is wrong',
        );
      }
    });
  });

  describe.each(everyList)('%s', (_name, ask) => {
    const principal = caller('fga.check.any');
    const all = binding === 'service';

    test("lists the token's own subject, and nobody else", async () => {
      const options = { subjectToken: world.token() };
      for (const [user, listed] of [
        ['user:alice', true],
        ['user:carol', false],
      ] as const) {
        const { allowed } = await ask(world, { ...question, user }, options);
        expect(allowed, user).toBe(listed);
      }
      const none = { subjectToken: world.token({ groups: [] }) };
      const answer = await ask(world, { ...question, user: 'user:alice' }, none);
      expect(answer.allowed).toBe(false);
    });

    test('lists all, and nothing of the token, for a caller who may ask about anybody', async () => {
      const options = { subjectToken: world.token(), principal };
      for (const [user, listed] of [
        ['user:alice', !all],
        ['user:carol', all],
      ] as const) {
        const { allowed } = await ask(world, { ...question, user }, options);
        expect(allowed, user).toBe(listed);
      }
    });

    test('without a token everybody is listed', async () => {
      const { allowed } = await ask(world, { ...question, user: 'user:carol' }, {});
      expect(allowed).toBe(true);
    });

    test('a bad token is refused', async () => {
      const options = { subjectToken: world.token({ aud: 'https://other.example.com' }) };
      const answer = ask(world, { ...question, user: 'user:carol' }, options);
      expect(await refusalOf(answer)).toContain(
        'auth_failed_invalid_audience: pemba-subject-token',
      );
    });
  });
});

describe('a token that is no good', () => {
  let world: SubjectWorld;
  beforeAll(async () => {
    world = await openSubjectWorld();
    await world.write('doc:1#viewer@group:eng#member', 'doc:1#viewer@user:alice');
  });
  afterAll(() => world.close());

  const hour = 3_600;
  const now = () => Math.floor(world.clock.time / 1_000);

  test.each<[string, () => string, string]>([
    ['is no token', () => 'nonsense', 'auth_failed_invalid_bearer_token'],
    ['says Bearer', () => `Bearer ${world.token()}`, 'auth_failed_invalid_bearer_token'],
    ['came twice', () => `${world.token()}, ${world.token()}`, 'auth_failed_invalid_bearer_token'],
    [
      'is signed by a stranger',
      () => world.token({}, stranger),
      'auth_failed_invalid_bearer_token',
    ],
    ['is of another audience', () => world.token({ aud: 'x' }), 'auth_failed_invalid_audience'],
    ['is of another issuer', () => world.token({ iss: 'x' }), 'auth_failed_invalid_issuer'],
    ['has expired', () => world.token({ exp: now() - hour }), 'invalid_claims'],
    ['is too old', () => world.token({ iat: now() - 48 * hour }), 'invalid_claims'],
    ['names no subject', () => world.token({ sub: undefined }), 'auth_failed_invalid_subject'],
    ['leaves its groups out', () => world.token({ _claim_names: { groups: 'x' } }), 'forbidden'],
    ['has too many groups', () => world.token({ groups: Array(201).fill('x') }), 'forbidden'],
    ['has no list of groups', () => world.token({ groups: 'eng' }), 'invalid_claims'],
    ['delegates to nobody', () => world.token({ act: {} }), 'invalid_claims'],
  ])('%s', async (_name, token, code) => {
    for (const ask of [...everyApi, ...everyList].map(([, ask]) => ask)) {
      const answer = ask(world, { ...question, user: 'user:alice' }, { subjectToken: token() });
      expect(await refusalOf(answer)).toContain(`${code}: `);
    }
  });

  test('overage and too many entries are told by name', async () => {
    const ask = (claims: object) =>
      refusalOf(
        apis.Check!(
          world,
          { ...question, user: 'user:alice' },
          { subjectToken: world.token(claims) },
        ),
      );
    expect(await ask({ hasgroups: true })).toContain('forbidden: claims_elsewhere');
    expect(await ask({ groups: Array(201).fill('x') })).toContain('forbidden: too_many_entries');
  });

  test('a token ends while the server runs', async () => {
    const subjectToken = world.token({ exp: now() + 100 });
    const ask = () => apis.Check!(world, { ...question, user: 'user:alice' }, { subjectToken });
    expect((await ask()).allowed).toBe(true);
    world.clock.time += (100 + 31) * 1_000;
    expect(await refusalOf(ask())).toBe(
      'invalid_claims: pemba-subject-token: the token has expired',
    );
  });

  test('a caller-only issuer speaks for no subject', async () => {
    const text = `version: 1
issuers: [{ issuer: ${world.issuer}, audiences: ['https://pemba.example.com'], algorithms: [ES256], map: people, use: [caller] }]
maps: { people: { subject: { type: user, id: claims.sub } } }
`;
    await world.setFile(text);
    world.verifier.reload(world.source.identity.issuers);
    const answer = apis.Check!(
      world,
      { ...question, user: 'user:alice' },
      { subjectToken: world.token() },
    );
    expect(await refusalOf(answer)).toContain('auth_failed_invalid_issuer');
  });
});

test('a server without an identity file refuses a subject token, and does not ignore it', async () => {
  const drive = await openDrive(['document:1#viewer@user:anne']);
  const tuple_key = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
  const request = { store_id: drive.store, tuple_key };
  const refusal = await drive.refusal('Check', request, { subjectToken: 'any' });
  expect(refusal).toMatchObject({ code: 'validation_error' });
  expect(refusal.message).toContain('it has no identity file');
  await drive.close();
});
