// A gRPC client of the tests: @grpc/grpc-js with protobuf-es messages, and raw bytes where a test
// needs bytes that no encoder would make.
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';

export interface Answer<Message> {
  readonly message: Message | undefined;
  readonly headers: Metadata;
  /** Code, details and trailers. */
  readonly status: StatusObject;
}

export interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
  /** The client cancels the call once this resolves. */
  readonly cancelled?: Promise<void>;
}

export class GrpcClient {
  readonly client: Client;

  constructor(address: string) {
    this.client = new Client(address, credentials.createInsecure());
  }

  close(): void {
    this.client.close();
  }

  call<Method extends DescMethod>(
    method: Method,
    request: MessageInitShape<Method['input']>,
    options?: CallOptions,
  ): Promise<Answer<MessageShape<Method['output']>>> {
    const message = create(method.input, request as MessageInitShape<DescMethod['input']>);
    return this.callRaw(method, toBinary(method.input, message), options) as Promise<
      Answer<MessageShape<Method['output']>>
    >;
  }

  /** Sends these bytes as the request message, whatever they are. */
  callRaw(
    method: DescMethod,
    bytes: Uint8Array,
    options: CallOptions = {},
  ): Promise<Answer<unknown>> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name, value);
    const deadline =
      options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
    return new Promise((resolve) => {
      let headers = new Metadata();
      let message: unknown;
      const call = this.client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (value: Buffer) => value,
        (value: Buffer) => fromBinary(method.output, value),
        Buffer.from(bytes),
        metadata,
        deadline,
        (_error: ServiceError | null, value: unknown) => {
          message = value;
        },
      );
      call.on('metadata', (received: Metadata) => {
        headers = received;
      });
      call.on('status', (status) => resolve({ message, headers, status }));
      options.cancelled?.then(() => call.cancel());
    });
  }

  stream(
    method: DescMethod,
    request: MessageInitShape<DescMethod['input']>,
    options: CallOptions = {},
  ): Promise<{ messages: unknown[]; headers: Metadata; status: StatusObject }> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name, value);
    return new Promise((resolve) => {
      const messages: unknown[] = [];
      let headers = new Metadata();
      const call = this.client.makeServerStreamRequest(
        `/${method.parent.typeName}/${method.name}`,
        (value: Buffer) => value,
        (value: Buffer) => fromBinary(method.output, value),
        Buffer.from(toBinary(method.input, create(method.input, request))),
        metadata,
      );
      call.on('metadata', (received: Metadata) => {
        headers = received;
      });
      call.on('data', (message: unknown) => messages.push(message));
      call.on('error', () => {});
      call.on('status', (status: StatusObject) => resolve({ messages, headers, status }));
    });
  }
}
