// Every method of every service on every protocol, from the descriptors, asked by callers who must
// not come in: none of them does. What is open to everybody is named here, and nothing else is.
import type { DescMethod } from '@bufbuild/protobuf';
import { Server } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { demandOf, type Role, roles } from '../../src/service/access/roles.ts';
import { createMethods } from '../../src/service/router.ts';
import { type AccessWorld, type HolderName, openAccessWorld } from './access-world.ts';
import { ask, type Doors, grpcClient, type Headers, protocols, send } from './doors-client.ts';

let world: AccessWorld;
let doors: Doors;
let methods: readonly DescMethod[];
const registered: string[] = [];

beforeAll(async () => {
  const register = vi.spyOn(Server.prototype, 'register');
  world = await openAccessWorld({ 'log-level': 'off' });
  registered.push(...register.mock.calls.map(([name]) => name));
  register.mockRestore();
  doors = { httpUrl: world.url, grpc: grpcClient(world.server.grpcAddress) };
  const { datastore } = world.server;
  methods = createMethods({ datastore, clock: systemClock }).map(({ descriptor }) => descriptor);
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
  let asked = 0;
  afterAll(() => console.log(`doors: ${methods.length} methods, ${asked} calls, 0 let through`));

  test.each(protocols)('over %s', async (protocol) => {
    const wrong: string[] = [];
    for (const method of methods) {
      for (const [who, refused] of strangersOf(method)) {
        // The runtime's HTTP/2 sends no second one, and of two that come keeps the first.
        if (who === 'two tokens' && protocol === 'grpc') continue;
        const question = { method, store: world.store, headers: headersOf(who) };
        const outcome = await ask(doors, protocol, question);
        asked++;
        // From one address: the server soon does not look at its wrong keys any more.
        if (who === 'bad token' && outcome === 'throttled') continue;
        if (outcome !== refused) wrong.push(`${pathOf(method)}, ${who}: ${outcome}`);
      }
    }
    expect(wrong).toEqual([]);
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
      const outcome = await ask(doors, protocol, { method, store, headers: headersOf(who) });
      if (outcome !== 'through') kept.push(`${pathOf(method)}, ${who}: ${outcome}`);
    }
  }
  expect(kept).toEqual([]);
});

const nobodies = ['no token', 'bad token', 'two tokens', 'no scheme'] as const;
type Who = HolderName | (typeof nobodies)[number];

function strangersOf(method: DescMethod): readonly (readonly [Who, string])[] {
  const enough = enoughFor(method);
  const known: readonly HolderName[] = ['nobody', 'other', ...roles];
  return [
    ...nobodies.map((who) => [who, 'unauthenticated'] as const),
    ...known.filter((who) => !enough.includes(who)).map((who) => [who, 'forbidden'] as const),
  ];
}

/** Holders of a role on the store of the walk who may call the method on it, as the README has it. */
function enoughFor(method: DescMethod): readonly HolderName[] {
  const demand = demandOf(method);
  if (demand.on === 'own') return ['root', 'nobody', 'other', ...roles];
  return ['root', ...(enough[demand.permission] ?? [])];
}

const enough: { readonly [permission: string]: readonly Role[] } = {
  check: ['check', 'read', 'admin'],
  read: ['read', 'admin'],
  write: ['write', 'admin'],
  model: ['model', 'admin'],
  admin: ['admin'],
  create: ['create'],
  see: ['check', 'read', 'write', 'model', 'admin'],
  read_model: ['read', 'model', 'admin'],
};

function headersOf(who: Who): Headers {
  const { root, nobody } = world.keys;
  switch (who) {
    case 'no token':
      return [];
    case 'bad token':
      return [['authorization', `Bearer ${nobody.slice(0, -2)}`]];
    case 'no scheme':
      return [['authorization', root]];
    case 'two tokens':
      return [
        ['authorization', `Bearer ${root}`],
        ['authorization', `Bearer ${root}`],
      ];
    default:
      return [['authorization', `Bearer ${world.keys[who]}`]];
  }
}

function pathOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
