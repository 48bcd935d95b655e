// `requirePermission` on the real Express, Fastify and Hono: who is let through, and how the others
// are answered.
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MappingRefusal } from '../../src/identity.ts';
import { checkInStore } from '../../src/middleware/check-in-store.ts';
import type { Check } from '../../src/middleware/permission.ts';
import { badTokens } from '../authn/bad-tokens.ts';
import { ask, type Fixture, logged, openFixture } from './fixture.ts';
import { frameworks } from './frameworks.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const eng = { groups: ['eng'] };
const token = (more: object = {}) => fixture.world.token(more);
const gate = () => ({ identity: fixture.identity, check: checkInStore(fixture.store) });

describe.each(frameworks)('%s', (_name, serve) => {
  test('the group of the token lets through, and the handler knows who came', async () => {
    await using app = await serve(gate());
    const answer = await ask(app, '/view/plan', token(eng));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      users: ['user:alice'],
      relation: 'can_view',
      object: 'document:plan',
      claims: { sub: 'alice', groups: ['eng'] },
    });
    expect(await ask(app, '/whole/plan', token(eng))).toMatchObject({ status: 200 });
  });

  test('no permission is 403, without a challenge', async () => {
    await using app = await serve(gate());
    for (const claims of [{}, { groups: ['ops'] }, { groups: ['eng'], email_verified: false }]) {
      const answer = await ask(app, '/view/plan', token(claims));
      expect(answer).toMatchObject({ status: 403, challenge: null, body: { error: 'forbidden' } });
    }
    expect(await ask(app, '/view/other', token(eng))).toMatchObject({ status: 403 });
    expect(app.reached).toEqual([]);
  });

  test('no token is 401 with a bare challenge', async () => {
    await using app = await serve(gate());
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer a, b' }]) {
      const answer = await ask(app, '/view/plan', undefined, { headers });
      expect(answer).toMatchObject({ status: 401, challenge: 'Bearer' });
    }
    const inQuery = await ask(app, `/view/plan?access_token=${token(eng)}`, undefined);
    expect(inQuery).toMatchObject({ status: 401, challenge: 'Bearer' });
    const head = await ask(app, '/view/plan', undefined, { method: 'HEAD' });
    expect(head.status).toBe(401);
    expect(app.reached).toEqual([]);
  });

  test('each bad token is 401 with a challenge that says what is wrong', async () => {
    await using app = await serve(gate());
    const { world } = fixture;
    const forCallers = Object.values(badTokens)
      .flat()
      .filter(([, reason]) => reason !== 'issuer_unfit' && reason !== 'token_too_large');
    expect(forCallers.length).toBeGreaterThan(100);
    for (const [name, , make] of forCallers) {
      const text = make(world);
      // What no header can carry never comes.
      if (!/^[\x21-\x7e]+$/.test(text)) continue;
      const { status, challenge } = await ask(app, '/view/plan', text);
      expect({ name, status }).toEqual({ name, status: 401 });
      expect(challenge, name).toMatch(
        /^Bearer( error="invalid_token", error_description="[\x20\x21\x23-\x5b\x5d-\x7e]+")?$/,
      );
    }
    expect(app.reached).toEqual([]);
  });

  test('claims that cannot be mapped are 401', async () => {
    await using app = await serve(gate());
    for (const claims of [{ groups: 'eng' }, { groups: [7] }, { groups: [''] }]) {
      const answer = await ask(app, '/view/plan', token(claims));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      expect(answer.challenge).toMatch(/^Bearer error="invalid_token"/);
    }
  });

  test('a sign-in that is not enough is challenged, but only where relations allow', async () => {
    await using app = await serve(gate());
    const { seconds } = fixture.world.clock;
    const strong = { acr: 'phr', auth_time: seconds - 10 };
    const rows: [claims: object, status: number][] = [
      [{ ...eng, ...strong }, 200],
      [eng, 401],
      [{ ...eng, ...strong, acr: 'pwd' }, 401],
      [{ ...eng, ...strong, auth_time: seconds - 301 }, 401],
      [strong, 403],
      [{}, 403],
    ];
    for (const [claims, status] of rows) {
      const answer = await ask(app, '/delete/plan', token(claims));
      expect({ claims, status: answer.status }).toEqual({ claims, status });
      if (status !== 401) continue;
      expect(answer.challenge).toBe(
        'Bearer error="insufficient_user_authentication", ' +
          'error_description="A stronger or more recent sign-in is needed", ' +
          'acr_values="phr phrh", max_age="300"',
      );
      expect(answer.body.step_up).toEqual({ acr_values: ['phr', 'phrh'], max_age: 300 });
    }
    expect(app.reached).toHaveLength(1);
  });

  test('a scope that lacks is 403 and named, where relations allow', async () => {
    await using app = await serve(gate());
    const scope = 'fga.check docs.all';
    expect(await ask(app, '/share/plan', token({ ...eng, scope }))).toMatchObject({ status: 200 });
    expect(await ask(app, '/share/plan', token(eng))).toMatchObject({
      status: 403,
      challenge: expect.stringMatching(
        /^Bearer error="insufficient_scope".* scope="docs.share docs.all"$/,
      ),
      body: { error: 'insufficient_scope' },
    });
    expect(await ask(app, '/share/plan', token({ scope }))).toMatchObject({
      status: 403,
      challenge: null,
    });
  });

  test('who acts for somebody is let through only if both are allowed', async () => {
    await using app = await serve(gate());
    const act = (sub: unknown, more: object = {}) => token({ ...eng, act: { sub }, ...more });
    expect(await ask(app, '/view/plan', act('helper'))).toMatchObject({
      status: 200,
      body: { users: ['user:alice', 'agent:helper'] },
    });
    expect(await ask(app, '/view/plan', act('stranger'))).toMatchObject({ status: 403 });
    expect(await ask(app, '/view/plan', act('helper', { groups: [] }))).toMatchObject({
      status: 403,
    });
    expect(await ask(app, '/view/plan', token({ ...eng, act: {} }))).toMatchObject({ status: 401 });
  });

  test('an id that can be none is denied, and nobody is asked', async () => {
    const questions: string[] = [];
    const check: Check = ({ object }) => questions.push(object) > 0;
    await using app = await serve({ ...gate(), check });
    const ids = ['*', 'plan#viewer', 'a:b', 'document:plan', 'a b', 'a\tb', 'a\n', 'x'.repeat(248)];
    for (const id of [...ids, '\u0000', 'plan\u0085']) {
      for (const path of ['view', 'whole']) {
        const answer = await ask(app, `/${path}/${encodeURIComponent(id)}`, token(eng));
        expect({ id, path, status: answer.status }).toEqual({ id, path, status: 403 });
      }
    }
    expect(questions).toEqual([]);
    const fine = ['plan', 'ümlaut', 'a@b.c', 'a/b', '__proto__', 'x'.repeat(247), '..;/..'];
    for (const id of fine) await ask(app, `/view/${encodeURIComponent(id)}`, token(eng));
    expect(questions).toEqual(fine.map((id) => `document:${id}`));
  });

  test('context comes from the request, but never what the token alone may say', async () => {
    await using app = await serve(gate());
    const near = (claims: object, place: object) =>
      ask(app, '/near/board', token({ sub: 'bob', ...claims }), {
        headers: { 'x-place': JSON.stringify(place) },
      });
    expect(await near({ acr: 'phr' }, { place: 'here' })).toMatchObject({ status: 200 });
    expect(await near({ acr: 'phr' }, { place: 'there' })).toMatchObject({ status: 403 });
    expect(await near({}, { place: 'here', token_acr: 'phr' })).toMatchObject({ status: 403 });
    // A condition that lacks a value has no answer.
    expect(await near({ acr: 'phr' }, {})).toMatchObject({ status: 503, retryAfter: '1' });
  });

  const undecided: [name: string, check: () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    [
      'throws what is no error',
      () => {
        throw 'no';
      },
    ],
    [
      'throws a refusal about tokens',
      () => {
        throw new MappingRefusal('id_empty', '');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['is never done', () => new Promise(() => {})],
    ...[undefined, null, 1, 'true', 'allowed', {}, { allowed: true }, [true]].map(
      (value): [string, () => unknown] => [`answers ${inspect(value)}`, () => value],
    ),
  ];
  test.each(undecided)('a check that %s is 503', async (_what, check) => {
    await using app = await serve({ ...gate(), check: check as Check, timeoutMs: 20 });
    const answer = await ask(app, '/view/plan', token(eng));
    expect(answer).toMatchObject({
      status: 503,
      retryAfter: '1',
      challenge: null,
      body: { error: 'temporarily_unavailable' },
    });
    expect(app.reached).toEqual([]);
  });

  test('one answer of two that cannot be told is 503, whatever the other is', async () => {
    for (const other of [true, false]) {
      const check: Check = ({ subject }) => {
        if (subject === 'user:alice') return other;
        throw new Error('no');
      };
      await using app = await serve({ ...gate(), check });
      const answer = await ask(app, '/view/plan', token({ ...eng, act: { sub: 'helper' } }));
      expect(answer.status).toBe(503);
    }
  });

  test('an application that cannot name the object is 503', async () => {
    await using app = await serve(gate());
    expect(await ask(app, '/broken', token(eng))).toMatchObject({ status: 503 });
    // But who shows no token learns nothing of that.
    expect(await ask(app, '/broken', undefined)).toMatchObject({ status: 401 });
  });

  test('a mapper that names nobody lets nobody through', async () => {
    const { identity } = fixture;
    const nobody = {
      ...identity,
      contextual: () => ({ users: [], contextualTuples: [], context: {} }),
    };
    await using app = await serve({ identity: nobody, check: () => true });
    expect(await ask(app, '/view/plan', token(eng))).toMatchObject({ status: 503 });
  });

  test('the log is told why, and never of the token; the answer tells less', async () => {
    const secret = 'a-claim-that-nobody-may-read';
    const check: Check = () => {
      throw new Error('the database is at 10.0.0.7');
    };
    const { gate: told, log } = logged({ ...gate(), check });
    await using app = await serve(told);
    const good = token({ ...eng, secret });
    const { body } = await ask(app, '/view/plan', good);
    expect(JSON.stringify(body)).not.toContain('10.0.0.7');
    expect(inspect(log[0]?.cause)).toContain('10.0.0.7');
    await ask(app, '/view/plan', `${good.slice(0, -4)}AAAA`);
    await ask(app, '/view/plan', token({ groups: secret }));
    await ask(app, '/view/a:b', token(eng));
    expect(log.map(({ status }) => status)).toEqual([503, 401, 401, 403]);
    expect(inspect(log, { depth: null })).not.toContain(secret);
    expect(inspect(log, { depth: null })).not.toContain(good.split('.')[1]);
  });

  test('a log that fails lets nobody through', async () => {
    const onRefused = () => {
      throw new Error('the log is full');
    };
    await using app = await serve({ ...gate(), onRefused });
    expect((await ask(app, '/view/plan', undefined)).status).toBe(500);
    expect(app.reached).toEqual([]);
  });
});
