// Health and reflection, asked as load balancers and grpcurl ask them.
import {
  create,
  createFileRegistry,
  type DescService,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { service as health } from 'grpc-health-check';
import { afterEach, describe, expect, test } from 'vitest';
import { CheckResponseSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { type Served, serve, unary, wire } from './grpc-harness.ts';

const allowAll = unary(wire.check, () => create(CheckResponseSchema, { allowed: true }));

let served: Served;
afterEach(() => served.close());

type HealthStatus = { status: string };

function checkHealth(service: string): Promise<HealthStatus | ServiceError> {
  const method = health.check ?? health.Check;
  return new Promise((resolve) => {
    served.client.client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      method!.requestSerialize,
      method!.responseDeserialize as (bytes: Buffer) => HealthStatus,
      { service },
      (error, answer) => resolve(error ?? (answer as HealthStatus)),
    );
  });
}

describe('health', () => {
  test.each(['', 'openfga.v1.OpenFGAService'])('%j serves, until it drains', async (service) => {
    served = await serve([allowAll]);
    expect(await checkHealth(service)).toEqual({ status: 'SERVING' });
    served.server.drain();
    expect(await checkHealth(service)).toEqual({ status: 'NOT_SERVING' });
  });

  test('an unknown service is not found', async () => {
    served = await serve([allowAll]);
    expect(await checkHealth('openfga.v1.Nothing')).toMatchObject({ code: 5 });
  });

  test('a watcher hears of the drain, and does not hold up the shutdown', async () => {
    served = await serve([allowAll]);
    const method = health.watch ?? health.Watch;
    const stream: ClientReadableStream<HealthStatus> = served.client.client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      method!.requestSerialize,
      method!.responseDeserialize as (bytes: Buffer) => HealthStatus,
      { service: '' },
    );
    const heard: string[] = [];
    const serving = Promise.withResolvers<void>();
    stream.on('data', ({ status }: HealthStatus) => {
      heard.push(status);
      serving.resolve();
    });
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve as never));
    await serving.promise;
    served.server.drain();
    served.server.sockets.close();
    await served.server.close();
    expect((await ended).code).toBe(14);
    expect(heard).toEqual(['SERVING', 'NOT_SERVING']);
  });
});

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  test('lists the services', async () => {
    served = await serve([allowAll]);
    const { services } = await reflect(version, { field: 7, text: '*' });
    expect(services).toContain('openfga.v1.OpenFGAService');
    expect(services).toContain('grpc.health.v1.Health');
  });

  test.each([
    { field: 4, text: 'openfga.v1.OpenFGAService' },
    { field: 4, text: 'openfga.v1.OpenFGAService.Check' },
    { field: 4, text: 'openfga.v1.CheckRequest' },
    { field: 3, text: 'openfga/v1/openfga_service.proto' },
  ])('$text comes with all that it needs', async (question) => {
    served = await serve([allowAll]);
    const files = await reflectAll(version, question);
    const service = linked(files).getService('openfga.v1.OpenFGAService') as DescService;
    expect(service.methods.map((method) => method.name)).toContain('BatchCheck');
    const check = service.method.check!;
    // A call whose messages are known by reflection alone, as grpcurl makes it.
    const request = create(check.input, { storeId: 'x' } as never);
    const { status } = await served.client.callRaw(check, toBinary(check.input, request));
    expect(status.code).toBe(0);
  });

  test('the health service comes too, with the entries of its map named as protobuf says', async () => {
    served = await serve([allowAll]);
    const files = await reflectAll(version, { field: 4, text: 'grpc.health.v1.Health' });
    const messages = files.flatMap((file) => file.messageType);
    const list = messages.find(({ name }) => name === 'HealthListResponse');
    expect(list?.nestedType[0]?.name).toBe('StatusesEntry');
    expect(list?.field[0]?.typeName).toBe('.grpc.health.v1.HealthListResponse.StatusesEntry');
  });

  test('an unknown symbol is an error in the stream', async () => {
    served = await serve([allowAll]);
    expect((await reflect(version, { field: 4, text: 'openfga.v1.Nothing' })).errorCode).toBe(5);
  });
});

interface Reflected {
  services: string[];
  files: FileDescriptorProto[];
  errorCode: number;
}

/** One question of ServerReflectionInfo; the messages are read by hand, by their field numbers. */
function reflect(version: string, question: { field: number; text: string }): Promise<Reflected> {
  const { field, text } = question;
  const request = new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
  return new Promise((resolve, reject) => {
    const stream = served.client.client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    stream.on('data', (bytes: Buffer) => resolve(parseReflected(bytes)));
    stream.on('error', reject);
    stream.write(Buffer.from(request));
    stream.end();
  });
}

function parseReflected(bytes: Uint8Array): Reflected {
  const reflected: Reflected = { services: [], files: [], errorCode: 0 };
  for (const [field, content] of fieldsOf(bytes)) {
    for (const [inner, value] of fieldsOf(content)) {
      if (field === 4) reflected.files.push(fromBinary(FileDescriptorProtoSchema, value));
      if (field === 6) {
        for (const [, name] of fieldsOf(value))
          reflected.services.push(Buffer.from(name).toString());
      }
      if (field === 7 && inner === 1) reflected.errorCode = value[0] ?? 0;
    }
  }
  return reflected;
}

/** Number and bytes of each field; a varint below 128 as its one byte, and host (1, 2) left out. */
function* fieldsOf(bytes: Uint8Array): Generator<[number, Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield [field, reader.bytes()];
    else if (type === WireType.Varint) yield [field, Uint8Array.of(reader.uint32())];
    else reader.skip(type);
  }
}

/** As grpcurl does: imports that the answer left out are asked for by name. */
async function reflectAll(version: string, question: { field: number; text: string }) {
  const { files } = await reflect(version, question);
  for (const file of files) {
    for (const text of file.dependency) {
      if (files.some(({ name }) => name === text)) continue;
      files.push(...(await reflect(version, { field: 3, text })).files);
    }
  }
  return files;
}

/** ENSURES: throws where an import is missing. */
function linked(files: readonly FileDescriptorProto[]) {
  return createFileRegistry(create(FileDescriptorSetSchema, { file: ordered(files) }));
}

/** A file after those that it imports, as a FileDescriptorSet has them. */
function ordered(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const result: FileDescriptorProto[] = [];
  const visit = (name: string) => {
    const file = files.find((each) => each.name === name);
    if (file === undefined || result.includes(file)) return;
    file.dependency.forEach(visit);
    result.push(file);
  };
  for (const { name } of files) visit(name);
  return result;
}
