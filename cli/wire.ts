/** The JSON of OpenFGA's HTTP API, as far as the CLI sends and reads it. */
import type { JsonObject } from '../src/base/json.ts';

/** Rows of one page of changes, of stores or of models. */
export const pageSize = 100;

export interface WireCondition {
  readonly name: string;
  readonly context?: JsonObject;
}

export interface WireTuple {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: WireCondition;
  /** RFC 3339. The wire has no such field: only `pemba.v1` and files carry it. */
  readonly expires_at?: string;
}

export interface WireStore {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A model as the server takes and gives it. Only its door is typed: the server judges the rest. */
export interface WireModel {
  readonly id?: string;
  readonly schema_version: string;
  readonly type_definitions: readonly JsonObject[];
  readonly conditions?: JsonObject;
}

export interface WireTupleRecord {
  readonly key: WireTuple;
  readonly timestamp: string;
}

export interface WireChange {
  readonly operation: 'TUPLE_OPERATION_WRITE' | 'TUPLE_OPERATION_DELETE';
  readonly timestamp: string;
  readonly tuple_key: WireTuple;
  /** Of a delete that nobody asked for: the tuple's time was over. */
  readonly expired?: boolean;
}

export interface WireAssertion {
  readonly tuple_key: { readonly user: string; readonly relation: string; readonly object: string };
  readonly expectation: boolean;
  readonly contextual_tuples?: readonly WireTuple[];
  readonly context?: JsonObject;
}

export type Conflict = 'error' | 'ignore' | 'replace';

/** A write of the wire, and what `pemba.v1` adds to it. */
export interface WireWrite {
  readonly writes?: { readonly tuple_keys: readonly WireTuple[]; readonly on_duplicate: Conflict };
  readonly deletes?: { readonly tuple_keys: readonly WireTuple[]; readonly on_missing: Conflict };
  readonly authorization_model_id?: string;
  readonly preconditions?: readonly WirePrecondition[];
  readonly idempotency_key?: string;
}

export interface WirePrecondition {
  readonly tuple: WireTuple;
  readonly exists: boolean;
}

export interface WireCheck {
  readonly tuple_key: { readonly user: string; readonly relation: string; readonly object: string };
  readonly contextual_tuples?: { readonly tuple_keys: readonly WireTuple[] };
  readonly context?: JsonObject;
  readonly authorization_model_id?: string;
  readonly consistency?: string;
}

export interface WireExpand {
  readonly tuple_key: { readonly relation: string; readonly object: string };
  readonly contextual_tuples?: { readonly tuple_keys: readonly WireTuple[] };
  readonly authorization_model_id?: string;
  readonly consistency?: string;
}

export interface WireListObjects {
  readonly user: string;
  readonly relation: string;
  readonly type: string;
  readonly contextual_tuples?: { readonly tuple_keys: readonly WireTuple[] };
  readonly context?: JsonObject;
  readonly authorization_model_id?: string;
  readonly consistency?: string;
}

export interface WireUserFilter {
  readonly type: string;
  readonly relation?: string;
}

export interface WireListUsers {
  readonly object: { readonly type: string; readonly id: string };
  readonly relation: string;
  readonly user_filters: readonly [WireUserFilter];
  readonly contextual_tuples?: readonly WireTuple[];
  readonly context?: JsonObject;
  readonly authorization_model_id?: string;
  readonly consistency?: string;
}

/** One of the users of ListUsers: exactly one of the parts. */
export interface WireUser {
  readonly object?: { readonly type: string; readonly id: string };
  readonly userset?: { readonly type: string; readonly id: string; readonly relation: string };
  readonly wildcard?: { readonly type: string };
}

/** A user as tuples write it. */
export function userText({ object, userset, wildcard }: WireUser): string {
  if (userset) return `${userset.type}:${userset.id}#${userset.relation}`;
  if (wildcard) return `${wildcard.type}:*`;
  return object === undefined ? '' : `${object.type}:${object.id}`;
}

/** Node of an Expand tree: exactly one of the parts beside `name`. */
export interface WireNode {
  readonly name: string;
  readonly leaf?: {
    readonly users?: { readonly users: readonly string[] };
    readonly computed?: { readonly userset: string };
    readonly tupleToUserset?: {
      readonly tupleset: string;
      readonly computed: readonly { readonly userset: string }[];
    };
  };
  readonly union?: { readonly nodes: readonly WireNode[] };
  readonly intersection?: { readonly nodes: readonly WireNode[] };
  readonly difference?: { readonly base: WireNode; readonly subtract: WireNode };
}

/** A tuple as `pemba.v1` has it. */
export interface PembaTuple {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: { readonly name: string; readonly context?: JsonObject | null } | null;
  readonly expires_at?: string | null;
}

export interface WireListRelations {
  readonly subject: string;
  readonly object: string;
  readonly relations?: readonly string[];
  readonly model_id?: string;
  readonly contextual_tuples?: readonly PembaTuple[];
  readonly context?: JsonObject;
  readonly consistency?: string;
}

export interface WireRelations {
  readonly relations: readonly string[];
  readonly unanswered: readonly {
    readonly relation: string;
    readonly code: string;
    readonly message: string;
    readonly missing_parameters: readonly string[];
  }[];
}

interface WireList {
  readonly relations?: readonly string[];
  readonly model_id?: string;
  readonly contextual_tuples?: readonly PembaTuple[];
  readonly context?: JsonObject;
  readonly consistency?: string;
  readonly page_size?: number;
  readonly cursor: string;
  readonly count_only?: boolean;
}

export interface WireObjects extends WireList {
  readonly subject: string;
  readonly types?: readonly string[];
  readonly scope?: { readonly object: string; readonly relation: string; readonly direct: boolean };
}

export interface WireSubjects extends WireList {
  readonly object: string;
  readonly subject_types?: readonly string[];
}

/** A page of either list, with the rows in the field of their name. */
export interface WirePage {
  readonly objects?: readonly WireListedRow[];
  readonly subjects?: readonly WireListedRow[];
  readonly cursor: string;
  readonly count: number;
  readonly consistency_token: string;
}

export interface WireListedRow extends WireRelations {
  readonly object?: string;
  readonly subject?: string;
  readonly except?: readonly string[];
}

export interface WireExplain extends Omit<WireListRelations, 'relations'> {
  readonly relation: string;
}

export interface WireExplanation {
  readonly outcome: 'OUTCOME_ALLOWED' | 'OUTCOME_DENIED' | 'OUTCOME_CONDITIONAL';
  readonly missing_parameters: readonly string[];
  readonly tree: WireReason;
  readonly truncated: boolean;
  readonly would_allow: readonly { readonly tuples: readonly PembaTuple[] }[];
}

/** Node of an Explain tree. */
export interface WireReason {
  readonly object: string;
  readonly relation: string;
  readonly operator: `OPERATOR_${'DIRECT' | 'USERSET' | 'COMPUTED' | 'FROM' | 'UNION' | 'INTERSECTION' | 'EXCLUSION'}`;
  readonly value: WireTruth;
  readonly tuples: readonly WireUsedTuple[];
  readonly children: readonly WireReason[];
  readonly end: `END_${'UNSPECIFIED' | 'CYCLE' | 'REPEATED' | 'TRUNCATED' | 'IMPOSSIBLE' | 'SUBJECT'}`;
  readonly tupleset: string;
}

export type WireTruth = `VALUE_${'TRUE' | 'FALSE' | 'UNDEFINED' | 'UNKNOWN'}`;

export interface WireUsedTuple {
  readonly tuple: PembaTuple;
  readonly value: WireTruth;
  readonly contextual: boolean;
  readonly parameters?: JsonObject | null;
  readonly missing_parameters: readonly string[];
  readonly error: string;
}

/** Numbers of 64 bits are texts. */
export interface WireGraphs {
  readonly bytes_max: string;
  readonly bytes: string;
  readonly stores_in_memory: number;
  readonly stores_loading: number;
  readonly stores_in_storage: number;
  readonly graphs: readonly WireStoreGraph[];
}

export interface WireStoreGraph {
  readonly store_id: string;
  readonly place: string;
  readonly reason: string;
  readonly bytes: string;
  readonly tuples: string;
  readonly changes: string;
}

/** A store with the fields that every server has: one may add `"deleted_at": null`. */
export function plainStore({ id, name, created_at, updated_at }: WireStore): WireStore {
  return { id, name, created_at, updated_at };
}

/**
 * A tuple with nothing but what it says: servers send `"condition": null` and empty contexts, which
 * would make two equal tuples look different.
 */
export function plainTuple(tuple: {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: { readonly name: string; readonly context?: JsonObject | null } | null;
  readonly expires_at?: string | null;
}): WireTuple {
  const { user, relation, object, condition, expires_at } = tuple;
  const end = expires_at === undefined || expires_at === null ? {} : { expires_at };
  if (condition === undefined || condition === null || condition.name === '') {
    return { user, relation, object, ...end };
  }
  const context = condition.context ?? {};
  const plain =
    Object.keys(context).length === 0
      ? { name: condition.name }
      : { name: condition.name, context };
  return { user, relation, object, condition: plain, ...end };
}

export function wireTupleOf({ subject, ...rest }: PembaTuple): WireTuple {
  return plainTuple({ user: subject, ...rest });
}

export function pembaTupleOf({ user, ...rest }: WireTuple): PembaTuple {
  return { subject: user, ...rest };
}

/** What names a tuple, alone. */
export function pembaKeyOf({ user, relation, object }: WireTuple): PembaTuple {
  return { subject: user, relation, object };
}
