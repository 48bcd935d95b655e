/** `pemba store` and `pemba query`: stores come and go, go out and in, and answer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { folderOf, pemba, pembaJson, startTestServer } from './run.ts';

let server: Awaited<ReturnType<typeof startTestServer>>;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startTestServer();
  env = { PEMBA_API_URL: server.url };
});
afterAll(() => server.close());

const store = `name: Docs
model: |
  model
    schema 1.1

  type user

  type folder
    relations
      define viewer: [user, folder#viewer]

  type document
    relations
      define blocked: [user]
      define parent: [folder]
      define owner: [user with until]
      define viewer: (owner or viewer from parent) but not blocked

  condition until(end: timestamp, now: timestamp) {
    now < end
  }
tuples:
  - user: user:anne
    relation: owner
    object: document:1
    condition:
      name: until
      context:
        end: 2030-01-01T00:00:00Z
  - user: folder:1
    relation: parent
    object: document:1
  - user: user:bob
    relation: viewer
    object: folder:1
tests:
  - name: stored
    check:
      - user: user:bob
        object: document:1
        assertions:
          viewer: true
          owner: false
      - user: user:anne
        object: document:1
        context:
          now: 2029-01-01T00:00:00Z
        assertions:
          owner: true
  - name: contextual
    tuples:
      - user: user:bob
        relation: blocked
        object: document:1
    check:
      - user: user:bob
        object: document:1
        assertions:
          viewer: false
`;

async function importStore(text: string): Promise<{ id: string; output: Record<string, unknown> }> {
  using folder = folderOf({ 'store.fga.yaml': text });
  const output = await pembaJson(['store', 'import', '--file', folder.file('store.fga.yaml')], {
    env,
  });
  return { id: output.store.id, output };
}

async function exportStore(id: string): Promise<string> {
  const { code, stdout } = await pemba(['store', 'export', '--store-id', id], { env });
  expect(code).toBe(0);
  return stdout;
}

test('created, listed, read, deleted', async () => {
  const created = await pembaJson(['store', 'create', '--name', 'short-lived'], { env });
  expect(created).toMatchObject({
    name: 'short-lived',
    id: expect.stringMatching(/^[0-9A-Z]{26}$/),
  });
  const { stores } = await pembaJson(['store', 'list', '--name', 'short-lived'], { env });
  expect(stores).toEqual([created]);
  const there = { env: { ...env, FGA_STORE_ID: created.id } };
  expect(await pembaJson(['store', 'get'], there)).toEqual(created);
  const got = await pemba(['store', 'get'], there);
  expect(got.stdout).toMatch(new RegExp(`^ID +NAME +CREATED\n${created.id} {2}short-lived {2}20`));
  expect(await pembaJson(['store', 'delete', '--force'], there)).toEqual({});
  const gone = await pemba(['store', 'get'], there);
  expect(gone.code).toBe(4);
  expect(gone.stderr).toBe(
    'error: store_id_not_found: Store ID not found (list the stores with `pemba store list`)\n',
  );
});

test('import says what it made; the tests of the file are assertions of the model', async () => {
  using folder = folderOf({ 'store.fga.yaml': store });
  const file = ['--file', folder.file('store.fga.yaml')];
  const { code, stdout } = await pemba(['store', 'import', ...file], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^store \w{26} \(Docs\) created\nmodel \w{26} written\n3 tuples written\n4 assertions written\n$/,
  );
  const { output } = await importStore(store);
  expect(output).toMatchObject({
    store: { name: 'Docs' },
    model: { authorization_model_id: expect.any(String) },
    tuples: { successful_count: 3, failed_count: 0 },
    assertions: 4,
  });
});

test('what is exported is imported again as the same, and passes its tests', async () => {
  const first = await exportStore((await importStore(store)).id);
  const { id } = await importStore(first);
  const second = await exportStore(id);
  expect(second).toBe(first);
  expect(parse(first).tests).toHaveLength(2);
  expect(parse(first).tuples).toHaveLength(3);
  // A reader that follows YAML 1.1 must not take the time for more than a text.
  expect(first).toContain('end: "2030-01-01T00:00:00Z"');
  using folder = folderOf({ 'store.fga.yaml': first });
  const tested = await pembaJson(['model', 'test', '--tests', folder.file('store.fga.yaml')], {
    env,
  });
  expect(tested.summary.checks).toEqual({ passed: 4, total: 4 });
});

test('export into a file, never over one that is there', async () => {
  const { id } = await importStore(store);
  using folder = folderOf({});
  const file = folder.file('out.fga.yaml');
  const args = ['store', 'export', '--store-id', id, '--output-file', file];
  expect((await pemba(args, { env })).stdout).toBe(`written to ${file}\n`);
  expect(readFileSync(file, 'utf8')).toBe(await exportStore(id));
  expect((await pemba(args, { env })).code).toBe(2);
  writeFileSync(file, 'old');
  expect((await pemba([...args, '--force', '--max-tuples', '1'], { env })).code).toBe(0);
  expect(parse(readFileSync(file, 'utf8')).tuples).toHaveLength(1);
});

test('import into a store that is there, by the flag alone', async () => {
  const { id } = await importStore(store);
  using folder = folderOf({ 'store.fga.yaml': store });
  const file = ['--file', folder.file('store.fga.yaml')];
  const into = await pembaJson(['store', 'import', ...file, '--store-id', id], { env });
  expect(into.store.id).toBe(id);
  const beside = await pembaJson(['store', 'import', ...file], {
    env: { ...env, PEMBA_STORE_ID: id },
  });
  expect(beside.store.id).not.toBe(id);
});

test('tuples that the server refuses are listed; the rest is imported, exit 1', async () => {
  using folder = folderOf({
    'store.fga.yaml': store.replace('user: user:bob\n', 'user: group:bob\n'),
  });
  const args = ['store', 'import', '--file', folder.file('store.fga.yaml')];
  const { code, stdout, stderr } = await pemba(args, { env });
  expect(code).toBe(1);
  expect(stdout).toMatch(/\nfailed group:bob viewer folder:1: .*\n2 tuples written, 1 failed\n/);
  expect(stderr).toMatch(/error: 1 tuple was not written\n$/);
});

test('only the first hundred checks become assertions, with a warning', async () => {
  const users = Array.from({ length: 101 }, (_, index) => `user:u${index}`).join(', ');
  const many = store.replace(
    '- user: user:bob\n        object',
    `- users: [${users}]\n        object`,
  );
  using folder = folderOf({ 'store.fga.yaml': many });
  const args = ['store', 'import', '--file', folder.file('store.fga.yaml'), '--json'];
  const { code, stdout, stderr } = await pemba(args, { env });
  expect(code).toBe(0);
  expect(JSON.parse(stdout).assertions).toBe(100);
  expect(stderr).toMatch(/warning: 204 checks, of which the first 100 become assertions/);
});

test('check: both answers exit 0, unless --exit-code', async () => {
  const { id } = await importStore(store);
  const check = (...more: string[]) =>
    pemba(['query', 'check', '--store-id', id, ...more], { env });
  const bob = ['user:bob', 'viewer', 'document:1'];
  expect(await check(...bob)).toEqual({ code: 0, stdout: 'allowed\n', stderr: '' });
  expect(await check('user:eve', ...bob.slice(1))).toEqual({
    code: 0,
    stdout: 'denied\n',
    stderr: '',
  });
  expect((await check('user:eve', ...bob.slice(1), '--exit-code')).code).toBe(1);
  const blocked = ['--contextual-tuple', 'user:bob blocked document:1'];
  expect((await check(...bob, ...blocked)).stdout).toBe('denied\n');
  const anne = ['user:anne', 'viewer', 'document:1'];
  const missing = await check(...anne);
  expect(missing.code).toBe(4);
  expect(missing.stderr).toMatch(/^error: validation_error: .*now/);
  expect((await check(...anne, '--context', '{"now":"2029-01-01T00:00:00Z"}')).stdout).toBe(
    'allowed\n',
  );
  const json = await check(...bob, '--json', '--consistency', 'HIGHER_CONSISTENCY');
  expect(JSON.parse(json.stdout)).toMatchObject({ allowed: true });
});

test('lists print a line an item, and nothing for none', async () => {
  const { id } = await importStore(store);
  const objects = ['query', 'list-objects', '--store-id', id];
  expect(await pemba([...objects, 'user:bob', 'viewer', 'document'], { env })).toEqual({
    code: 0,
    stdout: 'document:1\n',
    stderr: '',
  });
  expect((await pemba([...objects, 'user:eve', 'viewer', 'document'], { env })).stdout).toBe('');
  expect(await pembaJson([...objects, 'user:bob', 'viewer', 'folder'], { env })).toEqual({
    objects: ['folder:1'],
  });
  const more = ['--contextual-tuple', 'user:eve viewer folder:1'];
  const eve = await pemba([...objects, 'user:eve', 'viewer', 'document', ...more], { env });
  expect(eve.stdout).toBe('document:1\n');

  const ofDocument = ['--object', 'document:1', '--relation', 'viewer'];
  const users = ['query', 'list-users', '--store-id', id, ...ofDocument];
  const now = ['--context', '{"now":"2029-01-01T00:00:00Z"}'];
  const listed = await pemba([...users, '--user-filter', 'user', ...now, ...more], { env });
  expect(listed.stdout.split('\n').toSorted()).toEqual(['', 'user:anne', 'user:bob', 'user:eve']);
  const usersets = [...users, '--user-filter', 'folder#viewer'];
  expect((await pemba(usersets, { env })).stdout).toBe('folder:1#viewer\n');
  expect(await pembaJson(usersets, { env })).toEqual({
    users: [{ userset: { type: 'folder', id: '1', relation: 'viewer' } }],
  });
  const missing = await pemba([...users, '--user-filter', 'user'], { env });
  expect([missing.code, missing.stdout]).toEqual([4, '']);
});

test('a list that the server has cut comes with a warning', async () => {
  const { id } = await importStore(store);
  const rows = Array.from({ length: 1_001 }, (_, i) => `user,many,viewer,folder,${i + 10}`);
  const header = 'user_type,user_id,relation,object_type,object_id';
  using folder = folderOf({ 'tuples.csv': [header, ...rows, ''].join('\n') });
  const file = folder.file('tuples.csv');
  await pemba(['tuple', 'write', '--store-id', id, '--file', file], { env });
  const list = ['query', 'list-objects', '--store-id', id, 'user:many', 'viewer', 'folder'];
  const { code, stdout, stderr } = await pemba(list, { env });
  expect([code, stdout.split('\n').length - 1]).toEqual([0, 1_000]);
  expect(stderr).toMatch(/^warning: the server has cut the list after 1000: there may be more/);
  expect(await pembaJson(list, { env })).toMatchObject({ truncated: true });
});

test('expand prints the tree', async () => {
  const { id } = await importStore(store);
  const expand = ['query', 'expand', '--store-id', id];
  expect((await pemba([...expand, 'viewer', 'document:1'], { env })).stdout).toBe(`document:1#viewer
└─ difference
   ├─ any of
   │  ├─ everyone of document:1#owner
   │  └─ through document:1#parent
   │     └─ everyone of folder:1#viewer
   └─ but not
      └─ everyone of document:1#blocked
`);
  expect((await pemba([...expand, 'blocked', 'document:1'], { env })).stdout).toBe(
    'document:1#blocked\n└─ directly: nobody\n',
  );
  expect((await pemba([...expand, 'viewer', 'folder:1'], { env })).stdout).toBe(
    'folder:1#viewer\n└─ directly\n   └─ user:bob\n',
  );
  const json = await pembaJson([...expand, 'viewer', 'folder:1'], { env });
  expect(json.tree.root.leaf.users.users).toEqual(['user:bob']);
});
