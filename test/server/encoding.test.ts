// Encodings that are kept: of frozen messages alone.
import { create, fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { CheckResponseSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { encodeBinary, onceIfFrozen } from '../../src/server/encoding.ts';

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
