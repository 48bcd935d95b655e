/**
 * Server reflection (v1 and v1alpha), so that grpcurl and its like need no proto files. The
 * descriptors are those that the generated code carries.
 */
import { type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type {
  MethodDefinition,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as health } from 'grpc-health-check';
import { assert } from '../base/assert.ts';
import type { Method } from '../service/call.ts';
import type { LongStreams } from './grpc-long-streams.ts';

const paths = ['v1', 'v1alpha'].map(
  (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
);

/** What the library makes of a method. */
interface Asked {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handle: (stream: ServerDuplexStream<unknown, unknown>) => void;
}

/** Few ever ask, and the library takes longer over the files than the rest of a start: it waits. */
export function addReflection(methods: readonly Method[], server: LongStreams): void {
  let made: ReadonlyMap<string, Asked> | undefined;
  const asked = (path: string): Asked => {
    made ??= reflectionOf(methods);
    const found = made.get(path);
    assert(found !== undefined, 'the library serves the versions that we know');
    return found;
  };
  for (const path of paths) {
    const definition: MethodDefinition<unknown, unknown> = {
      ...{ path, requestStream: true, responseStream: true },
      requestSerialize: (message) => asked(path).definition.requestSerialize(message),
      requestDeserialize: (bytes) => asked(path).definition.requestDeserialize(bytes),
      responseSerialize: (message) => asked(path).definition.responseSerialize(message),
      responseDeserialize: (bytes) => asked(path).definition.responseDeserialize(bytes),
    };
    const handle: Asked['handle'] = (stream) => asked(path).handle(stream);
    server.addService({ ServerReflectionInfo: definition }, { ServerReflectionInfo: handle });
  }
}

/** By its path, each method that the library adds. */
function reflectionOf(methods: readonly Method[]): ReadonlyMap<string, Asked> {
  const files = new Set<DescFile>();
  for (const { descriptor } of methods) collect(descriptor.parent.file, files);
  const protos = [...[...files].map(({ proto }) => proto), ...healthFiles()];
  // The library takes what proto-loader makes of files; of that it reads this one field.
  const reflection = new ReflectionService({
    served: {
      format: 'Protocol Buffer 3 DescriptorProto',
      type: {},
      fileDescriptorProtos: protos.map((proto) =>
        Buffer.from(toBinary(FileDescriptorProtoSchema, proto)),
      ),
    },
  });
  const found = new Map<string, Asked>();
  reflection.addToServer({
    addService(service: ServiceDefinition, implementation: UntypedServiceImplementation) {
      for (const [name, definition] of Object.entries(service)) {
        const handle = implementation[name] as Asked['handle'];
        found.set(definition.path, { definition, handle });
      }
    },
  });
  return found;
}

/** The file and all that it imports. */
function collect(file: DescFile, files: Set<DescFile>): void {
  if (files.has(file)) return;
  files.add(file);
  for (const imported of file.dependencies) collect(imported, files);
}

function healthFiles(): FileDescriptorProto[] {
  const [method] = Object.values(health);
  return (method?.requestType.fileDescriptorProtos ?? []).map((bytes) => {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    nameMapEntries(file);
    return file;
  });
}

/**
 * proto-loader calls the entries of a map `statuses` `Statuses`; protobuf says `StatusesEntry`, and
 * the clients in Go refuse the whole file for it.
 */
function nameMapEntries(file: FileDescriptorProto): void {
  for (const message of file.messageType) {
    for (const entry of message.nestedType.filter(({ options }) => options?.mapEntry)) {
      const field = message.field.find(({ typeName }) => typeName === entry.name);
      if (field === undefined) continue;
      entry.name = `${entry.name}Entry`;
      field.typeName = `.${file.package}.${message.name}.${entry.name}`;
    }
  }
}
