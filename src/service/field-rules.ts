/**
 * The field rules of `openfga.v1` and `pemba.v1`: what each field of a request may hold, in one
 * table. `fields.ts` applies it. Every enum field must hold a known value and every `Struct` a
 * well-formed context; those follow from the descriptors and are not repeated here.
 */
import { limits } from '../base/limits.ts';

export type Rule =
  | {
      /** Patterns are in the wire's dialect (RE2: `\s` and `\w` are ASCII), as messages quote them. */
      readonly kind: 'text';
      readonly pattern?: string;
      readonly bytesMin?: number;
      readonly bytesMax?: number;
      readonly oneOf?: readonly string[];
      /** The empty text stands for "not given" and passes. */
      readonly optional?: boolean;
      /** Control characters pass: source text, with its line breaks. */
      readonly source?: boolean;
      /** Whom is asked about: the empty text passes where the call brings a subject token. */
      readonly subject?: boolean;
    }
  | { readonly kind: 'required' }
  | { readonly kind: 'list'; readonly itemsMin?: number; readonly itemsMax?: number }
  | { readonly kind: 'map'; readonly pairsMax?: number; readonly keyPattern?: string }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'time' }
  | { readonly kind: 'past' };

export type MessageRules = Readonly<Record<string, Rule>>;

function text(pattern: string): Rule {
  return { kind: 'text', pattern };
}

function optional(pattern: string): Rule {
  return { kind: 'text', pattern, optional: true };
}

const idPattern = '^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$';
const typePattern = `^[^:#@\\s]{1,${limits.typeLengthMax}}$`;
/** Relations, conditions, their parameters, and modules. */
const namePattern = `^[^:#@\\s]{1,${limits.nameLengthMax}}$`;
const objectPattern = `^[^\\s]{2,${limits.objectLengthMax}}$`;
const userPattern = `^[^\\s]{2,${limits.subjectLengthMax}}$`;
const storeNamePattern = `^[a-zA-Z0-9\\s\\.\\-\\/^_&@]{3,${limits.storeNameLengthMax}}$`;

const id = text(idPattern);
const type = text(typePattern);
const name = text(namePattern);
const required: Rule = { kind: 'required' };
const pageSize: Rule = { kind: 'integer', min: 1, max: limits.pageSizeMax };
const continuation: Rule = {
  kind: 'text',
  pattern: '^$|^[A-Za-z0-9-_]+={0,2}$',
  bytesMax: limits.continuationTokenBytesMax,
};
const listedUser: Rule = {
  kind: 'text',
  bytesMin: 1,
  bytesMax: limits.subjectLengthMax,
  subject: true,
};
const askedUser: Rule = { kind: 'text', pattern: userPattern, subject: true };
const contextualTuples: Rule = { kind: 'list', itemsMax: limits.contextualTuplesMax };

const question = { user: askedUser, relation: name, object: text(objectPattern) };
const storedTuple = {
  user: { kind: 'text', bytesMax: limits.subjectLengthMax },
  relation: optional(namePattern),
  object: optional(objectPattern),
} as const;
const ofModel = { store_id: id, authorization_model_id: optional(idPattern) };
const page = { page_size: pageSize, continuation_token: continuation };
/** A size of 0 stands for the default. */
const tuplePage = {
  page_size: { kind: 'integer', min: 0, max: limits.tuplePageSizeMax },
  cursor: continuation,
} as const;
const query = {
  store_id: id,
  subject: askedUser,
  object: text(objectPattern),
  model_id: optional(idPattern),
  contextual_tuples: contextualTuples,
};
const pagedList = {
  store_id: id,
  model_id: optional(idPattern),
  contextual_tuples: contextualTuples,
  page_size: { kind: 'integer', min: 1, max: limits.listPageSizeMax },
  cursor: continuation,
} as const;
const conditionName = text(`^[^\\s]{1,${limits.conditionNameLengthMax}}$`);
const listObjects = { ...ofModel, type, relation: name, user: listedUser };
const module = optional(namePattern);

/**
 * By message, then by field; a message's fields are checked in the proto's order. A name that both
 * packages have is the one of `openfga.v1`; that of `pemba.v1` stands here in full.
 */
