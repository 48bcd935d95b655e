/**
 * The functions that conditions may call: CEL's standard library as `@bufbuild/cel` has it, OpenFGA's
 * `ipaddress` and `in_cidr`, and our own hand where the library strays from the language: text is
 * ordered by bytes, numbers in text are read strictly, days are counted without the server's zone.
 */
import {
  type CelEnv,
  type CelFunc,
  type CelInput,
  CelScalar,
  celEnv,
  celFunc,
  celMethod,
  isCelError,
  parse,
  plan,
} from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { compareBytes } from '../base/bytes.ts';
import { dateFunctions } from './cel-dates.ts';
import {
  constantInFunction,
  listFunction,
  mapFunction,
  metered,
  spendOnMatch,
  visitFunction,
} from './cel-meter.ts';
import { networkContains, parseIpAddress, parseNetwork } from './ip-address.ts';
import { normalTimestamp, parseDuration } from './time-text.ts';

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING } = CelScalar;

const plain = celEnv();

/** Calls a function of the plain library: its values for times are made nowhere else. */
function plainly(expression: string): (...operands: CelInput[]) => CelInput {
  const run = plan(plain, parse(expression));
  return (a, b = null) => {
    const result = run({ a, b });
    if (isCelError(result)) throw result;
    return result as CelInput;
  };
}

const plainDuration = plainly('duration(a)');
const plainTimestamp = plainly('timestamp(a)');
const plainUint = plainly('uint(a)');
const plainIn = plainly('a in b');

export function durationValue(nanos: bigint): CelInput {
  return plainDuration(`${nanos}ns`);
}

/** REQUIRES: the text came from `normalTimestamp`. */
export function timestampValue(text: string): CelInput {
  return plainTimestamp(text);
}

/** Throws where the value does not fit 64 bits. */
export function uintValue(value: bigint): CelInput {
  return plainUint(value);
}

function order(name: string, holds: (sign: number) => boolean): CelFunc {
  return celFunc(name, [STRING, STRING], BOOL, (a, b) => holds(compareBytes(a, b)));
}

function matches(text: string, pattern: string): boolean {
  spendOnMatch(text, pattern);
  return new RE2JS(pattern).test(text);
}

function ipAddress(text: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`unable to parse IP: '${text}'`);
  return address;
}

function inCidr(address: Uint8Array, text: string): boolean {
  const network = parseNetwork(text);
  if (network === undefined) throw new Error(`'${text}' is a malformed CIDR string`);
  return networkContains(network, address);
}

function strictly(pattern: RegExp, text: string): string {
  if (!pattern.test(text)) throw new Error(`type conversion error: '${text}' is not a number`);
  return text.replace(/^\+/, '');
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const special: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
]);

function doubleOf(text: string): number {
  const named = special.get(text.toLowerCase().replace(/^[+-]/, ''));
  if (named !== undefined) return text.startsWith('-') ? -named : named;
  const value = Number(strictly(decimal, text));
  if (!Number.isFinite(value)) throw new Error(`type conversion error: '${text}' is out of range`);
  return value;
}

function parsedTime(text: string): CelInput {
  const normal = normalTimestamp(text);
  if (normal === undefined) throw new Error(`'${text}' is not an RFC 3339 timestamp`);
  return timestampValue(normal);
}

function parsedDuration(text: string): CelInput {
  const nanos = parseDuration(text);
  if (nanos === undefined) throw new Error(`'${text}' is not a duration`);
  return durationValue(nanos);
}

const identity = <Value>(value: Value): Value => value;

/** An address is its bytes while it is evaluated; the checker keeps it apart from other bytes. */
const ours: readonly CelFunc[] = [
  celFunc('ipaddress', [STRING], BYTES, ipAddress),
  celMethod('in_cidr', BYTES, [STRING], BOOL, function (text) {
    return inCidr(this, text);
  }),
  celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
    return matches(this, pattern);
  }),
  celFunc('matches', [STRING, STRING], BOOL, matches),
  order('_<_', (sign) => sign < 0),
  order('_<=_', (sign) => sign <= 0),
  order('_>_', (sign) => sign > 0),
  order('_>=_', (sign) => sign >= 0),
  celFunc('int', [STRING], INT, (text) => {
    const value = BigInt(strictly(/^[+-]?\d+$/, text));
    if (BigInt.asIntN(64, value) !== value) throw new Error('int overflow');
    return value;
  }),
  celFunc('uint', [STRING], DYN, (text) => uintValue(BigInt(strictly(/^\d+$/, text)))),
  celFunc('double', [STRING], DOUBLE, doubleOf),
  celFunc('timestamp', [STRING], DYN, parsedTime),
  celFunc('timestamp', [INT], DYN, (seconds) => {
    return parsedTime(`${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`);
  }),
  celFunc('duration', [STRING], DYN, parsedDuration),
  ...dateFunctions,
  celFunc(visitFunction, [DYN], DYN, identity),
  celFunc(listFunction, [DYN], DYN, identity),
  celFunc(mapFunction, [DYN], DYN, identity),
  celFunc(constantInFunction, [DYN, DYN], BOOL, (value, list) => {
    return plainIn(value as CelInput, list as CelInput) as boolean;
  }),
];

/** Every function, charged to the meter. */
export const environment: CelEnv = celEnv({
  funcs: [...celEnv({ funcs: [...ours] }).funcs].map(metered),
});
