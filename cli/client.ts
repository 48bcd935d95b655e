/** The calls of OpenFGA's HTTP API and of `pemba.v1` that the CLI makes, typed. Pages come as they are read. */
import { type HttpOptions, type HttpRequest, send } from './http.ts';
import { sendForLines } from './http-lines.ts';
import { createRoleClient, type RoleClient } from './role-client.ts';
import {
  createTupleClient,
  isUnknownMethod,
  needsPemba,
  type TupleClient,
} from './tuple-client.ts';
import {
  pageSize,
  plainStore,
  type WireAssertion,
  type WireCheck,
  type WireExpand,
  type WireExplain,
  type WireExplanation,
  type WireGraphs,
  type WireListObjects,
  type WireListRelations,
  type WireListUsers,
  type WireModel,
  type WireNode,
  type WireObjects,
  type WirePage,
  type WireRelations,
  type WireStore,
  type WireSubjects,
  type WireUser,
} from './wire.ts';

export interface Client extends TupleClient, RoleClient {
  createStore(name: string): Promise<WireStore>;
  readStore(store: string): Promise<WireStore>;
  deleteStore(store: string): Promise<void>;
  stores(name: string | undefined): AsyncGenerator<WireStore>;
  writeModel(store: string, model: WireModel): Promise<{ authorization_model_id: string }>;
  /** The latest one where no id is given; undefined where the store has none. */
  readModel(store: string, id: string | undefined): Promise<WireModel | undefined>;
  /** Newest first. */
  models(store: string): AsyncGenerator<WireModel>;
  check(store: string, check: WireCheck): Promise<{ allowed: boolean }>;
  expand(store: string, expand: WireExpand): Promise<{ tree: { root: WireNode } }>;
  listObjects(store: string, list: WireListObjects): Promise<Listed<string>>;
  listUsers(store: string, list: WireListUsers): Promise<Listed<WireUser>>;
  /** Only a Pemba server answers these. A page of a list: the first one for the cursor ''. */
  objects(store: string, list: WireObjects): Promise<WirePage>;
  subjects(store: string, list: WireSubjects): Promise<WirePage>;
  listRelations(store: string, list: WireListRelations): Promise<WireRelations>;
  explain(store: string, explain: WireExplain): Promise<WireExplanation>;
  /** Of all stores that the server knows, or of one. */
  graphs(store: string | undefined): Promise<WireGraphs>;
  readAssertions(store: string, model: string): Promise<readonly WireAssertion[]>;
  writeAssertions(
    store: string,
    model: string,
    assertions: readonly WireAssertion[],
  ): Promise<void>;
}

export interface Listed<Item> {
  readonly items: readonly Item[];
  /** Whether the server has cut the list: there may be more. */
  readonly truncated: boolean;
}

export function createClient(options: HttpOptions): Client {
  const call = <Answer>(request: HttpRequest): Promise<Answer> =>
    send(options, request) as Promise<Answer>;
  const get = <Answer>(path: string, query: HttpRequest['query'] = {}): Promise<Answer> =>
    call({ method: 'GET', path, query, repeatable: true });
  const ask = <Answer>(path: string, body: unknown): Promise<Answer> =>
    call({ method: 'POST', path, body, repeatable: true });
  async function list<Item>(path: string, body: unknown, field: string): Promise<Listed<Item>> {
    let truncated = false;
    const onTruncated = () => {
      truncated = true;
    };
    const request = { method: 'POST', path, body, repeatable: true, onTruncated } as const;
    const answer = await call<Record<string, readonly Item[]>>(request);
    return { items: answer[field] ?? [], truncated };
  }
  async function askPemba<Answer>(path: string, body: unknown, what: string): Promise<Answer> {
    try {
      return await ask<Answer>(path, body);
    } catch (error) {
      throw isUnknownMethod(error) ? needsPemba(options.apiUrl, what, error) : error;
    }
  }
  const create = <Answer>(path: string, body: unknown): Promise<Answer> =>
    call({ method: 'POST', path, body, repeatable: false });

  return {
    ...createRoleClient({ apiUrl: options.apiUrl, call }),
    ...createTupleClient({
      apiUrl: options.apiUrl,
      call,
      lines: (path, body) => sendForLines(options, path, body),
      pathOf: storePath,
    }),
    createStore: async (name) => plainStore(await create('/stores', { name })),
    readStore: async (store) => plainStore(await get(storePath(store))),
    async deleteStore(store) {
      await call({ method: 'DELETE', path: storePath(store), repeatable: true });
    },
    stores: (name) =>
      pages(async (continuation_token) => {
        const query = { name, page_size: String(pageSize), continuation_token };
        const page = await get<{ stores: WireStore[] } & Continued>('/stores', query);
        return { rows: page.stores.map(plainStore), token: page.continuation_token };
      }),
    writeModel: (store, model) => create(storePath(store, 'authorization-models'), model),
    async readModel(store, id) {
      if (id !== undefined) {
        const path = storePath(store, 'authorization-models', id);
        return (await get<{ authorization_model: WireModel }>(path)).authorization_model;
      }
      const path = storePath(store, 'authorization-models');
      const page = await get<{ authorization_models: WireModel[] }>(path, { page_size: '1' });
      return page.authorization_models[0];
    },
    models: (store) =>
      pages(async (continuation_token) => {
        const query = { page_size: String(pageSize), continuation_token };
        const page = await get<{ authorization_models: WireModel[] } & Continued>(
          storePath(store, 'authorization-models'),
          query,
        );
        return { rows: page.authorization_models, token: page.continuation_token };
      }),
    check: (store, body) => ask(storePath(store, 'check'), body),
    expand: (store, body) => ask(storePath(store, 'expand'), body),
    listObjects: (store, body) => list(storePath(store, 'list-objects'), body, 'objects'),
    listUsers: (store, body) => list(storePath(store, 'list-users'), body, 'users'),
    listRelations: (store, body) =>
      askPemba(storePath(store, 'list-relations'), body, 'ListRelations'),
    objects: (store, body) => askPemba(storePath(store, 'objects'), body, 'exact ListObjects'),
    subjects: (store, body) => askPemba(storePath(store, 'subjects'), body, 'ListSubjects'),
    explain: (store, body) => askPemba(storePath(store, 'explain'), body, 'Explain'),
    async graphs(store) {
      try {
        return await get<WireGraphs>('/graphs', { store_id: store });
      } catch (error) {
        throw isUnknownMethod(error) ? needsPemba(options.apiUrl, 'ReadGraphs', error) : error;
      }
    },
    async readAssertions(store, model) {
      const path = storePath(store, 'assertions', model);
      return (await get<{ assertions: WireAssertion[] }>(path)).assertions;
    },
    async writeAssertions(store, model, assertions) {
      const path = storePath(store, 'assertions', model);
      await call({ method: 'PUT', path, body: { assertions }, repeatable: true });
    },
  };
}

interface Continued {
  readonly continuation_token: string;
}

async function* pages<Row>(
  read: (token: string) => Promise<{ rows: readonly Row[]; token: string }>,
): AsyncGenerator<Row> {
  for (let token = ''; ; ) {
    const page = await read(token);
    yield* page.rows;
    token = page.token;
    if (token === '') return;
  }
}

function storePath(...parts: readonly string[]): string {
  return `/stores/${parts.map(encodeURIComponent).join('/')}`;
}
