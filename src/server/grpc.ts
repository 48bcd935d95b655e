/**
 * The gRPC server over the methods: @grpc/grpc-js for the protocol, protobuf-es for the messages,
 * and the sockets from a `net` server, so that listening and its errors are ours. Usual unary calls
 * are answered before the library has made anything of them (`grpc-direct.ts`).
 */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { type DescMethod, fromBinary, type Message } from '@bufbuild/protobuf';
import {
  logVerbosity,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import type { Method } from '../service/call.ts';
import { decodePlain } from '../service/plain-checks.ts';
import { toRefusal } from '../service/status.ts';
import { drained } from './drained.ts';
import { encodeBinary } from './encoding.ts';
import { GrpcCall, LibrarySource } from './grpc-call.ts';
import { directCalls } from './grpc-direct.ts';
import { createHealth } from './grpc-health.ts';
import { LongStreams } from './grpc-long-streams.ts';
import { addReflection } from './grpc-reflection.ts';
import { StreamTap } from './grpc-tap.ts';
import { type GrpcRequest, type UnaryService, unaryInterceptor } from './grpc-unary.ts';
import type { Observer } from './observe.ts';

export interface GrpcOptions {
  readonly methods: readonly GuardedMethod[];
  readonly clock: Clock;
  readonly observer: Observer;
  readonly requestTimeoutMs: number;
  readonly requestBytesMax: number;
}

export interface GrpcServer {
  /** To listen on: it hands its connections to gRPC. */
  readonly sockets: NetServer;
  /** From here on, health says NOT_SERVING. */
  drain(): void;
  /** Finishes open calls, then closes the connections. REQUIRES: `sockets` accepts no more. */
  close(): Promise<void>;
  /** Cuts what is still open. */
  destroy(): void;
}

export function createGrpcServer(options: GrpcOptions): GrpcServer {
  // It would print the headers that it drops, a caller's key among them.
  setLogVerbosity(logVerbosity.NONE);
  const unary = unaryServices(options);
  const server = new Server({
    'grpc.max_receive_message_length': options.requestBytesMax,
    'grpc.max_concurrent_streams': limits.concurrentStreamsMax,
    'grpc.keepalive_time_ms': limits.idlePingMs,
    // Bookkeeping for a debugging service that we do not serve.
    'grpc.enable_channelz': 0,
    interceptors: [unaryInterceptor(unary)],
  });
  const services = new Map<string, GuardedMethod[]>();
  for (const method of options.methods) {
    const name = method.descriptor.parent.typeName;
    services.set(name, [...(services.get(name) ?? []), method]);
  }
  for (const methods of services.values()) addService(server, methods, options);
  const longStreams = new LongStreams(server);
  const health = createHealth([...services.keys()], longStreams);
  addReflection(options.methods, longStreams);

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const tap = new StreamTap(directCalls(unary, options.requestBytesMax));
  const open = new Set<Socket>();
  const sockets = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.setNoDelay(true);
    tap.watch(socket);
    injector.injectConnection(socket);
  });
  return {
    sockets,
    drain: () => health.drain(),
    close: () => {
      tap.end();
      longStreams.end();
      return new Promise((resolve) => server.tryShutdown(() => resolve()));
    },
    destroy: () => {
      tap.end();
      server.forceShutdown();
      for (const socket of open) socket.destroy();
    },
  };
}

function addService(server: Server, methods: readonly GuardedMethod[], options: GrpcOptions): void {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const handlers: Record<string, UntypedHandleCall> = {};
  for (const method of methods) {
    const { name } = method.descriptor;
    definition[name] = definitionOf(method.descriptor);
    // Unary calls are intercepted before they reach a handler.
    if (method.kind === 'unary') continue;
    // The library's own types tie a handler to its message; here the descriptor does.
    handlers[name] = streamHandler(method, options) as UntypedHandleCall;
  }
  server.addService(definition as ServiceDefinition, handlers as UntypedServiceImplementation);
}

function unaryServices(options: GrpcOptions): ReadonlyMap<string, UnaryService> {
  const services = new Map<string, UnaryService>();
  for (const method of options.methods) {
    if (method.kind !== 'unary') continue;
    services.set(pathOf(method.descriptor), {
      method,
      name: nameOf(method),
      options,
      decode: (bytes) => decode(method.descriptor, bytes),
      refusalFor: (call, malformed) => refusalFor(method, call, malformed, options),
    });
  }
  return services;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function definitionOf(method: DescMethod): MethodDefinition<unknown, unknown> {
  const bytesOf = (schema: DescMethod['input']) => (message: unknown) =>
    encodeBinary(schema, message as Message);
  return {
    path: pathOf(method),
    requestStream: false,
    responseStream: method.methodKind === 'server_streaming',
    requestSerialize: bytesOf(method.input),
    responseSerialize: bytesOf(method.output),
    requestDeserialize: (bytes) => decode(method, bytes),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

/** A refusal in place of the message: were it thrown here, the library would answer Internal. */
function decode(method: DescMethod, bytes: Buffer): Message | Refusal {
  try {
    return decodePlain(method.input, bytes) ?? fromBinary(method.input, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new Refusal(
      'validation_error',
      `the bytes are no ${method.input.typeName}: ${reason}; is it encoded by the same proto?`,
      { cause, malformedRequest: true },
    );
  }
}

function streamHandler(
  method: Extract<GuardedMethod, { kind: 'server_streaming' }>,
  options: GrpcOptions,
) {
  const name = nameOf(method);
  return async (transport: ServerWritableStream<GrpcRequest, Message>) => {
    const source = new LibrarySource(transport.metadata, transport);
    const call = new GrpcCall(name, source, options);
    transport.once('cancelled', () => call.cancel());
    try {
      if (transport.request instanceof Refusal) {
        throw await refusalFor(method, call, transport.request, options);
      }
      const { signal } = call;
      let headersSent = false;
      for await (const message of method.handle(transport.request, call)) {
        if (!headersSent) transport.sendMetadata(call.headers());
        headersSent = true;
        if (!transport.write(message)) await drained(transport, signal);
        if (signal.aborted) throw new Refusal('deadline_exceeded', 'the stream was cut short');
      }
      if (!headersSent) transport.sendMetadata(call.headers());
      transport.end(call.trailers() ?? undefined);
    } catch (error) {
      transport.emit('error', call.refuse(toRefusal(error, call.requestId)));
    } finally {
      call.finish();
    }
  };
}

/** A stranger learns who it must be, not what is wrong with its bytes. */
async function refusalFor(
  method: GuardedMethod,
  call: GrpcCall,
  malformed: Refusal,
  { observer, clock }: GrpcOptions,
): Promise<Refusal> {
  let refusal = malformed;
  try {
    await method.admit(call);
  } catch (error) {
    refusal = toRefusal(error, call.requestId);
  }
  // Bytes that are no message never reach the observed handler.
  observer.answered(call, clock.monotonic(), undefined, refusal);
  return refusal;
}

function nameOf({ descriptor }: Method): string {
  return `${descriptor.parent.typeName}/${descriptor.name}`;
}
