// Bytes made by hand from the protocol, against the generated code, in both directions.
import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { goldenMessages } from './golden-messages.ts';

const schemas = new Map(
  OpenFGAService.methods
    .flatMap(({ input, output }) => [input, output])
    .map((schema) => [schema.name, schema]),
);

test('every message of every method has its bytes here', () => {
  expect(Object.keys(goldenMessages).sort()).toEqual([...schemas.keys()].sort());
});

test.each(Object.keys(goldenMessages))('%s', (name) => {
  const [json, ...parts] = goldenMessages[name]!;
  const schema = schemas.get(name)!;
  const bytes = Uint8Array.from(parts.flat());
  // A field under another number would be unknown, and lost on the way.
  const message = fromBinary(schema, bytes, { readUnknownFields: false });
  expect(toJson(schema, message)).toEqual(json);
  expect(Buffer.from(toBinary(schema, message)).toString('hex')).toBe(
    Buffer.from(bytes).toString('hex'),
  );
});
