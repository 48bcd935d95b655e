/** The short way to decode checks never differs from protobuf-es: it agrees, or does not answer. */
import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BatchCheckItemSchema,
  BatchCheckRequestSchema,
  CheckRequestSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { decodePlain, decodePlainJson } from '../../src/service/plain-checks.ts';

const storeId = '01HK0000000000000000000000';
const tupleKey = { user: 'user:anne', relation: 'viewer', object: 'document:plan' };

const text = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.constantFrom('', 'x'.repeat(127), 'x'.repeat(128), 'x'.repeat(16_400)),
  fc.string({ unit: 'grapheme', maxLength: 10 }),
);
const key = fc.option(fc.record({ user: text, relation: text, object: text }), { nil: undefined });
const rare = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const extras = { context: rare(fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 })) };
const check = fc
  .record({ storeId: text, authorizationModelId: text, tupleKey: key, ...extras })
  .map((init) => ({ schema: CheckRequestSchema, message: create(CheckRequestSchema, init) }));
const item = fc.record({ tupleKey: key, correlationId: text, ...extras });
const batch = fc
  .record({ storeId: text, authorizationModelId: text, checks: fc.array(item, { maxLength: 5 }) })
  .map((init) => ({
    schema: BatchCheckRequestSchema,
    message: create(BatchCheckRequestSchema, init),
  }));
type Case = { readonly schema: DescMessage; readonly message: Message };
const anyCase: fc.Arbitrary<Case> = fc.oneof(check, batch);

/** What the library makes of the bytes; undefined where it throws. */
function slowly(schema: DescMessage, bytes: Buffer): Message | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

function agree(schema: DescMessage, bytes: Buffer): boolean {
  const plain = decodePlain(schema, bytes);
  if (plain !== undefined) expect(plain).toEqual(slowly(schema, bytes));
  return plain !== undefined;
}

describe('bytes', () => {
  test('of a usual check and a usual batch are decoded', () => {
    const checks = [
      { tupleKey, correlationId: 'a' },
      { tupleKey: { ...tupleKey, object: 'document:'.padEnd(200, 'x') }, correlationId: 'b' },
    ];
    const init = { storeId, authorizationModelId: storeId };
    const one = toBinary(CheckRequestSchema, create(CheckRequestSchema, { ...init, tupleKey }));
    const many = create(BatchCheckRequestSchema, { ...init, checks });
    expect(agree(CheckRequestSchema, Buffer.from(one))).toBe(true);
    const bytes = Buffer.from(toBinary(BatchCheckRequestSchema, many));
    expect(agree(BatchCheckRequestSchema, bytes)).toBe(true);
  });

  test('of any request mean what they mean to the library', () => {
    const property = fc.property(anyCase, ({ schema, message }) => {
      agree(schema, Buffer.from(toBinary(schema, message)));
    });
    fc.assert(property, { seed: 1, numRuns: 2_000 });
  });

  test('of two requests in a row, which the library merges, mean it too', () => {
    const bytesOf = ({ schema, message }: Case) => Buffer.from(toBinary(schema, message));
    for (const cases of [check, batch]) {
      const property = fc.property(cases, cases, (one, other) => {
        agree(one.schema, Buffer.concat([bytesOf(one), bytesOf(other)]));
      });
      fc.assert(property, { seed: 5, numRuns: 1_000 });
    }
  });

  test('of an item that says its key twice, which the library merges, mean it too', () => {
    const items = [{ tupleKey: { user: 'user:anne' } }, { tupleKey: { object: 'document:plan' } }];
    const twice = Buffer.concat(
      items.map((each) => toBinary(BatchCheckItemSchema, create(BatchCheckItemSchema, each))),
    );
    agree(BatchCheckRequestSchema, Buffer.concat([Buffer.from([0x12, twice.length]), twice]));
  });

  test('that are cut, changed or arbitrary mean it too', () => {
    const change = fc.record({ at: fc.nat(), value: fc.nat(255), cut: fc.nat() });
    const property = fc.property(anyCase, change, ({ schema, message }, { at, value, cut }) => {
      const bytes = Buffer.from(toBinary(schema, message));
      agree(schema, bytes.subarray(0, cut % (bytes.length + 1)));
      if (bytes.length === 0) return;
      bytes[at % bytes.length] = value;
      agree(schema, bytes);
    });
    fc.assert(property, { seed: 2, numRuns: 3_000 });
    // Small numbers are tags and lengths.
    const soup = fc.array(fc.oneof(fc.nat(40), fc.nat(255)), { maxLength: 24 });
    const arbitrary = fc.property(soup, (bytes) => {
      agree(CheckRequestSchema, Buffer.from(bytes));
      agree(BatchCheckRequestSchema, Buffer.from(bytes));
    });
    fc.assert(arbitrary, { seed: 3, numRuns: 20_000 });
  });
});

