/**
 * What a server that asks who calls must never tell: keys, tokens, the secrets of its settings; to
 * strangers or in its log, on any path and port, whatever the request says.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOption } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { http } from '../../src/gen/google/api/annotations_pb.ts';
import { exampleFile } from '../authn/identity-fixture.ts';
import { pembaProcess as pemba } from '../cli/run.ts';
import { type AccessWorld, openAccessWorld } from '../server/access-world.ts';
import { type Headers, send } from '../server/doors-client.ts';
import { methodsOf } from '../server/doors-walk.ts';

const canary = 'canary-7f3a9c';
const forged = 'forged-host.example.com';
const folder = mkdtempSync(join(tmpdir(), `pemba-${canary}-`));
const identityFile = join(folder, 'identity.yaml');

let world: AccessWorld;
let secrets: readonly string[];
beforeAll(async () => {
  writeFileSync(identityFile, exampleFile.replaceAll('idp.example.com', `${canary}.invalid`));
  world = await openAccessWorld({ 'identity-file': identityFile, 'log-level': 'debug' });
  secrets = [...Object.values(world.keys), 'sha256', `${canary}.token`];
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Every path of the descriptors, and those where other servers had something to show. */
function paths(): readonly (readonly [verb: string, path: string])[] {
  const described = methodsOf(world).flatMap((method) => {
    const { case: verb = 'get', value } = getOption(method, http).pattern;
    const path = String(value).replace(/\{\w+\}/g, world.store);
    return [
      [verb.toUpperCase(), path] as const,
      ['POST', `/${method.parent.typeName}/${method.name}`] as const,
    ];
  });
  const others = [
    '/',
    '/metrics',
    '/healthz',
    '/readyz',
    '/playground',
    '/config',
    '/env',
    '/debug/pprof',
  ];
  const wellKnown = [
    '/.well-known/openid-configuration',
    '/.well-known/authzen-configuration',
    '/openapi.json',
  ];
  return [...described, ...[...others, ...wellKnown].map((path) => ['GET', path] as const)];
}

test('A21, A27, A31: no path tells a stranger a secret, or takes the name of a host from them', async () => {
  const headers: Headers = [
    ['x-forwarded-host', forged],
    ['forwarded', `host=${forged}`],
    ['content-type', 'application/json'],
    ['authorization', `Bearer ${canary}.token`],
    ['pemba-subject-token', `${canary}.token`],
  ];
  const ports = [world.url, `http://${world.server.metricsAddress}`];
  let asked = 0;
  for (const port of ports) {
    for (const [verb, path] of paths()) {
      const body = verb === 'GET' || verb === 'DELETE' ? undefined : Buffer.from('{}');
      const answer = await send(`${port}${path}`, verb, { headers, body, host: forged });
      const told = JSON.stringify(answer.headers) + answer.text;
      for (const secret of [...secrets, canary, forged]) {
        // Health says which issuer is amiss, to whoever may ask it.
        if (path === '/readyz' && secret === canary) continue;
        expect(told.includes(secret), `${verb} ${path} tells ${secret}`).toBe(false);
      }
      asked++;
    }
  }
  expect(asked).toBeGreaterThan(100);
});

test('A21, A33: no log line holds a key or a token, at any level', async () => {
  for (const key of Object.values(world.keys)) {
    for (const authorization of [`Bearer ${key}`, `Bearer ${key}x`, key]) {
      const headers: Headers = [
        ['authorization', authorization],
        ['pemba-subject-token', `${canary}.token`],
      ];
      await send(`${world.url}/stores/${world.store}`, 'GET', { headers });
      await send(`${world.url}/stores/${world.store}/check`, 'POST', {
        headers,
        body: Buffer.from('{'),
      });
    }
  }
  const log = world.lines.join('');
  expect(log).toContain('"msg"');
  for (const secret of secrets) expect(log.includes(secret), secret).toBe(false);
});

test('A33: a key that no header may hold is not printed by the library that drops it', async () => {
  const printed = vi.spyOn(console, 'error').mockReturnValue();
  const session = connect(`http://${world.server.grpcAddress}`);
  onTestFinished(() => {
    session.destroy();
    printed.mockRestore();
  });
  for (const path of ['Check', 'StreamedListObjects']) {
    const call = session.request({
      ':method': 'POST',
      ':path': `/openfga.v1.OpenFGAService/${path}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${canary}\u00fc`,
    });
    call.end(Buffer.alloc(5));
    call.resume();
    const [headers] = (await once(call, 'response')) as [IncomingHttpHeaders];
    expect(headers[':status']).toBe(200);
  }
  expect(JSON.stringify(printed.mock.calls)).not.toContain(canary);
});

test('A33: what is wrong with a key is said without the key, wherever it was given', async () => {
  const file = join(folder, 'keys.txt');
  const config = join(folder, 'config.yaml');
  for (const stored of [
    `ops=${canary}`,
    canary,
    `ops=sha256:${canary}`,
    `ops=sha256:${'a'.repeat(63)}Z${canary}`,
  ]) {
    writeFileSync(file, `${stored}\n`);
    writeFileSync(config, `authn-preshared-keys: "${stored}"\n`);
    const ended = await Promise.all([
      pemba(['serve', '--authn-method', 'preshared', '--authn-preshared-keys-file', file]),
      pemba(['serve', '--authn-method', 'preshared', '--config', config]),
      pemba(['serve', '--authn-method', 'preshared'], {
        env: { PEMBA_AUTHN_PRESHARED_KEYS: stored },
      }),
    ]);
    for (const { code, stdout, stderr } of ended) {
      expect(code).toBe(exitCodes.usage.code);
      expect(stderr).toContain('preshared key is given as NAME=sha256:DIGEST');
      // The folder's own name has it.
      expect((stdout + stderr).replaceAll(folder, '')).not.toContain(canary);
    }
  }
});
