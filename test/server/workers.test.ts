// A server of several workers: it answers as one does, whoever takes the connection.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKey } from '../../src/authn/preshared.ts';
import { limits } from '../../src/base/limits.ts';
import { StartError } from '../../src/server/start-error.ts';
import { GrpcClient } from './grpc-client.ts';
import { wire } from './grpc-harness.ts';
import { serveProcess } from './serve-process.ts';
import { Line, openWorkers, type WorkersWorld } from './workers-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-workers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshPath = () => join(folder, `pemba-${files++}.db`);

const model = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'document',
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
    },
  ],
};
const tupleOf = (id: number | string) => ({
  user: 'user:anne',
  relation: 'viewer',
  object: `document:${id}`,
});

async function drive(line: Line): Promise<string> {
  const { body } = await line.ask('POST', '/stores', { name: 'drive' });
  await line.ask('POST', `/stores/${body.id}/authorization-models`, model);
  return body.id;
}

const change = (line: Line, store: string, kind: 'writes' | 'deletes', id: number | string) =>
  line.ask('POST', `/stores/${store}/write`, { [kind]: { tuple_keys: [tupleOf(id)] } });
const check = async (line: Line, store: string, id: number | string) =>
  (await line.ask('POST', `/stores/${store}/check`, { tuple_key: tupleOf(id) })).body.allowed;

test.each(['0', '64MiB'])(
  'what is acknowledged by one is seen by all, without a token; memory %s',
  async (graphMemory) => {
    const world = await openWorkers(freshPath(), { flags: { 'graph-memory': graphMemory } });
    const lines = await world.linesToAll();
    const store = await drive(lines[0] as Line);
    if (graphMemory !== '0') {
      for (const line of lines) {
        let place = '';
        while (place !== 'PLACE_MEMORY') {
          await check(line, store, 0);
          const { body } = await line.ask('GET', `/graphs?store_id=${store}`);
          place = body.graphs[0].place;
        }
      }
    }
    const before = await world.metrics();
    for (let i = 0; i < 60; i++) {
      const [writer, ...others] = [lines[i % 2] as Line, lines[(i + 1) % 2] as Line, ...lines];
      expect((await change(writer, store, 'writes', i)).status).toBe(200);
      const seen = await Promise.all([writer, ...others].map((line) => check(line, store, i)));
      expect(seen).toEqual(Array(4).fill(true));
      if (i % 3 > 0) continue;
      await change(writer, store, 'deletes', i);
      expect(await Promise.all(lines.map((line) => check(line, store, i)))).toEqual([false, false]);
    }
    const after = await world.metrics();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    // Each has answered, and the numbers of both are one sum.
    expect(grown('pemba_worker_requests_total{worker="1"}')).toBeGreaterThan(100);
    expect(grown('pemba_worker_requests_total{worker="2"}')).toBeGreaterThan(100);
    expect(grown('pemba_request_duration_seconds_count{method="Check",code="ok"}')).toBe(280);
    expect(grown('pemba_checks_total')).toBe(280);
    expect(grown('pemba_request_duration_seconds_count{method="Write",code="ok"}')).toBe(80);
    expect(after.get('pemba_workers')).toBe(2);
    expect(after.get('pemba_graph_builds_total')).toBe(graphMemory === '0' ? 0 : 1);
    expect(after.get('pemba_graph_stores{place="memory"}')).toBe(graphMemory === '0' ? 0 : 1);
    // A write looks at its store, too.
    const answers = graphMemory === '0' ? 0 : 280 + 80;
    expect(grown('pemba_graph_answers_total{place="memory"}')).toBe(answers);
    expect(after.get('pemba_process_start_time_seconds')).toBeGreaterThan(0);
    // Both are told the same of the graphs of the process.
    const told = await Promise.all(
      lines.map(async (line) => (await line.ask('GET', '/graphs')).body),
    );
    expect(told[0]).toMatchObject({
      bytes: told[1].bytes,
      stores_in_memory: told[1].stores_in_memory,
    });
    expect(told[0].bytes).toBe(String(after.get('pemba_graph_bytes')));
    // Every request has its line, with the worker that answered it, and each worker's are in order.
    for (const worker of [1, 2]) {
      const times = world.lines
        .filter((line) => line.worker === worker && line.msg === 'request')
        .map(({ time }) => String(time));
      expect(times.length).toBeGreaterThan(100);
      expect(times).toEqual(times.toSorted());
    }
  },
);

