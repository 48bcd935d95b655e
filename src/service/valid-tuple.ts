/**
 * Questions and tuples of a request, held against the model in use: types and relations exist, and
 * a tuple is one that the model would let somebody write.
 */
import { type ErrorCode, Refusal } from '../base/errors.ts';
import type { TupleKey as TupleKeyMessage } from '../gen/openfga/v1/openfga_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ObjectRef, SubjectRef, Tuple } from '../model/tuple.ts';
import { faultOfTuple, type TupleFault } from '../model/validate-tuple.ts';
import { type KeyText, keyText, type Read, readObject, readSubject, readTuple } from './wire.ts';

/** Has the subject the relation to the object? */
export interface Question {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: SubjectRef;
}

/** The subject is judged before the object, and the object before the relation. */
export function readQuestion(model: CompiledModel, key: KeyText): Question {
  const subject = readKnownSubject(model, key.user);
  const object = readTarget(model, key);
  return { object, relation: key.relation, subject };
}

/** One question about each of several subjects; judged in the same order. */
export function readQuestions(model: CompiledModel, key: KeyText, users: readonly string[]) {
  const subjects = users.map((user) => readKnownSubject(model, user));
  return { object: readTarget(model, key), relation: key.relation, subjects };
}

/** A subject of a type and a relation that the model has. */
export function readKnownSubject(model: CompiledModel, user: string): SubjectRef {
  const subject = requireValue(readSubject(user));
  requireType(model, subject.type);
  if (subject.relation !== '') requireRelation(model, subject.type, subject.relation);
  return subject;
}

/** The object of a question, whose type must have the relation. */
export function readTarget(model: CompiledModel, key: Omit<KeyText, 'user'>): ObjectRef {
  const object = requireValue(readObject(key.object));
  requireType(model, object.type);
  requireRelation(model, object.type, key.relation);
  return object;
}

/** How a tuple is used, and the wire's code for each kind of fault in it. */
export interface TupleUse {
  readonly use: 'write' | 'contextual';
  readonly codes: { readonly [kind in TupleFault['kind']]: ErrorCode };
}

/** In a query that is no check: one where only the condition is wrong has another code. */
export const queryTupleUse: TupleUse = {
  use: 'contextual',
  codes: { tuple: 'invalid_tuple', condition: 'validation_error' },
};

export function readValidTuple(
  model: CompiledModel,
  message: TupleKeyMessage,
  { use, codes }: TupleUse,
): Tuple {
  const refuse = (fault: TupleFault) =>
    new Refusal(codes[fault.kind], tupleFaultText(message, fault));
  const read = readTuple(message);
  if (read.fault !== undefined) throw refuse({ kind: 'tuple', reason: read.fault });
  const fault = faultOfTuple(model, read.value, use);
  if (fault !== undefined) throw refuse(fault);
  return read.value;
}

export function readValidTuples(
  model: CompiledModel,
  messages: readonly TupleKeyMessage[] | undefined,
  use: TupleUse,
): readonly Tuple[] {
  return messages === undefined ? [] : messages.map((key) => readValidTuple(model, key, use));
}

/** A bad condition is shown with its name, as it may be all that is wrong. */
export function tupleFaultText(
  message: KeyText & { readonly condition?: TupleKeyMessage['condition'] },
  fault: TupleFault,
): string {
  const condition =
    fault.kind === 'condition' && message.condition !== undefined
      ? ` (condition ${message.condition.name})`
      : '';
  return `Invalid tuple '${keyText(message)}${condition}'. Reason: ${fault.reason}`;
}

function requireValue<Value>(read: Read<Value>): Value {
  if (read.fault !== undefined) throw new Refusal('validation_error', read.fault);
  return read.value;
}

function requireType(model: CompiledModel, type: string): void {
  if (model.model.types.has(type)) return;
  throw new Refusal('validation_error', `type '${type}' not found`);
}

function requireRelation(model: CompiledModel, type: string, relation: string): void {
  if (model.relationIndex(type, relation) !== -1) return;
  throw new Refusal('validation_error', `relation '${type}#${relation}' not found`);
}

/** What a list asks for: here the wire has codes of their own for what the model does not have. */
export function requireListed(model: CompiledModel, type: string, relation: string): void {
  if (!model.model.types.has(type)) {
    throw new Refusal('type_not_found', `type '${type}' not found`);
  }
  if (relation !== '' && model.relationIndex(type, relation) === -1) {
    throw new Refusal('relation_not_found', `relation '${type}#${relation}' not found`);
  }
}
