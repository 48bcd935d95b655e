/** Parsers of option values: each returns the value, or says what to write instead. */
import { InvalidArgumentError } from 'commander';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { normalTimestamp, parseDuration } from '../src/model/time-text.ts';
import type { WireTuple } from './wire.ts';

export function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new InvalidArgumentError(
      `\`${text}\` is not a URL that begins with http:// or https://.`,
    );
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError('The URL may hold no user, query or fragment.');
  }
  return text;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('Give a number above zero.');
  }
  return value;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError('Give a whole number above zero.');
  }
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('Give a whole number.');
  }
  return value;
}

export function timestampText(text: string): string {
  const time = normalTimestamp(text);
  if (time === undefined) throw new InvalidArgumentError('Give a time as 2030-01-31T12:00:00Z.');
  return time;
}

/** `90m`, `1h30m`, also whole days, `30d`. */
export function durationMs(text: string): number {
  const days = /^(\d{1,7})d$/.exec(text)?.[1];
  const nanos = parseDuration(days === undefined ? text : `${Number(days) * 24}h`);
  if (nanos === undefined || nanos < 1_000_000n) {
    throw new InvalidArgumentError('Give a time from now, as 90m, 12h or 30d.');
  }
  return Number(nanos / 1_000_000n);
}

/** A context: one JSON object. */
export function jsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`Give a JSON object: ${(error as Error).message}.`);
  }
  if (isJsonObject(value)) return value;
  throw new InvalidArgumentError('Give a JSON object, such as \'{"ip": "10.0.0.1"}\'.');
}

/** `"user relation object"`, as often as the option is given. */
export function tupleList(text: string, before: readonly WireTuple[] = []): readonly WireTuple[] {
  const [user, relation, object, ...rest] = text.trim().split(/\s+/);
  if (user === undefined || relation === undefined || object === undefined || rest.length > 0) {
    throw new InvalidArgumentError('Give "user relation object" in quotes.');
  }
  return [...before, { user, relation, object }];
}
