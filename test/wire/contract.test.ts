// The generated descriptors against the contract: a name or a number that moves breaks every client.
import { type DescField, type DescMessage, getOption, ScalarType } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/base/errors.ts';
import { http } from '../../src/gen/google/api/annotations_pb.ts';
import { file_openfga_v1_authzmodel } from '../../src/gen/openfga/v1/authzmodel_pb.ts';
import { file_openfga_v1_errors_ignore } from '../../src/gen/openfga/v1/errors_ignore_pb.ts';
import { file_openfga_v1_openfga } from '../../src/gen/openfga/v1/openfga_pb.ts';
import { file_openfga_v1_openfga_service_consistency } from '../../src/gen/openfga/v1/openfga_service_consistency_pb.ts';
import {
  file_openfga_v1_openfga_service,
  OpenFGAService,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import {
  AccessService,
  file_pemba_v1_access_service,
} from '../../src/gen/pemba/v1/access_service_pb.ts';
import {
  file_pemba_v1_query_service,
  QueryService,
} from '../../src/gen/pemba/v1/query_service_pb.ts';
import {
  file_pemba_v1_server_service,
  ServerService,
} from '../../src/gen/pemba/v1/server_service_pb.ts';
import { file_pemba_v1_tuple } from '../../src/gen/pemba/v1/tuple_pb.ts';
import {
  file_pemba_v1_tuple_service,
  TupleService,
} from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { enums, messages, methods } from './contract.ts';
import {
  accessMethods,
  pembaEnums,
  pembaMessages,
  queryMethods,
  serverMethods,
  tupleMethods,
} from './pemba-contract.ts';

/** A package: its files, and what its contract says. */
const packages = [
  {
    name: 'openfga.v1',
    files: [
      file_openfga_v1_authzmodel,
      file_openfga_v1_openfga,
      file_openfga_v1_openfga_service,
      file_openfga_v1_openfga_service_consistency,
    ],
    messages,
    enums,
  },
  {
    name: 'pemba.v1',
    files: [
      file_pemba_v1_access_service,
      file_pemba_v1_query_service,
      file_pemba_v1_server_service,
      file_pemba_v1_tuple,
      file_pemba_v1_tuple_service,
    ],
    messages: pembaMessages,
    enums: pembaEnums,
  },
];

test.each(packages)('$name: names, numbers, types, JSON names and choices', (each) => {
  const generated = each.files.flatMap((file) => file.messages.flatMap(withNested));
  expect(generated.map(textOf).sort()).toEqual(partsOf(each.messages));
});

test.each(packages)('$name: names and numbers of enums', (each) => {
  const nested = each.files.flatMap((file) =>
    file.messages.flatMap(withNested).flatMap((message) => message.nestedEnums),
  );
  const generated = [...each.files.flatMap((file) => file.enums), ...nested].map(
    ({ typeName, values }) =>
      `${shortName(typeName)}: ${values.map((v) => `${v.name}=${v.number}`).join(' ')}`,
  );
  const expected = partsOf(each.enums).map((part) => part.replace(/\s+/g, ' '));
  expect(generated.sort()).toEqual(expected.sort());
});

test.each([
  ['openfga.v1.OpenFGAService', OpenFGAService, methods],
  ['pemba.v1.AccessService', AccessService, accessMethods],
  ['pemba.v1.QueryService', QueryService, queryMethods],
  ['pemba.v1.TupleService', TupleService, tupleMethods],
  ['pemba.v1.ServerService', ServerService, serverMethods],
])('%s: names, messages and paths of methods', (typeName, service, contract) => {
  expect(service.typeName).toBe(typeName);
  const generated = service.methods.map((method) => {
    const { name, input, output } = method;
    const at = service.file.proto.package;
    expect([input.typeName, output.typeName]).toEqual([
      `${at}.${name}Request`,
      `${at}.${name}Response`,
    ]);
    const { pattern, body } = getOption(method, http);
    const stream = method.methodKind === 'server_streaming' ? 'stream' : '';
    return [name, pattern.case?.toUpperCase(), pattern.value, body, stream]
      .filter(Boolean)
      .join(' ');
  });
  expect(generated).toEqual(contract.trim().split('\n'));
});

describe('error codes', () => {
  const generated = file_openfga_v1_errors_ignore.enums.map((each) => ({
    name: each.name,
    codes: Object.fromEntries(
      each.values.filter(({ number }) => number !== 0).map(({ name, number }) => [name, number]),
    ),
  }));

  test('are those of the refusals', () => {
    expect(Object.assign({}, ...generated.map(({ codes }) => codes))).toEqual(errorCodes);
  });

  test.each([
    ['AuthErrorCode', 1000, 1999],
    ['ErrorCode', 2000, 3499],
    ['UnprocessableContentErrorCode', 3500, 3999],
    ['InternalErrorCode', 4000, 4999],
    ['NotFoundErrorCode', 5000, 5999],
  ])('%s: from %i to %i', (name, low, high) => {
    const codes = Object.values(generated.find((each) => each.name === name)?.codes ?? {});
    expect(codes.length).toBeGreaterThan(0);
    expect(codes.every((code) => code >= low && code <= high)).toBe(true);
  });
});

function withNested(message: DescMessage): DescMessage[] {
  return [message, ...message.nestedMessages.flatMap(withNested)];
}

function textOf(message: DescMessage): string {
  return [shortName(message.typeName), ...message.fields.map(lineOf)].join('\n');
}

/** A part begins at a line that is not indented. */
function partsOf(contract: string): string[] {
  return contract
    .trim()
    .split(/\n(?=\S)/)
    .sort();
}

function lineOf(field: DescField): string {
  const type = field.message ?? field.enum;
  const name = type === undefined ? scalarName(field.scalar) : shortName(type.typeName);
  const kind = { list: `repeated ${name}`, map: `map<${name}>` }[field.fieldKind as 'list'] ?? name;
  const json = field.jsonName === field.name ? '' : ` as ${field.jsonName}`;
  const choice = field.oneof === undefined ? '' : ` of ${field.oneof.name}`;
  return `  ${field.number} ${kind} ${field.name}${json}${choice}`;
}

const scalarNames: Partial<Record<ScalarType, string>> = {
  [ScalarType.STRING]: 'string',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.INT32]: 'int32',
  [ScalarType.INT64]: 'int64',
  [ScalarType.FIXED64]: 'fixed64',
};

function scalarName(scalar: ScalarType | undefined): string {
  return (scalar === undefined ? undefined : scalarNames[scalar]) ?? '?';
}

function shortName(typeName: string): string {
  return typeName.replace(/^(openfga|pemba)\.v1\./, '').replace('google.protobuf.', 'google.');
}
