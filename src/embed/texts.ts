/** What the embedding API takes and gives: objects, subjects and tuples as texts, times as `Date`s. */
import type { MessageInitShape, JsonObject as Struct } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { JsonObject } from '../base/json.ts';
import type {
  TupleFilterSchema,
  Tuple as TupleMessage,
  TupleSchema,
} from '../gen/pemba/v1/tuple_pb.ts';
import { formatObject, formatSubject, type Tuple } from '../model/tuple.ts';

/** A tuple without what guards it: `document:1`, `viewer`, `user:anne` (or `group:eng#member`, `user:*`). */
export interface TupleKeyText {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
}

export interface TupleText extends TupleKeyText {
  readonly condition?: { readonly name: string; readonly context?: JsonObject };
  /** From this instant on the tuple is as if it were not there. */
  readonly expiresAt?: Date;
}

/** What tuples are asked for: every part that is given must match, none stands for all tuples. */
export interface TupleFilter {
  /** Such as `document:1`; not beside `objectType`. */
  readonly object?: string;
  readonly objectType?: string;
  readonly relation?: string;
  /** Such as `user:anne` or `group:eng#member`; not beside `subjectType`. */
  readonly subject?: string;
  /** Subjects of this type, usersets and the wildcard included. */
  readonly subjectType?: string;
}

export function tupleInit({
  object,
  relation,
  subject,
  condition,
  expiresAt,
}: TupleText): MessageInitShape<typeof TupleSchema> {
  return {
    object,
    relation,
    subject,
    ...(condition === undefined
      ? {}
      : // Only our own type says that nobody writes into it; the message's readers do not either.
        { condition: { name: condition.name, context: (condition.context ?? {}) as Struct } }),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromDate(expiresAt) }),
  };
}

export function filterInit(filter: TupleFilter): MessageInitShape<typeof TupleFilterSchema> {
  const { object = '', objectType = '', relation = '', subject = '', subjectType = '' } = filter;
  return { object, objectType, relation, subject, subjectType };
}

export function textOfMessage(message: TupleMessage): TupleText {
  const { object, relation, subject, condition, expiresAt } = message;
  return {
    object,
    relation,
    subject,
    ...(condition === undefined
      ? {}
      : { condition: { name: condition.name, context: condition.context ?? {} } }),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampDate(expiresAt) }),
  };
}

export function textOfTuple({ object, relation, subject, condition, expiresAt }: Tuple): TupleText {
  return {
    object: formatObject(object),
    relation,
    subject: formatSubject(subject),
    ...(condition === undefined ? {} : { condition }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
  };
}
