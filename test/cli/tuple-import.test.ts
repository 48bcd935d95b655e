/** `pemba tuple import` and `export`: every format there and back, counted; interrupted and gone on with. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../cli/client.ts';
import { readTuples } from '../../cli/files/tuple-file.ts';
import { importChunks } from '../../cli/tuple-import-run.ts';
import { ImportState } from '../../cli/tuple-import-state.ts';
import { folderOf, pemba, pembaJson, startTestServer } from './run.ts';

const dsl = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with until]
condition until(now: timestamp, end: timestamp) {
  now < end
}
`;

let server: Awaited<ReturnType<typeof startTestServer>>;
let env: Record<string, string>;
let store: string;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  using folder = folderOf({ 'model.fga': dsl });
  const create = ['store', 'create', '--model', folder.file('model.fga')];
  const created = await pembaJson(create, { env: { PEMBA_API_URL: server.url } });
  store = created.store.id;
  env = { PEMBA_API_URL: server.url, PEMBA_STORE_ID: store };
});

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const more =
      i % 9 === 0
        ? { condition: { name: 'until', context: { end: '2030-01-01T00:00:00Z' } } }
        : i % 7 === 0
          ? { expires_at: '2099-01-01T00:00:00.250Z' }
          : {};
    return { user: `user:ü${i % 50}`, relation: 'viewer', object: `document:${i}`, ...more };
  });
const jsonl = (count: number) =>
  lines(count)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
const checksumIn = (text: string) => /checksum ([0-9a-f]{16})/.exec(text)?.[1];

test.each(['jsonl', 'csv', 'yaml', 'json'])('as %s, there and back', async (format) => {
  using folder = folderOf({ 'tuples.jsonl': jsonl(2_500) });
  const small = ['--chunk', '300', '--parallel', '3'];
  const imported = await pemba(['tuple', 'import', folder.file('tuples.jsonl'), ...small], { env });
  expect([imported.code, imported.stderr]).toEqual([0, '']);
  expect(imported.stdout).toMatch(/^2500 tuples imported, checksum [0-9a-f]{16}\n$/);
  expect(existsSync(folder.file('tuples.jsonl.import'))).toBe(false);

  const file = folder.file(`out.${format}`);
  const exported = await pemba(['tuple', 'export', file], { env });
  expect(exported.stderr).toContain('2500 tuples exported');
  expect(checksumIn(exported.stderr)).toBe(checksumIn(imported.stdout));

  // Again: all of it is there already.
  const again = await pembaJson(['tuple', 'import', file], { env });
  expect(again).toEqual({ count: 2_500, checksum: checksumIn(imported.stdout) });
  const { changes } = await pembaJson(['tuple', 'changes'], { env });
  expect(changes).toHaveLength(2_500);
});

test('--dry-run sends nothing; a bad file is refused before anything is sent', async () => {
  using folder = folderOf({ 'a.jsonl': jsonl(3), 'b.jsonl': `${jsonl(3)}{"user":"user:a"}\n` });
  const dry = await pemba(['tuple', 'import', folder.file('a.jsonl'), '--dry-run'], { env });
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringMatching(/^3 tuples in .*nothing was/)]);
  const bad = await pemba(['tuple', 'import', folder.file('b.jsonl')], { env });
  expect(bad.code).not.toBe(0);
  expect(bad.stderr).toContain('b.jsonl:4');
  expect((await pembaJson(['tuple', 'read'], { env })).tuples).toEqual([]);
});

test('a chunk that the server refuses is named by its lines, and what is done is kept', async () => {
  const wrong = '{"user":"user:a","relation":"owner","object":"document:1"}\n';
  using folder = folderOf({ 'a.jsonl': `${jsonl(20)}${wrong}` });
  const args = ['tuple', 'import', folder.file('a.jsonl'), '--chunk', '10', '--parallel', '1'];
  const refused = await pemba(args, { env });
  expect(refused.code).toBe(4);
  expect(refused.stderr).toMatch(/lines 21 to 21: .*document#owner/);
  expect(refused.stderr).toContain('run the same command again');
  expect((await pembaJson(['tuple', 'read'], { env })).tuples).toHaveLength(20);
  const other = await pemba([...args, '--on-duplicate', 'replace'], { env });
  expect(other.stderr).toContain('is the progress of another import');
});

describe('interrupted', () => {
  /** Sends until the answer of one chunk is lost, whose tuples were written; then what is left. */
  test('a chunk whose answer was lost is sent again, and written once', async () => {
    using folder = folderOf({ 'a.jsonl': jsonl(1_000) });
    const file = folder.file('a.jsonl');
    const state = folder.file('state');
    const client = createClient({ apiUrl: server.url, apiToken: undefined, timeoutMs: 30_000 });
    const sent: string[] = [];
    const run = async (lose: (key: string) => boolean) => {
      const work = { store_id: store, file, conflict: 'error', tuples_per_chunk: 100 };
      return await importChunks(readTuples(file, 'jsonl'), {
        tuplesPerChunk: 100,
        parallel: 2,
        state: ImportState.open(state, work),
        stop: new AbortController().signal,
        onChunk: () => {},
        async send(tuples, idempotencyKey) {
          sent.push(idempotencyKey);
          const chunk = { tuples, conflict: 'error', modelId: undefined, idempotencyKey } as const;
          const checksum = await client.importTuples(store, chunk);
          if (lose(idempotencyKey)) throw new Error('the answer was lost');
          return checksum;
        },
      });
    };
    await expect(run((key) => key.endsWith('/4'))).rejects.toThrow('the answer was lost');
    // Killed while it wrote its progress.
    writeFileSync(state, `${readFileSync(state, 'utf8')}{"chunk":9,"cou`);
    const totals = await run(() => false);
    expect(totals.count).toBe(1_000);
    expect(new Set(sent).size).toBe(10);
    expect(sent.filter((key) => key.endsWith('/4'))).toHaveLength(2);
    const exported = await pemba(['tuple', 'export', folder.file('out.csv')], { env });
    const hex = totals.checksum.toString(16).padStart(16, '0');
    expect(exported.stderr).toContain(`1000 tuples exported, checksum ${hex}`);
    const { changes } = await pembaJson(['tuple', 'changes'], { env });
    expect(changes).toHaveLength(1_000);
  });
});
