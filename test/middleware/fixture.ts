// A model, tuples, an identity file for the issuer of the test world, and requests with its tokens.
import { type IdentityMapper, identity } from '../../src/identity.ts';
import { open, type Pemba, type Store } from '../../src/index.ts';
import type { Gate } from '../../src/middleware/permission.ts';
import type { Refused } from '../../src/middleware/refused.ts';
import { audience, openWorld, type World } from '../authn/world.ts';
import type { Application } from './frameworks.ts';

export const modelText = `model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, agent, group#member]
    define near: [user with nearby]
    define can_view: viewer
    define can_share: viewer
    define can_delete: viewer
    define can_view_near: near
condition nearby(place: string, token_acr: string) {
  place == "here" && token_acr == "phr"
}
`;

export const identityText = (issuer: string) => `version: 1
issuers:
  - issuer: ${issuer}
    audiences: [${audience}]
    algorithms: [RS256, PS256, ES256, ES384, EdDSA]
    map: people
maps:
  people:
    require: claims.?email_verified.orValue(true) == true
    subject: { type: user, id: claims.sub }
    actor: { type: agent, id: claims.?act.?sub }
    tuples:
      - { each: claims.?groups, relation: member, object: { type: group, id: item } }
    context: { token_acr: claims.?acr.orValue('') }
scope_ceiling: [{ relation: can_share, any: [docs.share, docs.all] }]
step_up: [{ type: document, relation: can_delete, acr_any: [phr, phrh], max_age: 300 }]
`;

/** Group eng may see the plan; so may the agent `helper`. Near it, bob sees the board. */
export const tuples = [
  { subject: 'group:eng#member', relation: 'viewer', object: 'document:plan' },
  { subject: 'agent:helper', relation: 'viewer', object: 'document:plan' },
  {
    subject: 'user:bob',
    relation: 'near',
    object: 'document:board',
    condition: { name: 'nearby' },
  },
];

export interface Fixture extends AsyncDisposable {
  readonly world: World;
  readonly identity: IdentityMapper;
  readonly pemba: Pemba;
  readonly store: Store;
}

export async function openFixture(): Promise<Fixture> {
  const world = await openWorld();
  const pemba = await open(':memory:');
  const store = await pemba.createStore('documents');
  await store.writeModel(modelText);
  await store.write({ writes: tuples });
  return {
    world,
    identity: identity(identityText(world.issuer.issuer), world.clock),
    pemba,
    store,
    async [Symbol.asyncDispose]() {
      await pemba.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** What the application's log was told. */
export function logged(gate: Omit<Gate, 'onRefused'>): { gate: Gate; log: Refused[] } {
  const log: Refused[] = [];
  return { log, gate: { ...gate, onRefused: (refused) => log.push(refused) } };
}

export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly retryAfter: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  readonly body: any;
}

export async function ask(
  app: Application,
  path: string,
  token: string | undefined,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { ...authorization, ...init.headers };
  const response = await fetch(`${app.url}${path}`, { ...init, headers });
  const text = await response.text();
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    body: text.startsWith('{') ? JSON.parse(text) : text,
  };
}
