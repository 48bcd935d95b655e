/** What a subject token brings into a question, what it demands of the answer, and what it keeps out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { tupleKey } from './harness.ts';
import { apis, listsOfSubjects, type SubjectQuestion } from './subject-answers.ts';
import { fileOf, openSubjectWorld, type SubjectWorld } from './subject-world.ts';

const everyApi = Object.entries({ ...apis, ...listsOfSubjects });
const alice = { user: 'user:alice', object: 'doc:1' };

let world: SubjectWorld;
beforeEach(async () => {
  world = await openSubjectWorld();
});
afterEach(() => world.close());

/** Which APIs say yes; all of them must agree. */
async function allowedTo(
  question: Partial<SubjectQuestion> & { relation: string },
  claims?: object | undefined,
): Promise<boolean> {
  const answers: Record<string, boolean> = {};
  const options = claims === undefined ? {} : { subjectToken: world.token(claims) };
  for (const [name, ask] of everyApi) {
    answers[name] = (await ask(world, { ...alice, ...question }, options)).allowed;
  }
  const [first] = Object.values(answers);
  expect(answers).toEqual(Object.fromEntries(everyApi.map(([name]) => [name, first])));
  return first as boolean;
}

async function refusalOf(answer: Promise<unknown>): Promise<Refusal> {
  const error = await answer.catch((error: unknown) => error);
  if (!(error instanceof Refusal)) throw new Error(`answered ${JSON.stringify(error)}`);
  return error;
}

const check = (question: Partial<SubjectQuestion> & { relation: string }, claims = {}) =>
  apis.Check!(world, { ...alice, ...question }, { subjectToken: world.token(claims) });

describe('tuples of the token', () => {
  test('count as if they were stored, also against the subject', async () => {
    await world.write('doc:1#viewer@group:eng#member', 'doc:1#blocked@group:out#member');
    expect(await allowedTo({ relation: 'can_view' }, { groups: ['eng'] })).toBe(true);
    expect(await allowedTo({ relation: 'can_view' }, { groups: [] })).toBe(false);
    expect(await allowedTo({ relation: 'can_view' }, { groups: ['eng', 'out'] })).toBe(false);
  });

  test('have a bound of their own, beside the hundred of a request', async () => {
    await world.write('doc:1#viewer@group:g199#member');
    const groups = Array.from({ length: 200 }, (_, i) => `g${i}`);
    const tuples = Array.from({ length: 100 }, (_, i) =>
      tupleKey(`group:other${i}#member@user:alice`),
    );
    expect(await allowedTo({ relation: 'can_view', tuples }, { groups })).toBe(true);
  });

  test('come before those of a request with the same key', async () => {
    await world.setFile(
      fileOf(world.issuer, {
        map: `    subject: { type: user, id: claims.sub }
    tuples: [{ relation: rated, object: { type: doc, id: claims.doc } }]
    context: { token_acr: "'low'" }`,
      }),
    );
    // The token's has no condition, and the request's one that is not met.
    const tuples = [
      {
        ...tupleKey('doc:1#rated@user:alice'),
        condition: { name: 'strong', context: { level: 'high' } },
      },
    ];
    expect(await allowedTo({ relation: 'rated', tuples }, { doc: '1' })).toBe(true);
    expect(await allowedTo({ relation: 'rated', tuples }, { doc: '2' })).toBe(false);
  });

  test.each([
    ['a relation that the type does not have', 'group', 'admin', 'group#admin'],
    ['a subject that the relation does not take', 'org', 'owner', 'org#owner'],
    ['a relation whose tuples need a condition', 'doc', 'secret', 'doc#secret'],
    ['a relation that no tuple can have', 'doc', 'can_view', 'doc#can_view'],
  ])('%s: the question is refused, not answered without it', async (_, type, relation, place) => {
    await world.write('doc:1#viewer@user:alice');
    await world.setFile(
      fileOf(world.issuer, {
        map: `    subject: { type: user, id: claims.sub }
    tuples: [{ relation: ${relation}, object: { type: ${type}, id: claims.sub } }]`,
      }),
    );
    for (const [, ask] of everyApi) {
      const question = { ...alice, relation: 'can_view' };
      const refusal = await refusalOf(ask(world, question, { subjectToken: world.token() }));
      expect(refusal.code).toBe('failed_precondition');
      expect(refusal.message).toContain(
        `tuple_not_in_model: the identity file maps \`user\` to \`${place}\``,
      );
      expect(refusal.message).not.toContain('alice');
    }
  });

  test('on a type that the model does not have mean nothing to it', async () => {
    await world.write('doc:1#viewer@user:alice');
    await world.setFile(
      fileOf(world.issuer, {
        map: `    subject: { type: user, id: claims.sub }
    tuples: [{ relation: member, object: { type: elsewhere, id: claims.sub } }]`,
      }),
    );
    expect(await allowedTo({ relation: 'can_view' }, {})).toBe(true);
  });

  test('are explained as such', async () => {
    await world.write('doc:1#viewer@group:eng#member');
    const request = { store_id: world.store, subject: 'user:alice', object: 'doc:1' };
    const { body } = await world.ask(
      'Explain',
      { ...request, relation: 'viewer' },
      { subjectToken: world.token() },
    );
    const text = JSON.stringify(body.tree);
    expect(text).toMatch(
      /"subject":"user:alice","relation":"member","object":"group:eng"[^}]*}[^}]*"contextual":true/,
    );
  });

  test('join the tree of Expand', async () => {
    const request = {
      store_id: world.store,
      tuple_key: { relation: 'member', object: 'group:eng' },
    };
    const { body } = await world.ask('Expand', request, { subjectToken: world.token() });
    expect(body.tree.root.leaf.users.users).toEqual(['user:alice']);
    expect((await world.ask('Expand', request)).body.tree.root.leaf.users.users).toEqual([]);
  });
});

