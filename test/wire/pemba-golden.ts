/** Every message of `pemba.v1` that travels, as `golden-messages.ts` has those of `openfga.v1`. */
import type { JsonValue } from '@bufbuild/protobuf';
import { type Bytes, entry, fixed, text, whole, within } from './bytes.ts';

const store = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const model = '01BX5ZZKBKACTAV9WEVGEMMVRZ';
const cursor = 'eyJwayI6';
const token = 'MDFBUlo';

/** 2024-01-02T03:04:05.5Z. */
const time = [whole(1, 1_704_164_645), whole(2, 500_000_000)];
const timeJson = '2024-01-02T03:04:05.500Z';

const context = [entry(1, 'now', text(3, '12h'))];
const contextJson = { now: '12h' };

const key = [text(1, 'user:anne'), text(2, 'viewer'), text(3, 'document:1')];
const keyJson = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };

const tuple = [...key, within(4, text(1, 'in_time'), within(2, ...context)), within(5, ...time)];
const tupleJson = {
  ...keyJson,
  condition: { name: 'in_time', context: contextJson },
  expires_at: timeJson,
};

const client = [text(1, 'https://idp.example.com/'), text(2, 'billing'), text(3, 'azp')];
const clientJson = { issuer: 'https://idp.example.com/', id: 'billing', claim: 'azp' };

const filter = [
  text(1, 'document:1'),
  text(2, 'document'),
  text(3, 'viewer'),
  text(4, 'user:*'),
  text(5, 'user'),
];
const filterJson = {
  object: 'document:1',
  object_type: 'document',
  relation: 'viewer',
  subject: 'user:*',
  subject_type: 'user',
};

const obligation = [
  text(1, 'viewer'),
  text(2, 'phr'),
  text(3, 'otp'),
  text(4, 'hwk'),
  whole(5, 300),
  text(6, 'Bearer'),
];
const obligationJson = {
  relation: 'viewer',
  acr_values: ['phr'],
  amr_all: ['otp'],
  amr_any: ['hwk'],
  max_age: 300,
  challenge: 'Bearer',
};

const node = [
  text(1, 'document:1'),
  text(2, 'viewer'),
  whole(3, 4),
  whole(4, 1),
  within(
    5,
    within(1, ...tuple),
    whole(2, 4),
    whole(3, 1),
    within(4, ...context),
    text(5, 'until'),
    text(6, 'too costly'),
  ),
  within(6, text(1, 'folder:1'), whole(3, 1), whole(7, 5)),
  whole(7, 2),
  text(8, 'parent'),
];
const nodeJson = {
  object: 'document:1',
  relation: 'viewer',
  operator: 'OPERATOR_FROM',
  value: 'VALUE_TRUE',
  tuples: [
    {
      tuple: tupleJson,
      value: 'VALUE_UNKNOWN',
      contextual: true,
      parameters: contextJson,
      missing_parameters: ['until'],
      error: 'too costly',
    },
  ],
  children: [{ object: 'folder:1', operator: 'OPERATOR_DIRECT', end: 'END_SUBJECT' }],
  end: 'END_REPEATED',
  tupleset: 'parent',
};

const unanswered = [
  text(1, 'owner'),
  text(2, 'validation_error'),
  text(3, 'no value'),
  text(4, 'now'),
];
const unansweredJson = {
  relation: 'owner',
  code: 'validation_error',
  message: 'no value',
  missing_parameters: ['now'],
};

