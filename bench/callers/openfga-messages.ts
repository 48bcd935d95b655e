/** The requests of OpenFGA's wire, and what its answers say. Encoded once, asked many times. */
import { create, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import {
  BatchCheckRequestSchema,
  BatchCheckResponseSchema,
  CheckRequestSchema,
  CheckResponseSchema,
  ListObjectsRequestSchema,
  ListObjectsResponseSchema,
  ListUsersRequestSchema,
  ListUsersResponseSchema,
  WriteRequestSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { TupleText } from '../workloads/workload.ts';
import { judgeBatch, judgeCheck, listJudge, type Operation } from './caller.ts';

/** The store and the model that are asked about. */
export interface Place {
  readonly store: string;
  readonly model: string;
}

const methods = {
  check: { name: 'Check', path: 'check', request: CheckRequestSchema },
  batch: { name: 'BatchCheck', path: 'batch-check', request: BatchCheckRequestSchema },
  objects: { name: 'ListObjects', path: 'list-objects', request: ListObjectsRequestSchema },
  users: { name: 'ListUsers', path: 'list-users', request: ListUsersRequestSchema },
  write: { name: 'Write', path: 'write', request: WriteRequestSchema },
} as const;

export function methodOf(kind: Operation['kind']): { name: string; path: string } {
  return methods[kind];
}

/** The body in the wire's JSON form, without the store. */
export function jsonBody(operation: Operation, { model }: Place): Record<string, JsonValue> {
  return { authorization_model_id: model, ...fieldsOf(operation) };
}

export function binaryBody(operation: Operation, place: Place): Buffer {
  const { request } = methods[operation.kind];
  const json = { store_id: place.store, ...jsonBody(operation, place) };
  // The schema is one of a union; its message is whatever it reads.
  const bytes = toBinary(request, create(request, fromJson(request, json)));
  return Buffer.from(bytes);
}

/** Judges the decoded JSON of an answer. */
export function jsonJudge(operation: Operation): (answer: JsonAnswer) => void {
  switch (operation.kind) {
    case 'check':
      return ({ allowed = false }) => judgeCheck(operation.question, allowed);
    case 'batch':
      return ({ result = {} }) => judgeBatch(operation.questions, (i) => result[`c${i}`]?.allowed);
    case 'objects': {
      const judge = listJudge(operation.question, operation.question.objects);
      return ({ objects = [] }) => judge(objects);
    }
    case 'users': {
      const judge = listJudge(operation.question, operation.question.users);
      return ({ users = [] }) => judge(users.map(({ object }) => `${object?.type}:${object?.id}`));
    }
    case 'write':
      return () => undefined;
  }
}

/** What the answers of all methods may have, as far as it is looked at. */
export interface JsonAnswer {
  readonly allowed?: boolean;
  readonly result?: Readonly<Record<string, { readonly allowed?: boolean }>>;
  readonly objects?: readonly string[];
  readonly users?: readonly { readonly object?: { readonly type: string; readonly id: string } }[];
}

export function binaryJudge(operation: Operation): (answer: Uint8Array) => void {
  const judge = jsonJudge(operation);
  switch (operation.kind) {
    case 'check':
      return (bytes) => judgeCheck(operation.question, isAllowed(bytes));
    case 'batch':
      return (bytes) => {
        const { result } = fromBinary(BatchCheckResponseSchema, bytes);
        judgeBatch(operation.questions, (i) => {
          const answer = result[`c${i}`]?.checkResult;
          return answer?.case === 'allowed' ? answer.value : undefined;
        });
      };
    case 'objects':
      return (bytes) => judge({ objects: fromBinary(ListObjectsResponseSchema, bytes).objects });
    case 'users':
      return (bytes) =>
        judge({
          users: fromBinary(ListUsersResponseSchema, bytes).users.flatMap(({ user }) =>
            user.case === 'object' ? [{ object: user.value }] : [],
          ),
        });
    case 'write':
      return () => undefined;
  }
}

/** Field 1 comes first in what servers send; decoding whole would slow down the client, not them. */
function isAllowed(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return false;
  if (bytes[0] === 0x08) return bytes[1] === 1;
  return fromBinary(CheckResponseSchema, bytes).allowed;
}

export function wireTuple({ object, relation, subject, condition }: TupleText) {
  return { user: subject, relation, object, ...(condition === undefined ? {} : { condition }) };
}

function fieldsOf(operation: Operation): Record<string, JsonValue> {
  const contextOf = ({ context }: { context?: object }): Record<string, JsonValue> =>
    context === undefined ? {} : { context: context as JsonValue };
  const key = ({ object, relation, subject }: TupleText) => ({ user: subject, relation, object });
  switch (operation.kind) {
    case 'check':
      return { tuple_key: key(operation.question), ...contextOf(operation.question) };
    case 'batch':
      return {
        checks: operation.questions.map((question, i) => ({
          ...{ tuple_key: key(question), correlation_id: `c${i}`, ...contextOf(question) },
        })),
      };
    case 'objects': {
      const { type, relation, subject } = operation.question;
      return { type, relation, user: subject, ...contextOf(operation.question) };
    }
    case 'users': {
      const { object, relation, kind } = operation.question;
      const [type = '', id = ''] = object.split(':', 2);
      const asked = { object: { type, id }, relation, user_filters: [{ type: kind }] };
      return { ...asked, ...contextOf(operation.question) };
    }
    case 'write':
      return { writes: { tuple_keys: [wireTuple(operation.tuple()) as JsonValue] } };
  }
}
