// Encodings that are kept, of frozen messages alone; and those made by hand, as the library's.
import { create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foundIds } from '../../src/engine/found-objects.ts';
import {
  BatchCheckResponseSchema,
  type BatchCheckSingleResult,
  BatchCheckSingleResultSchema,
  CheckResponseSchema,
  ListObjectsResponseSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { encodeBinary, encodeFramed, jsonTexts, onceIfFrozen } from '../../src/server/encoding.ts';
import { encodeJson } from '../../src/server/transcode.ts';
import { allowedResult, BatchAnswer, deniedResult } from '../../src/service/batch-answer.ts';
import { PackedObjects, packObjects } from '../../src/service/packed-objects.ts';

test('a frozen message is encoded once, and another frozen one is not it', () => {
  const allowed = Object.freeze(create(CheckResponseSchema, { allowed: true }));
  const denied = Object.freeze(create(CheckResponseSchema, { allowed: false }));
  expect(encodeBinary(CheckResponseSchema, allowed)).toBe(
    encodeBinary(CheckResponseSchema, allowed),
  );
  expect(fromBinary(CheckResponseSchema, encodeBinary(CheckResponseSchema, allowed))).toEqual(
    create(CheckResponseSchema, { allowed: true }),
  );
  expect(fromBinary(CheckResponseSchema, encodeBinary(CheckResponseSchema, denied))).toEqual(
    create(CheckResponseSchema, { allowed: false }),
  );
});

test('what may change is encoded as it is now', () => {
  const response = create(CheckResponseSchema, { allowed: true });
  const encode = onceIfFrozen((_, message) => JSON.stringify(message));
  const before = encode(CheckResponseSchema, response);
  response.allowed = false;
  expect(encode(CheckResponseSchema, response)).not.toBe(before);
});

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 10 }),
  fc.constantFrom(
    '',
    '1',
    '0',
    '07',
    '4294967295',
    '__proto__',
    'x'.repeat(123),
    'x'.repeat(200),
    'x'.repeat(17_000),
  ),
);
const answers = [allowedResult, deniedResult];
const result = fc.oneof(
  fc.constantFrom(...answers),
  fc.constant(create(BatchCheckSingleResultSchema)),
  text.map((message) =>
    create(BatchCheckSingleResultSchema, {
      checkResult: {
        case: 'error',
        value: { message, code: { case: 'inputError', value: 2000 } },
      },
    }),
  ),
);

/** Of an id that comes twice, the last result counts, as in the map. */
function inRows(results: readonly (readonly [string, BatchCheckSingleResult])[]): BatchAnswer {
  const rows = new Map(results);
  return new BatchAnswer([...rows.keys()], [...rows.values()]);
}

test('the results of a batch have the bytes that the library would have given them', () => {
  const entries = fc.array(fc.tuple(text, result), { maxLength: 60 });
  const property = fc.property(entries, (results) => {
    const response = create(BatchCheckResponseSchema);
    response.result = Object.fromEntries(results);
    const expected = toBinary(BatchCheckResponseSchema, response);
    for (const each of [response, inRows(results)]) {
      expect(encodeBinary(BatchCheckResponseSchema, each).equals(expected)).toBe(true);
      const framed = encodeFramed(BatchCheckResponseSchema, each);
      expect([framed.readUInt8(0), framed.readUInt32BE(1)]).toEqual([0, expected.length]);
      expect(framed.subarray(5).equals(expected)).toBe(true);
    }
  });
  fc.assert(property, { seed: 1, numRuns: 1_000 });
});

test('to the library the answer to a batch is the message that it stands for', () => {
  const property = fc.property(fc.array(fc.tuple(text, result), { maxLength: 9 }), (results) => {
    const response = create(BatchCheckResponseSchema);
    response.result = Object.fromEntries(results);
    const bytes = toBinary(BatchCheckResponseSchema, inRows(results));
    expect(bytes).toEqual(toBinary(BatchCheckResponseSchema, response));
    expect(fromBinary(BatchCheckResponseSchema, bytes)).toEqual(response);
  });
  fc.assert(property, { seed: 3, numRuns: 200 });
});

