/** What a whole server gave away, took for something else, or kept, in another engine. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { type create, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { pembaProcess as pemba } from '../cli/run.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { GrpcClient } from '../server/grpc-client.ts';
import { wire } from '../server/grpc-harness.ts';
import {
  callOf,
  driveModel,
  openDrive,
  serviceOver,
  type TestService,
  testClock,
  tupleKey,
} from '../service/harness.ts';
import { answerOf, filled, opened, temporaryFile } from './manners.ts';
import { watched } from './reads.ts';

const canary = 'canary-7f3a9c';

async function started(
  flags: Record<string, string> = {},
): Promise<RunningServer & { lines: string[] }> {
  const lines: string[] = [];
  const config = resolveConfig({
    environment: {},
    flags: {
      'datastore-uri': ':memory:',
      'http-addr': '127.0.0.1:0',
      'grpc-addr': '127.0.0.1:0',
      'metrics-addr': '127.0.0.1:0',
      'log-level': 'debug',
      workers: '1',
      ...flags,
    },
  });
  const server = await startServer(config, { write: (line: string) => void lines.push(line) });
  onTestFinished(() => server.close());
  return { ...server, lines };
}

test('A31: the metrics port tells nothing of the command line, the environment or the file', async () => {
  const path = join(dirname(temporaryFile()), `${canary}.db`);
  const server = await started({ 'datastore-uri': `file:${path}` });
  const paths = ['/metrics', '/', '/debug/pprof', '/debug/pprof/cmdline', '/debug/vars', '/env'];
  for (const port of [server.metricsAddress, server.httpAddress]) {
    for (const path of [...paths, '/config', '/healthz', '/readyz', '/stores', '/playground']) {
      const response = await fetch(`http://${port}${path}`);
      const text = (await response.text()) + JSON.stringify([...response.headers]);
      expect(text, path).not.toContain(canary);
      expect(text, path).not.toContain('vitest');
      if (path.startsWith('/debug')) expect(response.status).toBe(404);
    }
  }
  expect(resolveConfig({ environment: {} }).metricsAddr).toMatchObject({ host: '127.0.0.1' });
});

test('A33: a password in a setting is in no error, wherever the setting came from', async () => {
  const folder = dirname(temporaryFile());
  const uris = [`postgres://pemba:${canary}@db/pemba`, `://${canary}`, `mysql://a:${canary}@[::`];
  for (const uri of uris) {
    const config = join(folder, 'pemba.yaml');
    writeFileSync(config, `datastore-uri: "${uri}"\n`);
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, `datastore-uri: "${uri}"\n  http-addr: [${canary}: *${canary}\n`);
    const typo = join(folder, 'typo.yaml');
    writeFileSync(typo, `datastore-url: "${uri}"\n`);
    const ended = await Promise.all([
      pemba(['serve', '--datastore-uri', uri]),
      pemba(['serve'], { env: { PEMBA_DATASTORE_URI: uri } }),
      ...[config, broken, typo].flatMap((file) => [
        pemba(['serve', '--config', file]),
        pemba(['serve'], { env: { PEMBA_CONFIG: file } }),
      ]),
    ]);
    for (const { code, stdout, stderr } of ended) {
      expect(code).not.toBe(0);
      expect(stderr).not.toBe('');
      expect(stdout + stderr).not.toContain(canary);
    }
  }
});

test('A33: a bearer token is in no log line, error or answer', async () => {
  const server = await started();
  const headers = { authorization: `Bearer ${canary}`, 'x-request-id': 'seen' };
  const url = `http://${server.httpAddress}`;
  const bodies = [`{"name": "drive"}`, '{', '{"name": 1}', '{"unknown": 1}'];
  for (const path of ['/stores', '/stores/none/check', '/openfga.v1.OpenFGAService/Check']) {
    for (const body of bodies) {
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
      const text = (await response.text()) + JSON.stringify([...response.headers]);
      expect(text).not.toContain(canary);
    }
  }
  const client = new GrpcClient(server.grpcAddress);
  const { status } = await client.call(wire.createStore, { name: '!' }, { headers });
  expect(JSON.stringify(status)).not.toContain(canary);
  client.close();
  expect(server.lines.join('')).toContain('seen');
  expect(server.lines.join('')).not.toContain(canary);
  const ended = await pemba(['store', 'list', '--api-url', 'http://127.0.0.1:1'], {
    env: { PEMBA_API_TOKEN: canary },
  });
  expect(ended.stdout + ended.stderr).not.toContain(canary);
});

test('A62: a path is matched as it is written, and its parts are names, never code or paths', async () => {
  const server = await started();
  const origin = `http://${server.httpAddress}`;
  const send = async (path: string, method = 'GET', body?: string) => {
    // `fetch` would tidy the path up.
    return await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(origin);
      const sent = request({ hostname, port, path, method }, async (response) => {
        const text = (await response.toArray()).join('');
        resolve({ status: response.statusCode ?? 0, text });
      });
      sent.on('error', reject).end(body);
    });
  };
  const created = await send('/stores', 'POST', '{"name": "drive"}');
  const id: string = JSON.parse(created.text).id;
  expect((await send(`/stores/${id}`)).status).toBe(200);
  for (const path of [
    `//stores/${id}`,
    `/stores//${id}`,
    `/stores/${id}/`,
    `/stores/./${id}`,
    `/stores/x/../${id}`,
    `/stores/${id}/../${id}`,
    `/stores/..%2f${id}`,
    `/%73tores/${id}/`,
    `/stores/${id}%00`,
    `/stores/${id};x=1`,
    `/stores/${id}\\..`,
    `//evil.example/stores/${id}`,
    `http://evil.example//stores/${id}`,
    `/stores/${id.toLowerCase()}`,
    `/stores/${id}'--`,
    `/stores/%24%7B${id}%7D`,
    '/stores/__proto__',
    '/stores/constructor/check',
    '/__proto__',
    '/openfga.v1.OpenFGAService/constructor',
    '/openfga.v1.OpenFGAService/__proto__',
    '/openfga.v1.OpenFGAService/../OpenFGAService/GetStore',
  ]) {
    const { status, text } = await send(path);
    expect([400, 404, 405, 415], path).toContain(status);
    expect(text, path).not.toContain('"drive"');
  }
  expect((await send(`/stores/${id}`)).status).toBe(200);
});

test('leaks: calls that are cut short or refused leave no timer, socket or cursor behind', async () => {
  const server = await started({ 'log-level': 'off' });
  const client = new GrpcClient(server.grpcAddress);
  const storeId = (await client.call(wire.createStore, { name: 'drive' })).message!.id;
  const base = `http://${server.httpAddress}/stores/${storeId}`;
  const post = async (path: string, body: JsonValue) =>
    await (await fetch(`${base}/${path}`, { method: 'POST', body: JSON.stringify(body) })).text();
  await post('authorization-models', driveModel);
  for (let at = 0; at < 1_000; at += 100) {
    const document = (i: number) => tupleKey(`document:${at + i}#viewer@user:anne`);
    await post('write', {
      writes: { tuple_keys: Array.from({ length: 100 }, (_, i) => document(i)) },
    });
  }
  const list = JSON.stringify({ type: 'document', relation: 'viewer', user: 'user:anne' });
  const paths = ['read', 'list-objects', 'streamed-list-objects'];
  const round = async () => {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 60; i++) {
      const options = i % 3 === 0 ? { timeoutMs: 1 } : {};
      calls.push(client.call(wire.check, { storeId }, options));
      const cut = new AbortController();
      const path = paths[Math.floor(i / 3) % paths.length] as string;
      const body = path === 'read' ? '{}' : list;
      calls.push(
        fetch(`${base}/${path}`, { method: 'POST', body, signal: cut.signal })
          .then((response) => response.text())
          .catch(() => {}),
      );
      if (i % 3 === 1) cut.abort();
    }
    await Promise.all(calls);
  };
  await round();
  const held = () => {
    const counts = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) {
      // Connections are kept alive, and are bounded by those who made them.
      if (kind.startsWith('TCP') || kind === 'TTYWrap' || kind === 'PipeWrap') continue;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
  };
  const before = held();
  for (let i = 0; i < 10; i++) await round();
  // 600 calls and as many requests: a thing kept for each would show at once.
  for (const [kind, count] of held()) {
    expect(count - (before.get(kind) ?? 0), kind).toBeLessThan(100);
  }
  expect((await client.call(wire.createStore, { name: 'after' })).status.code).toBe(0);
  client.close();
});

/** A message's JSON with random parts: most of them wrong, many of them nearly right. */
function randomRequest(random: RandomSource, message: DescMessage, depth: number): JsonValue {
  const words = ['', 'user:anne', 'document:1', 'viewer', 'user:*', 'a#b', '#', ':', '\u0000', 'x'];
  words.push('x'.repeat(600), '01H0H015178Y2V4CX10C2KGHF4', '__proto__', 'group:1#member', '-1');
  const scalar = (): JsonValue =>
    random.weighted({ word: 8, number: 1, null: 1, flag: 1 }) === 'word'
      ? random.pick(words)
      : random.pick<JsonValue>([0, -1, 1e308, null, true, 50, 101]);
  const value = (nested: DescMessage | undefined): JsonValue => {
    if (nested === undefined || random.chance(0.05)) return scalar();
    if (nested.typeName === 'google.protobuf.Struct') return { [random.pick(words)]: scalar() };
    return depth > 7 ? {} : randomRequest(random, nested, depth + 1);
  };
  const entries: [string, JsonValue][] = [];
  for (const field of message.fields) {
    if (random.chance(0.15)) continue;
    const many = () => Array.from({ length: random.below(4) }, () => value(field.message));
    if (field.fieldKind === 'list') entries.push([field.name, many()]);
    else if (field.fieldKind === 'map') {
      const pairs = many().map((each): [string, JsonValue] => [random.pick(words), each]);
      entries.push([field.name, Object.fromEntries(pairs)]);
    } else entries.push([field.name, value(field.message)]);
  }
  return Object.fromEntries(entries);
}

