import { expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { limits } from '../../src/base/limits.ts';
import { conditionOf } from './build.ts';

type Parameters = Readonly<Record<string, string>>;

function outcome(expression: string, parameters: Parameters, context: JsonObject): unknown {
  const result = conditionOf(expression, parameters).evaluate({}, context);
  return result.kind === 'failed' ? result.reason : result.kind;
}

const proto = JSON.parse('{"a":{"__proto__":{"b":2},"constructor":{"name":"Object"},"b":1}}');

test.each<[string, Parameters, JsonObject, unknown]>([
  ['x < 100', { x: 'int' }, { x: 99 }, 'met'],
  ['x < 100', { x: 'int' }, { x: 100 }, 'unmet'],
  ['x < 100', { x: 'int' }, { x: '99' }, 'met'],
  ['x == -5', { x: 'int' }, { x: '-5.0' }, 'met'],
  ['x == 1500', { x: 'int' }, { x: '1.5e3' }, 'met'],
  // JSON text alone carries 64 bits; a double would have rounded this one down.
  ['x > 9007199254740992', { x: 'int' }, { x: '9007199254740993' }, 'met'],
  ['x == 9223372036854775807', { x: 'int' }, { x: '9223372036854775807' }, 'met'],
  ['x == 18446744073709551615u', { x: 'uint' }, { x: '18446744073709551615' }, 'met'],
  ['x > 0.5', { x: 'double' }, { x: '0.75' }, 'met'],
  ['x > 0.5', { x: 'double' }, { x: 0.1 }, 'unmet'],
  ['b', { b: 'bool' }, { b: true }, 'met'],
  ["s == 'ok'", { s: 'string' }, { s: 'ok' }, 'met'],
  // Text is ordered by code point, as its bytes are, not by UTF-16 unit.
  ["s > '\uffee'", { s: 'string' }, { s: '\u{1f600}' }, 'met'],
  ["'a' in l && l.size() == 2", { l: 'list<string>' }, { l: ['b', 'a'] }, 'met'],
  ['l[0][1] == 2', { l: 'list<list<int>>' }, { l: [[1, '2']] }, 'met'],
  ["m['a'] == 1 && m.a == 1 && 'a' in m", { m: 'map<int>' }, { m: { a: 1 } }, 'met'],
  ['has(m.a) && !has(m.b)', { m: 'map<int>' }, { m: { a: 1 } }, 'met'],
  ['l.exists(x, x > 2) && l.all(x, x > 0)', { l: 'list<int>' }, { l: [1, 2, 3] }, 'met'],
  ['l.exists_one(x, x > 2)', { l: 'list<int>' }, { l: [1, 3, 4] }, 'unmet'],
  // A macro's variable hides the parameter of its name, inside the macro alone.
  ['x == 5 && l.all(x, x < 5) && x == 5', { x: 'int', l: 'list<int>' }, { x: 5, l: [1] }, 'met'],
  // `any`
  ['data != null', { data: 'any' }, { data: null }, 'unmet'],
  ['data != null', { data: 'any' }, { data: false }, 'met'],
  ['data.a[1].b == 2.0', { data: 'any' }, { data: { a: [0, { b: 2 }] } }, 'met'],
  [
    'data == other',
    { data: 'any', other: 'any' },
    { data: [{ a: null }], other: [{ a: null }] },
    'met',
  ],
  ['data > 1', { data: 'any' }, { data: 2 }, 'met'],
  // Prototypes have no say.
  ['a.b == 1', { a: 'any' }, proto, 'met'],
  ['a.b == 1', { a: 'any' }, { a: { constructor: 1, b: 1 } }, 'met'],
  ['__proto__ == 1', JSON.parse('{"__proto__":"int"}'), JSON.parse('{"__proto__":1}'), 'met'],
  ['has(a.constructor) && !has(a.toString)', { a: 'any' }, proto, 'met'],
  ["a['__proto__'].b == 2", { a: 'any' }, proto, 'met'],
  ['constructor == 1', { constructor: 'int' }, { constructor: 1 }, 'met'],
  // Durations and timestamps
  ["d > duration('90m')", { d: 'duration' }, { d: '1h30m0.000000001s' }, 'met'],
  ["d == duration('-1.5h')", { d: 'duration' }, { d: '-90m' }, 'met'],
  ["d != null && d < duration('1us')", { d: 'duration' }, { d: '999ns' }, 'met'],
  [
    'now < start + length',
    { now: 'timestamp', start: 'timestamp', length: 'duration' },
    { now: '2024-01-01T01:00:00Z', start: '2024-01-01T02:00:00+02:00', length: '1h' },
    'unmet',
  ],
  [
    "t > timestamp('2024-01-01T00:00:00.123456788Z')",
    { t: 'timestamp' },
    { t: '2024-01-01T00:00:00.123456789Z' },
    'met',
  ],
  [
    "t.getHours('Europe/Berlin') == 2 && t.getDayOfWeek() == 1",
    { t: 'timestamp' },
    { t: '2024-07-01T00:30:00Z' },
    'met',
  ],
  [
    "t.getHours('-05:30') == 19 && t.getDate('-05:30') == 30",
    { t: 'timestamp' },
    { t: '2024-07-01T00:30:00Z' },
    'met',
  ],
  [
    't.getDayOfYear() == 365 && t.getFullYear() == 2024',
    { t: 'timestamp' },
    { t: '2024-12-31T23:59:59Z' },
    'met',
  ],
  [
    't - s == duration("24h")',
    { t: 'timestamp', s: 'timestamp' },
    { t: '2024-03-01T00:00:00Z', s: '2024-02-29T00:00:00Z' },
    'met',
  ],
  // Addresses
  ["ip.in_cidr('192.168.0.0/24')", { ip: 'ipaddress' }, { ip: '192.168.0.7' }, 'met'],
  ["ip.in_cidr('192.168.0.0/24')", { ip: 'ipaddress' }, { ip: '192.168.1.7' }, 'unmet'],
  ["ip.in_cidr('192.168.0.0/24')", { ip: 'ipaddress' }, { ip: '::ffff:192.168.0.7' }, 'met'],
  ["ip.in_cidr('::ffff:192.168.0.0/120')", { ip: 'ipaddress' }, { ip: '192.168.0.7' }, 'met'],
  ["ip.in_cidr('2001:db8::/32')", { ip: 'ipaddress' }, { ip: '2001:DB8:0:1::1' }, 'met'],
  ["ip.in_cidr('0.0.0.0/0')", { ip: 'ipaddress' }, { ip: '::1' }, 'unmet'],
  [
    "ip == ipaddress('::ffff:10.0.0.1') && ip != null",
    { ip: 'ipaddress' },
    { ip: '10.0.0.1' },
    'met',
  ],
  // Errors beside `||` and `&&`
  ['x / 0 == 1 || true', { x: 'int' }, { x: 1 }, 'met'],
  ['false && x / 0 == 1', { x: 'int' }, { x: 1 }, 'unmet'],
  ["s.matches('^a+$')", { s: 'string' }, { s: 'aaa' }, 'met'],
  ["matches(s, '(a+)+$')", { s: 'string' }, { s: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' }, 'unmet'],
])('%s with %o and %o: %s', (expression, parameters, context, expected) => {
  expect(outcome(expression, parameters, context)).toBe(expected);
});

const failure = "'c' - failed to evaluate condition expression: ";
const cost = `${failure}operation cancelled: actual cost limit exceeded`;
const numbers = (length: number) => Array.from({ length }, (_, i) => i);

test.each<[string, Parameters, JsonObject, string]>([
  ['9223372036854775807 + x > 0', { x: 'int' }, { x: 1 }, 'int overflow'],
  ['x / 0 == 1', { x: 'int' }, { x: 1 }, 'divide by zero'],
  ['l[3] == 1', { l: 'list<int>' }, { l: [1] }, failure],
  ['a.b == 1', { a: 'any' }, { a: {} }, 'field not found: b'],
  ['a.__proto__ == 1', { a: 'any' }, { a: {} }, 'field not found: __proto__'],
  ['a.b.c == 1', { a: 'any' }, { a: { b: 1 } }, failure],
  ['a && true', { a: 'any' }, { a: 1 }, failure],
  [
    'ip.in_cidr(net)',
    { ip: 'ipaddress', net: 'string' },
    { ip: '10.0.0.1', net: 'x' },
    "'x' is a malformed CIDR string",
  ],
  ["s.matches('(')", { s: 'string' }, { s: '' }, 'error parsing regexp'],
  ["s.matches('((a{100}){100}){100}')", { s: 'string' }, { s: '' }, 'error parsing regexp'],
  ["t.getHours('Nowhere/Else') == 1", { t: 'timestamp' }, { t: '2024-01-01T00:00:00Z' }, failure],
  ['int(s) == 0', { s: 'string' }, { s: '' }, failure],
  ['int(s) == 16', { s: 'string' }, { s: '0x10' }, failure],
  ['int(s) == 0', { s: 'string' }, { s: '9223372036854775808' }, failure],
  ['double(s) == 0.0', { s: 'string' }, { s: ' ' }, failure],
  ['timestamp(s) == timestamp(s)', { s: 'string' }, { s: '2024-02-30T00:00:00Z' }, failure],
  // Cost
  ['l.exists(x, x == 99)', { l: 'list<int>' }, { l: numbers(100) }, cost],
  ['5 in l', { l: 'list<int>' }, { l: numbers(100) }, cost],
  ['l.exists(x, x == 99) || true', { l: 'list<int>' }, { l: numbers(100) }, cost],
  ['l.map(x, x * 2).size() > 0', { l: 'list<int>' }, { l: numbers(8) }, cost],
  [
    `[x, ${numbers(10)
      .map((n) => `[x, ${n}]`)
      .join(', ')}].size() > 0`,
    { x: 'int' },
    { x: 1 },
    cost,
  ],
  ["s.contains('a') && s.contains('b')", { s: 'string' }, { s: 'ab'.repeat(500) }, cost],
  ["s.matches('(x+x+)+y')", { s: 'string' }, { s: 'x'.repeat(100_000) }, cost],
  ["s.matches('(x+x+)+y') || true", { s: 'string' }, { s: 'x'.repeat(100_000) }, cost],
])('%s with %o and %o fails', (expression, parameters, context, reason) => {
  const result = conditionOf(expression, parameters).evaluate({}, context);
  expect(result.kind).toBe('failed');
  expect(outcome(expression, parameters, context)).toContain(reason);
});

test.each<[string, Parameters, JsonObject]>([
  ['l.exists(x, x == 13)', { l: 'list<int>' }, { l: numbers(14) }],
  ['13 in l', { l: 'list<int>' }, { l: numbers(99) }],
  // A list of constants is made once, when the condition is compiled.
  [`x in [${numbers(120).join(', ')}]`, { x: 'int' }, { x: 119 }],
])('%s within the cost is met', (expression, parameters, context) => {
  expect(outcome(expression, parameters, context)).toBe('met');
});

// One unit for the list's name, and one for each item.
test.each([
  [limits.conditionCostMax - 1, 'met'],
  [limits.conditionCostMax, 'met'],
  [limits.conditionCostMax + 1, expect.stringContaining(cost)],
])('a condition that costs %d', (units, expected) => {
  expect(outcome('13 in l', { l: 'list<int>' }, { l: numbers(units - 1) })).toEqual(expected);
});

test.each<[string, string, unknown, string]>([
  ['bool', 'b', 'true', "expected type value 'bool', but found 'string'"],
  ['string', 's', 1, "expected type value 'string', but found 'float64'"],
  ['string', 's', null, "expected type value 'string', but found 'null'"],
  ['int', 'i', 10.5, "expected an int value, but found numeric value '10.5'"],
  ['int', 'i', '10.5', "expected an int value, but found numeric value '10.5'"],
  ['int', 'i', 'ten', "expected a int64 value, but found invalid string value 'ten'"],
  ['int', 'i', '', "expected a int64 value, but found invalid string value ''"],
  ['int', 'i', '0x10', "expected a int64 value, but found invalid string value '0x10'"],
  ['int', 'i', true, "expected type value 'int64', but found 'bool'"],
  ['int', 'i', '9223372036854775808', 'expected an int value'],
  ['int', 'i', '1e999', 'expected an int value'],
  ['uint', 'u', -1, "expected a uint value, but found int64 value '-1'"],
  ['uint', 'u', -10.5, "expected a uint value, but found numeric value '-10.5'"],
  ['uint', 'u', '18446744073709551616', 'expected a uint value'],
  ['double', 'd', 'x', "expected a float64 value, but found invalid string value 'x'"],
  ['double', 'd', '.', 'expected a float64 value'],
  ['double', 'd', [], "expected type value 'float64', but found 'list'"],
  ['duration', 'd', '2sm', "expected a valid duration string, but found: '2sm'"],
  ['duration', 'd', 5, "expected a duration string, but found: float64 '5'"],
  [
    'timestamp',
    't',
    '2023-0914',
    "expected RFC 3339 formatted timestamp string, but found '2023-0914'",
  ],
  ['timestamp', 't', '0001-01-01T00:00:00+14:00', 'expected RFC 3339'],
  ['timestamp', 't', 0, 'expected RFC 3339'],
  ['ipaddress', 'a', '10.0.0.256', "expected a well-formed IP address, but found: '10.0.0.256'"],
  ['ipaddress', 'a', null, "expected an ipaddress string, but found: null 'null'"],
  ['list<string>', 'l', 'hello', 'list requires a list, found: string'],
  [
    'list<int>',
    'l',
    [1, 'x'],
    "found an invalid list item at index `1`: expected a int64 value, but found invalid string value 'x'",
  ],
  [
    'map<string>',
    'm',
    { hello: 1 },
    "found an invalid value for key 'hello': expected type value 'string', but found 'float64'",
  ],
  ['map<string>', 'm', [], 'map requires a map, found: list'],
])('a %s cannot be %o %o', (type, name, value, reason) => {
  const condition = conditionOf('true', { [name]: type });
  const context = { [name]: value } as JsonObject;
  const expected = `parameter type error on condition 'c' - failed to convert context parameter '${name}': ${reason}`;
  expect(condition.faultOfTupleContext(context)).toContain(expected);
  const result = condition.evaluate({}, context);
  expect(result.kind === 'failed' ? result.reason : result.kind).toContain(expected);
});

test('what is missing is named, however sure the answer', () => {
  const condition = conditionOf("a == 'ok' || b == 'ok'", { a: 'string', b: 'string', c: 'int' });
  expect(condition.evaluate({}, { a: 'ok' })).toEqual({ kind: 'missing', parameters: ['b', 'c'] });
  expect(condition.evaluate({ b: 'ok', c: 1 }, { a: 'no' })).toEqual({ kind: 'met' });
});

test('an ill-typed value comes before a missing one', () => {
  const condition = conditionOf('a == b', { a: 'int', b: 'int' });
  expect(condition.evaluate({}, { a: 'x' }).kind).toBe('failed');
});

test("the tuple's values win, and unknown keys of a request mean nothing", () => {
  const condition = conditionOf('x == 1', { x: 'int' });
  expect(condition.evaluate({ x: 1 }, { x: 2, y: 3 })).toEqual({ kind: 'met' });
  expect(condition.evaluate({ x: 2 }, { x: 1 })).toEqual({ kind: 'unmet' });
});

test('a null is a value, an absent key is not, and a prototype gives none', () => {
  const condition = conditionOf('data == null', { data: 'any' });
  expect(condition.evaluate({}, { data: null })).toEqual({ kind: 'met' });
  expect(condition.evaluate({}, {}).kind).toBe('missing');
  const inherited = conditionOf('true', { constructor: 'any', toString: 'any' });
  expect(inherited.evaluate({}, {})).toEqual({
    kind: 'missing',
    parameters: ['constructor', 'toString'],
  });
});

test('a condition without parameters takes no context at all', () => {
  const condition = conditionOf('ipaddress("192.168.0.1").in_cidr("192.168.0.0/24")');
  expect(condition.evaluate({}, {})).toEqual({ kind: 'met' });
  expect(condition.evaluate({}, { x: 1 })).toEqual({
    kind: 'failed',
    reason: "parameter type error on condition 'c' - no parameters defined for the condition",
  });
  expect(condition.faultOfTupleContext({})).toBeUndefined();
});

test.each<[string, Parameters, RegExp]>([
  ['x', { x: 'int' }, /expected a bool condition expression output, but got 'int'/],
  ['x', { x: 'list<string>' }, /but got 'list\(string\)'/],
  ['x', { x: 'any' }, /but got 'dyn'/],
  ['true ? true : x', { x: 'any' }, /but got 'dyn'/],
  ['x == y', { x: 'int' }, /ERROR: c:1:6: undeclared reference to 'y'/],
  ['true &&\n  y', {}, /ERROR: c:2:3: undeclared reference to 'y'/],
  ['x == 1.0', { x: 'int' }, /no matching overload for '_==_' applied to '\(int, double\)'/],
  ['x < 1', { x: 'double' }, /no matching overload for '_<_' applied to '\(double, int\)'/],
  ['x == null', { x: 'string' }, /no matching overload/],
  ['x.in_cidr("10.0.0.0/8")', { x: 'string' }, /no matching overload for 'in_cidr'/],
  ['x.size() > 0', { x: 'ipaddress' }, /no matching overload/],
  ['x == b"1"', { x: 'ipaddress' }, /no matching overload/],
  ['x.y == 1', { x: 'string' }, /does not support field selection/],
  ['x.exists(y, y)', { x: 'list<int>' }, /no matching overload for '_\|\|_'/],
  ['x.exists(y, true)', { x: 'int' }, /cannot be range of a comprehension/],
  ['[].map(x, [].map(y, x in y && y in x)).size() == 0', {}, /no matching overload for '@in'/],
  ['nothing(x)', { x: 'int' }, /undeclared reference to 'nothing'/],
  ['google.protobuf.BoolValue{value: true} == true', {}, /undeclared reference/],
  ['__proto__ == 1', {}, /undeclared reference to '__proto__'/],
  ['x = 1', { x: 'int' }, /Syntax error/],
  ['', {}, /Syntax error/],
  ['@visit(true)', {}, /Syntax error/],
])('%s does not compile', (expression, parameters, message) => {
  const compile = () => conditionOf(expression, parameters);
  expect(compile).toThrow(Refusal);
  expect(compile).toThrow(message);
});

test.each<[string]>([
  [`${'('.repeat(250)}true${')'.repeat(250)}`],
  [`${'!'.repeat(508)}true`],
  [`${'['.repeat(240)}${']'.repeat(240)}.size() == 1`],
  [`${'-'.repeat(500)}1 == 1`],
])('the deepest nesting that 512 bytes can hold is met: %s', (expression) => {
  expect(conditionOf(expression).evaluate({}, {})).toEqual({ kind: 'met' });
});