test('the results of a batch have the JSON that the library would have given them', () => {
  const plainly = [
    (...[schema, message]: Parameters<typeof encodeJson>) =>
      JSON.stringify(encodeJson(schema, message)),
    (...[schema, message]: Parameters<typeof encodeJson>) => toJsonString(schema, message),
  ];
  // To its JSON, that key is no key.
  const key = text.filter((each) => each !== '__proto__');
  const entries = fc.array(fc.tuple(key, result), { maxLength: 60 });
  for (const encode of plainly) {
    const shortly = jsonTexts(encode);
    const property = fc.property(entries, (results) => {
      const response = create(BatchCheckResponseSchema);
      response.result = Object.fromEntries(results);
      const expected = encode(BatchCheckResponseSchema, response);
      expect(shortly(BatchCheckResponseSchema, response)).toBe(expected);
      expect(shortly(BatchCheckResponseSchema, inRows(results))).toBe(expected);
    });
    fc.assert(property, { seed: 2, numRuns: 500 });
  }
});

test('a correlation id may be `__proto__`', () => {
  const response = create(BatchCheckResponseSchema);
  response.result = Object.fromEntries([['__proto__', answers[0]!]]);
  const texts = jsonTexts((schema, message) => toJsonString(schema, message));
  expect(texts(BatchCheckResponseSchema, response)).toBe(
    '{"result":{"__proto__":{"allowed":true}}}',
  );
});

// Halves of a character, which two texts must not make whole together.
const name = fc.oneof(text, fc.string({ unit: 'binary' }), fc.constantFrom('\ud83d', '\ude00'));
const names = fc.array(name, { maxLength: 60 });
const type = fc.constantFrom('document', 'doc', 'd', 'über', 't'.repeat(130));

function packed(type: string, ids: readonly string[]): Buffer {
  return packObjects(type, foundIds(ids), ids.length);
}

test('the objects of a list have the bytes that the library would have given them', () => {
  const property = fc.property(type, names, names, (type, some, more) => {
    const objects = [...some, ...more].map((id) => `${type}:${id}`);
    const response = create(ListObjectsResponseSchema, { objects });
    const expected = toBinary(ListObjectsResponseSchema, response);
    const answer = new PackedObjects([packed(type, some), packed(type, more)]);
    expect(encodeBinary(ListObjectsResponseSchema, answer).equals(expected)).toBe(true);
    const framed = encodeFramed(ListObjectsResponseSchema, answer);
    expect(framed.subarray(5).equals(expected) && framed.readUInt32BE(1)).toBe(expected.length);
    // Whoever knows nothing of packed answers takes it for the message that it is.
    expect(Buffer.from(toBinary(ListObjectsResponseSchema, answer)).equals(expected)).toBe(true);
  });
  fc.assert(property, { seed: 1, numRuns: 1_000 });
});

test('the objects of a list have the JSON that the library would have given them', () => {
  const plainly = [
    (...[schema, message]: Parameters<typeof encodeJson>) =>
      JSON.stringify(encodeJson(schema, message)),
    (...[schema, message]: Parameters<typeof encodeJson>) => toJsonString(schema, message),
  ];
  const wellFormed = fc.array(
    fc.oneof(
      {
        arbitrary: fc.string({ unit: fc.constantFrom(...'abc1-~\x7f'), maxLength: 40 }),
        weight: 20,
      },
      { arbitrary: fc.string({ unit: 'grapheme', maxLength: 10 }), weight: 3 },
      fc.constantFrom('"', '\\', '\x1f', '\n', '\u2028', 'x'.repeat(200)),
    ),
    { maxLength: 12 },
  );
  for (const encode of plainly) {
    const shortly = jsonTexts(encode);
    const property = fc.property(type, wellFormed, (type, ids) => {
      const objects = ids.map((id) => `${type}:${id}`);
      const response = create(ListObjectsResponseSchema, { objects });
      const expected = encode(ListObjectsResponseSchema, response);
      const answer = new PackedObjects([packed(type, ids)]);
      expect(shortly(ListObjectsResponseSchema, answer)).toBe(expected);
      expect(encode(ListObjectsResponseSchema, answer)).toBe(expected);
    });
    fc.assert(property, { seed: 3, numRuns: 1_000 });
  }
});

test('an answer may be longer than any before it, and the next one is what it is all the same', () => {
  const ids = Array.from({ length: 9_000 }, (_, i) => `${i}`.repeat(30));
  for (const some of [ids, ids.slice(0, 3), []]) {
    const objects = some.map((id) => `document:${id}`);
    const response = create(ListObjectsResponseSchema, { objects });
    const expected = toBinary(ListObjectsResponseSchema, response);
    expect(packed('document', some).equals(expected)).toBe(true);
  }
});
