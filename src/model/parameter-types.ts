/**
 * The types of a condition's parameters: what CEL calls them, and how a value of a JSON context
 * becomes one of theirs. The wording of the faults is that of OpenFGA's server.
 */
import { type CelInput, celMap } from '@bufbuild/cel';
import { isJsonObject, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { durationValue, timestampValue, uintValue } from './cel-environment.ts';
import type { CelType } from './cel-types.ts';
import { parseIpAddress } from './ip-address.ts';
import type { ParameterType } from './model.ts';
import { normalTimestamp, parseDuration } from './time-text.ts';

/** A value that is not of its parameter's type. */
export class ParameterFault extends Error {
  override name = 'ParameterFault';
}

export function celTypeOf(type: ParameterType): CelType {
  switch (type.name) {
    case 'any':
      return { kind: 'dyn' };
    case 'list':
      return { kind: 'list', element: genericOf(type) };
    case 'map':
      return { kind: 'map', key: { kind: 'string' }, value: genericOf(type) };
    default:
      return { kind: type.name };
  }
}

function genericOf(type: ParameterType): CelType {
  const [generic] = type.generics;
  return generic === undefined ? { kind: 'dyn' } : celTypeOf(generic);
}

/** Throws a `ParameterFault` where the value is not of the type. */
export function convert(value: JsonValue, type: ParameterType): CelInput {
  switch (type.name) {
    case 'any':
      return dynamic(value);
    case 'bool':
      return typeof value === 'boolean' ? value : mistyped('bool', value);
    case 'string':
      return typeof value === 'string' ? value : mistyped('string', value);
    case 'int':
      return toInt(value);
    case 'uint':
      return toUint(value);
    case 'double':
      return toDouble(value);
    case 'duration':
      return toDuration(value);
    case 'timestamp':
      return toTimestamp(value);
    case 'ipaddress':
      return toIpAddress(value);
    case 'list':
      return toList(value, type);
    case 'map':
      return toMap(value, type);
  }
}

/** Maps, never plain objects: a context's `__proto__` or `constructor` is a key like any other. */
function dynamic(value: JsonValue): CelInput {
  if (Array.isArray(value)) return value.map(dynamic);
  if (isJsonObject(value)) {
    return celMap(new Map(Object.entries(value).map(([key, item]) => [key, dynamic(item)])));
  }
  return value as CelInput;
}

function toInt(value: JsonValue): bigint {
  const integer = wholeNumber(value, 'int', 'int64');
  if (BigInt.asIntN(64, integer) !== integer) {
    return fault(`expected an int value, but found numeric value '${value}'`);
  }
  return integer;
}

function toUint(value: JsonValue): CelInput {
  const integer = wholeNumber(value, 'uint', 'uint64');
  if (integer < 0n) return fault(`expected a uint value, but found int64 value '${value}'`);
  if (BigInt.asUintN(64, integer) !== integer) {
    return fault(`expected a uint value, but found numeric value '${value}'`);
  }
  return uintValue(integer);
}

/** Decimal text of a number, with its sign, digits before and after the point, and exponent. */
const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Integers may come as text, which alone carries all of 64 bits through JSON. */
function wholeNumber(value: JsonValue, name: string, goName: string): bigint {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return BigInt(value);
  } else if (typeof value !== 'string') {
    return mistyped(goName, value);
  } else {
    const match = decimal.exec(value);
    const digits = `${match?.[2] ?? ''}${match?.[3] ?? ''}`;
    if (match === null || digits === '' || digits.length > limits.numberTextMax) {
      return fault(`expected a ${goName} value, but found invalid string value '${value}'`);
    }
    const shift = Number(match[4] ?? 0) - (match[3] ?? '').length;
    const scale = 10n ** BigInt(Math.abs(shift));
    const mantissa = BigInt(digits) * (match[1] === '-' ? -1n : 1n);
    if (shift >= 0) return mantissa * scale;
    if (mantissa % scale === 0n) return mantissa / scale;
  }
  const article = name === 'int' ? 'an' : 'a';
  return fault(`expected ${article} ${name} value, but found numeric value '${value}'`);
}

function toDouble(value: JsonValue): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return mistyped('float64', value);
  const number = decimal.test(value) && /\d/.test(value) ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  return fault(`expected a float64 value, but found invalid string value '${value}'`);
}

function toDuration(value: JsonValue): CelInput {
  if (typeof value !== 'string') {
    return fault(`expected a duration string, but found: ${kindOf(value)} '${textOf(value)}'`);
  }
  return durationOf(value) ?? fault(`expected a valid duration string, but found: '${value}'`);
}

const durationOf = remembered((text) => {
  const nanos = parseDuration(text);
  return nanos === undefined ? undefined : durationValue(nanos);
});

function toTimestamp(value: JsonValue): CelInput {
  const expected = 'expected RFC 3339 formatted timestamp string, but found';
  if (typeof value !== 'string') {
    return fault(`${expected}: ${kindOf(value)} '${textOf(value)}'`);
  }
  return timestampOf(value) ?? fault(`${expected} '${value}'`);
}

const timestampOf = remembered((text) => {
  const normal = normalTimestamp(text);
  return normal === undefined ? undefined : timestampValue(normal);
});

/**
 * A request's time is read once for every guarded tuple it meets, and the reading costs more than
 * the comparison: so the last values are kept. They are never changed.
 */
function remembered<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = read(text);
    if (known.size >= limits.timesRememberedMax) known.clear();
    if (text.length <= limits.timeTextRememberedMax) known.set(text, value);
    return value;
  };
}

function toIpAddress(value: JsonValue): Uint8Array {
  if (typeof value !== 'string') {
    return fault(`expected an ipaddress string, but found: ${kindOf(value)} '${textOf(value)}'`);
  }
  return parseIpAddress(value) ?? fault(`expected a well-formed IP address, but found: '${value}'`);
}

function toList(value: JsonValue, type: ParameterType): CelInput {
  if (!Array.isArray(value)) return fault(`list requires a list, found: ${kindOf(value)}`);
  const [generic = anyType] = type.generics;
  return value.map((item, index) =>
    within(`found an invalid list item at index \`${index}\``, () => convert(item, generic)),
  );
}

function toMap(value: JsonValue, type: ParameterType): CelInput {
  if (!isJsonObject(value)) return fault(`map requires a map, found: ${kindOf(value)}`);
  const [generic = anyType] = type.generics;
  const entries = Object.entries(value).map(([key, item]): [string, CelInput] => [
    key,
    within(`found an invalid value for key '${key}'`, () => convert(item, generic)),
  ]);
  return celMap(new Map(entries));
}

const anyType: ParameterType = { name: 'any', generics: [] };

/** Says where in a list or map the fault is. */
function within(place: string, converted: () => CelInput): CelInput {
  try {
    return converted();
  } catch (error) {
    if (error instanceof ParameterFault) throw new ParameterFault(`${place}: ${error.message}`);
    throw error;
  }
}

function mistyped(goName: string, value: JsonValue): never {
  return fault(`expected type value '${goName}', but found '${kindOf(value)}'`);
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map';
}

function textOf(value: JsonValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function fault(message: string): never {
  throw new ParameterFault(message);
}
