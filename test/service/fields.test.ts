/** The field rules: every border, the code and the message that clients read. */
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { CheckRequestSchema, OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { AccessService } from '../../src/gen/pemba/v1/access_service_pb.ts';
import { QueryService } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { ServerService } from '../../src/gen/pemba/v1/server_service_pb.ts';
import { TupleService, WriteTuplesRequestSchema } from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { fieldRules } from '../../src/service/field-rules.ts';
import { createFieldChecks } from '../../src/service/fields.ts';
import {
  borders,
  conditioned,
  good,
  id,
  inPattern,
  inStore,
  key,
  refused,
  tupleKey,
} from './field-cases.ts';

const methods = [OpenFGAService, QueryService, TupleService, AccessService, ServerService].flatMap(
  (service) => service.methods,
);
const now = Date.UTC(2024, 0, 1);
const checkOf = createFieldChecks({ now: () => now, monotonic: () => 0 });

/** A name that both services have is OpenFGA's; that of the other one is told with its package. */
function nameOf({ name, parent }: (typeof methods)[number]): string {
  const isTaken =
    parent !== OpenFGAService && OpenFGAService.methods.some((method) => method.name === name);
  return isTaken ? `${parent.file.proto.package}.${name}` : name;
}

function faultOf(method: string, request: JsonValue): Refusal | undefined {
  const descriptor = methods.find((each) => nameOf(each) === method);
  if (descriptor === undefined) throw new Error(`no method ${method}`);
  const message = fromJson(descriptor.input, request, { ignoreUnknownFields: true });
  try {
    checkOf(descriptor.input)(message);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

test('every method has a request that passes', () => {
  for (const name of methods.map(nameOf)) expect(faultOf(name, good[name] ?? {})).toBe(undefined);
  expect(Object.keys(good).sort()).toEqual(methods.map(nameOf).sort());
});

test('what passed passes again, and what is wrong is refused however often and whatever came before', () => {
  const ask = (user: string) => {
    const tuple_key = { user, relation: 'viewer', object: 'document:1' };
    return faultOf('Check', { store_id: id, tuple_key })?.message;
  };
  for (const user of ['user:anne', 'user:anne', 'user:björn', 'user:björn']) {
    expect(ask(user)).toBe(undefined);
  }
  const expected = ask('user:\u0085');
  expect(expected).toContain('control characters');
  for (let again = 0; again < 2; again++) {
    expect(ask('user:\u0085')).toBe(expected);
    expect(ask('user:a b')).toContain('does not match');
    expect(ask('user:anne')).toBe(undefined);
    expect(ask('')).toContain('does not match');
  }
});

test('every rule is about a message that a request holds', () => {
  const reached = new Set<string>();
  const visit = (message: (typeof CheckRequestSchema)['fields'][number]['message']) => {
    if (message === undefined || reached.has(message.typeName)) return;
    reached.add(message.typeName).add(message.name);
    for (const field of message.fields) visit(field.message);
  };
  for (const { input } of methods) visit(input);
  for (const name of Object.keys(fieldRules)) expect(reached).toContain(name);
});

test('no message of one package has the rules of its namesake in the other', () => {
  const byName = new Map<string, Set<string>>();
  const visit = (message: (typeof CheckRequestSchema)['fields'][number]['message']) => {
    if (message === undefined || message.typeName.startsWith('google.')) return;
    const names = byName.get(message.name) ?? new Set();
    if (names.has(message.typeName)) return;
    byName.set(message.name, names.add(message.typeName));
    for (const field of message.fields) visit(field.message);
  };
  for (const { input } of methods) visit(input);
  const shared = [...byName.values()].filter((names) => names.size > 1);
  expect(shared.length).toBeGreaterThan(0);
  for (const typeName of shared.flatMap((names) => [...names])) {
    if (typeName.startsWith('pemba.')) expect(Object.keys(fieldRules)).toContain(typeName);
  }
});

describe('ids', () => {
  const bad = ['', '1', `${id}A`, id.slice(1), id.toLowerCase(), `${id.slice(1)}@`, `${id}\n`];
  const withStore = Object.keys(good).filter((name) => good[name]?.store_id !== undefined);
  test.each(withStore)('%s wants a store id', (method) => {
    for (const text of bad) {
      const fault = faultOf(method, { ...good[method], store_id: text });
      expect(fault?.code).toBe('validation_error');
      expect(fault?.message).toBe(
        `invalid ${method.replace(/^.*\./, '')}Request.StoreId: ${inPattern} "^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$"`,
      );
      expect(fault?.malformedRequest).toBe(true);
    }
  });

  test.each(['Check', 'BatchCheck', 'Expand', 'ListObjects', 'ListUsers', 'Write'])(
    '%s takes no model id, or a good one',
    (method) => {
      expect(faultOf(method, { ...good[method], authorization_model_id: '' })).toBe(undefined);
      expect(faultOf(method, { ...good[method], authorization_model_id: id })).toBe(undefined);
      for (const text of bad.slice(1)) {
        const fault = faultOf(method, { ...good[method], authorization_model_id: text });
        expect(fault?.code).toBe('validation_error');
      }
    },
  );
});

test.each(refused)('%s with %j is %s', (method, change, code, message) => {
  const fault = faultOf(method, { ...good[method], ...change });
  expect(fault?.code).toBe(code);
  expect(fault?.message).toContain(`invalid ${message}`);
  expect(fault?.malformedRequest).toBe(true);
});

test.each(borders)('%s: at most %d', (_, most, method, change, code) => {
  expect(faultOf(method, { ...good[method], ...change(most - 1) })).toBe(undefined);
  expect(faultOf(method, { ...good[method], ...change(most) })).toBe(undefined);
  expect(faultOf(method, { ...good[method], ...change(most + 1) })?.code).toBe(code);
});

describe('texts', () => {
  test.each([
    ['lengths are in code points where a pattern counts', { user: `user:${'💥'.repeat(507)}` }],
    ['a no-break space is no space to the wire', { user: 'user:a\u00a0b' }],
    ['letters of any script', { object: 'документ:1' }],
  ])('%s', (_, change) => {
    expect(faultOf('Check', { ...good.Check, ...tupleKey(change) })).toBe(undefined);
  });

  test('half of a surrogate pair is refused', () => {
    const request = create(CheckRequestSchema, {
      storeId: id,
      tupleKey: { ...key, user: 'user:\ud83d' },
    });
    expect(() => checkOf(CheckRequestSchema)(request)).toThrow('value must be valid UTF-8');
  });

  test('an expression may have several lines', () => {
    const change = conditioned({ expression: 'a &&\n\tb' });
    const request = { ...good.WriteAuthorizationModel, ...change };
    expect(faultOf('WriteAuthorizationModel', request)).toBe(undefined);
  });
});

describe('contexts', () => {
  test.each([
    ['a list in a list', { a: [[1, [true, null]]] }],
    ['`__proto__` as an ordinary key', JSON.parse('{"__proto__": {"polluted": "yes"}}')],
    ['an empty context', {}],
  ])('%s passes', (_, context) => {
    expect(faultOf('Check', { ...good.Check, context })).toBe(undefined);
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
  });

  test.each([
    ['a control character in a key', { 'a\nb': 1 }],
    ['a control character in a value', { a: 'b\u0000' }],
    ['a control character deep inside', { a: [{ b: ['\u001f'] }] }],
    ['a control character under `__proto__`', JSON.parse('{"__proto__": "\\u0001"}')],
    ['half a surrogate pair', { a: '\ud83d' }],
    ['half a surrogate pair in a key', { '\ud83d': 1 }],
  ])('%s is refused', (_, context) => {
    const request = create(CheckRequestSchema, { storeId: id, tupleKey: key, context });
    expect(() => checkOf(CheckRequestSchema)(request)).toThrow('invalid CheckRequest.Context');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d is no JSON number', (number) => {
    const request = create(CheckRequestSchema, {
      storeId: id,
      tupleKey: key,
      context: { number },
    });
    expect(() => checkOf(CheckRequestSchema)(request)).toThrow('is not a JSON number');
  });
});

describe('times', () => {
  test.each(['2023-12-31T23:59:59.999Z', '1960-01-01T00:00:00Z'])('%s has passed', (time) => {
    expect(faultOf('ReadChanges', { ...inStore, start_time: time })).toBe(undefined);
  });

  test('an expiry is a time, whatever the clock says; years are 1 to 9999', () => {
    const expiring = (seconds: bigint, nanos = 0) =>
      create(WriteTuplesRequestSchema, {
        storeId: id,
        writes: [{ expiresAt: { seconds, nanos } }],
      });
    const check = checkOf(WriteTuplesRequestSchema);
    check(expiring(-62_135_596_800n));
    check(expiring(253_402_300_799n, 999_999_999));
    for (const [seconds, nanos] of [
      [-62_135_596_801n, 0],
      [253_402_300_800n, 0],
      [0n, -1],
      [0n, 1_000_000_000],
    ] as const) {
      expect(() => check(expiring(seconds, nanos))).toThrow(
        'invalid Tuple.ExpiresAt: value is not a valid timestamp',
      );
    }
  });

  test.each(['2024-01-01T00:00:00.001Z', '9999-12-31T23:59:59Z'])('%s is to come', (time) => {
    expect(faultOf('ReadChanges', { ...inStore, start_time: time })?.code).toBe('validation_error');
  });
});
