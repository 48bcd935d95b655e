/** Objects, subjects and tuples: their parts and their one spelling `type:id#relation@subject`. */
import { canonicalJson, type JsonObject } from '../base/json.ts';

export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

/**
 * The right side of a tuple. An object has `relation` ''; a userset names its relation; a wildcard
 * has `id` '*' and `relation` ''.
 */
export interface SubjectRef {
  readonly type: string;
  readonly id: string;
  readonly relation: string;
}

/** The guard of a tuple: a condition of the model, and the values stored for it. */
export interface TupleCondition {
  readonly name: string;
  readonly context: JsonObject;
}

/** A tuple without its condition: there is one at most of each. */
export interface BareTuple {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: SubjectRef;
}

export interface Tuple extends BareTuple {
  readonly condition: TupleCondition | undefined;
  /** In milliseconds since 1970: from this instant on the tuple is as if it were not there. */
  readonly expiresAt?: number | undefined;
}

/** Whether something that expires at this instant, if ever, is gone. */
export function isExpired(expiresAt: number | undefined, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

export const wildcardId = '*';

/** Splits `type:id` at its first colon. Undefined unless both parts are there and nothing else is. */
export function parseObject(text: string): ObjectRef | undefined {
  const end = text.indexOf(':');
  if (end === -1) return undefined;
  const type = text.slice(0, end);
  const id = text.slice(end + 1);
  return isIdText(type) && isIdText(id) ? { type, id } : undefined;
}

/** Parses `type:id`, `type:id#relation` or `type:*`. Undefined for anything else. */
export function parseSubject(text: string): SubjectRef | undefined {
  const end = text.indexOf('#');
  const object = parseObject(end === -1 ? text : text.slice(0, end));
  if (object === undefined) return undefined;
  if (end === -1) return { type: object.type, id: object.id, relation: '' };
  const relation = text.slice(end + 1);
  if (object.id === wildcardId || !isNameText(relation)) return undefined;
  return { type: object.type, id: object.id, relation };
}

export function isWildcard(subject: SubjectRef): boolean {
  return subject.id === wildcardId && subject.relation === '';
}

export function formatObject(object: ObjectRef): string {
  return `${object.type}:${object.id}`;
}

export function formatSubject(subject: SubjectRef): string {
  const object = `${subject.type}:${subject.id}`;
  return subject.relation === '' ? object : `${object}#${subject.relation}`;
}

/** `object#relation@subject`, with ` (condition name)` where there is one. */
export function formatTuple(
  tuple: BareTuple & { readonly condition?: TupleCondition | undefined },
): string {
  const key = `${formatObject(tuple.object)}#${tuple.relation}@${formatSubject(tuple.subject)}`;
  return tuple.condition === undefined ? key : `${key} (condition ${tuple.condition.name})`;
}

/** Two conditions guard alike when their names and contexts are equal. */
export function sameCondition(
  a: TupleCondition | undefined,
  b: TupleCondition | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.name === b.name && canonicalJson(a.context) === canonicalJson(b.context);
}

/** What an id is made of. White space is ASCII's, as in the wire's patterns; the rest of it is text. */
export function isIdText(text: string): boolean {
  // A check reads four such texts: a loop over ASCII takes a fraction of what the pattern does.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= firstBeyondAscii) return /^[^:# \p{Cc}]+$/u.test(text);
    if (code <= space || code === colon || code === hash || code === deleteCode) return false;
  }
  return text !== '';
}

const space = 0x20;
const hash = 0x23;
const colon = 0x3a;
/** The last control character of ASCII, and what comes after ASCII. */
const deleteCode = 0x7f;
const firstBeyondAscii = 0x80;

/** What the name of a type or relation is made of. */
export function isNameText(text: string): boolean {
  return /^[^:#@ \p{Cc}]+$/u.test(text);
}