describe('authority: token', () => {
  beforeEach(() => world.write('doc:1#org@org:acme', 'doc:1#viewer@user:bob'));

  test('what is stored of the subject does not count, whatever reads it', async () => {
    await world.write('org:acme#member@user:alice', 'org:acme#member@user:zoe');
    expect(await allowedTo({ relation: 'viewer' }, { org: 'acme' })).toBe(true);
    expect(await allowedTo({ relation: 'viewer' }, { org: 'other' })).toBe(false);
    expect(await allowedTo({ relation: 'viewer' }, {})).toBe(false);
    expect(await allowedTo({ relation: 'viewer', user: 'user:zoe' }, { sub: 'zoe' })).toBe(false);
    // Without a token the store is all there is.
    expect(await allowedTo({ relation: 'viewer' })).toBe(true);
  });

  test('other relations of the subject, and other subjects, are left alone', async () => {
    await world.write('group:eng#member@user:alice', 'doc:1#viewer@group:eng#member');
    expect(await allowedTo({ relation: 'viewer' }, { groups: [] })).toBe(true);
    const request = {
      store_id: world.store,
      tuple_key: { relation: 'member', object: 'org:acme' },
    };
    await world.write('org:acme#member@user:alice', 'org:acme#member@user:zoe');
    const { body } = await world.ask('Expand', request, { subjectToken: world.token() });
    expect(body.tree.root.leaf.users.users).toEqual(['user:zoe']);
  });

  test('a contextual tuple that says it instead is refused', async () => {
    const tuples = [tupleKey('org:acme#member@user:alice')];
    for (const [, ask] of everyApi) {
      const question = { ...alice, relation: 'viewer', tuples };
      const refusal = await refusalOf(ask(world, question, { subjectToken: world.token() }));
      expect(refusal.message).toContain('says what the subject token alone decides');
    }
    const others = [tupleKey('org:acme#member@user:zoe')];
    expect(await allowedTo({ relation: 'viewer', tuples: others }, {})).toBe(false);
  });

  test('an explanation does not suggest to write it', async () => {
    const request = { store_id: world.store, subject: 'user:alice', object: 'doc:1' };
    const asked = { ...request, relation: 'viewer' };
    const suggested = async (options: object) =>
      JSON.stringify((await world.ask('Explain', asked, options)).body.would_allow);
    expect(await suggested({})).toContain('org:acme');
    expect(await suggested({ subjectToken: world.token() })).not.toContain('org:acme');
  });
});

