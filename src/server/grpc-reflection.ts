/**
 * Server reflection (v1 and v1alpha), so that grpcurl and its like need no proto files. The
 * descriptors are those that the generated code carries.
 */
import { type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ReflectionService } from '@grpc/reflection';
import { service as health } from 'grpc-health-check';
import type { Method } from '../service/call.ts';
import type { LongStreams } from './grpc-long-streams.ts';

export function addReflection(methods: readonly Method[], server: LongStreams): void {
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
  reflection.addToServer(server);
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
