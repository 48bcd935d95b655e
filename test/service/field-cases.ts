/** Tables for the field rules: a request of each method that passes, and what breaks it. */
import type { JsonObject } from '@bufbuild/protobuf';
import { limits } from '../../src/base/limits.ts';

export const inPattern = 'value does not match regex pattern';

export const id = '01HK0000000000000000000000';
export const key = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
const pembaKey = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };
export const inStore = { store_id: id };

/** A request that passes, by method: each case changes one thing in it. */
export const good: Record<string, JsonObject> = {
  Check: { ...inStore, tuple_key: key },
  BatchCheck: { ...inStore, checks: [{ tuple_key: key, correlation_id: 'a' }] },
  Expand: { ...inStore, tuple_key: { relation: 'viewer', object: 'document:1' } },
  ListObjects: { ...inStore, type: 'document', relation: 'viewer', user: 'user:anne' },
  StreamedListObjects: { ...inStore, type: 'document', relation: 'viewer', user: 'user:anne' },
  ListUsers: {
    ...inStore,
    object: { type: 'document', id: '1' },
    relation: 'viewer',
    user_filters: [{ type: 'user' }],
  },
  Read: inStore,
  ReadChanges: inStore,
  Write: { ...inStore, writes: { tuple_keys: [key] } },
  ReadAuthorizationModel: { ...inStore, id },
  ReadAuthorizationModels: inStore,
  WriteAuthorizationModel: { ...inStore, type_definitions: [{ type: 'user' }] },
  WriteAssertions: { ...inStore, authorization_model_id: id },
  ReadAssertions: { ...inStore, authorization_model_id: id },
  CreateStore: { name: 'store' },
  UpdateStore: { ...inStore, name: 'store' },
  DeleteStore: inStore,
  GetStore: inStore,
  ListStores: {},
  ListRelations: { ...inStore, subject: 'user:anne', object: 'document:1' },
  GrantRole: { principal: { key: 'ops' }, role: 'check' },
  RevokeRole: { principal: { key: 'ops' }, role: 'check' },
  ListRoles: {},
  Bootstrap: { principal: { key: 'ops' } },
  WriteTuples: { ...inStore, writes: [pembaKey] },
  ImportTuples: { ...inStore, tuples: [pembaKey] },
  ExportTuples: inStore,
  ReadTuples: inStore,
  DeleteTuples: { ...inStore, filter: { object: 'document:1' } },
  ReadTupleChanges: inStore,
  'pemba.v1.ListObjects': { ...inStore, subject: 'user:anne' },
  ListSubjects: { ...inStore, object: 'document:1' },
  Explain: { ...inStore, subject: 'user:anne', relation: 'viewer', object: 'document:1' },
  ReadGraphs: {},
};

/** [method, change, code, message] */
type Case = readonly [string, JsonObject, string, string];

export const tupleKey = (change: JsonObject): JsonObject => ({ tuple_key: { ...key, ...change } });
const written = (change: JsonObject): JsonObject => ({
  writes: { tuple_keys: [{ ...key, ...change }] },
});
const typed = (change: JsonObject): JsonObject => ({
  type_definitions: [{ type: 'document', ...change }],
});
export const conditioned = (change: JsonObject): JsonObject => ({
  conditions: { c: { name: 'c', expression: 'true', ...change } },
});
const contextual = (change: JsonObject): JsonObject => ({
  contextual_tuples: { tuple_keys: [{ ...key, ...change }] },
});