describe('names that only a token can say', () => {
  const secret = (level: string, more: object = {}) => ({
    ...tupleKey('doc:1#secret@user:alice'),
    condition: { name: 'strong', context: { level, ...more } },
  });

  test("the token's value counts, and the request's never", async () => {
    await world.writeUnguarded([secret('high')]);
    const context = { token_acr: 'high' };
    expect(await allowedTo({ relation: 'secret' }, { acr: 'high' })).toBe(true);
    expect(await allowedTo({ relation: 'secret' }, { acr: 'low' })).toBe(false);
    expect(await allowedTo({ relation: 'secret', context }, { acr: 'low' })).toBe(false);
    expect(await allowedTo({ relation: 'secret', context }, {})).toBe(false);
  });

  test('without a token it is missing, whatever the request says', async () => {
    await world.writeUnguarded([secret('high')]);
    const question = { ...alice, relation: 'secret', context: { token_acr: 'high' } };
    const refusal = await refusalOf(apis.Check!(world, question, {}));
    expect(refusal.message).toContain("missing context parameters '[token_acr]'");
    for (const name of ['ListRelations', 'Explain', 'QueryService/ListObjects', 'ListSubjects']) {
      const ask = { ...apis, ...listsOfSubjects }[name]!;
      const { allowed } = await ask(world, question, {});
      // Listed as open: neither allowed nor denied.
      expect(allowed && name !== 'QueryService/ListObjects' && name !== 'ListSubjects').toBe(false);
    }
  });

  test("a stored tuple's own value does not count", async () => {
    await world.writeUnguarded([secret('high', { token_acr: 'high' })]);
    expect(await allowedTo({ relation: 'secret' }, { acr: 'high' })).toBe(true);
    expect(await allowedTo({ relation: 'secret' }, { acr: 'low' })).toBe(false);
    const without = await refusalOf(apis.Check!(world, { ...alice, relation: 'secret' }, {}));
    expect(without.message).toContain("missing context parameters '[token_acr]'");
  });

  test('a tuple with such a value is not written, nor taken as contextual', async () => {
    const forged = secret('high', { token_acr: 'high' });
    const request = { store_id: world.store, writes: { tuple_keys: [forged] } };
    expect((await world.refusal('Write', request)).message).toContain('sets `token_acr`');
    const { user, ...rest } = forged;
    const writes = [{ ...rest, subject: user }];
    const written = await world.refusal('WriteTuples', { store_id: world.store, writes });
    expect(written.message).toContain('sets `token_acr`');
    for (const options of [{}, { subjectToken: world.token() }]) {
      for (const [, ask] of everyApi) {
        const question = { ...alice, relation: 'secret', tuples: [forged] };
        expect((await refusalOf(ask(world, question, options))).message).toContain(
          'sets `token_acr`',
        );
      }
    }
  });
});