export const fieldRules: Readonly<Record<string, MessageRules>> = {
  CheckRequest: { ...ofModel, tuple_key: required },
  CheckRequestTupleKey: question,
  BatchCheckRequest: { ...ofModel, checks: { kind: 'list', itemsMin: 1 } },
  BatchCheckItem: {
    tuple_key: required,
    correlation_id: text(`^[\\w\\d-]{1,${limits.correlationIdLengthMax}}$`),
  },
  ContextualTupleKeys: { tuple_keys: contextualTuples },
  TupleKey: storedTuple,
  TupleKeyWithoutCondition: storedTuple,
  // A model may name a condition with one letter; OpenFGA's own rule here would refuse its tuples.
  RelationshipCondition: { name: conditionName },

  ExpandRequest: { ...ofModel, tuple_key: required },
  ExpandRequestTupleKey: { relation: name, object: text(objectPattern) },

  ListObjectsRequest: listObjects,
  StreamedListObjectsRequest: listObjects,
  ListUsersRequest: {
    ...ofModel,
    object: required,
    relation: name,
    user_filters: { kind: 'list', itemsMin: 1, itemsMax: 1 },
    contextual_tuples: contextualTuples,
  },
  Object: { type, id: text('[^#:\\s]+$') },
  UserTypeFilter: { type, relation: optional(namePattern) },

  ReadRequest: { store_id: id, ...page },
  ReadRequestTupleKey: {
    user: {
      kind: 'text',
      pattern: `^[^\\s]{1,${limits.subjectLengthMax - 1}}:[^\\s]{1,${limits.subjectLengthMax - 1}}$`,
      bytesMax: limits.subjectLengthMax,
      optional: true,
    },
    relation: optional(namePattern),
    object: optional(objectPattern),
  },
  ReadChangesRequest: {
    store_id: id,
    type: optional(`^[^:#\\s]{1,${limits.typeLengthMax}}$`),
    ...page,
    start_time: { kind: 'past' },
  },
  WriteRequest: ofModel,
  WriteRequestWrites: { tuple_keys: { kind: 'list', itemsMin: 1 } },
  WriteRequestDeletes: { tuple_keys: { kind: 'list', itemsMin: 1 } },

  ReadAuthorizationModelRequest: { store_id: id, id },
  ReadAuthorizationModelsRequest: { store_id: id, ...page },
  WriteAuthorizationModelRequest: {
    store_id: id,
    type_definitions: { kind: 'list', itemsMin: 1 },
    // Clients from before schema versions send none.
    schema_version: { kind: 'text', oneOf: ['1.0', '1.1', '1.2'], optional: true },
    conditions: { kind: 'map', pairsMax: limits.modelConditionsMax, keyPattern: namePattern },
  },
  TypeDefinition: { type, relations: { kind: 'map', keyPattern: namePattern } },
  Metadata: { relations: { kind: 'map' }, module },
  RelationMetadata: { module },
  SourceInfo: { file: optional(`^[a-zA-Z0-9_\\-\\/]{1,${limits.moduleFileLengthMax}}\\.fga$`) },
  RelationReference: {
    type,
    relation: optional(namePattern),
    condition: optional(namePattern),
  },
  Difference: { base: required, subtract: required },
  ObjectRelation: {
    object: { kind: 'text', bytesMax: limits.objectLengthMax },
    relation: { kind: 'text', bytesMax: limits.nameLengthMax },
  },
  TupleToUserset: { tupleset: required, computed_userset: required },
  Condition: {
    name,
    expression: { kind: 'text', bytesMax: limits.conditionExpressionBytesMax, source: true },
    parameters: {
      kind: 'map',
      pairsMax: limits.conditionParametersMax,
      keyPattern: namePattern,
    },
  },
  ConditionMetadata: { module },
  ConditionParamTypeRef: { generic_types: { kind: 'list', itemsMax: limits.genericTypesMax } },

  WriteAssertionsRequest: {
    store_id: id,
    authorization_model_id: id,
    assertions: { kind: 'list', itemsMax: limits.assertionsMax },
  },
  ReadAssertionsRequest: { store_id: id, authorization_model_id: id },
  Assertion: {
    tuple_key: required,
    contextual_tuples: { kind: 'list', itemsMax: limits.assertionContextualTuplesMax },
  },
  AssertionTupleKey: { ...question, user: text(userPattern) },

  ListRelationsRequest: query,
  ExplainRequest: { ...query, relation: name },
  'pemba.v1.ListObjectsRequest': { ...pagedList, subject: askedUser },
  'pemba.v1.ListSubjectsRequest': { ...pagedList, object: text(objectPattern) },
  Scope: { object: text(objectPattern), relation: name },
  Tuple: {
    subject: storedTuple.user,
    relation: storedTuple.relation,
    object: storedTuple.object,
    expires_at: { kind: 'time' },
  },
  TupleCondition: { name: conditionName },

  WriteTuplesRequest: {
    store_id: id,
    preconditions: { kind: 'list', itemsMax: limits.preconditionsPerWriteMax },
    idempotency_key: optional(`^.{1,${limits.idempotencyKeyLengthMax}}$`),
    model_id: optional(idPattern),
  },
  BareTuple: {
    subject: storedTuple.user,
    relation: storedTuple.relation,
    object: storedTuple.object,
  },
  Precondition: { filter: required },
  TupleFilter: {
    object: optional(objectPattern),
    object_type: optional(typePattern),
    relation: optional(namePattern),
    subject: optional(userPattern),
    subject_type: optional(typePattern),
  },
  ImportTuplesRequest: {
    store_id: id,
    idempotency_key: optional(`^.{1,${limits.idempotencyKeyLengthMax}}$`),
    model_id: optional(idPattern),
  },
  ExportTuplesRequest: { store_id: id, cursor: continuation },
  ReadTuplesRequest: { store_id: id, ...tuplePage },
  ReadGraphsRequest: { store_id: optional(idPattern) },
  DeleteTuplesRequest: {
    store_id: id,
    limit: { kind: 'integer', min: 0, max: limits.deletedPerRoundMax },
    cursor: continuation,
  },
  ReadTupleChangesRequest: {
    store_id: id,
    object_type: optional(typePattern),
    start_time: { kind: 'past' },
    ...tuplePage,
  },

  GrantRoleRequest: { store_id: optional(idPattern), principal: required },
  RevokeRoleRequest: { store_id: optional(idPattern), principal: required },
  BootstrapRequest: { principal: required },
  ListRolesRequest: { store_id: optional(idPattern), ...tuplePage },
  Principal: { key: text('^[a-z0-9][a-z0-9._-]*$') },
  Client: { issuer: text('^[^\\s]+$'), id: text('^.+$') },

  CreateStoreRequest: { name: text(storeNamePattern) },
  UpdateStoreRequest: { store_id: id, name: text(storeNamePattern) },
  DeleteStoreRequest: { store_id: id },
  GetStoreRequest: { store_id: id },
  ListStoresRequest: { ...page, name: optional(storeNamePattern) },
};