export const refused: readonly Case[] = [
  ['WriteTuples', { preconditions: [{}] }, 'validation_error', 'Precondition.Filter: value is req'],
  [
    'WriteTuples',
    { preconditions: [{ filter: {}, requirement: 7 }] },
    'validation_error',
    'Precondition.Requirement: value must be one of',
  ],
  ['WriteTuples', { on_duplicate: 9 }, 'validation_error', 'WriteTuplesRequest.OnDuplicate'],
  ['WriteTuples', { on_missing: 9 }, 'validation_error', 'WriteTuplesRequest.OnMissing'],
  ['ImportTuples', { on_duplicate: 9 }, 'validation_error', 'ImportTuplesRequest.OnDuplicate'],
  ['ImportTuples', { model_id: 'x' }, 'validation_error', 'ImportTuplesRequest.ModelId'],
  ['ImportTuples', { idempotency_key: 'a\u0000' }, 'validation_error', 'ImportTuplesRequest.Idem'],
  ['ImportTuples', { tuples: [{ object: 'a b' }] }, 'validation_error', 'Tuple.Object'],
  ['ExportTuples', { cursor: '?' }, 'validation_error', 'ExportTuplesRequest.Cursor'],
  ['WriteTuples', { model_id: 'x' }, 'validation_error', 'WriteTuplesRequest.ModelId'],
  ['WriteTuples', { idempotency_key: 'a\u0000' }, 'validation_error', 'WriteTuplesRequest.Idem'],
  ['WriteTuples', { deletes: [{ object: 'a b' }] }, 'validation_error', 'BareTuple.Object'],
  ['WriteTuples', { writes: [{ relation: 'a b' }] }, 'validation_error', 'Tuple.Relation'],
  ['ReadGraphs', { store_id: 'x' }, 'validation_error', 'ReadGraphsRequest.StoreId'],
  ['DeleteTuples', { limit: -1 }, 'validation_error', 'DeleteTuplesRequest.Limit'],
  ['DeleteTuples', { cursor: '?' }, 'validation_error', 'DeleteTuplesRequest.Cursor'],
  ['DeleteTuples', { filter: { object: 'a b' } }, 'validation_error', 'TupleFilter.Object'],
  ['ReadTuples', { filter: { object_type: 'a:b' } }, 'validation_error', 'TupleFilter.ObjectType'],
  ['ReadTuples', { filter: { subject_type: 'a#' } }, 'validation_error', 'TupleFilter.SubjectType'],
  ['ReadTuples', { filter: { subject: 'a b' } }, 'validation_error', 'TupleFilter.Subject'],
  ['ReadTuples', { filter: { relation: 'a#b' } }, 'validation_error', 'TupleFilter.Relation'],
  ['ReadTuples', { page_size: -1 }, 'page_size_invalid', 'ReadTuplesRequest.PageSize'],
  ['ReadTuples', { cursor: 'a b' }, 'validation_error', 'ReadTuplesRequest.Cursor'],
  [
    'ReadTupleChanges',
    { start_time: '2024-01-01T00:00:00.001Z' },
    'validation_error',
    'ReadTupleChangesRequest.StartTime',
  ],
  [
    'ReadTupleChanges',
    { object_type: 'a b' },
    'validation_error',
    'ReadTupleChangesRequest.Object',
  ],
  [
    'Check',
    { tuple_key: null },
    'tuple_key_value_not_specified',
    'CheckRequest.TupleKey: value is required',
  ],
  [
    'Check',
    tupleKey({ user: '' }),
    'validation_error',
    `CheckRequestTupleKey.User: ${inPattern} "^[^\\\\s]{2,512}$"`,
  ],
  ['Check', tupleKey({ user: 'a' }), 'validation_error', 'CheckRequestTupleKey.User'],
  ['Check', tupleKey({ user: 'user: anne' }), 'validation_error', 'CheckRequestTupleKey.User'],
  [
    'Check',
    tupleKey({ user: 'user:a\u0000b' }),
    'validation_error',
    'CheckRequestTupleKey.User: value must not contain control characters',
  ],
  [
    'Check',
    tupleKey({ user: 'user:a\u0085b' }),
    'validation_error',
    'CheckRequestTupleKey.User: value must not contain control characters',
  ],
  ['Check', tupleKey({ relation: '' }), 'validation_error', 'CheckRequestTupleKey.Relation'],
  ['Check', tupleKey({ relation: 'a#b' }), 'validation_error', 'CheckRequestTupleKey.Relation'],
  ['Check', tupleKey({ object: '' }), 'validation_error', 'CheckRequestTupleKey.Object'],
  ['Check', contextual({ relation: 'a b' }), 'validation_error', 'TupleKey.Relation'],
  [
    'Check',
    contextual({ user: 'x'.repeat(513) }),
    'validation_error',
    'TupleKey.User: value length must be at most 512 bytes',
  ],
  [
    'Check',
    contextual({ condition: { name: '' } }),
    'validation_error',
    'RelationshipCondition.Name',
  ],
  [
    'Check',
    contextual({ condition: { name: 'cc', context: { k: '\u0007' } } }),
    'validation_error',
    'RelationshipCondition.Context: context value',
  ],
  [
    'BatchCheck',
    { checks: [] },
    'validation_error',
    'BatchCheckRequest.Checks: value must contain at least 1 item(s)',
  ],
  [
    'BatchCheck',
    { checks: [{ correlation_id: 'a' }] },
    'tuple_key_value_not_specified',
    'BatchCheckItem.TupleKey: value is required',
  ],
  [
    'BatchCheck',
    { checks: [{ tuple_key: key }] },
    'validation_error',
    'BatchCheckItem.CorrelationId',
  ],
  [
    'BatchCheck',
    { checks: [{ tuple_key: key, correlation_id: 'not valid!' }] },
    'validation_error',
    'BatchCheckItem.CorrelationId',
  ],
  [
    'Expand',
    { tuple_key: null },
    'tuple_key_value_not_specified',
    'ExpandRequest.TupleKey: value is required',
  ],
  ['ListObjects', { type: '' }, 'type_invalid_pattern', 'ListObjectsRequest.Type'],
  [
    'ListObjects',
    { user: '' },
    'validation_error',
    'ListObjectsRequest.User: value length must be between 1 and 512 bytes, inclusive',
  ],
  ['ListUsers', { object: null }, 'validation_error', 'ListUsersRequest.Object: value is required'],
  ['ListUsers', { object: {} }, 'type_invalid_pattern', 'Object.Type'],
  ['ListUsers', { object: { type: 'document' } }, 'validation_error', 'Object.Id'],
  [
    'ListUsers',
    { user_filters: [] },
    'validation_error',
    'ListUsersRequest.UserFilters: value must contain exactly 1 item(s)',
  ],
  [
    'ListUsers',
    { user_filters: [{ type: 'a' }, { type: 'b' }] },
    'validation_error',
    'ListUsersRequest.UserFilters: value must contain exactly 1 item(s)',
  ],
  ['ListUsers', { user_filters: [{ type: '' }] }, 'type_invalid_pattern', 'UserTypeFilter.Type'],
  [
    'Read',
    { page_size: 0 },
    'page_size_invalid',
    'ReadRequest.PageSize: value must be inside range [1, 100]',
  ],
  ['Read', { page_size: -1 }, 'page_size_invalid', 'ReadRequest.PageSize'],
  ['Read', { continuation_token: 'a b' }, 'validation_error', 'ReadRequest.ContinuationToken'],
  ['Read', { tuple_key: { user: 'anne' } }, 'validation_error', 'ReadRequestTupleKey.User'],
  ['ReadChanges', { type: 'a b' }, 'type_invalid_pattern', 'ReadChangesRequest.Type'],
  [
    'ReadChanges',
    { start_time: '2024-01-01T00:00:00Z' },
    'validation_error',
    'ReadChangesRequest.StartTime: value must be less than now',
  ],
  [
    'Write',
    { writes: { tuple_keys: [] } },
    'validation_error',
    'WriteRequestWrites.TupleKeys: value must contain at least 1 item(s)',
  ],
  [
    'Write',
    { deletes: { tuple_keys: [] } },
    'validation_error',
    'WriteRequestDeletes.TupleKeys: value must contain at least 1 item(s)',
  ],
  ['Write', written({ object: 'a' }), 'validation_error', 'TupleKey.Object'],
  [
    'WriteAuthorizationModel',
    { type_definitions: [] },
    'type_definitions_too_few_items',
    'WriteAuthorizationModelRequest.TypeDefinitions: value must contain at least 1 item(s)',
  ],
  [
    'WriteAuthorizationModel',
    { schema_version: '2.0' },
    'validation_error',
    'WriteAuthorizationModelRequest.SchemaVersion: value must be in list [1.0 1.1 1.2]',
  ],
  [
    'WriteAuthorizationModel',
    { type_definitions: [{}] },
    'type_invalid_pattern',
    'TypeDefinition.Type',
  ],
  [
    'WriteAuthorizationModel',
    typed({ type: 'a\u0001' }),
    'validation_error',
    'TypeDefinition.Type: value must not contain control characters',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { 'a b': { this: {} } } }),
    'relations_invalid_pattern',
    'TypeDefinition.Relations[a b]',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { '': { this: {} } } }),
    'relations_invalid_pattern',
    'TypeDefinition.Relations[]',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { r: { computedUserset: { relation: 'x'.repeat(51) } } } }),
    'relation_too_long',
    'ObjectRelation.Relation: value length must be at most 50 bytes',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { r: { computedUserset: { object: 'x'.repeat(257) } } } }),
    'object_too_long',
    'ObjectRelation.Object: value length must be at most 256 bytes',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { r: { difference: { subtract: { this: {} } } } } }),
    'difference_base_missing_value',
    'Difference.Base: value is required',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { r: { difference: { base: { this: {} } } } } }),
    'subtract_base_missing_value',
    'Difference.Subtract: value is required',
  ],
  [
    'WriteAuthorizationModel',
    typed({ relations: { r: { union: { child: [{ tupleToUserset: {} }] } } } }),
    'validation_error',
    'TupleToUserset.Tupleset: value is required',
  ],
  [
    'WriteAuthorizationModel',
    typed({ metadata: { module: 'a b' } }),
    'validation_error',
    'Metadata.Module',
  ],
  [
    'WriteAuthorizationModel',
    typed({ metadata: { source_info: { file: 'a.txt' } } }),
    'validation_error',
    'SourceInfo.File',
  ],
  [
    'WriteAuthorizationModel',
    typed({ metadata: { relations: { r: { directly_related_user_types: [{ type: '' }] } } } }),
    'type_invalid_pattern',
    'RelationReference.Type',
  ],
  [
    'WriteAuthorizationModel',
    typed({
      metadata: {
        relations: { r: { directly_related_user_types: [{ type: 'a', relation: 'b c' }] } },
      },
    }),
    'validation_error',
    'RelationReference.Relation',
  ],
  ['WriteAuthorizationModel', conditioned({ name: '' }), 'validation_error', 'Condition.Name'],
  [
    'WriteAuthorizationModel',
    conditioned({ parameters: { 'a b': { type_name: 'TYPE_NAME_INT' } } }),
    'validation_error',
    'Condition.Parameters[a b]',
  ],
  [
    'WriteAuthorizationModel',
    conditioned({ parameters: { a: { type_name: 99 } } }),
    'validation_error',
    'ConditionParamTypeRef.TypeName: value must be one of the defined enum values',
  ],
  [
    'WriteAssertions',
    { authorization_model_id: '' },
    'validation_error',
    'WriteAssertionsRequest.AuthorizationModelId',
  ],
  [
    'WriteAssertions',
    { assertions: [{}] },
    'tuple_key_value_not_specified',
    'Assertion.TupleKey: value is required',
  ],
  [
    'WriteAssertions',
    { assertions: [{ tuple_key: {} }] },
    'validation_error',
    'AssertionTupleKey.Object',
  ],
  [
    'CreateStore',
    { name: '$openfga' },
    'validation_error',
    `CreateStoreRequest.Name: ${inPattern}`,
  ],
  [
    'CreateStore',
    { name: 'a\nb' },
    'validation_error',
    'CreateStoreRequest.Name: value must not contain control characters',
  ],
  [
    'Check',
    { consistency: 5 },
    'validation_error',
    'CheckRequest.Consistency: value must be one of the defined enum values',
  ],
];

