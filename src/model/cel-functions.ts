/**
 * The functions of CEL's standard library and ours, by their types: what the checker knows of them.
 * The list is that of the language definition; `ipaddress` and `in_cidr` are OpenFGA's.
 */
import type { CelType, ScalarKind } from './cel-types.ts';

export interface Overload {
  /** Whether it is called as `receiver.name(…)`; the receiver is then the first parameter. */
  readonly method: boolean;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
}

const ordered = 'bool int uint double string bytes timestamp duration'.split(' ');
const numbers = ['double', 'int', 'uint'];
const sized = ['bytes', 'list<A>', 'map<A,B>', 'string'];

/** `parameters -> result`; a leading dot makes it a method. */
const signatures: Readonly<Record<string, readonly string[]>> = {
  '_&&_': ['bool bool -> bool'],
  '_||_': ['bool bool -> bool'],
  '!_': ['bool -> bool'],
  '@not_strictly_false': ['bool -> bool'],
  '_?_:_': ['bool A A -> A'],
  '_==_': ['A A -> bool'],
  '_!=_': ['A A -> bool'],
  '_<_': ordered.map((type) => `${type} ${type} -> bool`),
  '_<=_': ordered.map((type) => `${type} ${type} -> bool`),
  '_>_': ordered.map((type) => `${type} ${type} -> bool`),
  '_>=_': ordered.map((type) => `${type} ${type} -> bool`),
  '_+_': [
    ...[...numbers, 'bytes', 'string', 'list<A>', 'duration'].map((t) => `${t} ${t} -> ${t}`),
    'duration timestamp -> timestamp',
    'timestamp duration -> timestamp',
  ],
  '_-_': [
    ...[...numbers, 'duration'].map((type) => `${type} ${type} -> ${type}`),
    'timestamp duration -> timestamp',
    'timestamp timestamp -> duration',
  ],
  '_*_': numbers.map((type) => `${type} ${type} -> ${type}`),
  '_/_': numbers.map((type) => `${type} ${type} -> ${type}`),
  '_%_': ['int int -> int', 'uint uint -> uint'],
  '-_': ['double -> double', 'int -> int'],
  '_[_]': ['list<A> int -> A', 'map<A,B> A -> B'],
  '@in': ['A list<A> -> bool', 'A map<A,B> -> bool'],
  size: sized.flatMap((type) => [`${type} -> int`, `.${type} -> int`]),
  type: ['A -> type'],
  dyn: ['A -> dyn'],
  bool: ['bool -> bool', 'string -> bool'],
  bytes: ['bytes -> bytes', 'string -> bytes'],
  double: ['double', 'int', 'string', 'uint'].map((type) => `${type} -> double`),
  duration: ['duration', 'int', 'string'].map((type) => `${type} -> duration`),
  int: [...numbers, 'duration', 'string', 'timestamp'].map((type) => `${type} -> int`),
  uint: [...numbers, 'string'].map((type) => `${type} -> uint`),
  string: [...numbers, 'bool', 'bytes', 'duration', 'string', 'timestamp'].map(
    (type) => `${type} -> string`,
  ),
  timestamp: ['int', 'string', 'timestamp'].map((type) => `${type} -> timestamp`),
  contains: ['.string string -> bool'],
  endsWith: ['.string string -> bool'],
  startsWith: ['.string string -> bool'],
  matches: ['.string string -> bool', 'string string -> bool'],
  ...Object.fromEntries(
    ['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getMonth'].map(
      (name) => [name, ['.timestamp -> int', '.timestamp string -> int']],
    ),
  ),
  ...Object.fromEntries(
    ['getHours', 'getMilliseconds', 'getMinutes', 'getSeconds'].map((name) => [
      name,
      ['.timestamp -> int', '.timestamp string -> int', '.duration -> int'],
    ]),
  ),
  ipaddress: ['string -> ipaddress'],
  in_cidr: ['.ipaddress string -> bool'],
};

/** The overloads of a function. Empty where CEL has no such function. */
export const functions: ReadonlyMap<string, readonly Overload[]> = new Map(
  Object.entries(signatures).map(([name, texts]) => [name, texts.map(parseSignature)]),
);

function parseSignature(text: string): Overload {
  const [parameters = '', result = ''] = text.replace(/^\./, '').split(' -> ');
  return {
    method: text.startsWith('.'),
    parameters: parameters.split(' ').map(parseType),
    result: parseType(result),
  };
}

function parseType(text: string): CelType {
  const [, name = '', first, second] = /^(\w+)(?:<(\w+)(?:,(\w+))?>)?$/.exec(text) ?? [];
  if (name === 'list') return { kind: 'list', element: parseType(first ?? '') };
  if (name === 'map') {
    return { kind: 'map', key: parseType(first ?? ''), value: parseType(second ?? '') };
  }
  return /^[A-Z]$/.test(name) ? { kind: 'variable', name } : { kind: name as ScalarKind };
}