test('panics: whatever a request holds, it is answered or refused, and the next one is served', async () => {
  const drive = await openDrive(['document:1#viewer@user:anne']);
  onTestFinished(() => drive.close());
  const random = new RandomSource(1);
  let [handled, answered] = [0, 0];
  for (let round = 0; round < 6_000; round++) {
    const method = random.pick(drive.methods);
    const json = randomRequest(random, method.descriptor.input, 0) as Record<string, JsonValue>;
    if (random.chance(0.95)) {
      json.store_id = drive.store;
      json.authorization_model_id = random.pick(['', drive.model]);
    }
    if (method.descriptor.name === 'DeleteStore') continue;
    let message: ReturnType<typeof create>;
    try {
      message = fromJson(method.descriptor.input, json, { ignoreUnknownFields: true });
    } catch {
      continue;
    }
    handled++;
    try {
      const answer = method.handle(message, callOf(method.descriptor.name));
      if (method.kind === 'unary') await answer;
      else for await (const _ of answer as AsyncIterable<unknown>);
      answered++;
    } catch (error) {
      if (!(error instanceof Refusal)) throw new Error(JSON.stringify(json), { cause: error });
    }
  }
  expect(handled).toBeGreaterThan(500);
  expect(answered).toBeGreaterThan(10);
  const tuple_key = tupleKey('document:1#viewer@user:anne');
  const asked = { store_id: drive.store, authorization_model_id: drive.model, tuple_key };
  expect((await drive.ask('Check', asked)).body.allowed).toBe(true);
});