describe('delegation', () => {
  const act = { act: { sub: 'bot' } };
  const [forAlice, forBot] = ['doc:1#viewer@user:alice', 'doc:1#viewer@agent:bot'];

  test.each([
    [[], false],
    [[forAlice], false],
    [[forBot], false],
    [[forAlice, forBot], true],
  ])('both must be allowed: %j, %s', async (tuples, allowed) => {
    await world.write('doc:2#viewer@user:alice', ...tuples);
    expect(await allowedTo({ relation: 'can_view' }, act)).toBe(allowed);
  });

  test('the actor has what its own tuples give, not what the subject has', async () => {
    await world.write('doc:1#viewer@group:eng#member');
    expect(await allowedTo({ relation: 'can_view' }, act)).toBe(false);
    await world.write('group:eng#member@agent:bot');
    expect(await allowedTo({ relation: 'can_view' }, act)).toBe(true);
  });

  test('the one who is denied is explained', async () => {
    await world.write(forAlice);
    const asked = {
      store_id: world.store,
      subject: 'user:alice',
      object: 'doc:1',
      relation: 'viewer',
    };
    const explained = async (claims: object) =>
      (await world.ask('Explain', asked, { subjectToken: world.token(claims) })).body;
    expect(await explained(act)).toMatchObject({ outcome: 'OUTCOME_DENIED', subject: 'agent:bot' });
    expect(await explained({})).toMatchObject({
      outcome: 'OUTCOME_ALLOWED',
      subject: 'user:alice',
    });
  });

  test.each([
    ['subject', true],
    ['actor', false],
  ])('mode %s', async (mode, allowed) => {
    await world.write(forAlice);
    await world.setFile(
      fileOf(world.issuer, {
        map: `    subject: { type: user, id: claims.sub }
    actor: { type: agent, id: claims.?act.?sub, mode: ${mode} }`,
      }),
    );
    expect(await allowedTo({ relation: 'can_view' }, act)).toBe(allowed);
  });
});

describe('the ceiling of scopes', () => {
  test.each([
    ['', false],
    ['docs.read', false],
    ['docs.writes', false],
    ['docs.write', true],
    ['docs.read docs.admin', true],
  ])('scopes %j: %s', async (scope, allowed) => {
    await world.write('doc:1#viewer@user:alice');
    expect(await allowedTo({ relation: 'can_edit' }, { scope })).toBe(allowed);
    expect(await allowedTo({ relation: 'can_view' }, { scope })).toBe(true);
  });

  test('a scope gives nothing that the relations do not', async () => {
    expect(await allowedTo({ relation: 'can_edit' }, { scope: 'docs.write' })).toBe(false);
  });

  test('an explanation names the scopes', async () => {
    await world.write('doc:1#viewer@user:alice');
    const asked = { store_id: world.store, subject: 'user:alice', object: 'doc:1' };
    const options = { subjectToken: world.token() };
    const { body } = await world.ask('Explain', { ...asked, relation: 'can_edit' }, options);
    expect(body).toMatchObject({
      outcome: 'OUTCOME_DENIED',
      missing_scopes: ['docs.write', 'docs.admin'],
      obligations: [],
    });
  });
});

