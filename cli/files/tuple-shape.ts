/** What a tuple in a file must look like, whatever the format; every fault in words. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { normalTimestamp } from '../../src/model/time-text.ts';
import type { WireTuple } from '../wire.ts';

/** A tuple of a file, or why there is none, with the line to look at. */
export type TupleEntry =
  | { readonly line: number; readonly tuple: WireTuple }
  | { readonly line: number; readonly fault: string };

const recordFields = ['key', 'timestamp'];
const tupleFields = ['user', 'relation', 'object', 'condition', 'expires_at'];
const conditionFields = ['name', 'context'];

/**
 * Accepts `{user, relation, object, condition?, expires_at?}`, and the `{key, timestamp}` that `tuple read --json`
 * prints. A field that we do not know is a fault: a misspelt condition or end must not vanish.
 */
export function toEntry(line: number, value: unknown): TupleEntry {
  const record = isJsonObject(value) && isJsonObject(value.key) ? value : undefined;
  const fields = record === undefined ? value : record.key;
  if (!isJsonObject(fields))
    return { line, fault: 'a tuple must be an object with user, relation and object' };
  const unknown =
    Object.keys(record ?? {}).find((name) => !recordFields.includes(name)) ??
    Object.keys(fields).find((name) => !tupleFields.includes(name));
  if (unknown !== undefined) return { line, fault: `unknown field \`${unknown}\` of a tuple` };
  const { user, relation, object } = fields;
  if (!isText(user)) return { line, fault: missing('user') };
  if (!isText(relation)) return { line, fault: missing('relation') };
  if (!isText(object)) return { line, fault: missing('object') };
  const entry = withCondition(line, { user, relation, object }, fields.condition);
  return 'fault' in entry ? entry : withExpiry(entry, fields.expires_at);
}

/** A text that is no time is a fault, an empty one too: without it the tuple would never end. */
function withExpiry(
  { line, tuple }: { readonly line: number; readonly tuple: WireTuple },
  value: JsonValue | undefined,
): TupleEntry {
  if (value === undefined || value === null) return { line, tuple };
  const expires_at = typeof value === 'string' ? normalTimestamp(value) : undefined;
  if (expires_at !== undefined) return { line, tuple: { ...tuple, expires_at } };
  return { line, fault: '`expires_at` is no time: write it as 2030-01-31T12:00:00Z' };
}

function withCondition(
  line: number,
  tuple: { user: string; relation: string; object: string },
  condition: JsonValue | undefined,
): TupleEntry {
  if (condition === undefined || condition === null) return { line, tuple };
  if (!isJsonObject(condition)) return { line, fault: '`condition` must be an object with a name' };
  const unknown = Object.keys(condition).find((name) => !conditionFields.includes(name));
  if (unknown !== undefined) return { line, fault: `unknown field \`${unknown}\` of a condition` };
  const { name, context } = condition;
  if (!isText(name)) return { line, fault: 'the condition has no `name`' };
  if (context === undefined || context === null)
    return { line, tuple: { ...tuple, condition: { name } } };
  if (!isJsonObject(context))
    return { line, fault: 'the `context` of a condition must be an object' };
  return { line, tuple: { ...tuple, condition: conditionOf(name, context) } };
}

function conditionOf(name: string, context: JsonObject): { name: string; context?: JsonObject } {
  return Object.keys(context).length === 0 ? { name } : { name, context };
}

function missing(field: string): string {
  return `the tuple has no \`${field}\`, or it is not a text`;
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}
