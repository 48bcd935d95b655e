/** Durations and timestamps as text, read as Go reads them: `time.ParseDuration` and RFC 3339. */
import { limits } from '../base/limits.ts';

const nanosPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  // Both code points of mu: the micro sign and the Greek letter.
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const segment = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

const durationMax = 2n ** 63n - 1n;

/** `-1h2.5m` in nanoseconds; undefined if the text is no duration or does not fit 64 bits. */
export function parseDuration(text: string): bigint | undefined {
  if (text.length > limits.durationTextMax) return undefined;
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (body === '') return undefined;
  let nanos = 0n;
  segment.lastIndex = 0;
  while (segment.lastIndex < body.length) {
    const match = segment.exec(body);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    const scale = nanosPerUnit[unit];
    if (scale === undefined || (whole === '' && fraction === '')) return undefined;
    nanos += BigInt(whole || '0') * scale;
    nanos += (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  return nanos > durationMax ? undefined : sign * nanos;
}

/** The years 1 to 9999, in UTC. */
const firstMoment = Date.parse('0001-01-01T00:00:00Z');
const endOfTime = Date.parse('9999-12-31T23:59:59Z') + 1000;

const timestamp =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * An RFC 3339 timestamp with at most nine digits of a second, as CEL reads it; undefined if the
 * text is none, or of no year from 1 to 9999. Finer digits are cut off.
 */
export function normalTimestamp(text: string): string | undefined {
  const match = timestamp.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = ''] = match;
  const days = new Date(Date.UTC(2000, Number(month), 0));
  days.setUTCFullYear(Number(year), Number(month), 0);
  const valid =
    between(month, 1, 12) &&
    between(day, 1, days.getUTCDate()) &&
    between(hour, 0, 23) &&
    between(minute, 0, 59) &&
    between(second, 0, 59) &&
    (zone === 'Z' || (between(zone.slice(1, 3), 0, 23) && between(zone.slice(4), 0, 59)));
  const moment = valid ? Date.parse(`${text.slice(0, 19)}${zone}`) : Number.NaN;
  if (!(moment >= firstMoment && moment < endOfTime)) return undefined;
  const digits = fraction.slice(0, 9);
  return `${text.slice(0, 19)}${digits === '' ? '' : `.${digits}`}${zone}`;
}

function between(digits: string | undefined, low: number, high: number): boolean {
  const value = Number(digits);
  return value >= low && value <= high;
}
