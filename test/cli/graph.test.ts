// `pemba graph`: which stores a server answers from memory.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pemba, pembaJson, startTestServer } from './run.ts';

let server: Awaited<ReturnType<typeof startTestServer>>;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startTestServer({ 'graph-memory': '8MiB' });
  env = { PEMBA_API_URL: server.url };
});
afterAll(() => server.close());

test('a store that was read is in memory, and one that was not says so', async () => {
  const first = await pemba(['graph'], { env });
  expect(first.stdout).toMatch(/^0 bytes of 8\.0 MiB used\nno store has been read yet\n$/);
  const { id } = await pembaJson(['store', 'create', '--name', 'docs'], { env });
  const unread = await pemba(['graph', '--store-id', id], { env });
  expect(unread.stdout).toMatch(new RegExp(`^${id}  storage: not read lately$`, 'm'));
  const url = `${server.url}/stores/${id}/check`;
  const tuple_key = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
  const body = JSON.stringify({ tuple_key });
  const headers = { 'content-type': 'application/json' };
  let found = await pembaJson(['graph'], { env });
  while (found.stores_in_memory === 0) {
    await fetch(url, { method: 'POST', headers, body });
    found = await pembaJson(['graph'], { env });
  }
  expect(found.graphs).toMatchObject([{ store_id: id, place: 'PLACE_MEMORY', tuples: '0' }]);
  const { stdout, stderr, code } = await pemba(['graph'], { env });
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toMatch(/^\d+\.\d KiB of .* used\n/);
  expect(stdout).toMatch(new RegExp(`^${id}  memory +\\d+\\.\\d KiB +0 +0$`, 'm'));
});

/** A server that answers ReadGraphs with this, or with 404. */
async function answering(answer: object | undefined): Promise<Record<string, string>> {
  const other = createServer((_, response) => {
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { code: 'undefined_endpoint', message: 'Not Found' }));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  return { PEMBA_API_URL: `http://127.0.0.1:${(other.address() as AddressInfo).port}` };
}

test('every reason is told, and that there are more stores', async () => {
  const reasons = ['TOO_LARGE', 'GAVE_WAY', 'FAILED', 'NOT_READ'];
  const graphs = reasons.map((reason, i) => ({
    store_id: `store ${i}`,
    place: 'PLACE_STORAGE',
    reason: `PLACE_REASON_${reason}`,
  }));
  const found = await pemba(['graph'], {
    env: await answering({
      bytes_max: '2147483648',
      bytes: '1536',
      stores_in_memory: 7,
      stores_loading: 1,
      stores_in_storage: 4,
      graphs: [...graphs, { store_id: 'store 4', place: 'PLACE_LOADING', reason: '' }],
    }),
  });
  expect(found.stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    '1.5 KiB of 2.0 GiB used',
    expect.stringMatching(/^store +answered from +size +tuples +changes since$/),
    'store 0  storage: too large for the memory',
    'store 1  storage: gave way to other stores',
    'store 2  storage: failed, see the log of the server',
    'store 3  storage: not read lately',
    'store 4  storage: its graph is being built',
    '',
  ]);
  expect(found.stderr).toBe('and 7 stores more\n');
});

test('a server without memory for graphs, and one that is not Pemba', async () => {
  const none = { bytes_max: '0', bytes: '0', graphs: [] };
  expect(await pemba(['graph'], { env: await answering(none) })).toEqual({
    code: 0,
    stdout: 'no memory for graphs: every store is answered from storage\n',
    stderr: 'pemba serve --graph-memory 512MiB gives it some\n',
  });
  const { code, stderr } = await pemba(['graph'], { env: await answering(undefined) });
  expect(code).toBe(4);
  expect(stderr).toContain('Pemba');
});
