// Bytes made by hand from the protocol, against the generated code, in both directions.
import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { AccessService } from '../../src/gen/pemba/v1/access_service_pb.ts';
import { QueryService } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { ServerService } from '../../src/gen/pemba/v1/server_service_pb.ts';
import { TupleService } from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { goldenMessages } from './golden-messages.ts';
import { pembaGolden } from './pemba-golden.ts';

describe.each([
  ['openfga.v1', OpenFGAService.methods, goldenMessages],
  [
    'pemba.v1',
    [AccessService, QueryService, TupleService, ServerService].flatMap((each) => each.methods),
    pembaGolden,
  ],
])('%s', (_, methods, golden) => {
  const schemas = new Map(
    methods.flatMap(({ input, output }) => [input, output]).map((schema) => [schema.name, schema]),
  );

  test('every message of every method has its bytes here', () => {
    expect(Object.keys(golden).sort()).toEqual([...schemas.keys()].sort());
  });

  test.each(Object.keys(golden))('%s', (name) => {
    const [json, ...parts] = golden[name]!;
    const schema = schemas.get(name)!;
    const bytes = Uint8Array.from(parts.flat());
    // A field under another number would be unknown, and lost on the way.
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    expect(toJson(schema, message)).toEqual(json);
    expect(Buffer.from(toBinary(schema, message)).toString('hex')).toBe(
      Buffer.from(bytes).toString('hex'),
    );
  });
});