const operators = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define a: [user, group#member]
    define b: [user, group#member]
    define both: a and b
    define but: a but not b
    define either: a or b
    define nested: (a and b) but not (b but not a)`;

test('A10: a read that fails in any operand is an error or changes nothing, never a wrong allow', async () => {
  const clock = testClock();
  const datastore = await openSqlite({ path: ':memory:', clock });
  onTestFinished(() => datastore.close());
  let failAt = 0;
  let reads = 0;
  const fail = () => {
    if (++reads === failAt) throw new Error('disk I/O error');
  };
  const service = serviceOver(watched(datastore, fail), clock);
  const tuples = ['document:1#a@group:g#member', 'document:1#b@group:h#member'];
  tuples.push('group:g#member@user:anne', 'group:h#member@user:anne', 'group:g#member@user:beth');
  const store = await filled(service, { model: operators, tuples });
  let failures = 0;
  for (const relation of ['both', 'but', 'either', 'nested']) {
    for (const user of ['anne', 'beth', 'carl']) {
      const check = `document:1#${relation}@user:${user}`;
      failAt = 0;
      const right = await answerOf(service, store, { check, expected: '' });
      for (let at = 1; ; at++) {
        [failAt, reads] = [at, 0];
        const outcome = await answerOrBug(service, store, check);
        if (reads < at) break;
        failures++;
        expect(outcome).toBe('disk I/O error');
        // Nothing of the failed walk is remembered.
        failAt = 0;
        expect(await answerOf(service, store, { check, expected: '' })).toBe(right);
      }
    }
  }
  expect(failures).toBeGreaterThan(30);
});

async function answerOrBug(service: TestService, store: string, check: string): Promise<string> {
  try {
    return await answerOf(service, store, { check, expected: '' });
  } catch (error) {
    return (error as Error).message;
  }
}

test('results cached on cancel: a batch that its deadline cuts says so, and remembers nothing', async () => {
  const service = await opened();
  const tuples = ['document:1#a@user:anne', 'document:1#b@user:beth'];
  const store = await filled(service, { model: operators, tuples });
  const expected = { anne: true, beth: false, carl: false };
  const checks = Object.keys(expected).map((user) => ({
    tuple_key: tupleKey(`document:1#but@user:${user}`),
    correlation_id: user,
  }));
  // Each look at the clock takes a millisecond, so the deadline falls after every item in turn.
  const now = service.clock.monotonic;
  const codes = new Set<string>();
  for (let budget = 0; budget < 8; budget++) {
    const start = service.clock.time;
    Object.assign(service.clock, { monotonic: () => service.clock.time++ - start });
    const asked = service.ask('BatchCheck', { store_id: store, checks }, { deadline: budget });
    const outcome = await asked.catch((error: Refusal) => error.code);
    Object.assign(service.clock, { monotonic: now });
    if (typeof outcome === 'string') {
      codes.add(outcome);
      continue;
    }
    for (const [user, allowed] of Object.entries(expected)) {
      const { error, allowed: answer } = outcome.body.result[user];
      if (error === undefined) expect(answer === true).toBe(allowed);
      else codes.add(error.internal_error);
    }
    const again = await service.ask('BatchCheck', { store_id: store, checks });
    for (const [user, allowed] of Object.entries(expected)) {
      expect(again.body.result[user].allowed === true).toBe(allowed);
    }
  }
  expect([...codes]).toEqual(['deadline_exceeded']);
});
