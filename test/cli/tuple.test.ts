/** `pemba tuple`: one tuple and many, failures listed, interrupts survived, everything read back. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startProxy } from './proxy.ts';
import { ended, folderOf, pemba, pembaJson, start, startTestServer } from './run.ts';

const dsl = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user:*, document#viewer, user with until]
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

const tuple = (index: number) => ({
  user: `user:u${index}`,
  relation: 'viewer',
  object: 'document:1',
});
const tuples = (count: number) => Array.from({ length: count }, (_, index) => tuple(index));
const jsonl = (list: readonly object[]) => list.map((item) => `${JSON.stringify(item)}\n`).join('');
const readBack = async () => {
  const { tuples: records } = await pembaJson(['tuple', 'read'], { env });
  return records.map((record: { key: object }) => record.key);
};
const byText = (list: readonly object[]) => list.map((item) => JSON.stringify(item)).sort();

describe('one tuple', () => {
  const anne = ['user:anne', 'viewer', 'document:1'];

  test('written, read, deleted', async () => {
    const until = [
      '--condition-name',
      'until',
      '--condition-context',
      '{"end":"2030-01-01T00:00:00Z"}',
    ];
    expect(await pemba(['tuple', 'write', ...anne, ...until], { env })).toEqual({
      code: 0,
      stdout: '1 tuple written\n',
      stderr: '',
    });
    expect((await pemba(['tuple', 'read'], { env })).stdout).toBe(
      'user:anne viewer document:1 (condition until {"end":"2030-01-01T00:00:00Z"})\n',
    );
    expect(await pembaJson(['tuple', 'delete', ...anne], { env })).toEqual({
      successful: [{ user: 'user:anne', relation: 'viewer', object: 'document:1' }],
      failed: [],
      total_count: 1,
      successful_count: 1,
      failed_count: 0,
    });
    expect(await readBack()).toEqual([]);
  });

  test('a second time: an error unless told to ignore it', async () => {
    await pembaJson(['tuple', 'write', ...anne], { env });
    const again = await pemba(['tuple', 'write', ...anne], { env });
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(
      /^failed user:anne viewer document:1: write_failed_due_to_invalid_input: .*already exists/,
    );
    expect(again.stderr).toBe('error: 1 tuple was not written\n');
    await pembaJson(['tuple', 'write', ...anne, '--on-duplicate', 'ignore'], { env });
    await pembaJson(['tuple', 'delete', ...anne], { env });
    expect((await pemba(['tuple', 'delete', ...anne], { env })).code).toBe(1);
    await pembaJson(['tuple', 'delete', ...anne, '--on-missing', 'ignore'], { env });
  });

  test('a store that is not there is no fault of the tuple: exit 4', async () => {
    const args = ['tuple', 'write', ...anne, '--store-id', '01H0H015178Y2V4CX10C2KGHF4'];
    const { code, stderr } = await pemba(args, { env });
    expect(code).toBe(4);
    expect(stderr).toMatch(/error: (latest_authorization_model_not_found|store_id_not_found)/);
  });
});

describe('a file', () => {
  test.each(['json', 'jsonl', 'yaml', 'csv'])(
    '%s: read, deleted, written back, the same',
    async (format) => {
      const all = [
        ...tuples(120),
        { user: 'user:*', relation: 'viewer', object: 'document:2' },
        { user: 'document:2#viewer', relation: 'viewer', object: 'document:3' },
        {
          user: 'user:eve,"x"',
          relation: 'viewer',
          object: 'document:4',
          condition: { name: 'until', context: { end: '2030-01-01T00:00:00Z' } },
        },
        {
          user: 'user:temp',
          relation: 'viewer',
          object: 'document:4',
          condition: { name: 'until', context: { end: '2030-01-01T00:00:00Z' } },
          expires_at: '2199-12-31T23:59:59.999Z',
        },
        { ...tuple(1), object: 'document:5', expires_at: '2199-01-01T00:00:00Z' },
      ];
      using folder = folderOf({ 'all.jsonl': jsonl(all) });
      await pembaJson(['tuple', 'write', '--file', folder.file('all.jsonl')], { env });
      expect(byText(await readBack())).toEqual(byText(all));

      const name = format === 'json' ? 'simple-json' : format;
      const { stdout } = await pemba(['tuple', 'read', '--output-format', name], { env });
      writeFileSync(folder.file(`copy.${format}`), stdout);
      const copy = ['--file', folder.file(`copy.${format}`)];
      const deleted = await pembaJson(['tuple', 'delete', ...copy, '--hide-imported-tuples'], {
        env,
      });
      expect(deleted).toEqual({
        failed: [],
        total_count: 125,
        successful_count: 125,
        failed_count: 0,
      });
      expect(await readBack()).toEqual([]);
      await pembaJson(['tuple', 'write', ...copy], { env });
      expect(byText(await readBack())).toEqual(byText(all));
    },
  );

  test('each refused tuple with its line and reason, the others written, exit 1', async () => {
    const list: object[] = tuples(250);
    list[7] = { ...tuple(7), relation: 'editor' };
    list[8] = { ...tuple(8), user: 'group:x' };
    list[149] = { ...tuple(149), object: 'folder:1' };
    list[249] = { ...tuple(249), condition: { name: 'never' } };
    using folder = folderOf({ 'some.jsonl': jsonl(list) });
    const args = ['tuple', 'write', '--file', folder.file('some.jsonl')];
    const { code, stdout, stderr } = await pemba(args, { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: 4 tuples were not written\n' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => /^failed line \d+: [^:]+:\S+ \S+ \S+/.exec(line)?.[0])).toEqual([
      'failed line 8: user:u7 editor document:1:',
      'failed line 9: group:x viewer document:1:',
      'failed line 150: user:u149 viewer folder:1:',
      'failed line 250: user:u249 viewer document:1',
      undefined,
    ]);
    expect(lines.at(-1)).toBe('246 tuples written, 4 failed');
    const json = JSON.parse((await pemba([...args, '--json'], { env })).stdout);
    expect(json.failed.map((one: { line: number }) => one.line)).toEqual([8, 9, 150, 250]);
    expect(json.failed[0]).toEqual({
      tuple_key: list[7],
      reason: expect.stringMatching(/^validation_error: .*relation 'document#editor' not found/),
      line: 8,
    });
    expect({ ...json, successful: json.successful.length, failed: json.failed.length }).toEqual({
      successful: 246,
      failed: 4,
      total_count: 250,
      successful_count: 246,
      failed_count: 4,
    });
    expect(await readBack()).toHaveLength(246);
  });

  test('the same key twice: the later one is refused on its own', async () => {
    const twice = { ...tuple(1), condition: { name: 'until' } };
    using folder = folderOf({ 'twice.jsonl': jsonl([tuple(0), tuple(1), twice]) });
    const args = ['tuple', 'write', '--file', folder.file('twice.jsonl')];
    const { code, stdout } = await pemba(args, { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed line 3: .*Aborted.*\n2 tuples written, 1 failed\n$/);
  });

  test('one bad line, and nothing is written: exit 6', async () => {
    using folder = folderOf({ 'bad.jsonl': `${jsonl(tuples(3))}{"user": "user:x"}\n` });
    const { code, stdout, stderr } = await pemba(
      ['tuple', 'write', '--file', folder.file('bad.jsonl')],
      { env },
    );
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    expect(stderr).toMatch(/bad\.jsonl:4: the tuple has no `relation`.*\(nothing was sent\)/);
    expect(await readBack()).toEqual([]);
  });

  test('--skip, --max-tuples-per-write and --max-parallel-requests do as they say', async () => {
    await using proxy = await startProxy(server.url);
    using folder = folderOf({ 'some.jsonl': jsonl(tuples(50)) });
    const args = [
      '--skip',
      '20',
      '--max-tuples-per-write',
      '7',
      '--max-parallel-requests',
      '3',
      '--max-rps',
      '1000',
    ];
    const written = await pembaJson(
      ['tuple', 'write', '--file', folder.file('some.jsonl'), ...args],
      {
        env: { ...env, PEMBA_API_URL: proxy.url },
      },
    );
    expect(written.total_count).toBe(30);
    expect(proxy.writes).toBe(5);
    expect(byText(await readBack())).toEqual(byText(tuples(50).slice(20)));
  });
});

describe('an interrupt', () => {
  const one = ['--max-tuples-per-write', '10', '--max-parallel-requests', '1'];

  test('SIGINT: what was done is printed, and how to go on', async () => {
    await using proxy = await startProxy(server.url);
    using folder = folderOf({ 'many.jsonl': jsonl(tuples(100)) });
    const child = start(['tuple', 'write', '--file', folder.file('many.jsonl'), ...one, '--json'], {
      env: { ...env, PEMBA_API_URL: proxy.url },
    });
    proxy.afterWrite = (write) => write === 3 && child.kill('SIGINT');
    const { code, stdout, stderr } = await ended(child);
    expect(code).toBe(130);
    const { successful, total_count } = JSON.parse(stdout);
    expect(byText(await readBack())).toEqual(byText(successful));
    expect(total_count).toBe(successful.length);
    expect(total_count).toBeLessThan(100);
    expect(stderr).toMatch(
      /to go on, run the same command again: tuples that exist already are passed over/,
    );
  });

  test.each(['before', 'after'] as const)(
    'an import that is killed twice, %s a write is done, goes on where it stopped',
    async (moment) => {
      await using proxy = await startProxy(server.url);
      const list: object[] = tuples(100);
      list[4] = { ...tuple(4), relation: 'editor' };
      list[94] = { ...tuple(94), relation: 'editor' };
      using folder = folderOf({ 'many.jsonl': jsonl(list) });
      const progress = folder.file('many.progress');
      const file = ['--file', folder.file('many.jsonl'), '--resume', progress];
      const args = ['tuple', 'write', ...file, ...one];
      const through = { env: { ...env, PEMBA_API_URL: proxy.url } };
      const chunksDone = () => readFileSync(progress, 'utf8').split('\n').length - 2;

      const runAndKill = async (atWrite: number) => {
        const child = start(args, through);
        proxy.writes = 0;
        proxy[`${moment}Write`] = (write) => write === atWrite && child.kill('SIGKILL');
        expect((await ended(child)).code).toBe(null);
      };
      // The first chunk takes several writes to find its bad tuple.
      await runAndKill(12);
      const first = chunksDone();
      expect(first).toBeGreaterThan(1);
      // As if the process had died in the middle of a line.
      writeFileSync(progress, '{"first":90,"cou', { flag: 'a' });
      await runAndKill(3);
      expect(chunksDone()).toBe(first + 2);

      proxy.beforeWrite = () => false;
      proxy.afterWrite = () => {};
      const { code, stdout, stderr } = await pemba([...args, '--json'], through);
      expect(code).toBe(1);
      const done = (first + 2) * 10;
      expect(stderr).toMatch(new RegExp(`^${done} of 100 tuples: done by an earlier run\n`));
      const result = JSON.parse(stdout);
      expect(result.failed.map((failed: { line: number }) => failed.line)).toEqual([5, 95]);
      expect(result).toMatchObject({ total_count: 100, successful_count: 98, failed_count: 2 });
      const good = list.filter((_, index) => index !== 4 && index !== 94);
      expect(byText(await readBack())).toEqual(byText(good));
      expect(existsSync(progress)).toBe(false);
    },
  );

  test('the progress of other work is refused', async () => {
    using folder = folderOf({ 'a.jsonl': jsonl(tuples(3)), 'b.jsonl': jsonl(tuples(4)) });
    const progress = folder.file('progress');
    writeFileSync(progress, '{"operation":"write","store_id":"x","file":"a.jsonl","bytes":1}\n');
    const args = ['tuple', 'write', '--file', folder.file('a.jsonl'), '--resume', progress];
    const { code, stderr } = await pemba(args, { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/is the progress of other work/);
  });

  test('a server that goes away: exit 3, what was done, and how to go on', async () => {
    await using proxy = await startProxy(server.url);
    using folder = folderOf({ 'many.jsonl': jsonl(tuples(100)) });
    proxy.afterWrite = (write) => {
      if (write === 3) void proxy[Symbol.asyncDispose]();
    };
    const { code, stdout, stderr } = await pemba(
      ['tuple', 'write', '--file', folder.file('many.jsonl'), ...one],
      { env: { ...env, PEMBA_API_URL: proxy.url } },
    );
    expect(code).toBe(3);
    expect(stdout).toBe('20 tuples written\n');
    expect(stderr).toMatch(/to go on, run the same command again.*\nerror: no server at/);
  });
});

describe('read and changes', () => {
  test('filters and pages', async () => {
    using folder = folderOf({
      'some.jsonl': jsonl([...tuples(12), { ...tuple(1), object: 'document:2' }]),
    });
    await pembaJson(['tuple', 'write', '--file', folder.file('some.jsonl')], { env });
    const page = await pemba(['tuple', 'read', '--page-size', '5', '--max-pages', '2'], { env });
    expect(page.stdout.trimEnd().split('\n')).toHaveLength(10);
    const all = await pemba(['tuple', 'read', '--page-size', '5'], { env });
    expect(new Set(all.stdout.trimEnd().split('\n')).size).toBe(13);
    const filter = ['--user', 'user:u1', '--object', 'document:'];
    const found = await pemba(['tuple', 'read', ...filter, '--output-format', 'csv'], { env });
    expect(found.stdout).toBe(
      'user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context,expires_at\n' +
        'user,u1,,viewer,document,1,,,\nuser,u1,,viewer,document,2,,,\n',
    );
    const read = async (...args: string[]) =>
      (await pembaJson(['tuple', 'read', ...args], { env })).tuples.length;
    expect(await read('--subject', 'user:u1')).toBe(2);
    expect(await read('--object-type', 'document', '--relation', 'viewer')).toBe(13);
    expect(await read('--object', 'document:2')).toBe(1);
    expect(await read('--subject-type', 'group')).toBe(0);
    const both = ['--object', 'document:', '--object-type', 'user'];
    const refused = await pemba(['tuple', 'read', ...both], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/give --object or --object-type, not both/);
    const empty = await pemba(['tuple', 'read', '--subject', ''], { env });
    expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining('is empty') });
  });

  test('changes in their order, and on from the token', async () => {
    const write = ['tuple', 'write', 'user:anne', 'viewer', 'document:1'];
    await pembaJson(write, { env });
    const first = await pembaJson(['tuple', 'changes'], { env });
    expect(first.changes).toEqual([
      {
        operation: 'TUPLE_OPERATION_WRITE',
        timestamp: expect.stringMatching(/^20\d\d-/),
        tuple_key: { user: 'user:anne', relation: 'viewer', object: 'document:1' },
      },
    ]);
    await pembaJson(['tuple', 'delete', ...write.slice(2)], { env });
    const on = ['tuple', 'changes', '--continuation-token', first.continuation_token];
    const second = await pemba(on, { env });
    expect(second.stdout).toMatch(/^20\S+ {2}delete {2}user:anne viewer document:1\n$/);
    expect(second.stderr).toMatch(/^to go on from here: --continuation-token \S+\n$/);
    const none = await pembaJson(['tuple', 'changes', '--type', 'user'], { env });
    expect(none.changes).toEqual([]);
    expect((await pemba(['tuple', 'changes', '--start-time', 'soon'], { env })).code).toBe(2);
  });

  test('--follow prints what comes, until it is interrupted', async () => {
    const child = start(['tuple', 'changes', '--follow', '--json'], { env });
    const seen = new Promise<void>((resolve) => {
      child.stdout?.on('data', (text) => String(text).includes('user:late') && resolve());
    });
    const done = ended(child);
    await pembaJson(['tuple', 'write', 'user:late', 'viewer', 'document:1'], { env });
    await seen;
    child.kill('SIGINT');
    const { code, stdout } = await done;
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).tuple_key.user),
    ).toEqual(['user:late']);
  });
});
