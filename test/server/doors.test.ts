// Every method of every service on every protocol, from the descriptors, asked by callers who must
// not come in: none of them does. What is open to everybody is named here, and nothing else is.
import type { DescMethod } from '@bufbuild/protobuf';
import { Server } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AccessWorld, openAccessWorld } from './access-world.ts';
import { ask, type Doors, protocols, send } from './doors-client.ts';
import { doorsOf, enoughFor, headersOf, methodsOf, pathOf, walkStrangers } from './doors-walk.ts';

let world: AccessWorld;
let doors: Doors;
let methods: readonly DescMethod[];
const registered: string[] = [];

beforeAll(async () => {
  const register = vi.spyOn(Server.prototype, 'register');
  world = await openAccessWorld({ 'log-level': 'off' });
  registered.push(...register.mock.calls.map(([name]) => name));
  register.mockRestore();
  doors = doorsOf(world);
  methods = methodsOf(world);
});
afterAll(async () => {
  doors.grpc.close();
  await world[Symbol.asyncDispose]();
});

const open = [
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/List',
  '/grpc.health.v1.Health/Watch',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
];

test('gRPC has a handler for each method of the walk and for what is open to all, no other', () => {
  expect(registered.sort()).toEqual([...methods.map((each) => `/${pathOf(each)}`), ...open].sort());
});

test('HTTP tells a stranger of its health, and of what it does not have', async () => {
  const status = async (path: string, verb = 'GET') =>
    (await send(`${world.url}${path}`, verb, { headers: [] })).status;
  expect(await status('/healthz')).toBe(200);
  expect(await status('/readyz')).toBe(200);
  expect(await status('/metrics')).toBe(404);
  expect(await status('/stores', 'PATCH')).toBe(404);
});

describe('callers who must not come in', () => {
  test.each(protocols)('A01: over %s', async (protocol) => {
    const { asked, wrong } = await walkStrangers(world, doors, protocol);
    expect(wrong).toEqual([]);
    // At least four of nobody, or three, and some whose role is too small.
    expect(asked).toBeGreaterThan(5 * methods.length);
  });

  test.each(protocols)('with bytes that are no request, over %s', async (protocol) => {
    // The library reads the message before it says whose it is; it tells what is in the proto.
    if (protocol === 'grpc-web' || protocol === 'connect-other') return;
    const isLibrarys = (method: DescMethod) =>
      protocol.startsWith('connect') && method.methodKind !== 'unary';
    const wrong: string[] = [];
    for (const method of methods) {
      const bytes = Buffer.from([0xff, 0xff, 0xff]);
      const question = { method, store: world.store, headers: [], bytes };
      if (isLibrarys(method)) continue;
      const outcome = await ask(doors, protocol, question);
      if (outcome !== 'unauthenticated') wrong.push(`${pathOf(method)}: ${outcome}`);
    }
    expect(wrong).toEqual([]);
  });
});

test.each(protocols)('who may come in does, over %s', async (protocol) => {
  const kept: string[] = [];
  for (const method of methods) {
    for (const who of enoughFor(method)) {
      // On a store that is not there: nothing must be gone for the rest of the walk.
      const store = who === 'root' ? '01ARZ3NDEKTSV4RRFFQ69G5FAV' : world.store;
      if (who !== 'root' && method.name === 'DeleteStore') continue;
      const outcome = await ask(doors, protocol, { method, store, headers: headersOf(world, who) });
      if (outcome !== 'through') kept.push(`${pathOf(method)}, ${who}: ${outcome}`);
    }
  }
  expect(kept).toEqual([]);
});