describe('JSON', () => {
  const agreeJson = (json: JsonValue, schema: DescMessage = CheckRequestSchema) => {
    const plain = decodePlainJson(schema, json);
    if (plain === undefined) return false;
    expect(plain).toEqual(fromJson(schema, json, { ignoreUnknownFields: true }));
    return true;
  };

  test('of a usual check is decoded', () => {
    expect(agreeJson({ tuple_key: tupleKey, authorization_model_id: storeId })).toBe(true);
    expect(agreeJson({ store_id: storeId, tuple_key: tupleKey })).toBe(true);
    expect(agreeJson({})).toBe(true);
  });

  test('of a usual batch is decoded', () => {
    const checks = [
      { tuple_key: tupleKey, correlation_id: 'a' },
      { correlation_id: 'b', tuple_key: { ...tupleKey, object: 'document:ü' } },
      {},
    ];
    const batch = { checks, authorization_model_id: storeId };
    expect(agreeJson(batch, BatchCheckRequestSchema)).toBe(true);
    expect(agreeJson({}, BatchCheckRequestSchema)).toBe(true);
  });

  test('of any request means what it means to the library', () => {
    let decoded = 0;
    const property = fc.property(anyCase, ({ schema, message }) => {
      if (agreeJson(toJson(schema, message), schema)) decoded++;
    });
    fc.assert(property, { seed: 4, numRuns: 3_000 });
    expect(decoded).toBeGreaterThan(1_000);
  });

  test('in which anything is another value, or of another name, means it too', () => {
    const names = ['checks', 'tuple_key', 'tupleKey', 'user', 'correlation_id', 'context', 'trace'];
    const value = fc.oneof(
      fc.constantFrom<JsonValue>(null, true, 1, '', 'x', [], {}, [null], [[]], [{}]),
      fc.jsonValue() as fc.Arbitrary<JsonValue>,
    );
    const change = fc.record({ at: fc.nat(), value, name: fc.constantFrom(...names, '__proto__') });
    const property = fc.property(anyCase, change, ({ schema, message }, { at, value, name }) => {
      const text = JSON.stringify(toJson(schema, message));
      let left = at % (text.split('":').length + 1);
      const changed = (_key: string, each: JsonValue) => (left-- === 0 ? value : each);
      agreeJson(JSON.parse(text, changed), schema);
      left = at % (text.split('":').length + 1);
      const renamed = text.replaceAll(/"\w+":/g, (all) => (left-- === 0 ? `"${name}":` : all));
      agreeJson(JSON.parse(renamed), schema);
    });
    fc.assert(property, { seed: 6, numRuns: 5_000 });
  });

  const odd: JsonValue[] = [
    null,
    [],
    'x',
    { tuple_key: null },
    { tuple_key: [] },
    { tuple_key: { user: 1 } },
    { tuple_key: { user: 'user:anne', User: 'x' } },
    { tuple_key: tupleKey, tupleKey },
    { tuple_key: tupleKey, trace: true },
    { tuple_key: tupleKey, storeId },
    { store_id: null, tuple_key: tupleKey },
    JSON.parse('{"__proto__":{"store_id":"x"}}'),
    { tuple_key: JSON.parse('{"__proto__":"x"}') },
  ];
  test.each(odd)('%j is left to the library', (json) => {
    expect(decodePlainJson(CheckRequestSchema, json)).toBe(undefined);
  });

  const oddBatches: JsonValue[] = [
    { checks: {} },
    { checks: null },
    { checks: [null] },
    { checks: [tupleKey] },
    { checks: [{ tuple_key: tupleKey, correlation_id: 1 }] },
    { checks: [{ tuple_key: tupleKey, context: {} }] },
    { checks: [{ tuple_key: tupleKey, contextual_tuples: null }] },
    { checks: [{ tupleKey }] },
    { checks: [], consistency: 'MINIMIZE_LATENCY' },
    { checks: [JSON.parse('{"__proto__":{"correlation_id":"x"}}')] },
  ];
  test.each(oddBatches)('%j is left to the library', (json) => {
    expect(decodePlainJson(BatchCheckRequestSchema, json)).toBe(undefined);
  });
});
