/** `pemba tuple` with what only a Pemba server knows: ends, conditions of a write, deleting by filter. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startProxy } from './proxy.ts';
import { ended, folderOf, pemba, pembaJson, start, startTestServer } from './run.ts';

const dsl = `model
  schema 1.1
type user
type draft
  relations
    define viewer: [user]
type document
  relations
    define owner: [user]
    define viewer: [user, user with until]
condition until(now: timestamp, end: timestamp) {
  now < end
}
`;

let server: Awaited<ReturnType<typeof startTestServer>>;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  using folder = folderOf({ 'model.fga': dsl });
  const create = ['store', 'create', '--model', folder.file('model.fga')];
  const { store } = await pembaJson(create, { env: { PEMBA_API_URL: server.url } });
  env = { PEMBA_API_URL: server.url, PEMBA_STORE_ID: store.id };
});

const anne = ['user:anne', 'viewer', 'document:1'];
const anneKey = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
const end = '2199-12-31T23:59:59.500Z';
const write = (...args: string[]) => pemba(['tuple', 'write', ...args], { env });
const read = async () =>
  (await pembaJson(['tuple', 'read'], { env })).tuples.map(({ key }: { key: object }) => key);

describe('expiry', () => {
  test('--expires-at is stored, and read back everywhere', async () => {
    expect((await write(...anne, '--expires-at', end)).code).toBe(0);
    expect(await read()).toEqual([{ ...anneKey, expires_at: end }]);
    expect((await pemba(['tuple', 'read'], { env })).stdout).toBe(
      `user:anne viewer document:1 (expires ${end})\n`,
    );
    const changes = await pembaJson(['tuple', 'changes'], { env });
    expect(changes.changes).toMatchObject([{ tuple_key: { ...anneKey, expires_at: end } }]);
    const explained = await pemba(['query', 'check', ...anne, '--explain'], { env });
    expect(explained.stdout).toContain(`tuple user:anne viewer document:1 (expires ${end})`);
  });

  test('--expires-in counts from now', async () => {
    const before = Date.now();
    await write(...anne, '--expires-in', '30d');
    const [{ expires_at }] = await read();
    const days = (Date.parse(expires_at) - before) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(30);
    expect(days).toBeLessThan(30.1);
  });

  test('one that is over is refused, with the reason', async () => {
    const { code, stdout } = await write(...anne, '--expires-at', '2001-01-01T00:00:00Z');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^failed user:anne viewer document:1 \(expires 2001\S+\): validation_err/,
    );
    expect(await read()).toEqual([]);
  });

  test.each([
    [['--expires-at', 'soon'], 'Give a time as 2030-01-31T12:00:00Z'],
    [['--expires-at', '2030-02-30T00:00:00Z'], 'Give a time'],
    [['--expires-in', '0'], 'Give a time from now'],
    [['--expires-in', '-1h'], 'Give a time from now'],
    [['--expires-in', '9999999d'], 'Give a time from now'],
    [['--expires-in', '1h', '--expires-at', end], 'cannot be used with'],
    [['--replace', '--on-duplicate', 'error'], 'cannot be used with'],
  ])('%j is refused on the command line', async (args, message) => {
    const { code, stderr } = await write(...anne, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test.each(['--expires-in=1h', '--idempotency-key=k', '--if-exists=a:1 b c:1'])(
    '%s does not go with a file',
    async (option) => {
      const { code, stderr } = await write('--file', 'x.csv', option);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: --\S+ goes with one tuple/);
    },
  );

  test('an expires_at of a file that is no time: nothing is sent', async () => {
    for (const bad of ['"2030-13-01T00:00:00Z"', '""', '7', '"2030"']) {
      const line = `{"user":"user:a","relation":"viewer","object":"document:1","expires_at":${bad}}`;
      using folder = folderOf({ 'bad.jsonl': line });
      const { code, stderr } = await write('--file', folder.file('bad.jsonl'));
      expect(code).toBe(6);
      expect(stderr).toContain('bad.jsonl:1: `expires_at` is no time');
    }
    const beside = JSON.stringify({ key: anneKey, expires_at: end });
    using folder = folderOf({ 'beside.jsonl': beside });
    const { code, stderr } = await write('--file', folder.file('beside.jsonl'));
    expect(code).toBe(6);
    expect(stderr).toContain('unknown field `expires_at`');
  });

  test('a store file keeps it, out and in, with a warning for other tools', async () => {
    await write(...anne, '--expires-at', end);
    using folder = folderOf({});
    const file = folder.file('store.fga.yaml');
    const out = await pemba(['store', 'export', '--output-file', file], { env });
    expect(out.stderr).toMatch(/^warning: some tuples have an expires_at/);
    expect(parse(readFileSync(file, 'utf8')).tuples).toEqual([{ ...anneKey, expires_at: end }]);
    const { store } = await pembaJson(['store', 'import', '--file', file], { env });
    const args = ['tuple', 'read', '--store-id', store.id];
    const { tuples } = await pembaJson(args, { env });
    expect(tuples[0].key).toEqual({ ...anneKey, expires_at: end });
  });

  test('the tests of a store file know it', async () => {
    const text = (expires_at: string) => `model: ${JSON.stringify(dsl)}
tuples:
  - { user: 'user:anne', relation: viewer, object: 'document:1', expires_at: ${expires_at} }
tests:
  - check: [{ user: 'user:anne', object: 'document:1', assertions: { viewer: true } }]
`;
    using folder = folderOf({
      'a.fga.yaml': text(end),
      'b.fga.yaml': text('2001-01-01T00:00:00Z'),
    });
    const run = (name: string) => pemba(['model', 'test', '--tests', folder.file(name)]);
    expect((await run('a.fga.yaml')).code).toBe(0);
    expect((await run('b.fga.yaml')).code).toBe(1);
  });
});

describe('conditions of a write', () => {
  test('--replace gives a tuple another end, or none', async () => {
    await write(...anne, '--expires-at', end);
    expect((await write(...anne)).code).toBe(1);
    expect((await write(...anne, '--replace')).code).toBe(0);
    expect(await read()).toEqual([anneKey]);
    const condition = { name: 'until', context: { end: '2030-01-01T00:00:00Z' } };
    const guarded = [
      '--condition-name',
      'until',
      '--condition-context',
      '{"end":"2030-01-01T00:00:00Z"}',
    ];
    await write(...anne, ...guarded, '--on-duplicate', 'replace');
    expect(await read()).toEqual([{ ...anneKey, condition }]);
  });

  test('ignore takes no other end for the same: exit 1', async () => {
    await write(...anne, '--expires-at', end);
    const { code, stdout } = await write(...anne, '--on-duplicate', 'ignore');
    expect(code).toBe(1);
    expect(stdout).toContain('Aborted: ');
    expect(await read()).toEqual([{ ...anneKey, expires_at: end }]);
  });

  test('--if-exists and --if-missing', async () => {
    const owner = 'user:anne owner document:1';
    const refused = await write(
      ...anne,
      '--if-missing',
      'user:x owner draft:1',
      '--if-exists',
      owner,
    );
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/^failed user:anne viewer document:1: failed_precondition: /);
    await write('user:anne', 'owner', 'document:1');
    expect((await write(...anne, '--if-exists', owner)).code).toBe(0);
    expect((await write('user:bob', 'viewer', 'document:1', '--if-missing', owner)).code).toBe(1);
  });

  test('--idempotency-key: the second time nothing is written, and it says so', async () => {
    const once = await write(...anne, '--idempotency-key', 'order-7');
    expect(once).toMatchObject({ code: 0, stderr: '' });
    await pembaJson(['tuple', 'delete', ...anne], { env });
    const twice = await write(...anne, '--idempotency-key', 'order-7');
    expect(twice.code).toBe(0);
    expect(twice.stderr).toBe('this idempotency key was used before: the tuple was written then\n');
    expect(await read()).toEqual([]);
  });
});

describe('delete by filter', () => {
  const remove = (...args: string[]) => pemba(['tuple', 'delete', ...args], { env });
  const users = (count: number, relation: string, object: string) =>
    Array.from({ length: count }, (_, index) => ({ user: `user:u${index}`, relation, object }));
  const seed = async () => {
    const tuples = [
      ...users(25, 'viewer', 'document:1'),
      ...users(3, 'owner', 'document:1'),
      ...users(2, 'viewer', 'draft:1'),
    ];
    using folder = folderOf({});
    const file = folder.file('all.jsonl');
    writeFileSync(file, tuples.map((tuple) => JSON.stringify(tuple)).join('\n'));
    await pembaJson(['tuple', 'write', '--file', file], { env });
  };

  test.each([
    [['--object', 'document:1', '--relation', 'viewer'], 25],
    [['--object', 'document:1'], 28],
    [['--object-type', 'draft'], 2],
    [['--object', 'document:'], 28],
    [['--relation', 'viewer'], 27],
    [['--subject', 'user:u1'], 3],
    [['--user', 'user:u1', '--object-type', 'document'], 2],
    [['--subject-type', 'user'], 30],
    [['--all'], 30],
  ])('%j deletes %d', async (filter, count) => {
    await seed();
    const dry = await remove(...filter, '--dry-run');
    expect(dry).toEqual({ code: 0, stdout: `${count} tuples would be deleted\n`, stderr: '' });
    expect(await read()).toHaveLength(30);
    const done = await remove(...filter, '--force');
    expect(done).toEqual({ code: 0, stdout: `${count} tuples deleted\n`, stderr: '' });
    expect(await read()).toHaveLength(30 - count);
  });

  test.each([
    [['--object', 'document:1'], /delete every tuple of object document:1 .* --force/],
    [['--all'], /delete ALL tuples .* --force/],
    [['--all', '--relation', 'viewer', '--force'], /give no filter beside it/],
    [[...anne, '--relation', 'viewer', '--force'], /give a tuple, --file or a filter/],
    [['--file', 'x.csv', '--all', '--force'], /give a tuple, --file or a filter/],
    [[...anne, '--dry-run'], /--dry-run and --cursor go with a filter/],
    [['--force'], /give <user> <relation> <object>, or --file/],
    [['--object', '', '--force'], /--object is empty/],
  ])('%j deletes nothing: exit 2', async (args, message) => {
    await write(...anne);
    const { code, stderr } = await remove(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(await read()).toHaveLength(1);
  });

  test('an interrupt ends it after a round; the cursor goes on', async () => {
    await seed();
    await using proxy = await startProxy(server.url);
    const args = ['tuple', 'delete', '--relation', 'viewer', '--force'];
    const child = start([...args, '--max-tuples-per-write', '10'], {
      env: { ...env, PEMBA_API_URL: proxy.url },
    });
    proxy.afterDelete = (round) => round === 1 && child.kill('SIGINT');
    const { code, stdout, stderr } = await ended(child);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const [, deleted, cursor] =
      /(\d+) tuples deleted\nto go on, run the same command again with --cursor (\S+)\n/.exec(
        stderr,
      ) ?? [];
    expect(Number(deleted)).toBeLessThan(27);
    expect(await read()).toHaveLength(30 - Number(deleted));
    await write('user:late', 'viewer', 'document:1');
    const on = await pembaJson([...args, '--cursor', String(cursor)], { env });
    expect(on).toEqual({ deleted: 27 - Number(deleted) });
    expect(await read()).toHaveLength(4);
  });
});

describe('a server that is no Pemba', () => {
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let stock: Record<string, string>;
  beforeEach(async () => {
    proxy = await startProxy(server.url);
    proxy.stock = true;
    stock = { ...env, PEMBA_API_URL: proxy.url };
    return () => proxy[Symbol.asyncDispose]();
  });

  test('reads and changes come over the wire', async () => {
    await pembaJson(['tuple', 'write', ...anne], { env: stock });
    const { tuples } = await pembaJson(['tuple', 'read'], { env: stock });
    expect(tuples).toEqual([{ key: anneKey, timestamp: expect.any(String) }]);
    const filter = ['--subject', 'user:anne', '--object-type', 'document'];
    const csv = ['tuple', 'read', ...filter, '--output-format', 'csv'];
    expect((await pemba(csv, { env: stock })).stdout).toBe(
      'user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\n' +
        'user,anne,,viewer,document,1,,\n',
    );
    const { changes } = await pembaJson(['tuple', 'changes'], { env: stock });
    expect(changes).toMatchObject([{ operation: 'TUPLE_OPERATION_WRITE', tuple_key: anneKey }]);
  });

  test.each([
    ['an expiry', ['write', ...anne, '--expires-in', '1h'], 'WriteTuples'],
    ['a replacement', ['write', ...anne, '--replace'], 'WriteTuples'],
    ['a precondition', ['write', ...anne, '--if-exists', 'user:a owner draft:1'], 'WriteTuples'],
    ['an idempotency key', ['write', ...anne, '--idempotency-key', 'k'], 'WriteTuples'],
    ['a filter to delete by', ['delete', '--all', '--force'], 'DeleteTuples'],
    ['a filter by subject type', ['read', '--subject-type', 'user'], '--subject-type'],
  ])('%s is never left out: exit 4, and nothing is written', async (_, args, what) => {
    const { code, stderr } = await pemba(['tuple', ...args], { env: stock });
    expect(code).toBe(4);
    expect(stderr).toContain(
      `error: unimplemented: ${proxy.url} has no ${what}: this needs a Pemba server\n`,
    );
    expect(proxy.writes).toBe(0);
    expect(await read()).toEqual([]);
  });

  test('one row of a file that ends: it is not written as one that does not', async () => {
    const rows = [anneKey, { ...anneKey, object: 'document:2', expires_at: end }];
    using folder = folderOf({ 'rows.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
    const args = ['tuple', 'write', '--file', folder.file('rows.jsonl')];
    expect((await pemba(args, { env: stock })).code).toBe(4);
    expect(await read()).toEqual([]);
  });
});