describe('step-up', () => {
  const challenge =
    'Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is needed", acr_values="high higher", max_age="300"';
  const signedIn = (acr: string, secondsAgo: number) => ({
    acr,
    auth_time: Math.floor(world.clock.time / 1_000) - secondsAgo,
  });

  describe.each(everyApi)('%s', (_name, ask) => {
    test.each([
      // relations, acr, seconds since the sign-in: allowed, challenged
      [true, 'high', 0, true, false],
      [true, 'higher', 300, true, false],
      [true, 'low', 0, false, true],
      [true, 'high', 301, false, true],
      [false, 'high', 0, false, false],
      [false, 'low', 0, false, false],
    ])(
      'relations %s, acr %s, %d s ago: %s, challenged %s',
      async (related, acr, ago, allowed, told) => {
        if (related) await world.write('doc:1#viewer@user:alice');
        const options = { subjectToken: world.token(signedIn(acr, ago)) };
        // What the caller says of the sign-in is not heard.
        const context = { acr: 'high', token_acr: 'high', auth_time: 1e10 };
        const question = { ...alice, relation: 'can_close', context };
        const answer = await ask(world, question, options);
        expect(answer.allowed).toBe(allowed);
        expect(answer.headers['pemba-step-up']).toBe(told ? challenge : undefined);
      },
    );
  });

  test('a batch says for which of its checks', async () => {
    await world.write('doc:1#viewer@user:alice');
    const check = (correlation_id: string, object: string, relation: string) => ({
      correlation_id,
      tuple_key: { user: 'user:alice', object, relation },
    });
    const checks = [
      check('a', 'doc:1', 'can_close'),
      check('b', 'doc:1', 'can_view'),
      check('c', 'doc:2', 'can_close'),
      check('d', 'doc:1', 'can_close'),
    ];
    const request = { store_id: world.store, checks };
    const { body, headers } = await world.ask('BatchCheck', request, {
      subjectToken: world.token(),
    });
    expect(headers).toMatchObject({ 'pemba-step-up': challenge, 'pemba-step-up-checks': 'a,d' });
    expect(
      Object.values(body.result).map((each) => (each as { allowed: boolean }).allowed),
    ).toEqual([false, true, false, false]);
  });

  test('as data: an obligation of the relation', async () => {
    await world.write('doc:1#viewer@user:alice');
    const obligation = {
      relation: 'can_close',
      acr_values: ['high', 'higher'],
      amr_all: [],
      amr_any: [],
      max_age: 300,
      challenge,
    };
    const asked = { store_id: world.store, subject: 'user:alice', object: 'doc:1' };
    const options = { subjectToken: world.token() };
    const { body } = await world.ask('ListRelations', asked, options);
    expect(body.obligations).toEqual([obligation]);
    expect(body.relations).toEqual(['viewer', 'can_view']);
    const explained = await world.ask('Explain', { ...asked, relation: 'can_close' }, options);
    expect(explained.body).toMatchObject({ outcome: 'OUTCOME_DENIED', obligations: [obligation] });
  });

  test('the actor of a delegated token must be allowed before anybody is challenged', async () => {
    await world.write('doc:1#viewer@user:alice');
    const { allowed, headers } = await check({ relation: 'can_close' }, { act: { sub: 'bot' } });
    expect([allowed, headers['pemba-step-up']]).toEqual([false, undefined]);
  });
});

describe('what cannot be told', () => {
  const ask = (claims: object) => check({ relation: 'secret' }, claims);

  beforeEach(async () => {
    const condition = { name: 'strong', context: { level: 'high' } };
    await world.writeUnguarded([{ ...tupleKey('doc:1#secret@user:alice'), condition }]);
    await world.setFile(
      fileOf(world.issuer, {
        // Says nothing of `token_acr`.
        map: `    subject: { type: user, id: claims.sub }
    actor: { type: agent, id: claims.?act.?sub }`,
        more: 'step_up: [{ type: doc, relation: secret, acr_any: [high] }]',
      }),
    );
  });

  test('is neither denied nor challenged', async () => {
    const refusal = await refusalOf(ask({}));
    expect(refusal.message).toContain("missing context parameters '[token_acr]'");
  });

  test('is no, where another who must be allowed is denied', async () => {
    expect((await ask({ act: { sub: 'bot' } })).allowed).toBe(false);
  });
});

describe('a batch', () => {
  test('that asks about somebody else too is refused as a whole', async () => {
    const checks = ['user:alice', 'user:bob'].map((user, i) => ({
      correlation_id: `${i}`,
      tuple_key: { user, relation: 'viewer', object: 'doc:1' },
    }));
    const request = { store_id: world.store, checks };
    const refusal = await world.refusal('BatchCheck', request, { subjectToken: world.token() });
    expect(refusal).toMatchObject({ code: 'forbidden' });
  });
});

