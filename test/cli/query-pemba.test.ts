/** `pemba query check --explain` and `list-relations`: what only a Pemba server answers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { folderOf, pemba, pembaJson, startTestServer } from './run.ts';

const store = `name: Docs
model: |
  model
    schema 1.1

  type user

  type folder
    relations
      define viewer: [user]

  type document
    relations
      define banned: [user]
      define parent: [folder]
      define owner: [user with until]
      define viewer: [user, user:*] or owner or viewer from parent
      define reader: viewer but not banned

  condition until(end: int, now: int) {
    now < end
  }
tuples:
  - { user: 'folder:1', relation: parent, object: 'document:1' }
  - { user: 'user:bob', relation: viewer, object: 'folder:1' }
  - { user: 'user:dan', relation: viewer, object: 'folder:1' }
  - { user: 'user:dan', relation: banned, object: 'document:1' }
  - user: user:anne
    relation: owner
    object: document:1
    condition: { name: until, context: { end: 5 } }
`;

let server: Awaited<ReturnType<typeof startTestServer>>;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startTestServer();
  env = { PEMBA_API_URL: server.url };
  using folder = folderOf({ 'store.fga.yaml': store });
  const file = folder.file('store.fga.yaml');
  const { store: made } = await pembaJson(['store', 'import', '--file', file], { env });
  env = { ...env, PEMBA_STORE_ID: made.id };
});
afterAll(() => server.close());

const explain = (user: string, relation: string, ...more: string[]) =>
  pemba(['query', 'check', user, relation, 'document:1', '--explain', ...more], { env });

test('allowed: the way that proves it', async () => {
  expect(await explain('user:bob', 'reader', '--exit-code')).toEqual({
    code: 0,
    stderr: '',
    stdout: `allowed
[yes] document:1#reader
  [yes] document:1#viewer
    [yes] through tuple folder:1 parent document:1
      [yes] folder:1#viewer
        [yes] tuple user:bob viewer folder:1
  but not
    [no] document:1#banned
      [no] no tuple makes the subject banned of document:1
`,
  });
});

test('denied: what was tried, and what would allow it', async () => {
  const { code, stdout } = await explain('user:eve', 'viewer', '--exit-code');
  expect(code).toBe(1);
  expect(stdout).toBe(`denied
[no] document:1#viewer, any of
  [no] no tuple makes the subject viewer of document:1
  [no] document:1#owner
    [no] no tuple makes the subject owner of document:1
  [no] through tuple folder:1 parent document:1
    [no] folder:1#viewer
      [no] no tuple makes the subject viewer of folder:1
allowed if you add one of
  user:eve viewer document:1
  user:eve viewer folder:1
`);
  const banned = await explain('user:dan', 'reader');
  expect(banned.stdout).toMatch(/but not\n {4}\[yes\] document:1#banned\n {6}\[yes\] tuple/);
  expect(banned.stdout).not.toContain('if you add');
});

test('conditional: what is missing', async () => {
  expect(
    (await explain('user:anne', 'owner')).stdout,
  ).toBe(`it depends on now: give values with --context
[unknown] document:1#owner
  [unknown] tuple user:anne owner document:1 with until {"end":5} lacks now
`);
  const late = await explain('user:anne', 'owner', '--context', '{"now":7}');
  expect(late.stdout).toContain('with until {"end":5,"now":7} is not met\n');
  const here = await explain(
    'user:eve',
    'viewer',
    '--contextual-tuple',
    'user:eve viewer folder:1',
  );
  expect(here.stdout).toContain('[yes] tuple user:eve viewer folder:1 (contextual)\n');
});

test('a tree that is too large says where it was cut', async () => {
  const names = Array.from({ length: limits.explainNestingMax }, (_, i) => `r${i}`);
  const model = `model
  schema 1.1
type user
type node
  relations
    define last: [user]
${names.map((name, i) => `    define ${name}: ${names[i + 1] ?? 'last'}`).join('\n')}
`;
  using folder = folderOf({ 'deep.fga': model });
  const file = folder.file('deep.fga');
  const { store: made } = await pembaJson(['store', 'create', '--name', 'Deep', '--model', file], {
    env,
  });
  const args = ['query', 'check', 'user:bob', 'r0', 'node:1', '--explain', '--store-id', made.id];
  const { stdout } = await pemba(args, { env });
  const last = `node:1#r${names.length - 1} (not shown whole)`;
  expect(stdout.replaceAll(/^ +/gm, '')).toContain(
    `\n[no] ${last}\n…\n(parts of the tree are left out for its size)\n`,
  );
});

test('--json is the answer as it came', async () => {
  const answer = JSON.parse((await explain('user:bob', 'viewer', '--json')).stdout);
  expect(answer).toMatchObject({ outcome: 'OUTCOME_ALLOWED', tree: { object: 'document:1' } });
});

test('list-relations: one a line, and those that cannot be computed on stderr', async () => {
  const list = (...args: string[]) => pemba(['query', 'list-relations', ...args], { env });
  expect(await list('user:bob', 'document:1')).toEqual({
    code: 0,
    stdout: 'viewer\nreader\n',
    stderr: '',
  });
  const asked = ['--relation', 'reader', '--relation', 'owner'];
  expect((await list('user:bob', 'document:1', ...asked)).stdout).toBe('reader\n');
  const anne = await list('user:anne', 'document:1', '--relation', 'owner');
  expect({ code: anne.code, stdout: anne.stdout }).toEqual({ code: 1, stdout: '' });
  expect(anne.stderr).toMatch(/^warning: owner: .*'\[now\]'\n$/);
  const json = await pembaJson(
    ['query', 'list-relations', 'user:anne', 'document:1', '--context', '{"now":1}'],
    { env },
  );
  expect(json).toEqual({
    relations: ['owner', 'viewer', 'reader'],
    unanswered: [],
    obligations: [],
  });
});

test('objects: one a line with its relations, all pages, a scope, a count', async () => {
  const list = (...args: string[]) => pemba(['query', 'objects', ...args], { env });
  expect(await list('user:bob', '--page-size', '1')).toEqual({
    code: 0,
    stdout: 'folder:1  viewer\ndocument:1  viewer, reader\n',
    stderr: '',
  });
  expect((await list('user:bob', '--relation', 'viewer')).stdout).toBe('folder:1\ndocument:1\n');
  expect((await list('user:bob', '--type', 'document', '--count')).stdout).toBe('1\n');
  const scope = ['--under', 'folder:1', '--via', 'parent', '--direct'];
  expect((await list('user:dan', ...scope)).stdout).toBe('document:1  banned, viewer\n');
  const half = await list('user:dan', '--under', 'folder:1');
  expect(half).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('both --under and --via'),
  });
  const anne = await list('user:anne', '--relation', 'owner');
  expect({ code: anne.code, stdout: anne.stdout }).toEqual({ code: 1, stdout: '' });
  expect(anne.stderr).toMatch(/^warning: document:1 owner: .*'\[now\]'\n$/);
  const args = ['query', 'objects', 'user:bob', '--type', 'folder', '--page-size', '1'];
  expect(await pembaJson(args, { env })).toEqual({
    objects: [{ object: 'folder:1', relations: ['viewer'], unanswered: [] }],
    count: 1,
    consistency_token: expect.any(String),
  });
  const refused = await list('robot:1', '--json');
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 4, stdout: '' });
});

test('subjects: one a line, and whom a wildcard excepts', async () => {
  const list = (...args: string[]) => pemba(['query', 'subjects', ...args], { env });
  const asked = ['document:1', '--relation', 'viewer', '--type', 'user', '--context', '{"now":1}'];
  expect((await list(...asked, '--page-size', '1')).stdout).toBe('user:anne\nuser:bob\nuser:dan\n');
  expect((await list(...asked, '--count')).stdout).toBe('3\n');
  const folder = await list('folder:1', '--contextual-tuple', 'user:eve viewer folder:1');
  expect(folder.stdout).toBe(
    'user:bob  viewer\nuser:dan  viewer\nuser:eve  viewer\nfolder:1#viewer  viewer\n',
  );
  const wide = ['--contextual-tuple', 'user:* viewer document:1', '--context', '{"now":9}'];
  const open = await list('document:1', '--relation', 'reader', '--type', 'user', ...wide);
  expect(open.stdout).toBe('user:*  except user:dan\nuser:bob\n');
});

test('a server that is no Pemba: one line that says so', async () => {
  const stock = createServer((_, response) => {
    response.writeHead(404).end('{"code":"undefined_endpoint","message":"Not Found"}');
  });
  await new Promise<void>((resolve) => stock.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(stock.address() as AddressInfo).port}`;
  try {
    const args = ['query', 'list-relations', 'user:anne', 'document:1', '--api-url', url];
    const { code, stderr } = await pemba(args, { env });
    expect(code).toBe(4);
    expect(stderr).toBe(
      `error: unimplemented: ${url} has no ListRelations: this needs a Pemba server\n`,
    );
  } finally {
    await new Promise((resolve) => stock.close(resolve));
  }
});

test('a store that is not there is another matter', async () => {
  const missing = ['--store-id', '01H0H015178Y2V4CX10C2KGHF4'];
  const { stderr } = await explain('user:bob', 'viewer', ...missing);
  expect(stderr).toMatch(/^error: (store_id_not_found|latest_authorization_model_not_found): /);
});
