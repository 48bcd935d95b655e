// A real server that asks who calls, with keys of every role and two stores that are alike.
import { createKey } from '../../src/authn/preshared.ts';
import { assert } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { roles } from '../../src/service/access/roles.ts';
import { createAccess } from '../../src/service/router.ts';

/** On the first store alone, but for `root`, who is the first admin of all, and `nobody`. */
export const holders = ['root', 'nobody', ...roles, 'other'] as const;
export type HolderName = (typeof holders)[number];

export interface AccessWorld extends AsyncDisposable {
  readonly server: RunningServer;
  readonly keys: { readonly [name in HolderName]: string };
  readonly url: string;
  readonly lines: string[];
  readonly store: string;
  /** With the same model and tuples. All that `other` has is on this one. */
  readonly otherStore: string;
  readonly model: string;
  /** JSON in and out, as the holder of the key. */
  rest(name: HolderName, verb: string, path: string, body?: unknown): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  readonly body: any;
  readonly headers: Headers;
}

export const model = {
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

export const tuple = { user: 'user:anne', relation: 'viewer', object: 'document:1' };

export async function openAccessWorld(flags: Record<string, string> = {}): Promise<AccessWorld> {
  const made = holders.map((name) => [name, keyOf(name)] as const);
  const lines: string[] = [];
  const server = await startServer(
    resolveConfig({
      environment: { PEMBA_AUTHN_PRESHARED_KEYS: made.map(([, { stored }]) => stored).join(',') },
      flags: {
        'datastore-uri': ':memory:',
        'http-addr': '127.0.0.1:0',
        'grpc-addr': '127.0.0.1:0',
        'metrics-addr': '127.0.0.1:0',
        'authn-method': 'preshared',
        ...flags,
      },
    }),
    { write: (line) => void lines.push(line) },
  );
  const access = createAccess({ datastore: server.datastore, clock: systemClock });
  assert(await access.bootstrap('key|root'), 'nobody was before root');
  const keys = Object.fromEntries(
    made.map(([name, { key }]) => [name, key]),
  ) as AccessWorld['keys'];
  const url = `http://${server.httpAddress}`;
  const rest = async (name: HolderName, verb: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method: verb,
      headers: { authorization: `Bearer ${keys[name]}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status, headers } = response;
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  const [store, otherStore] = [await fill(rest), await fill(rest)];
  for (const name of roles) {
    const store_id = name === 'create' ? '' : store.id;
    const grant = { store_id, principal: { key: name }, role: name };
    assert((await rest('root', 'POST', '/roles/grant', grant)).status === 200, name);
  }
  const grant = { store_id: otherStore.id, principal: { key: 'other' }, role: 'admin' };
  assert((await rest('root', 'POST', '/roles/grant', grant)).status === 200, 'other');
  return {
    server,
    keys,
    url,
    lines,
    rest,
    store: store.id,
    otherStore: otherStore.id,
    model: store.model,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function fill(rest: AccessWorld['rest']): Promise<{ id: string; model: string }> {
  const { id } = (await rest('root', 'POST', '/stores', { name: 'alike' })).body;
  const written = await rest('root', 'POST', `/stores/${id}/authorization-models`, model);
  await rest('root', 'POST', `/stores/${id}/write`, { writes: { tuple_keys: [tuple] } });
  return { id, model: written.body.authorization_model_id };
}

function keyOf(name: string): { readonly key: string; readonly stored: string } {
  const made = createKey(name);
  assert(typeof made !== 'string', 'a name of ours is a name');
  return made;
}
