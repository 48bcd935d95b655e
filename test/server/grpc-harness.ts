// A gRPC server over handlers of the test's own: what the transport does, apart from the service.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { DescMethod, Message, MessageShape } from '@bufbuild/protobuf';
import { systemClock } from '../../src/base/clock.ts';
import type { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { withDeadlines } from '../../src/server/deadline.ts';
import { createGrpcServer, type GrpcServer } from '../../src/server/grpc.ts';
import { observed } from '../../src/server/observe.ts';
import type { Call, Method } from '../../src/service/call.ts';
import { openToAll } from '../service/open-to-all.ts';
import { GrpcClient } from './grpc-client.ts';

export const wire = OpenFGAService.method;

export function unary<M extends DescMethod>(
  descriptor: M,
  handle: (
    request: MessageShape<M['input']>,
    call: Call,
  ) => MessageShape<M['output']> | Promise<MessageShape<M['output']>>,
): Method {
  return {
    descriptor,
    kind: 'unary',
    handle: handle as unknown as Extract<Method, { kind: 'unary' }>['handle'],
  };
}

export function serverStream<M extends DescMethod>(
  descriptor: M,
  handle: (request: MessageShape<M['input']>, call: Call) => AsyncIterable<Message>,
): Method {
  return {
    descriptor,
    kind: 'server_streaming',
    handle: handle as Extract<Method, { kind: 'server_streaming' }>['handle'],
  };
}

export interface Served {
  readonly server: GrpcServer;
  readonly address: string;
  readonly client: GrpcClient;
  /** What the observer heard, in order. */
  readonly answered: { readonly method: string; readonly refusal: Refusal | undefined }[];
  close(): Promise<void>;
}

export async function serve(
  methods: readonly Method[],
  options: { requestTimeoutMs?: number; requestBytesMax?: number } = {},
): Promise<Served> {
  const answered: Served['answered'] = [];
  const observer = {
    answered: (
      call: Pick<Call, 'method'>,
      _start: number,
      _request: unknown,
      refusal?: Refusal,
    ) => {
      answered.push({ method: call.method, refusal });
    },
  };
  const server = createGrpcServer({
    methods: observed(withDeadlines(openToAll(methods), systemClock), observer, systemClock),
    clock: systemClock,
    observer,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    requestBytesMax: options.requestBytesMax ?? limits.requestBytesMax,
  });
  server.sockets.listen(0, '127.0.0.1');
  await once(server.sockets, 'listening');
  const address = `127.0.0.1:${(server.sockets.address() as AddressInfo).port}`;
  const client = new GrpcClient(address);
  return {
    server,
    address,
    client,
    answered,
    close: async () => {
      client.close();
      server.sockets.close();
      await server.close();
      server.destroy();
    },
  };
}
