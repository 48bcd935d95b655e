/** Between the wire's messages and our own types: the only file that knows both. */
import { create, type MessageInitShape, type JsonObject as Struct } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { assert, unreachable } from '../base/assert.ts';
import type { TreeNode } from '../engine/tree.ts';
import {
  RelationshipConditionSchema,
  type Store,
  StoreSchema,
  type TupleChange,
  TupleChangeSchema,
  type TupleKey as TupleKeyMessage,
  TupleKeySchema,
  type Tuple as TupleMessage,
  TupleOperation,
  TupleSchema,
  type User,
  UserSchema,
  UsersetTree_DifferenceSchema,
  UsersetTree_LeafSchema,
  type UsersetTree_Node,
  UsersetTree_NodeSchema,
  UsersetTree_NodesSchema,
} from '../gen/openfga/v1/openfga_pb.ts';
import { isModelId, isStoreId, type ModelId, type StoreId } from '../model/ids.ts';
import {
  formatObject,
  formatSubject,
  isIdText,
  type ObjectRef,
  parseObject,
  parseSubject,
  type SubjectRef,
  type Tuple,
  wildcardId,
} from '../model/tuple.ts';
import type { ChangeRecord, StoreRecord, TupleRecord } from '../storage/datastore.ts';

/** A value, or why the text is none. */
export type Read<Value> =
  | { readonly value: Value; readonly fault?: undefined }
  | { readonly fault: string };

/** The last ids: nearly every request names the same, and a text is hashed once in its life. */
let lastStore: StoreId | undefined;
let lastModel: ModelId | undefined;

/** REQUIRES: the field rules have passed the id. */
export function readStoreId(text: string): StoreId {
  if (text === lastStore) return lastStore;
  assert(isStoreId(text), 'the field rules hold store ids to their pattern');
  lastStore = text;
  return text;
}

/** REQUIRES: the field rules have passed the id. */
export function readModelId(text: string): ModelId {
  if (text === lastModel) return lastModel;
  assert(isModelId(text), 'the field rules hold model ids to their pattern');
  lastModel = text;
  return text;
}

/** '' stands for the latest model. REQUIRES: the field rules have passed the id. */
export function readOptionalModelId(text: string): ModelId | '' {
  return text === '' ? '' : readModelId(text);
}

export function readSubject(user: string): Read<SubjectRef> {
  const value = parseSubject(user);
  if (value !== undefined) return { value };
  const bare = isIdText(user);
  return {
    fault: bare
      ? "the 'user' field must be an object (e.g. document:1) or an 'object#relation' or a typed wildcard (e.g. group:*)"
      : "the 'user' field is malformed",
  };
}

export function readObject(object: string): Read<ObjectRef> {
  const value = parseObject(object);
  if (value === undefined) return { fault: "invalid 'object' field format" };
  if (value.id === wildcardId) {
    return { fault: "the 'object' field cannot reference a typed wildcard" };
  }
  return { value };
}

/** The parts that a tuple key has with or without a condition. */
export type KeyText = Pick<TupleKeyMessage, 'user' | 'relation' | 'object'>;

/** The tuple of a message; whether a model allows it is not asked here. */
export function readTuple(
  message: KeyText & { readonly condition?: TupleKeyMessage['condition'] },
): Read<Tuple> {
  const subject = readSubject(message.user);
  if (subject.fault !== undefined) return subject;
  const object = readObject(message.object);
  if (object.fault !== undefined) return object;
  if (message.relation === '') return { fault: "the 'relation' field is malformed" };
  const condition =
    message.condition === undefined
      ? undefined
      : { name: message.condition.name, context: message.condition.context ?? {} };
  const { relation } = message;
  return { value: { object: object.value, relation, subject: subject.value, condition } };
}

/** `object#relation@user` as it was sent, also where that is no tuple. */
export function keyText(key: KeyText): string {
  return `${key.object}#${key.relation}@${key.user}`;
}

export function tupleKeyMessage(tuple: Tuple): TupleKeyMessage {
  const message = create(TupleKeySchema, {
    user: formatSubject(tuple.subject),
    relation: tuple.relation,
    object: formatObject(tuple.object),
  });
  if (tuple.condition !== undefined) {
    const { name, context } = tuple.condition;
    // Only our own type says that nobody writes into it; the encoder does not either.
    message.condition = create(RelationshipConditionSchema, { name, context: context as Struct });
  }
  return message;
}

export function userMessage(subject: SubjectRef): User {
  const { type, id, relation } = subject;
  if (relation !== '') {
    return create(UserSchema, { user: { case: 'userset', value: { type, id, relation } } });
  }
  if (id === wildcardId) {
    return create(UserSchema, { user: { case: 'wildcard', value: { type } } });
  }
  return create(UserSchema, { user: { case: 'object', value: { type, id } } });
}

export function tupleMessage(record: TupleRecord): TupleMessage {
  return create(TupleSchema, {
    key: tupleKeyMessage(record.tuple),
    timestamp: timestampFromMs(record.writtenAt),
  });
}

export function changeMessage(change: ChangeRecord): TupleChange {
  return create(TupleChangeSchema, {
    tupleKey: tupleKeyMessage(change.tuple),
    operation: change.operation === 'delete' ? TupleOperation.DELETE : TupleOperation.WRITE,
    timestamp: timestampFromMs(change.writtenAt),
  });
}

export function storeFields(record: StoreRecord) {
  return {
    id: record.id,
    name: record.name,
    createdAt: timestampFromMs(record.createdAt),
    updatedAt: timestampFromMs(record.updatedAt),
  };
}

export function storeMessage(record: StoreRecord): Store {
  return create(StoreSchema, storeFields(record));
}

export function treeMessage(node: TreeNode): UsersetTree_Node {
  return create(UsersetTree_NodeSchema, { name: node.name, value: treeValue(node) });
}

type TreeValue = UsersetTree_Node['value'];
type LeafInit = NonNullable<MessageInitShape<typeof UsersetTree_LeafSchema>['value']>;

function treeValue(node: TreeNode): TreeValue {
  switch (node.kind) {
    case 'users':
      return leaf({ case: 'users', value: { users: [...node.users] } });
    case 'computed':
      return leaf({ case: 'computed', value: { userset: node.userset } });
    case 'from': {
      const computed = node.computed.map((userset) => ({ userset }));
      return leaf({ case: 'tupleToUserset', value: { tupleset: node.tupleset, computed } });
    }
    case 'union':
    case 'intersection': {
      const nodes = node.nodes.map(treeMessage);
      return { case: node.kind, value: create(UsersetTree_NodesSchema, { nodes }) };
    }
    case 'difference': {
      const sides = { base: treeMessage(node.base), subtract: treeMessage(node.subtract) };
      return { case: 'difference', value: create(UsersetTree_DifferenceSchema, sides) };
    }
    default:
      return unreachable(node);
  }
}

function leaf(value: LeafInit): TreeValue {
  return { case: 'leaf', value: create(UsersetTree_LeafSchema, { value }) };
}
