// Resident graphs in the whole server: what it reports, and that its file is its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ServerService } from '../../src/gen/pemba/v1/server_service_pb.ts';
import { open } from '../../src/index.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { GrpcClient } from './grpc-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-graphs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshPath = () => join(folder, `pemba-${files++}.db`);

async function start(path: string, graphMemory = 'auto') {
  const flags = {
    'datastore-uri': path === ':memory:' ? path : `file:${path}`,
    'graph-memory': graphMemory,
    workers: '1',
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': '127.0.0.1:0',
  };
  const config = resolveConfig({ environment: {}, flags });
  const server = await startServer(config, { write: () => undefined });
  onTestFinished(() => server.close());
  return server;
}

const storeId = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as never;
const tuple = {
  object: { type: 'document', id: '1' },
  relation: 'viewer',
  subject: { type: 'user', id: 'anne', relation: '' },
  condition: undefined,
};

test('ReadGraphs over gRPC and HTTP, and the metrics, tell the same', async () => {
  const server = await start(freshPath(), '64MiB');
  const write = { writes: [tuple], deletes: [], onDuplicate: 'error', onMissing: 'error' } as const;
  await server.datastore.write(storeId, write);
  const url = `http://${server.httpAddress}/graphs`;
  const inMemory = async () => {
    server.datastore.local.view(storeId, () => undefined);
    return (await fetch(url)).json() as Promise<{ stores_in_memory: number }>;
  };
  let told = await inMemory();
  while (told.stores_in_memory === 0) told = await inMemory();
  expect(told).toMatchObject({
    bytes_max: String(64 * 1024 * 1024),
    graphs: [{ store_id: storeId, place: 'PLACE_MEMORY', tuples: '1' }],
  });
  const one = await (await fetch(`${url}?store_id=${storeId}`)).json();
  expect(one).toEqual(told);
  expect((await fetch(`${url}?store_id=x`)).status).toBe(400);
  const client = new GrpcClient(server.grpcAddress);
  onTestFinished(() => client.close());
  const { message } = await client.call(ServerService.method.readGraphs, {});
  expect(message).toMatchObject({ storesInMemory: 1, bytesMax: 64n * 1024n * 1024n });

  server.datastore.local.view(storeId, () => undefined);
  const metrics = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
  for (const line of [
    'pemba_graph_builds_total 1',
    'pemba_graph_folds_total 0',
    'pemba_graph_evictions_total 0',
    'pemba_graph_failures_total 0',
    'pemba_graph_changes_total 0',
    'pemba_graph_stores{place="memory"} 1',
    'pemba_graph_stores{place="storage"} 0',
    `pemba_graph_bytes ${message?.bytes}`,
    `pemba_graph_bytes_max ${64 * 1024 * 1024}`,
  ]) {
    expect(metrics.split('\n')).toContain(line);
  }
  expect(metrics).toMatch(/pemba_graph_answers_total\{place="memory"\} [1-9]/);
  expect(metrics).toMatch(/pemba_graph_answers_total\{place="storage"\} [1-9]/);
});

test('in memory too, and with none for graphs none are built', async () => {
  for (const [memory, builds] of [
    ['auto', '1'],
    ['0', '0'],
  ] as const) {
    const server = await start(':memory:', memory);
    await server.datastore.writeAssertions(storeId, storeId, '[]');
    for (let turn = 0; turn < 10; turn++) {
      server.datastore.local.view(storeId, () => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const metrics = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
    expect(metrics).toContain(`pemba_graph_builds_total ${builds}\n`);
  }
});

describe('the file of a server that answers from memory', () => {
  const alone = /is open in another process( \(\d+\))?,.*--graph-memory 0/;
  const belongs = /belongs to a server that answers from memory/;

  test('is its own: refused to a second server, and to whoever embeds it', async () => {
    const path = freshPath();
    const server = await start(path);
    await expect(start(path)).rejects.toThrow(alone);
    await expect(start(path, '0')).rejects.toThrow(belongs);
    await expect(open(path)).rejects.toThrow(belongs);
    await expect(open(path, { graphMemory: 1_000_000 })).rejects.toThrow(alone);
    const link = freshPath();
    symlinkSync(path, link);
    await expect(open(link)).rejects.toThrow(belongs);
    // To read it is free.
    expect(verifyFile(path).problems).toEqual([]);
    await server.close();
    await (await open(path)).close();
  });

  test('is waited for where another is about to let go of it', async () => {
    const path = freshPath();
    const other = await open(path);
    const starting = start(path);
    await other.close();
    const server = await starting;
    expect(server.datastore.local).toBeDefined();
    await server.close();
  });

  test('is shared by those that answer from the file, and refused to one that does not', async () => {
    const path = freshPath();
    const [one, other] = [await open(path), await open(path)];
    await expect(start(path)).rejects.toThrow(alone);
    await one.close();
    await expect(start(path)).rejects.toThrow(alone);
    await other.close();
    await start(path);
  });

  test('is free again when its process is killed', async () => {
    const path = freshPath();
    const url = new URL('../../src/index.ts', import.meta.url).href;
    const script = `
      const { open } = await import(${JSON.stringify(url)});
      await open(${JSON.stringify(path)}, { graphMemory: 1000000 });
      console.log('open');
      setInterval(() => undefined, 1000);`;
    const file = join(folder, 'holder.mjs');
    writeFileSync(file, script);
    const child = spawn(process.execPath, [file]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await expect(start(path)).rejects.toThrow(alone);
    await expect(open(path)).rejects.toThrow(belongs);
    expect(verifyFile(path).problems).toEqual([]);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    await start(path);
  });
});