/** A message that is none: the worker meets an error that nobody catches. */
function fail({ server }: WorkersWorld, number: number): void {
  server.threads().get(number)?.postMessage(null);
}

describe('a worker that ends', () => {
  test('is started again; nothing acknowledged is lost, and the others go on', async () => {
    const world = await openWorkers(freshPath(), { flags: { 'graph-memory': '64MiB' } });
    const [one, two] = (await world.linesToAll()) as [Line, Line];
    const store = await drive(one);
    const acknowledged: string[] = [];
    const outcomes: string[] = [];
    const writeAll = async (line: Line, name: string) => {
      const written = Array.from({ length: 40 }, async (_, i) => {
        try {
          const { status } = await change(line, store, 'writes', `${name}-${i}`);
          if (status === 200) acknowledged.push(`${name}-${i}`);
          outcomes.push(`${name} ${status}`);
        } catch {
          outcomes.push(`${name} cut`);
        }
      });
      await Promise.all(written);
    };
    const before = await world.metrics();
    const again = world.logged('a worker serves again');
    const running = [writeAll(one, 'one'), writeAll(two, 'two')];
    await change(two, store, 'writes', 'first');
    const ended = world.logged('a worker has ended; it is started again');
    fail(world, 1);
    await ended;
    await Promise.all(running);
    // Those at the other one are all done; of those at this one, what was acknowledged.
    expect(outcomes.filter((outcome) => outcome === 'two 200')).toHaveLength(40);
    expect(outcomes).not.toContain('one 500');
    expect((await world.metrics()).get('pemba_workers')).toBe(1);

    expect(await again).toMatchObject({ worker: 1, level: 'info' });
    expect(world.lines).toContainEqual(
      expect.objectContaining({ level: 'fatal', worker: 1, msg: 'a bug ends the worker' }),
    );
    const lines = await world.linesToAll();
    for (const line of [...lines, two]) {
      for (const id of acknowledged) expect(await check(line, store, id)).toBe(true);
    }
    expect((await change(lines[0] as Line, store, 'writes', 'later')).status).toBe(200);
    expect(await check(two, store, 'later')).toBe(true);
    const after = await world.metrics();
    expect(after.get('pemba_workers')).toBe(2);
    expect(after.get('pemba_worker_restarts_total')).toBe(1);
    // What it had counted when it was last asked is counted still.
    for (const name of ['pemba_worker_requests_total{worker="1"}', 'pemba_checks_total']) {
      expect(after.get(name)).toBeGreaterThanOrEqual(before.get(name) ?? 0);
    }
  });

  test('leaves its callers over gRPC with `unavailable`', async () => {
    const world = await openWorkers(freshPath(), { workers: 2 });
    const client = new GrpcClient(world.server.grpcAddress);
    const store = await client.call(wire.createStore, { name: 'drive' });
    const calls = Array.from({ length: 100 }, () =>
      client.call(wire.createStore, { name: 'another' }),
    );
    for (const number of [1, 2]) fail(world, number);
    const codes = (await Promise.all(calls)).map(({ status }) => status.code);
    for (const code of codes) expect([0, 14]).toContain(code);
    expect(codes).toContain(14);
    client.close();
    expect(store.status.code).toBe(0);
  });
});

describe('who fails to authenticate', () => {
  test('is slowed by all, whoever was asked', async () => {
    const made = createKey('web');
    if (typeof made === 'string') throw new Error(made);
    const world = await openWorkers(freshPath(), {
      flags: { 'authn-method': 'preshared' },
      environment: { PEMBA_AUTHN_PRESHARED_KEYS: made.stored },
    });
    const [one, two] = (await world.linesToAll({ authorization: 'Bearer pemba_no' })) as [
      Line,
      Line,
    ];
    let failures = 0;
    let answer = await one.ask('GET', '/stores');
    while (answer.body.code !== 'throttled_timeout_error' && failures <= limits.authFailuresMax) {
      failures++;
      answer = await one.ask('GET', '/stores');
    }
    // What one has told is with the other once both have done as they were told, twice.
    for (let i = 0; i < 2; i++) await world.server.reload();
    expect([answer.status, (await two.ask('GET', '/stores')).status]).toEqual(
      Array(2).fill(answer.status),
    );
    expect((await two.ask('GET', '/stores')).body).toEqual(answer.body);
  });
});

