// `pemba identity` as a process of its own: lint, and explain with a real issuer on this machine.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { keys, openWorld, type World } from '../authn/world.ts';
import { identityText, modelText } from '../middleware/fixture.ts';
import { type Ended, ended, folderOf, pemba, pembaJson, start, startTestServer } from './run.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** The commands live in real time, unlike the clock of the world. */
const seconds = Math.floor(Date.now() / 1_000);
const token = (more: object = {}, header: object = {}, key = keys.es) =>
  world.token({ iat: seconds, exp: seconds + 600, groups: ['eng'], ...more }, header, key);

const folderWith = (files: Record<string, string> = {}) =>
  folderOf({ 'identity.yaml': identityText(world.issuer.issuer), ...files });

/** Explains a token, and sees to it that no part of it is printed. */
async function explain(text: string, ...more: string[]): Promise<Ended> {
  using folder = folderWith({ 'token.txt': `${text}\n` });
  const file = ['--file', folder.file('identity.yaml'), '--token', folder.file('token.txt')];
  const done = await pemba(['identity', 'explain', ...file, ...more]);
  for (const part of text.split('.').filter((part) => part.length > 10)) {
    expect(done.stdout + done.stderr).not.toContain(part.slice(0, 40));
  }
  return done;
}

const explainJson = async (text: string, ...more: string[]) => {
  const { code, stdout } = await explain(text, '--json', ...more);
  return { code, ...JSON.parse(stdout) };
};

describe('lint', () => {
  test('a file that fits its model', async () => {
    using folder = folderWith({ 'model.fga': modelText });
    const [file, model] = [folder.file('identity.yaml'), folder.file('model.fga')];
    const alone = await pemba(['identity', 'lint', file]);
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('by itself') });
    const beside = await pemba(['identity', 'lint', file, '--model', model]);
    expect(beside).toMatchObject({ code: 0, stdout: `valid ${file}\n` });
    expect(await pembaJson(['identity', 'lint', file])).toEqual({ is_valid: true, faults: [] });
  });

  test('every fault of a file, with its line', async () => {
    const broken = identityText(world.issuer.issuer)
      .replace('claims.sub', 'claims.sub +')
      .replace('can_share,', '"can share",')
      .replace('each: claims.?groups', 'each: claims.?groups.matches("x")');
    using folder = folderOf({ 'identity.yaml': broken });
    const done = await pemba(['identity', 'lint', 'identity.yaml'], { cwd: folder.path });
    expect(done.code).toBe(1);
    // The form is judged first: expressions are not looked at in a file of another form.
    expect(done.stdout).toBe(
      'identity.yaml:15: scope_ceiling[0].relation: `can share` is not the name of a relation, ' +
        'as the model has it: a literal\n1 fault\n',
    );
    const formed = broken.replace('"can share"', 'can_share');
    using other = folderOf({ 'identity.yaml': formed });
    const { code, stdout } = await pemba(['identity', 'lint', 'identity.yaml'], {
      cwd: other.path,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^identity\.yaml:10: maps\.people\.subject\.id: `claims\.sub \+`/);
    expect(stdout).toMatch(/\nidentity\.yaml:13: .*regular expressions are not taken/);
    expect(stdout).toMatch(/\n3 faults\n$/);
  });

  test('what the model does not take, from a file and from a store', async () => {
    const model = modelText.replace('define member: [user]', 'define member: [agent]');
    using folder = folderWith({ 'model.fga': model });
    const file = folder.file('identity.yaml');
    const fault =
      "maps.people.tuples[0]: `group#member` takes no `user`; add it to the relation's types, or map another";
    const expected = { is_valid: false, faults: [{ file, line: 13, message: fault }] };
    const args = ['identity', 'lint', file, '--json'];
    const beside = await pemba([...args, '--model', folder.file('model.fga')]);
    expect([beside.code, JSON.parse(beside.stdout)]).toEqual([1, expected]);

    const server = await startTestServer();
    try {
      const api = ['--api-url', server.url];
      const store = await pembaJson(['store', 'create', '--name', 'documents', ...api]);
      const { id } = store;
      const empty = await pemba([...args, ...api, '--store-id', id]);
      expect(empty).toMatchObject({ code: 4, stderr: expect.stringContaining('no model') });
      const init = { method: 'POST', body: JSON.stringify(await modelFromDsl(model)) };
      await fetch(`${server.url}/stores/${id}/authorization-models`, init);
      const stored = await pemba([...args, ...api, '--store-id', id]);
      expect([stored.code, JSON.parse(stored.stdout)]).toEqual([1, expected]);
      // A store in the environment is for other commands.
      const env = { PEMBA_STORE_ID: id, PEMBA_API_URL: server.url };
      expect(await pemba(['identity', 'lint', file], { env })).toMatchObject({ code: 0 });
    } finally {
      await server.close();
    }
  });

  test('files that are not there, are no model, or are named beside a store', async () => {
    using folder = folderWith({ 'model.fga': 'model\n  schema 1.1\ntype user user\n' });
    const lint = (...args: string[]) => pemba(['identity', 'lint', ...args]);
    const [file, model] = [folder.file('identity.yaml'), folder.file('model.fga')];
    expect(await lint(folder.file('other.yaml'))).toMatchObject({ code: 6 });
    expect(await lint(file, '--model', folder.file('other.fga'))).toMatchObject({ code: 6 });
    expect(await lint(file, '--model', model)).toMatchObject({ code: 6 });
    const storeId = ['--store-id', '01J00000000000000000000000'];
    expect(await lint(file, '--model', model, ...storeId)).toMatchObject({ code: 2 });
    expect(await lint()).toMatchObject({ code: 2 });
  });
});

