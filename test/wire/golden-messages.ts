/**
 * Every message that travels over gRPC, twice: as JSON, and as the bytes that OpenFGA's protocol
 * gives it, put together by hand. Field numbers are in the first argument of each part.
 */
import { type Bytes, double, entry, text, whole, within } from './bytes.ts';

const store = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const model = '01BX5ZZKBKACTAV9WEVGEMMVRZ';
const token = 'eyJwayI6';

/** 2024-01-02T03:04:05.5Z. */
const time = [whole(1, 1_704_164_645), whole(2, 500_000_000)];
const timeJson = '2024-01-02T03:04:05.500Z';

const key = [text(1, 'user:anne'), text(2, 'viewer'), text(3, 'document:1')];
const keyJson = { user: 'user:anne', relation: 'viewer', object: 'document:1' };

/** `{"now":"12h","level":2.5,"tags":[true,null],"deep":{}}` as a Struct: Value has 1 null, 2 number, 3 text, 4 flag, 5 struct, 6 list. */
const context = [
  entry(1, 'now', text(3, '12h')),
  entry(1, 'level', double(2, 2.5)),
  entry(1, 'tags', within(6, within(1, whole(4, 1)), within(1, whole(1, 0)))),
  entry(1, 'deep', within(5)),
];
const contextJson = { now: '12h', level: 2.5, tags: [true, null], deep: {} };

const conditioned = [...key, within(4, text(1, 'in_time'), within(2, ...context))];
const conditionedJson = { ...keyJson, condition: { name: 'in_time', context: contextJson } };

const source = within(3, text(1, 'core/files.fga'));
const sourceJson = { file: 'core/files.fga' };

const rewrite = [
  within(
    4,
    within(1, within(1)),
    within(1, within(2, text(2, 'owner'))),
    within(1, within(3, within(1, text(2, 'parent')), within(2, text(2, 'viewer')))),
    within(1, within(5, within(1, within(1)))),
    within(
      1,
      within(6, within(1, within(1)), within(2, within(2, text(1, 'o:1'), text(2, 'blocked')))),
    ),
  ),
];
const rewriteJson = {
  union: {
    child: [
      { this: {} },
      { computedUserset: { relation: 'owner' } },
      {
        tupleToUserset: {
          tupleset: { relation: 'parent' },
          computedUserset: { relation: 'viewer' },
        },
      },
      { intersection: { child: [{ this: {} }] } },
      {
        difference: {
          base: { this: {} },
          subtract: { computedUserset: { object: 'o:1', relation: 'blocked' } },
        },
      },
    ],
  },
};

const types = [
  text(1, 'document'),
  entry(2, 'viewer', ...rewrite),
  within(
    3,
    entry(
      1,
      'viewer',
      within(1, text(1, 'user')),
      within(1, text(1, 'group'), text(2, 'member'), text(4, 'in_time')),
      within(1, text(1, 'user'), within(3)),
      text(2, 'core'),
      source,
    ),
    text(2, 'files'),
    source,
  ),
];
const typesJson = {
  type: 'document',
  relations: { viewer: rewriteJson },
  metadata: {
    relations: {
      viewer: {
        directly_related_user_types: [
          { type: 'user' },
          { type: 'group', relation: 'member', condition: 'in_time' },
          { type: 'user', wildcard: {} },
        ],
        module: 'core',
        source_info: sourceJson,
      },
    },
    module: 'files',
    source_info: sourceJson,
  },
};

const condition = [
  text(1, 'in_time'),
  text(2, 'now < until'),
  entry(3, 'now', whole(1, 8)),
  entry(3, 'tags', whole(1, 10), within(2, whole(1, 3))),
  within(4, text(1, 'core'), within(2, text(1, 'core/files.fga'))),
];
const conditionJson = {
  name: 'in_time',
  expression: 'now < until',
  parameters: {
    now: { type_name: 'TYPE_NAME_TIMESTAMP' },
    tags: { type_name: 'TYPE_NAME_LIST', generic_types: [{ type_name: 'TYPE_NAME_STRING' }] },
  },
  metadata: { module: 'core', source_info: sourceJson },
};

const models = [
  text(1, model),
  text(2, '1.2'),
  within(3, ...types),
  entry(4, 'in_time', ...condition),
];
const modelsJson = {
  id: model,
  schema_version: '1.2',
  type_definitions: [typesJson],
  conditions: { in_time: conditionJson },
};

const stores = [
  text(1, store),
  text(2, 'shop'),
  within(3, ...time),
  within(4, ...time),
  within(5, ...time),
];
const storesJson = {
  id: store,
  name: 'shop',
  created_at: timeJson,
  updated_at: timeJson,
  deleted_at: timeJson,
};
const { deleted_at: _, ...createdJson } = storesJson;