describe('a server of workers that does not start says why in one line, and leaves nothing', () => {
  const refusalOf = async (path: string, flags: Record<string, string>): Promise<string> => {
    const started = openWorkers(path, { flags });
    const error: unknown = await started.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof StartError)) throw new Error('it started', { cause: error });
    expect(error.message).not.toContain('\n');
    await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap'));
    expect(existsSync(`${path}-wal`)).toBe(false);
    return error.message;
  };

  test.each(['http-addr', 'grpc-addr', 'metrics-addr'])('%s in use', async (flag) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    holder.unref();
    const started = openWorkers(freshPath(), { flags: { [flag]: address } });
    await expect(started).rejects.toThrow(`--${flag}: \`${address}\` is in use`);
    holder.close();
    await once(holder, 'close');
  });

  test('one port for two APIs', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    holder.close();
    await once(holder, 'close');
    const flags = { 'http-addr': address, 'grpc-addr': address };
    expect(await refusalOf(freshPath(), flags)).toContain(`--grpc-addr: \`${address}\` is in use`);
  });

  test('the ports of another server of workers, though they can be shared', async () => {
    const { server } = await openWorkers(freshPath());
    const flags = { 'http-addr': server.httpAddress };
    await expect(openWorkers(freshPath(), { flags })).rejects.toThrow('is in use');
    expect((await fetch(`http://${server.httpAddress}/healthz`)).status).toBe(200);
  });

  test('an address that is not here, and a file that only a worker reads', async () => {
    expect(
      await refusalOf(freshPath(), { 'http-addr': '192.0.2.1:0', insecure: 'true' }),
    ).toContain('no address');
    const missing = join(folder, 'missing.yaml');
    const message = await refusalOf(freshPath(), { 'identity-file': missing });
    expect(message).toContain(`--identity-file: \`${missing}\``);
  });

  test('a database in memory is of one thread', async () => {
    const flags = { 'datastore-uri': ':memory:' };
    expect(await refusalOf(freshPath(), flags)).toBe(
      '--workers: a database in memory is of one thread; take 1',
    );
  });
});

describe('a signal', () => {
  const flags = (path: string) => ['--datastore-uri', `file:${path}`, '--workers', '2'];

  test('ends all: open requests are finished, the log is written, the file is folded', async () => {
    const path = freshPath();
    const served = await serveProcess([...flags(path), '--shutdown-timeout', '10m']);
    onTestFinished(() => void served.process.kill('SIGKILL'));
    const body = '{"name":"finished"}';
    const open = Array.from({ length: 8 }, async () => {
      const socket = connect(Number(served.http.split(':')[1]), '127.0.0.1');
      let answer = '';
      socket.on('data', (text) => {
        answer += text;
      });
      const closed = once(socket, 'close');
      const head = `POST /stores HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
      await new Promise<void>((resolve) => socket.write(head + body.slice(0, 5), () => resolve()));
      return { socket, answer: () => answer, closed };
    });
    const requests = await Promise.all(open);
    // The workers have surely read that once each has answered on another connection.
    for (let i = 0; i < 20; i++) {
      const line = new Line(served.http);
      await line.ask('GET', '/healthz');
      line.close();
    }
    served.process.kill('SIGTERM');
    await served.logged('shutting down');
    for (const { socket } of requests) socket.write(body.slice(5));
    for (const { closed, answer } of requests) {
      await closed;
      expect(answer()).toContain('201 Created');
    }
    expect(await served.ended()).toBe(0);
    await served.logged('stopped');
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test('cuts what does not end in its time', async () => {
    const served = await serveProcess([...flags(freshPath()), '--shutdown-timeout', '1ms']);
    onTestFinished(() => void served.process.kill('SIGKILL'));
    const socket = connect(Number(served.http.split(':')[1]), '127.0.0.1');
    // A connection that is cut may show as an error first.
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const head = 'POST /stores HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n';
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    served.process.kill('SIGTERM');
    await closed;
    expect(await served.ended()).toBe(0);
  });
});
