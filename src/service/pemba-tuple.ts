/** Tuples of `pemba.v1` to our own and back; what the wire also has goes by the wire's functions. */
import { create, type MessageInitShape, type JsonObject as Struct } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Refusal } from '../base/errors.ts';
import {
  RelationshipConditionSchema,
  type TupleKey,
  TupleKeySchema,
} from '../gen/openfga/v1/openfga_pb.ts';
import type {
  BareTuple as BareTupleMessage,
  TupleFilter as FilterMessage,
  Tuple as TupleMessage,
  TupleSchema,
} from '../gen/pemba/v1/tuple_pb.ts';
import {
  formatObject,
  formatSubject,
  parseObject,
  parseSubject,
  type Tuple,
  wildcardId,
} from '../model/tuple.ts';
import type { TupleFilter } from '../storage/datastore.ts';
import { type KeyText, keyText } from './wire.ts';

/** The tuple as the wire has it, but for its expiry. */
export function wireTupleOf({ subject, relation, object, condition }: TupleMessage): TupleKey {
  const key = create(TupleKeySchema, { user: subject, relation, object });
  if (condition !== undefined) {
    const { name, context = {} } = condition;
    key.condition = create(RelationshipConditionSchema, { name, context });
  }
  return key;
}

export function wireKeyOf({
  subject,
  relation,
  object,
}: Pick<BareTupleMessage, 'subject' | 'relation' | 'object'>): KeyText {
  return { user: subject, relation, object };
}

/** One that exists for a request alone. An end would only look as if it meant something. */
export function wireContextualOf(message: TupleMessage): TupleKey {
  const key = wireTupleOf(message);
  if (message.expiresAt === undefined) return key;
  throw new Refusal(
    'validation_error',
    `the contextual tuple \`${keyText(key)}\` has an expires_at: a contextual tuple exists for this request alone; leave it out`,
  );
}

/** In whole milliseconds, never later than asked. REQUIRES: the field rules have passed the time. */
export function readExpiry(time: Timestamp): number {
  return Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1e6);
}

/** REQUIRES: the tuple's context is written by nobody; the encoder does not either. */
export function tupleInit(tuple: Tuple): MessageInitShape<typeof TupleSchema> {
  const { subject, relation, object, condition, expiresAt } = tuple;
  return {
    subject: formatSubject(subject),
    relation,
    object: formatObject(object),
    ...(condition === undefined
      ? {}
      : { condition: { name: condition.name, context: condition.context as Struct } }),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromMs(expiresAt) }),
  };
}

/** ENSURES: undefined only where the message asks for nothing: all tuples would match. */
export function readFilter(message: FilterMessage | undefined): TupleFilter | undefined {
  if (message === undefined) return undefined;
  const parts = {
    ...readObjectPart(message),
    ...(message.relation === '' ? {} : { relation: message.relation }),
    ...readSubjectPart(message),
  };
  return Object.keys(parts).length === 0 ? undefined : parts;
}

function readObjectPart({ object: text, objectType }: FilterMessage): TupleFilter {
  if (text === '') return objectType === '' ? {} : { objectType };
  refuseBoth('object', objectType);
  const object = parseObject(text);
  if (object === undefined || object.id === wildcardId) {
    throw invalid(`\`${text}\` is no object: give \`type:id\`, or a type as \`object_type\``);
  }
  return { objectType: object.type, objectId: object.id };
}

function readSubjectPart({ subject: text, subjectType }: FilterMessage): TupleFilter {
  if (text === '') return subjectType === '' ? {} : { subjectType };
  refuseBoth('subject', subjectType);
  const subject = parseSubject(text);
  if (subject !== undefined) return { subject };
  throw invalid(
    `\`${text}\` is no subject: give \`type:id\`, \`type:id#relation\` or \`type:*\`, or a type as \`subject_type\``,
  );
}

function refuseBoth(part: 'object' | 'subject', type: string): void {
  if (type !== '') throw invalid(`a filter has \`${part}\` or \`${part}_type\`, not both`);
}

function invalid(message: string): Refusal {
  return new Refusal('validation_error', message);
}