describe('pages', () => {
  const objects = Array.from({ length: 5 }, (_, i) => `doc:${i}`);
  let first: { subjectToken: string };
  let cursor: string;
  const page = (options: object, more: object = {}) =>
    world.ask(
      'QueryService/ListObjects',
      { store_id: world.store, subject: 'user:alice', types: ['doc'], page_size: 2, ...more },
      options,
    );

  beforeEach(async () => {
    await world.write(
      ...objects.map((object) => `${object}#viewer@group:eng#member`),
      ...objects.map((object) => `${object}#viewer@group:ops#member`),
    );
    first = { subjectToken: world.token({ groups: ['eng'] }) };
    cursor = (await page(first)).body.cursor;
  });

  test.each([0, 1_000, 60_000, 600_000])(
    'go on %d ms later, also with a refreshed token',
    async (ms) => {
      // The mapped context holds the time; the list is that of its first page.
      world.clock.time += ms;
      const refreshed = { subjectToken: world.token({ groups: ['eng'] }) };
      for (const options of [first, refreshed]) {
        const { body } = await page(options, { cursor });
        expect(body.objects.map(({ object }: { object: string }) => object)).toEqual([
          'doc:2',
          'doc:3',
        ]);
      }
    },
  );

  test.each<[string, object]>([
    ['without a token', {}],
    ['of fewer groups', { claims: { groups: [] } }],
    ['of other groups', { claims: { groups: ['ops'] } }],
    ['of more groups', { claims: { groups: ['eng', 'ops'] } }],
    ['of another sign-in', { claims: { groups: ['eng'], acr: 'low' } }],
    ['of another context', { claims: { groups: ['eng'], desk: 'x' } }],
    ['of other scopes', { claims: { groups: ['eng'], scope: 'docs.write' } }],
    ['that is delegated', { claims: { groups: ['eng'], act: { sub: 'bot' } } }],
  ])('a call %s does not go on with them', async (_name, { claims }: { claims?: object }) => {
    const options = claims === undefined ? {} : { subjectToken: world.token(claims) };
    const refusal = await refusalOf(page(options, { cursor }));
    expect(refusal.code).toBe('invalid_continuation_token');
  });

  test('nor does another subject, in their own name or in the first one’s', async () => {
    const bob = { subjectToken: world.token({ sub: 'bob', groups: ['eng'] }) };
    expect((await refusalOf(page(bob, { cursor }))).code).toBe('forbidden');
    const own = await refusalOf(page(bob, { cursor, subject: 'user:bob' }));
    expect(own.code).toBe('invalid_continuation_token');
  });

  test('left to the token, a list is of whoever it is for', async () => {
    await world.setFile(fileOf(world.issuer, { binding: 'substitute' }));
    const me = { subject: 'user:me' };
    const alice = await page(first, me);
    expect(alice.body.count).toBe(5);
    const bob = { subjectToken: world.token({ sub: 'bob', groups: [] }) };
    // The very same request, whose list the server has kept.
    expect((await page(bob, me)).body.count).toBe(0);
    const refusal = await refusalOf(page(bob, { ...me, cursor: alice.body.cursor }));
    expect(refusal.code).toBe('invalid_continuation_token');
  });

  test('each goes on with their own of two lists kept for the same words', async () => {
    await world.setFile(fileOf(world.issuer, { binding: 'substitute' }));
    await world.write('doc:7#viewer@group:ops#member', 'doc:8#viewer@group:ops#member');
    const bob = { subjectToken: world.token({ sub: 'bob', groups: ['ops'] }) };
    const rest: Record<string, unknown> = {};
    const starts = { alice: first, bob };
    const asked = { subject: 'user:me', page_size: 4 };
    const cursors: Record<string, string> = {};
    for (const [name, who] of Object.entries(starts)) {
      cursors[name] = (await page(who, asked)).body.cursor;
    }
    for (const [name, who] of Object.entries(starts)) {
      const { body } = await page(who, { ...asked, cursor: cursors[name] });
      rest[name] = body.objects.map(({ object }: { object: string }) => object);
    }
    expect(rest).toEqual({ alice: ['doc:4'], bob: ['doc:4', 'doc:7', 'doc:8'] });
  });
});

describe('a reload of the file', () => {
  test('holds for tokens that are known already', async () => {
    await world.write('doc:1#viewer@group:eng#member');
    const subjectToken = world.token();
    const ask = async () =>
      (await apis.Check!(world, { ...alice, relation: 'viewer' }, { subjectToken })).allowed;
    expect(await ask()).toBe(true);
    await world.setFile(
      fileOf(world.issuer, { map: '    subject: { type: user, id: claims.sub }' }),
    );
    expect(await ask()).toBe(false);
  });
});
