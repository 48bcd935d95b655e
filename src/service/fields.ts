/**
 * Checks a request against the field rules before any handler sees it. The rules of a message are
 * compiled once, into a list of functions; the messages are those that OpenFGA's clients read.
 */
import { type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { assert } from '../base/assert.ts';
import { byteLength } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { type ErrorCode, Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { BatchCheckItemSchema } from '../gen/openfga/v1/openfga_service_pb.ts';
import { faultOfContext } from './context-rules.ts';
import { fieldRules, type Rule } from './field-rules.ts';
import { createItemGlance } from './glance.ts';
import { plainTest } from './plain-text.ts';

/**
 * Throws a `Refusal` with `malformedRequest` for the first field that breaks its rule. With a subject
 * token, whom the request asks about may be left for it to say.
 */
export type FieldCheck = (request: Message, hasSubjectToken?: boolean) => void;

/** What is wrong with a value; undefined for nothing. */
type Fault = string | undefined;
type Check<Value> = (value: Value) => Fault;

/** Makes the check of each message that a request can hold; `clock` is for times in the past. */
export function createFieldChecks(clock: Clock): (message: DescMessage) => FieldCheck {
  const compiled = new Map<string, FieldCheck>();
  return function checkOf(message: DescMessage): FieldCheck {
    const known = compiled.get(message.typeName);
    if (known !== undefined) return known;
    const steps: FieldCheck[] = [];
    const check: FieldCheck = (request, hasSubjectToken) => {
      for (const step of steps) step(request, hasSubjectToken);
    };
    // Known before its fields are compiled: rewrites hold rewrites.
    compiled.set(message.typeName, check);
    const rules = fieldRules[message.typeName] ?? fieldRules[message.name] ?? {};
    for (const name of Object.keys(rules)) {
      assert(
        message.fields.some((field) => field.name === name),
        `${message.name} has no field ${name}`,
      );
    }
    for (const field of message.fields) {
      steps.push(...stepsOf(field, rules[field.name], clock, checkOf));
    }
    return check;
  };
}

/** First what the rule says of the field itself, then the messages that it holds. */
function stepsOf(
  field: DescField,
  rule: Rule | undefined,
  clock: Clock,
  checkOf: (message: DescMessage) => FieldCheck,
): FieldCheck[] {
  const read = readerOf(field);
  if (field.fieldKind === 'map') return mapSteps(field, rule, read, checkOf);
  const steps: FieldCheck[] = [];
  const own = ownCheck(field, rule, clock);
  if (own !== undefined) {
    const mayBeLeft = rule?.kind === 'text' && rule.subject === true;
    steps.push((message, hasSubjectToken) => {
      const value = read(message);
      if (mayBeLeft && hasSubjectToken === true && value === '') return;
      const fault = own(value);
      if (fault !== undefined) throw refusal(field, goName(field), fault);
    });
  }
  const nested = field.message;
  if (nested === undefined || nested.typeName.startsWith('google.')) return steps;
  // Looked up when it is needed: a rewrite is not compiled to its end while it is compiled.
  if (field.fieldKind === 'list') {
    const passes = glances[nested.typeName]?.();
    steps.push((message, hasSubjectToken) => {
      for (const item of read(message) as readonly Message[]) {
        if (passes?.(item as never) !== true) checkOf(nested)(item, hasSubjectToken);
      }
    });
  } else {
    steps.push((message, hasSubjectToken) => {
      const value = read(message);
      if (value !== undefined) checkOf(nested)(value as Message, hasSubjectToken);
    });
  }
  return steps;
}

/** By the type of a list's messages, which the descriptors vouch for. */
const glances: { readonly [typeName in string]?: () => (item: never) => boolean } = {
  [BatchCheckItemSchema.typeName]: createItemGlance,
};

function mapSteps(
  field: DescField & { fieldKind: 'map' },
  rule: Rule | undefined,
  read: (message: Message) => unknown,
  checkOf: (message: DescMessage) => FieldCheck,
): FieldCheck[] {
  const { pairsMax, keyPattern } = rule?.kind === 'map' ? rule : {};
  const checkKey = textCheck(
    keyPattern === undefined ? { kind: 'text' } : { kind: 'text', pattern: keyPattern },
  );
  const nested = field.message;
  return [
    (message) => {
      const entries = Object.entries(read(message) as Record<string, unknown>);
      if (pairsMax !== undefined && entries.length > pairsMax) {
        const fault = `value must contain no more than ${pairsMax} pair(s)`;
        throw refusal(field, goName(field), fault);
      }
      for (const [key, value] of entries) {
        const fault = checkKey(key);
        if (fault !== undefined) throw refusal(field, `${goName(field)}[${key}]`, fault);
        if (nested !== undefined) checkOf(nested)(value as Message);
      }
    },
  ];
}

function ownCheck(
  field: DescField,
  rule: Rule | undefined,
  clock: Clock,
): Check<unknown> | undefined {
  if (field.fieldKind === 'enum') return enumCheck(field) as Check<unknown>;
  if (field.message?.typeName === 'google.protobuf.Struct') {
    return (value) => (value === undefined ? undefined : faultOfContext(value as JsonObject));
  }
  switch (rule?.kind) {
    case undefined:
      return isText(field) ? (textCheck({ kind: 'text' }) as Check<unknown>) : undefined;
    case 'text':
      return textCheck(rule) as Check<unknown>;
    case 'required':
      return (value) => (value === undefined ? 'value is required' : undefined);
    case 'list':
      return listCheck(rule) as Check<unknown>;
    case 'integer':
      return integerCheck(rule) as Check<unknown>;
    case 'past':
      return (value) => faultOfPast(value as Timestamp | undefined, clock);
    case 'time':
      return (value) => faultOfTime(value as Timestamp | undefined);
    case 'map':
      return undefined;
  }
}

function isText(field: DescField): boolean {
  return field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING;
}

function enumCheck(field: DescField & { fieldKind: 'enum' }): Check<number> {
  const known = new Set(field.enum.values.map((value) => value.number));
  return (value) => (known.has(value) ? undefined : 'value must be one of the defined enum values');
}

function textCheck(rule: Rule & { kind: 'text' }): Check<string | undefined> {
  const { pattern, bytesMin = 0, bytesMax = Number.POSITIVE_INFINITY, oneOf } = rule;
  const matcher = pattern === undefined ? undefined : regExpOf(pattern);
  const isPlain = plainTest(rule);
  const length =
    bytesMin > 0
      ? `value length must be between ${bytesMin} and ${bytesMax} bytes, inclusive`
      : `value length must be at most ${bytesMax} bytes`;
  // The ids of a store and its model, and the names of relations, come again and again.
  let passed = '';
  return (value) => {
    if (value === undefined || (value === '' && rule.optional === true)) return undefined;
    if (value === passed && value !== '') return undefined;
    if (isPlain?.(value) === true) {
      if (value.length <= passedLengthMax) passed = value;
      return undefined;
    }
    const bytes = bytesMax === Number.POSITIVE_INFINITY ? 0 : byteLength(value);
    if (bytes > bytesMax || bytes < bytesMin) return length;
    if (matcher !== undefined && !matcher.test(value)) {
      return `value does not match regex pattern ${JSON.stringify(pattern)}`;
    }
    if (oneOf !== undefined && !oneOf.includes(value)) {
      return `value must be in list [${oneOf.join(' ')}]`;
    }
    if (!printable.test(value)) {
      if (!value.isWellFormed()) return 'value must be valid UTF-8';
      if (rule.source !== true && controlPattern.test(value)) {
        return 'value must not contain control characters';
      }
    }
    if (value.length <= passedLengthMax) passed = value;
    return undefined;
  };
}

/** Longer texts are not kept alive: they are nobody's ids. */
const passedLengthMax = 64;

/** Most texts, and the fastest to tell: neither control characters nor halves of pairs. */
const printable = /^[ -~]*$/;
const controlPattern = /\p{Cc}/u;

/** The wire's patterns are RE2's: its `\s` is ASCII, and it counts code points. */
function regExpOf(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll('\\s', '\\t\\n\\f\\r '), 'u');
}

function listCheck(rule: Rule & { kind: 'list' }): Check<readonly unknown[]> {
  const { itemsMin = 0, itemsMax = Number.POSITIVE_INFINITY } = rule;
  return ({ length }) => {
    if (length >= itemsMin && length <= itemsMax) return undefined;
    if (itemsMin === itemsMax) return `value must contain exactly ${itemsMin} item(s)`;
    return length < itemsMin
      ? `value must contain at least ${itemsMin} item(s)`
      : `value must contain no more than ${itemsMax} item(s)`;
  };
}

function integerCheck(rule: Rule & { kind: 'integer' }): Check<number | undefined> {
  const { min, max } = rule;
  return (value) =>
    value === undefined || (value >= min && value <= max)
      ? undefined
      : `value must be inside range [${min}, ${max}]`;
}

/** The range of google.protobuf.Timestamp: the years 1 to 9999. */
function faultOfTime(time: Timestamp | undefined): Fault {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  const valid =
    seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1e9;
  return valid ? undefined : 'value is not a valid timestamp';
}

function faultOfPast(time: Timestamp | undefined, clock: Clock): Fault {
  const fault = faultOfTime(time);
  if (time === undefined || fault !== undefined) return fault;
  const { seconds, nanos } = time;
  const inPast = Number(seconds) * 1_000 + nanos / 1e6 < clock.now();
  return inPast ? undefined : 'value must be less than now';
}

/** Reads a field by its local name; a member of a oneof that is not set reads as undefined. */
function readerOf(field: DescField): (message: Message) => unknown {
  const { oneof, localName } = field;
  if (oneof === undefined) return (message) => (message as Fields)[localName];
  return (message) => {
    const member = (message as Fields)[oneof.localName] as { case?: string; value?: unknown };
    return member.case === localName ? member.value : undefined;
  };
}

type Fields = Message & { readonly [field: string]: unknown };

/** `tuple_key` is `TupleKey` in the messages that clients know. */
function goName(field: DescField): string {
  return field.name
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

function refusal(field: DescField, place: string, fault: string): Refusal {
  const message = `invalid ${field.parent.name}.${place}: ${fault}`;
  return new Refusal(codeOf(field, fault), message, { malformedRequest: true });
}

/** Faults with a code of their own, by field and by how the fault begins. */
const codes: readonly (readonly [field: string, fault: string, code: ErrorCode])[] = [
  ['tuple_key', 'value is required', 'tuple_key_value_not_specified'],
  ['type', 'value does not match', 'type_invalid_pattern'],
  ['type_definitions', 'value must contain at least', 'type_definitions_too_few_items'],
  ['relations', 'value does not match', 'relations_invalid_pattern'],
  ['page_size', 'value must be inside range', 'page_size_invalid'],
  ['assertions', 'value must contain no more', 'assertions_too_many_items'],
  ['object', 'value length must be at most', 'object_too_long'],
  ['relation', 'value length must be at most', 'relation_too_long'],
  ['base', 'value is required', 'difference_base_missing_value'],
  ['subtract', 'value is required', 'subtract_base_missing_value'],
];

function codeOf(field: DescField, fault: string): ErrorCode {
  const found = codes.find(([name, start]) => name === field.name && fault.startsWith(start));
  return found?.[2] ?? 'validation_error';
}