/** [what, longest or most that passes, how to make a request of it, code] */
const x = (length: number) => 'x'.repeat(length);
export const borders: readonly (readonly [
  string,
  number,
  string,
  (size: number) => JsonObject,
  string,
])[] = [
  ['user of a check', 512, 'Check', (n) => tupleKey({ user: x(n) }), 'validation_error'],
  ['relation of a check', 50, 'Check', (n) => tupleKey({ relation: x(n) }), 'validation_error'],
  ['object of a check', 256, 'Check', (n) => tupleKey({ object: x(n) }), 'validation_error'],
  ['user of a tuple', 512, 'Write', (n) => written({ user: x(n) }), 'validation_error'],
  [
    'condition of a tuple',
    256,
    'Write',
    (n) => written({ condition: { name: x(n) } }),
    'validation_error',
  ],
  [
    'correlation id',
    36,
    'BatchCheck',
    (n) => ({ checks: [{ tuple_key: key, correlation_id: x(n) }] }),
    'validation_error',
  ],
  [
    'contextual tuples',
    limits.contextualTuplesMax,
    'Check',
    (n) => ({ contextual_tuples: { tuple_keys: Array(n).fill(key) } }),
    'validation_error',
  ],
  [
    'contextual tuples of a list',
    100,
    'ListUsers',
    (n) => ({ contextual_tuples: Array(n).fill(key) }),
    'validation_error',
  ],
  [
    'page of a list',
    limits.listPageSizeMax,
    'pemba.v1.ListObjects',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  ['page of Read', limits.pageSizeMax, 'Read', (n) => ({ page_size: n }), 'page_size_invalid'],
  [
    'page of ReadChanges',
    limits.pageSizeMax,
    'ReadChanges',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  [
    'page of ListStores',
    limits.pageSizeMax,
    'ListStores',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  [
    'page of models',
    limits.pageSizeMax,
    'ReadAuthorizationModels',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  ['continuation token', 5_120, 'Read', (n) => ({ continuation_token: x(n) }), 'validation_error'],
  ['type', 254, 'WriteAuthorizationModel', (n) => typed({ type: x(n) }), 'type_invalid_pattern'],
  [
    'relation',
    50,
    'WriteAuthorizationModel',
    (n) => typed({ relations: { [x(n)]: { this: {} } } }),
    'relations_invalid_pattern',
  ],
  [
    'module',
    50,
    'WriteAuthorizationModel',
    (n) => typed({ metadata: { module: x(n) } }),
    'validation_error',
  ],
  [
    'conditions',
    limits.modelConditionsMax,
    'WriteAuthorizationModel',
    (n) => ({ conditions: named(n, { name: 'c' }) }),
    'validation_error',
  ],
  [
    'parameters',
    limits.conditionParametersMax,
    'WriteAuthorizationModel',
    (n) => conditioned({ parameters: named(n, {}) }),
    'validation_error',
  ],
  [
    'expression',
    limits.conditionExpressionBytesMax,
    'WriteAuthorizationModel',
    (n) => conditioned({ expression: x(n) }),
    'validation_error',
  ],
  [
    'generic types',
    5,
    'WriteAuthorizationModel',
    (n) => conditioned({ parameters: { p: { generic_types: Array(n).fill({}) } } }),
    'validation_error',
  ],
  [
    'assertions',
    limits.assertionsMax,
    'WriteAssertions',
    (n) => ({ assertions: Array(n).fill({ tuple_key: key }) }),
    'assertions_too_many_items',
  ],
  [
    'contextual tuples of an assertion',
    limits.assertionContextualTuplesMax,
    'WriteAssertions',
    (n) => ({ assertions: [{ tuple_key: key, contextual_tuples: Array(n).fill(key) }] }),
    'validation_error',
  ],
  [
    'file of a module',
    limits.moduleFileLengthMax,
    'WriteAuthorizationModel',
    (n) => typed({ metadata: { source_info: { file: `${x(n)}.fga` } } }),
    'validation_error',
  ],
  [
    'preconditions of a write',
    limits.preconditionsPerWriteMax,
    'WriteTuples',
    (n) => ({ preconditions: Array(n).fill({ filter: {} }) }),
    'validation_error',
  ],
  [
    'idempotency key',
    limits.idempotencyKeyLengthMax,
    'WriteTuples',
    (n) => ({ idempotency_key: x(n) }),
    'validation_error',
  ],
  [
    'tuples of one round',
    limits.deletedPerRoundMax,
    'DeleteTuples',
    (n) => ({ limit: n }),
    'validation_error',
  ],
  [
    'page of ReadTuples',
    limits.tuplePageSizeMax,
    'ReadTuples',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  [
    'page of ReadTupleChanges',
    limits.tuplePageSizeMax,
    'ReadTupleChanges',
    (n) => ({ page_size: n }),
    'page_size_invalid',
  ],
  ['store name', 64, 'CreateStore', (n) => ({ name: x(n) }), 'validation_error'],
  [
    'depth of a context',
    limits.contextDepthMax,
    'Check',
    (n) => ({ context: nested(n) }),
    'validation_error',
  ],
];

function named(count: number, value: JsonObject): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, value]));
}

function nested(depth: number): JsonObject {
  return depth === 1 ? { leaf: 1 } : { deeper: nested(depth - 1) };
}
