// The walk: every method of the descriptors over every protocol, asked by callers who must not come
// in. Here is who they are, and who may; the tests and `npm run authn` go on it.
import type { DescMethod } from '@bufbuild/protobuf';
import { systemClock } from '../../src/base/clock.ts';
import { demandOf, type Role, roles } from '../../src/service/access/roles.ts';
import { createMethods } from '../../src/service/router.ts';
import type { AccessWorld, HolderName } from './access-world.ts';
import { ask, type Doors, grpcClient, type Headers, type Protocol } from './doors-client.ts';

const nobodies = ['no token', 'bad token', 'two tokens', 'no scheme'] as const;
export type Who = HolderName | (typeof nobodies)[number];

export interface Walked {
  readonly asked: number;
  /** Each that was not refused as it should be, with what became of it. */
  readonly wrong: readonly string[];
}

export function doorsOf(world: AccessWorld): Doors {
  return { httpUrl: world.url, grpc: grpcClient(world.server.grpcAddress) };
}

export function methodsOf({ server: { datastore } }: AccessWorld): readonly DescMethod[] {
  return createMethods({ datastore, clock: systemClock }).map(({ descriptor }) => descriptor);
}

export async function walkStrangers(
  world: AccessWorld,
  doors: Doors,
  protocol: Protocol,
): Promise<Walked> {
  const wrong: string[] = [];
  let asked = 0;
  for (const method of methodsOf(world)) {
    for (const [who, refused] of strangersOf(method)) {
      // The runtime's HTTP/2 sends no second one, and of two that come keeps the first.
      if (who === 'two tokens' && protocol === 'grpc') continue;
      const question = { method, store: world.store, headers: headersOf(world, who) };
      const outcome = await ask(doors, protocol, question);
      asked++;
      // From one address: the server soon does not look at its wrong keys any more.
      const isGuess = who === 'bad token' || demandOf(method).on === 'secret';
      if (isGuess && outcome === 'throttled') continue;
      if (outcome !== refused) wrong.push(`${pathOf(method)}, ${who}: ${outcome}`);
    }
  }
  return { asked, wrong };
}

function strangersOf(method: DescMethod): readonly (readonly [Who, string])[] {
  const enough = enoughFor(method);
  const known: readonly HolderName[] = ['nobody', 'other', ...roles];
  // Whoever it is: the server has its first admin.
  if (demandOf(method).on === 'secret') {
    return [...nobodies, 'root' as const, ...known].map((who) => [who, 'unauthenticated'] as const);
  }
  return [
    ...nobodies.map((who) => [who, 'unauthenticated'] as const),
    ...known.filter((who) => !enough.includes(who)).map((who) => [who, 'forbidden'] as const),
  ];
}

/** Holders of a role on the store of the walk who may call the method on it, as the README has it. */
export function enoughFor(method: DescMethod): readonly HolderName[] {
  const demand = demandOf(method);
  if (demand.on === 'secret') return [];
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

export function headersOf({ keys }: AccessWorld, who: Who): Headers {
  const { root, nobody } = keys;
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
      return [['authorization', `Bearer ${keys[who]}`]];
  }
}

export function pathOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