test('a query brings the token of a person, from a file alone', async () => {
  const seen: unknown[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers['pemba-subject-token']);
    response.setHeader('pemba-step-up', 'Bearer error="insufficient_user_authentication"');
    response.end('{"allowed":false}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const env = {
    PEMBA_API_URL: `http://127.0.0.1:${port}`,
    PEMBA_STORE_ID: '01J00000000000000000000000',
  };
  using folder = folderOf({ 'anne.token': 'a.b.c\n' });
  const check = ['query', 'check', 'user:anne', 'viewer', 'document:1'];
  const asked = (file: string) =>
    pemba([...check, '--subject-token-file', folder.file(file)], { env });
  expect(await asked('anne.token')).toMatchObject({
    code: 0,
    stdout: 'denied\n',
    stderr: expect.stringContaining('it takes a better sign-in: Bearer error='),
  });
  expect(await asked('other.token')).toMatchObject({ code: 6 });
  expect(seen).toEqual(['a.b.c']);
  await new Promise((done) => server.close(done));
});

describe('explain', () => {
  test('a good token: who is asked about, with which tuples and context', async () => {
    const text = token({ acr: 'phr', act: { sub: 'helper' } });
    const { code, stdout } = await explain(text);
    expect(code).toBe(0);
    for (const line of [
      'verified',
      `  issuer      ${world.issuer.issuer}`,
      '  claims.?groups',
      '  reads groups',
      '  → group:eng#member',
      '  reads email_verified (not there)',
      '  must all be allowed: user:alice, agent:helper',
      '  user:alice member group:eng',
      '  token_acr = "phr"',
    ]) {
      expect(stdout.split('\n')).toContain(line);
    }
    expect(await explainJson(text)).toMatchObject({
      code: 0,
      verified: true,
      says: { issuer: world.issuer.issuer, type: 'at+jwt', algorithm: 'ES256' },
      map: 'people',
      users: ['user:alice', 'agent:helper'],
      actor: { user: 'agent:helper', mode: 'both' },
      tuples: [{ user: 'user:alice', relation: 'member', object: 'group:eng' }],
      context: { token_acr: 'phr' },
      scopes: ['fga.check', 'fga.read'],
      sign_in: { acr: 'phr', amr: [], auth_time: null },
      refusal: null,
    });
  });

  test('a token of standard input', async () => {
    using folder = folderWith();
    const args = ['--file', folder.file('identity.yaml'), '--token', '-'];
    const child = start(['identity', 'explain', ...args], { input: `  ${token()}\n` });
    expect(await ended(child)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('user:alice member group:eng'),
    });
  });

  const refused: [name: string, make: () => string, reason: string, code: string][] = [
    [
      'has expired',
      () => token({ exp: seconds - 60, iat: seconds - 600 }),
      'expired',
      'invalid_claims',
    ],
    [
      'is for another audience',
      () => token({ aud: 'https://other.example.com' }),
      'audience_wrong',
      'auth_failed_invalid_audience',
    ],
    [
      'is of a stranger',
      () => token({ iss: 'https://evil.example.com/' }),
      'issuer_unknown',
      'auth_failed_invalid_issuer',
    ],
    [
      'is signed by another',
      () => token({}, {}, { ...keys.other, kid: keys.es.kid }),
      'signature_wrong',
      'auth_failed_invalid_bearer_token',
    ],
    [
      'is an ID token',
      () => token({}, { typ: 'JWT' }),
      'type_refused',
      'auth_failed_invalid_bearer_token',
    ],
    [
      'is no token',
      () => 'not-a-token-at-all',
      'token_malformed',
      'auth_failed_invalid_bearer_token',
    ],
  ];
  test.each(refused)(
    'a token that %s: why, and nothing is mapped',
    async (_what, make, reason, code) => {
      const done = await explainJson(make());
      expect(done).toMatchObject({ code: 1, verified: false, map: null, steps: [] });
      expect(done.refusal).toMatchObject({ reason, code });
      expect(done.tuples).toBeUndefined();
    },
  );

  test('a token that is refused, for people', async () => {
    const { code, stdout } = await explain(token({ exp: seconds - 60, iat: seconds - 600 }));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^NOT VERIFIED\n/);
    expect(stdout).toContain('refused expired: ');
  });

  test('claims that the file refuses: where and why', async () => {
    const { code, stdout } = await explain(token({ groups: [''] }));
    expect(code).toBe(1);
    expect(stdout).toContain('refused id_empty: ');
    expect(stdout).toContain('`maps.people.tuples[0].object.id`');
    expect(stdout).toContain('→ not reached');
    const json = await explainJson(token({ email_verified: false }));
    expect(json).toMatchObject({
      code: 1,
      verified: true,
      refusal: { reason: 'requirement_not_met', place: 'maps.people.require' },
    });
  });

  test('without verifying: offline, and marked as such', async () => {
    const asked = world.issuer.requests.length;
    const forged = token({ sub: 'root' }, {}, { ...keys.other, kid: keys.es.kid });
    const { code, stdout, stderr } = await explain(forged, '--no-verify');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NOT VERIFIED\n/);
    expect(stderr).toContain('NOT VERIFIED');
    expect(stdout).toContain('user:root member group:eng');
    expect(await explainJson(forged, '--no-verify')).toMatchObject({ code: 0, verified: false });
    // Even so, what is no token is none.
    expect(await explainJson('a.b.c', '--no-verify')).toMatchObject({
      code: 1,
      refusal: { reason: 'token_malformed' },
    });
    const stranger = token({ iss: 'https://evil.example.com/' });
    expect(await explainJson(stranger, '--no-verify')).toMatchObject({
      code: 1,
      refusal: { reason: 'unknown_issuer' },
    });
    expect(world.issuer.requests.length).toBe(asked);
  });

  test('an issuer that cannot be reached is no fault of the token', async () => {
    await using away = await openWorld();
    const text = away.token({ iat: seconds, exp: seconds + 600 });
    using folder = folderOf({
      'identity.yaml': identityText(away.issuer.issuer),
      'token.txt': text,
    });
    await away.issuer.stop();
    const files = ['--file', folder.file('identity.yaml'), '--token', folder.file('token.txt')];
    const done = await pemba(['identity', 'explain', ...files]);
    expect(done).toMatchObject({ code: 3, stderr: expect.stringContaining('--no-verify') });
    await away.issuer.start();
  });

  test('claims cannot steer a terminal', async () => {
    const { stdout } = await explain(token({ acr: '\u001b[2J\u009b2J\u202e', scope: 'a\u0007b' }));
    expect(stdout).not.toMatch(/[^\n\P{C}]/u);
    expect(stdout).toContain('\\u{9b}2J\\u{202e}');
  });

  test('files that are not there, or hold nothing', async () => {
    using folder = folderWith({ 'token.txt': ' \n', 'broken.yaml': 'version: 2' });
    const explained = (file: string, text: string) =>
      pemba(['identity', 'explain', '--file', folder.file(file), '--token', folder.file(text)]);
    expect(await explained('identity.yaml', 'other.txt')).toMatchObject({ code: 6 });
    expect(await explained('other.yaml', 'token.txt')).toMatchObject({ code: 6 });
    expect(await explained('broken.yaml', 'token.txt')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('line 1'),
    });
    expect(await explained('identity.yaml', 'token.txt')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('there is no token'),
    });
    expect(await pemba(['identity', 'explain'])).toMatchObject({ code: 2 });
  });
});