const lists = [
  text(1, store),
  text(2, model),
  text(3, 'document'),
  text(4, 'viewer'),
  text(5, 'user:anne'),
  within(6, within(1, ...conditioned)),
  within(7, ...context),
  whole(8, 200),
];
const listsJson = {
  store_id: store,
  authorization_model_id: model,
  type: 'document',
  relation: 'viewer',
  user: 'user:anne',
  contextual_tuples: { tuple_keys: [conditionedJson] },
  context: contextJson,
  consistency: 'HIGHER_CONSISTENCY',
};

const assertion = [
  within(1, text(1, 'document:1'), text(2, 'viewer'), text(3, 'user:anne')),
  whole(2, 1),
  within(3, ...conditioned),
  within(4, ...context),
];
const assertionJson = {
  tuple_key: keyJson,
  expectation: true,
  contextual_tuples: [conditionedJson],
  context: contextJson,
};

const leaf = (...parts: Bytes[]) => within(2, ...parts);

/** By message name: JSON, and bytes. */
export const goldenMessages: { readonly [name: string]: readonly [object, ...Bytes[]] } = {
  ReadRequest: [
    {
      store_id: store,
      tuple_key: keyJson,
      page_size: 20,
      continuation_token: token,
      consistency: 'MINIMIZE_LATENCY',
    },
    text(1, store),
    within(2, ...key),
    within(3, whole(1, 20)),
    text(4, token),
    whole(5, 100),
  ],
  ReadResponse: [
    { tuples: [{ key: conditionedJson, timestamp: timeJson }], continuation_token: token },
    within(1, within(1, ...conditioned), within(2, ...time)),
    text(2, token),
  ],
  WriteRequest: [
    {
      store_id: store,
      writes: { tuple_keys: [conditionedJson], on_duplicate: 'ignore' },
      deletes: { tuple_keys: [keyJson], on_missing: 'error' },
      authorization_model_id: model,
    },
    text(1, store),
    within(2, within(1, ...conditioned), text(2, 'ignore')),
    within(3, within(1, ...key), text(2, 'error')),
    text(4, model),
  ],
  WriteResponse: [{}],
  CheckRequest: [
    {
      store_id: store,
      tuple_key: keyJson,
      contextual_tuples: { tuple_keys: [keyJson] },
      authorization_model_id: model,
      trace: true,
      context: contextJson,
      consistency: 'HIGHER_CONSISTENCY',
    },
    text(1, store),
    within(2, ...key),
    within(3, within(1, ...key)),
    text(4, model),
    whole(5, 1),
    within(6, ...context),
    whole(7, 200),
  ],
  CheckResponse: [{ allowed: true, resolution: 'x' }, whole(1, 1), text(2, 'x')],
  BatchCheckRequest: [
    {
      store_id: store,
      checks: [
        {
          tuple_key: keyJson,
          contextual_tuples: { tuple_keys: [keyJson] },
          context: contextJson,
          correlation_id: 'a-1',
        },
      ],
      authorization_model_id: model,
      consistency: 'MINIMIZE_LATENCY',
    },
    text(1, store),
    within(
      2,
      within(1, ...key),
      within(2, within(1, ...key)),
      within(3, ...context),
      text(4, 'a-1'),
    ),
    text(3, model),
    whole(4, 100),
  ],
  BatchCheckResponse: [
    {
      result: {
        'a-1': { allowed: false },
        'a-2': { error: { input_error: 'invalid_tuple', message: 'm' } },
        'a-3': { error: { internal_error: 'deadline_exceeded', message: 'm' } },
      },
    },
    entry(1, 'a-1', whole(1, 0)),
    entry(1, 'a-2', within(2, whole(1, 2027), text(3, 'm'))),
    entry(1, 'a-3', within(2, whole(2, 4004), text(3, 'm'))),
  ],
  ExpandRequest: [
    {
      store_id: store,
      tuple_key: { relation: 'viewer', object: 'document:1' },
      authorization_model_id: model,
      consistency: 'MINIMIZE_LATENCY',
      contextual_tuples: { tuple_keys: [keyJson] },
    },
    text(1, store),
    within(2, text(1, 'viewer'), text(2, 'document:1')),
    text(3, model),
    whole(4, 100),
    within(5, within(1, ...key)),
  ],
  ExpandResponse: [
    {
      tree: {
        root: {
          name: 'd:1#v',
          difference: {
            base: {
              name: 'n',
              union: {
                nodes: [
                  { name: 'a', leaf: { users: { users: ['user:anne', 'user:bob'] } } },
                  { leaf: { computed: { userset: 'd:1#w' } } },
                ],
              },
            },
            subtract: {
              intersection: {
                nodes: [
                  {
                    leaf: {
                      tupleToUserset: { tupleset: 'd:1#p', computed: [{ userset: 'f:1#v' }] },
                    },
                  },
                ],
              },
            },
          },
        },
      },
    },
    within(
      1,
      within(
        1,
        text(1, 'd:1#v'),
        within(
          5,
          within(
            1,
            text(1, 'n'),
            within(
              6,
              within(1, text(1, 'a'), leaf(within(1, text(1, 'user:anne'), text(1, 'user:bob')))),
              within(1, leaf(within(2, text(1, 'd:1#w')))),
            ),
          ),
          within(
            2,
            within(7, within(1, leaf(within(3, text(1, 'd:1#p'), within(2, text(1, 'f:1#v')))))),
          ),
        ),
      ),
    ),
  ],
  ReadAuthorizationModelRequest: [{ store_id: store, id: model }, text(1, store), text(2, model)],
  ReadAuthorizationModelResponse: [{ authorization_model: modelsJson }, within(1, ...models)],
  WriteAuthorizationModelRequest: [
    {
      store_id: store,
      type_definitions: [typesJson],
      schema_version: '1.2',
      conditions: { in_time: conditionJson },
    },
    text(1, store),
    within(2, ...types),
    text(3, '1.2'),
    entry(4, 'in_time', ...condition),
  ],
  WriteAuthorizationModelResponse: [{ authorization_model_id: model }, text(1, model)],
  ReadAuthorizationModelsRequest: [
    { store_id: store, page_size: 300, continuation_token: token },
    text(1, store),
    within(2, whole(1, 300)),
    text(3, token),
  ],
  ReadAuthorizationModelsResponse: [
    { authorization_models: [modelsJson], continuation_token: token },
    within(1, ...models),
    text(2, token),
  ],
  WriteAssertionsRequest: [
    { store_id: store, authorization_model_id: model, assertions: [assertionJson] },
    text(1, store),
    text(2, model),
    within(3, ...assertion),
  ],
  WriteAssertionsResponse: [{}],
  ReadAssertionsRequest: [
    { store_id: store, authorization_model_id: model },
    text(1, store),
    text(2, model),
  ],
  ReadAssertionsResponse: [
    { authorization_model_id: model, assertions: [assertionJson] },
    text(1, model),
    within(2, ...assertion),
  ],
  ReadChangesRequest: [
    {
      store_id: store,
      type: 'document',
      page_size: 20,
      continuation_token: token,
      start_time: timeJson,
    },
    text(1, store),
    text(2, 'document'),
    within(3, whole(1, 20)),
    text(4, token),
    within(5, ...time),
  ],
  ReadChangesResponse: [
    {
      changes: [
        { tuple_key: conditionedJson, operation: 'TUPLE_OPERATION_DELETE', timestamp: timeJson },
      ],
      continuation_token: token,
    },
    within(1, within(1, ...conditioned), whole(2, 1), within(3, ...time)),
    text(2, token),
  ],
  CreateStoreRequest: [{ name: 'shop' }, text(1, 'shop')],
  CreateStoreResponse: [createdJson, ...stores.slice(0, 4)],
  UpdateStoreRequest: [{ store_id: store, name: 'shop' }, text(1, store), text(2, 'shop')],
  UpdateStoreResponse: [createdJson, ...stores.slice(0, 4)],
  DeleteStoreRequest: [{ store_id: store }, text(1, store)],
  DeleteStoreResponse: [{}],
  GetStoreRequest: [{ store_id: store }, text(1, store)],
  GetStoreResponse: [storesJson, ...stores],
  ListStoresRequest: [
    { page_size: 20, continuation_token: token, name: 'shop' },
    within(1, whole(1, 20)),
    text(2, token),
    text(3, 'shop'),
  ],
  ListStoresResponse: [
    { stores: [storesJson], continuation_token: token },
    within(1, ...stores),
    text(2, token),
  ],
  StreamedListObjectsRequest: [listsJson, ...lists],
  StreamedListObjectsResponse: [{ object: 'document:1' }, text(1, 'document:1')],
  ListObjectsRequest: [listsJson, ...lists],
  ListObjectsResponse: [
    { objects: ['document:1', 'document:2'] },
    text(1, 'document:1'),
    text(1, 'document:2'),
  ],
  ListUsersRequest: [
    {
      store_id: store,
      authorization_model_id: model,
      object: { type: 'document', id: '1' },
      relation: 'viewer',
      user_filters: [{ type: 'group', relation: 'member' }],
      contextual_tuples: [keyJson],
      context: contextJson,
      consistency: 'HIGHER_CONSISTENCY',
    },
    text(1, store),
    text(2, model),
    within(3, text(1, 'document'), text(2, '1')),
    text(4, 'viewer'),
    within(5, text(1, 'group'), text(2, 'member')),
    within(6, ...key),
    within(7, ...context),
    whole(8, 200),
  ],
  ListUsersResponse: [
    {
      users: [
        { object: { type: 'user', id: 'anne' } },
        { userset: { type: 'group', id: 'eng', relation: 'member' } },
        { wildcard: { type: 'user' } },
      ],
    },
    within(1, within(1, text(1, 'user'), text(2, 'anne'))),
    within(1, within(2, text(1, 'group'), text(2, 'eng'), text(3, 'member'))),
    within(1, within(3, text(1, 'user'))),
  ],
};
