/**
 * The streams that clients keep open for as long as the server lives (watching its health, asking
 * for descriptors). An orderly shutdown ends them; it would wait for them for ever.
 */
import {
  type Server,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

type LongStream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type StreamHandler = (stream: LongStream) => void;

/** Stands in for the server where a library adds its service, and remembers the open streams. */
export class LongStreams {
  readonly #server: Server;
  readonly #open = new Set<LongStream>();

  constructor(server: Server) {
    this.#server = server;
  }

  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const handlers: UntypedServiceImplementation = {};
    for (const [name, handler] of Object.entries(implementation)) {
      const definition = Object.entries(service).find(([key]) => sameName(key, name))?.[1];
      handlers[name] = definition?.responseStream
        ? (this.#remembered(handler as StreamHandler) as UntypedHandleCall)
        : handler;
    }
    this.#server.addService(service, handlers);
  }

  end(): void {
    for (const stream of this.#open) {
      stream.emit('error', { code: status.UNAVAILABLE, details: 'the server is shutting down' });
    }
  }

  #remembered(handler: StreamHandler): StreamHandler {
    return (stream) => {
      this.#open.add(stream);
      const forget = () => this.#open.delete(stream);
      stream.once('cancelled', forget);
      stream.once('close', forget);
      handler(stream);
    };
  }
}

/** The library takes `check` and `Check` for the same method. */
function sameName(key: string, name: string): boolean {
  return key.toLowerCase() === name.toLowerCase();
}