export const pembaGolden: Record<string, [json: JsonValue, ...Bytes[]]> = {
  ListRelationsRequest: [
    {
      store_id: store,
      subject: 'user:anne',
      object: 'document:1',
      relations: ['viewer', 'owner'],
      model_id: model,
      contextual_tuples: [keyJson],
      context: contextJson,
      consistency: 'HIGHER_CONSISTENCY',
    },
    text(1, store),
    text(2, 'user:anne'),
    text(3, 'document:1'),
    text(4, 'viewer'),
    text(4, 'owner'),
    text(5, model),
    within(6, ...key),
    within(7, ...context),
    whole(8, 200),
  ],
  ListObjectsRequest: [
    {
      store_id: store,
      subject: 'user:anne',
      types: ['document'],
      relations: ['viewer'],
      scope: { object: 'folder:1', relation: 'parent', direct: true },
      model_id: model,
      contextual_tuples: [keyJson],
      context: contextJson,
      consistency: 'HIGHER_CONSISTENCY',
      page_size: 7,
      cursor,
      count_only: true,
    },
    text(1, store),
    text(2, 'user:anne'),
    text(3, 'document'),
    text(4, 'viewer'),
    within(5, text(1, 'folder:1'), text(2, 'parent'), whole(3, 1)),
    text(6, model),
    within(7, ...key),
    within(8, ...context),
    whole(9, 200),
    whole(10, 7),
    text(11, cursor),
    whole(12, 1),
  ],
  ListObjectsResponse: [
    {
      objects: [{ object: 'document:1', relations: ['viewer'], unanswered: [unansweredJson] }],
      cursor,
      count: 9,
      consistency_token: token,
    },
    within(1, text(1, 'document:1'), text(2, 'viewer'), within(3, ...unanswered)),
    text(2, cursor),
    whole(3, 9),
    text(4, token),
  ],
  ListSubjectsRequest: [
    {
      store_id: store,
      object: 'document:1',
      relations: ['viewer'],
      subject_types: ['user'],
      model_id: model,
      contextual_tuples: [keyJson],
      context: contextJson,
      consistency: 'HIGHER_CONSISTENCY',
      page_size: 7,
      cursor,
      count_only: true,
    },
    text(1, store),
    text(2, 'document:1'),
    text(3, 'viewer'),
    text(4, 'user'),
    text(5, model),
    within(6, ...key),
    within(7, ...context),
    whole(8, 200),
    whole(9, 7),
    text(10, cursor),
    whole(11, 1),
  ],
  ListSubjectsResponse: [
    {
      subjects: [
        {
          subject: 'user:*',
          relations: ['viewer'],
          unanswered: [unansweredJson],
          except: ['user:bob'],
        },
      ],
      cursor,
      count: 9,
      consistency_token: token,
    },
    within(1, text(1, 'user:*'), text(2, 'viewer'), within(3, ...unanswered), text(4, 'user:bob')),
    text(2, cursor),
    whole(3, 9),
    text(4, token),
  ],
  ListRelationsResponse: [
    {
      relations: ['viewer'],
      unanswered: [unansweredJson],
      obligations: [obligationJson],
    },
    text(1, 'viewer'),
    within(2, ...unanswered),
    within(3, ...obligation),
  ],
  ExplainRequest: [
    {
      store_id: store,
      subject: 'user:anne',
      relation: 'viewer',
      object: 'document:1',
      model_id: model,
      contextual_tuples: [tupleJson],
      context: contextJson,
      consistency: 'MINIMIZE_LATENCY',
    },
    text(1, store),
    text(2, 'user:anne'),
    text(3, 'viewer'),
    text(4, 'document:1'),
    text(5, model),
    within(6, ...tuple),
    within(7, ...context),
    whole(8, 100),
  ],
  ExplainResponse: [
    {
      outcome: 'OUTCOME_CONDITIONAL',
      missing_parameters: ['until'],
      tree: nodeJson,
      truncated: true,
      would_allow: [{ tuples: [keyJson] }],
      subject: 'user:anne',
      missing_scopes: ['docs.write'],
      obligations: [obligationJson],
    },
    whole(1, 3),
    text(2, 'until'),
    within(3, ...node),
    whole(4, 1),
    within(5, within(1, ...key)),
    text(6, 'user:anne'),
    text(7, 'docs.write'),
    within(8, ...obligation),
  ],
  WriteTuplesRequest: [
    {
      store_id: store,
      writes: [tupleJson],
      deletes: [keyJson],
      preconditions: [{ requirement: 'REQUIREMENT_MUST_NOT_EXIST', filter: filterJson }],
      on_duplicate: 'ON_DUPLICATE_REPLACE',
      on_missing: 'ON_MISSING_IGNORE',
      idempotency_key: 'order-7',
      model_id: model,
    },
    text(1, store),
    within(2, ...tuple),
    within(3, ...key),
    within(4, whole(1, 2), within(2, ...filter)),
    whole(5, 3),
    whole(6, 2),
    text(7, 'order-7'),
    text(8, model),
  ],
  WriteTuplesResponse: [
    { consistency_token: token, repeated_write: true },
    text(1, token),
    whole(2, 1),
  ],
  ImportTuplesRequest: [
    {
      store_id: store,
      tuples: [tupleJson],
      on_duplicate: 'ON_DUPLICATE_IGNORE',
      idempotency_key: 'load-7/3',
      model_id: model,
    },
    text(1, store),
    within(2, ...tuple),
    whole(3, 2),
    text(4, 'load-7/3'),
    text(5, model),
  ],
  ImportTuplesResponse: [
    { consistency_token: token, repeated_write: true, checksum: '18446744073709551615' },
    text(1, token),
    whole(2, 1),
    fixed(3, 18_446_744_073_709_551_615n),
  ],
  ExportTuplesRequest: [
    { store_id: store, filter: filterJson, cursor },
    text(1, store),
    within(2, ...filter),
    text(3, cursor),
  ],
  ExportTuplesResponse: [
    {
      tuples: [tupleJson],
      cursor,
      consistency_token: token,
      count: '5000000000',
      checksum: '7',
    },
    within(1, ...tuple),
    text(2, cursor),
    text(3, token),
    whole(4, 5_000_000_000),
    fixed(5, 7n),
  ],
  ReadTuplesRequest: [
    { store_id: store, filter: filterJson, page_size: 300, cursor },
    text(1, store),
    within(2, ...filter),
    whole(3, 300),
    text(4, cursor),
  ],
  ReadTuplesResponse: [
    {
      tuples: [{ tuple: tupleJson, written_at: timeJson }],
      cursor,
      consistency_token: token,
    },
    within(1, within(1, ...tuple), within(2, ...time)),
    text(2, cursor),
    text(3, token),
  ],
  DeleteTuplesRequest: [
    { store_id: store, filter: filterJson, all: true, limit: 5000, cursor },
    text(1, store),
    within(2, ...filter),
    whole(3, 1),
    whole(4, 5000),
    text(5, cursor),
  ],
  DeleteTuplesResponse: [
    { deleted: 5000, cursor, consistency_token: token },
    whole(1, 5000),
    text(2, cursor),
    text(3, token),
  ],
  ReadTupleChangesRequest: [
    { store_id: store, object_type: 'document', start_time: timeJson, page_size: 20, cursor },
    text(1, store),
    text(2, 'document'),
    within(3, ...time),
    whole(4, 20),
    text(5, cursor),
  ],
  ReadTupleChangesResponse: [
    {
      changes: [
        {
          kind: 'CHANGE_KIND_EXPIRY',
          tuple: tupleJson,
          changed_at: timeJson,
          consistency_token: token,
        },
      ],
      cursor,
      consistency_token: token,
    },
    within(1, whole(1, 3), within(2, ...tuple), within(3, ...time), text(4, token)),
    text(2, cursor),
    text(3, token),
  ],
  GrantRoleRequest: [
    { store_id: store, principal: { key: 'ops' }, role: 'write' },
    text(1, store),
    within(2, text(1, 'ops')),
    text(3, 'write'),
  ],
  GrantRoleResponse: [{}],
  RevokeRoleRequest: [
    { store_id: store, principal: { client: clientJson }, role: 'write' },
    text(1, store),
    within(2, within(2, ...client)),
    text(3, 'write'),
  ],
  RevokeRoleResponse: [{}],
  ListRolesRequest: [
    { store_id: store, page_size: 20, cursor },
    text(1, store),
    whole(2, 20),
    text(3, cursor),
  ],
  ListRolesResponse: [
    {
      grants: [
        { principal: { key: 'ops' }, role: 'admin' },
        { principal: { client: clientJson }, role: 'check' },
      ],
      cursor,
    },
    within(1, within(1, text(1, 'ops')), text(2, 'admin')),
    within(1, within(1, within(2, ...client)), text(2, 'check')),
    text(2, cursor),
  ],
  BootstrapRequest: [{ principal: { key: 'ops' } }, within(1, text(1, 'ops'))],
  BootstrapResponse: [{}],
  ReadGraphsRequest: [{ store_id: store }, text(1, store)],
  ReadGraphsResponse: [
    {
      bytes_max: '5000000000',
      bytes: '300',
      stores_in_memory: 1,
      stores_loading: 2,
      stores_in_storage: 3,
      graphs: [
        {
          store_id: store,
          place: 'PLACE_STORAGE',
          reason: 'PLACE_REASON_GAVE_WAY',
          bytes: '4',
          tuples: '5',
          changes: '6',
        },
      ],
    },
    whole(1, 5_000_000_000),
    whole(2, 300),
    whole(3, 1),
    whole(4, 2),
    whole(5, 3),
    within(6, text(1, store), whole(2, 3), whole(3, 2), whole(4, 4), whole(5, 5), whole(6, 6)),
  ],
};
