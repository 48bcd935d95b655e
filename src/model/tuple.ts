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
  const type = typeText(text);
  const start = type.length + 1;
  if (start === 1) return undefined;
  const end = idTextEnd(text, start);
  if (end === start || end !== text.length) return undefined;
  return { type, id: text.slice(start) };
}

/** Parses `type:id`, `type:id#relation` or `type:*`. Undefined for anything else. */
export function parseSubject(text: string): SubjectRef | undefined {
  const type = typeText(text);
  const start = type.length + 1;
  if (start === 1) return undefined;
  const end = idTextEnd(text, start);
  if (end === start) return undefined;
  if (end === text.length) return { type, id: text.slice(start), relation: '' };
  if (text.charCodeAt(end) !== hash) return undefined;
  const id = text.slice(start, end);
  const relation = text.slice(end + 1);
  if (id === wildcardId || !isNameText(relation)) return undefined;
  return { type, id, relation };
}

/** Beginnings that were met lately, each where its first units say. */
const guesses: string[] = Array.from({ length: 64 }, () => '');

/** The guess is by so many units. */
const guessedBy = 3;

/**
 * What stands before the first colon; '' where that is no type, or there is none. Most texts begin as
 * one did before: then it is enough to compare them, and no unit need be judged again.
 */
function typeText(text: string): string {
  if (text.length < guessedBy) return scannedType(text);
  const place = (text.charCodeAt(0) ^ (text.charCodeAt(1) << 2) ^ (text.charCodeAt(2) << 4)) & 63;
  const guess = guesses[place] as string;
  const { length } = guess;
  if (length > 0 && length < text.length) {
    let same = 0;
    while (same < length && guess.charCodeAt(same) === text.charCodeAt(same)) same++;
    if (same === length && text.charCodeAt(length) === colon) return guess;
  }
  const type = scannedType(text);
  if (type !== '' && type.length <= sharedLengthMax) guesses[place] = type;
  return type;
}

function scannedType(text: string): string {
  const colonAt = idTextEnd(text, 0);
  if (colonAt === 0 || text.charCodeAt(colonAt) !== colon) return '';
  return shared(text, colonAt);
}

/** The beginnings of texts, and where they are kept, by a few of their units. A power of two. */
const beginnings: string[] = Array.from({ length: 64 }, () => '');

/**
 * The beginning of a text, of this length. A store has few types, and a text of which the same copy
 * comes again and again need not be hashed each time that something is looked up by it.
 */
function shared(text: string, length: number): string {
  const place = (length ^ (text.charCodeAt(0) << 1) ^ (text.charCodeAt(length - 1) << 3)) & 63;
  const known = beginnings[place] as string;
  if (known.length === length) {
    let same = 0;
    while (same < length && known.charCodeAt(same) === text.charCodeAt(same)) same++;
    if (same === length) return known;
  }
  const made = text.slice(0, length);
  if (length <= sharedLengthMax) beginnings[place] = made;
  return made;
}

/** Longer ones are no names of types. */
const sharedLengthMax = 254;

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
  return text !== '' && idTextEnd(text, 0) === text.length;
}

/** Where the id that begins at `start` ends: at the first unit that none has. */
function idTextEnd(text: string, start: number): number {
  // A check reads four such texts: a loop over ASCII takes a fraction of what a pattern does.
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= space || code === colon || code === hash) return at;
    // The control characters beyond ASCII are all in one row.
    if (code >= deleteCode && code <= lastControl) return at;
  }
  return text.length;
}

const space = 0x20;
const hash = 0x23;
const colon = 0x3a;
/** The control characters that are not below the space. */
const deleteCode = 0x7f;
const lastControl = 0x9f;

/** What the name of a type or relation is made of. */
export function isNameText(text: string): boolean {
  return /^[^:#@ \p{Cc}]+$/u.test(text);
}
