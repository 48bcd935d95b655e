/**
 * Whether a tuple may stand under a model: its form, its type and relation, the kinds of subject
 * that the relation takes, and its condition. The reasons are worded as OpenFGA's server words them.
 */
import type { JsonValue } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { CompiledModel, CompiledRelation, Edge } from './compiled.ts';
import {
  formatObject,
  formatSubject,
  isIdText,
  isNameText,
  isWildcard,
  type SubjectRef,
  type Tuple,
  wildcardId,
} from './tuple.ts';

/** The wire answers a bad condition with another code than the rest, so the two are told apart. */
export interface TupleFault {
  readonly kind: 'tuple' | 'condition';
  readonly reason: string;
}

/**
 * Undefined if the tuple is good. A tuple `o#r@o#r` holds without being written, so a write of it
 * is refused; among contextual tuples it is let pass.
 */
export function faultOfTuple(
  model: CompiledModel,
  tuple: Tuple,
  use: 'write' | 'contextual',
): TupleFault | undefined {
  const names = faultOfSubject(model, tuple.subject) ?? faultOfObject(model, tuple);
  if (names !== undefined) return { kind: 'tuple', reason: names };
  const relation = model.relations[model.relationIndex(tuple.object.type, tuple.relation)];
  if (relation === undefined) {
    return { kind: 'tuple', reason: relationNotFound(tuple.object.type, tuple.relation) };
  }
  const edge = edgeOf(model, relation, tuple.subject);
  if (edge === undefined) {
    return { kind: 'tuple', reason: subjectNotAllowed(relation, tuple.subject) };
  }
  const condition = faultOfCondition(model, edge, tuple);
  if (condition !== undefined) return { kind: 'condition', reason: condition };
  if (use === 'write' && isImplicit(tuple)) {
    return { kind: 'tuple', reason: 'cannot write a tuple that is implicit' };
  }
  return undefined;
}

function faultOfSubject(model: CompiledModel, subject: SubjectRef): string | undefined {
  if (!isIdText(subject.type) || !isIdText(subject.id)) return "the 'user' field is malformed";
  if (subject.relation !== '') {
    // Neither an id nor a relation of a userset may hold a star: `group:*#member` is no subject.
    if (!isNameText(subject.relation) || formatSubject(subject).includes(wildcardId)) {
      return "the 'user' field is malformed";
    }
  }
  if (!model.model.types.has(subject.type)) return typeNotFound(subject.type);
  if (subject.relation !== '' && model.relationIndex(subject.type, subject.relation) === -1) {
    return relationNotFound(subject.type, subject.relation);
  }
  return undefined;
}

function faultOfObject(model: CompiledModel, tuple: Tuple): string | undefined {
  const { object, relation } = tuple;
  if (!isIdText(object.type) || !isIdText(object.id)) return "invalid 'object' field format";
  if (object.id === wildcardId) return "the 'object' field cannot reference a typed wildcard";
  if (!model.model.types.has(object.type)) return typeNotFound(object.type);
  if (!isNameText(relation)) return "the 'relation' field is malformed";
  return undefined;
}

function edgeOf(
  model: CompiledModel,
  relation: CompiledRelation,
  subject: SubjectRef,
): Edge | undefined {
  const type = model.typeSymbol(subject.type);
  const target = subject.relation === '' ? -1 : model.relationIndex(subject.type, subject.relation);
  const wildcard = isWildcard(subject);
  return relation.edges.find(
    (edge) => edge.subjectType === type && edge.target === target && edge.wildcard === wildcard,
  );
}

function subjectNotAllowed(relation: CompiledRelation, subject: SubjectRef): string {
  const place = `'${relation.typeName}#${relation.name}'`;
  if (relation.tupleset && isWildcard(subject)) {
    return `unexpected wildcard relationship with tupleset relation ${place}`;
  }
  if (relation.tupleset && subject.relation !== '') {
    return `unexpected user '${formatSubject(subject)}' with tupleset relation ${place}`;
  }
  if (subject.relation !== '') {
    return `'${subject.type}#${subject.relation}' is not an allowed type restriction for ${place}`;
  }
  return isWildcard(subject)
    ? `the typed wildcard '${formatSubject(subject)}' is not an allowed type restriction for ${place}`
    : `type '${subject.type}' is not an allowed type restriction for ${place}`;
}

function faultOfCondition(model: CompiledModel, edge: Edge, tuple: Tuple): string | undefined {
  const { condition } = tuple;
  if (condition === undefined) return edge.unguarded ? undefined : 'condition is missing';
  if (hasControl(condition.name)) return 'condition name contains forbidden characters';
  if (!model.model.conditions.has(condition.name)) return 'undefined condition';
  const allowed = edge.conditions.find(
    (symbol) => model.conditions.get(symbol)?.definition.name === condition.name,
  );
  if (allowed === undefined) return 'invalid condition for type restriction';
  return (
    faultOfContextText(condition.context) ??
    model.conditions.get(allowed)?.faultOfTupleContext(condition.context)
  );
}

/** Control characters have no place in what ends up in logs and cache keys. */
function faultOfContextText(value: JsonValue): string | undefined {
  if (typeof value === 'string') {
    return hasControl(value)
      ? `context value ${JSON.stringify(value)} contains forbidden characters`
      : undefined;
  }
  if (isJsonObject(value)) {
    for (const [key, nested] of Object.entries(value)) {
      if (hasControl(key)) {
        return `context key ${JSON.stringify(key)} contains forbidden characters`;
      }
      const fault = faultOfContextText(nested);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  return value
    .values()
    .map(faultOfContextText)
    .find((fault) => fault !== undefined);
}

function isImplicit(tuple: Tuple): boolean {
  return (
    tuple.relation === tuple.subject.relation &&
    formatObject(tuple.object) === formatObject(tuple.subject)
  );
}

function typeNotFound(type: string): string {
  return `type '${type}' not found`;
}

function relationNotFound(type: string, relation: string): string {
  return `relation '${type}#${relation}' not found`;
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
