/**
 * Answers the unary gRPC calls from where the library lets interceptors in. Its handlers make an
 * object stream for each call, which costs a seventh of an empty one; what is below them is enough.
 */
import type { Message } from '@bufbuild/protobuf';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import { toRefusal } from '../service/status.ts';
import { GrpcCall, type GrpcCallOptions } from './grpc-call.ts';

/** A refusal in place of a message whose bytes are none. */
export type GrpcRequest = Message | Refusal;

export interface UnaryService {
  readonly method: Extract<GuardedMethod, { kind: 'unary' }>;
  readonly name: string;
  readonly options: GrpcCallOptions;
  /** What a call is refused with whose bytes are no message. */
  refusalFor(call: GrpcCall, malformed: Refusal): Promise<Refusal>;
}

/** By path. The other calls are left to their handlers. */
export function unaryInterceptor(services: ReadonlyMap<string, UnaryService>): ServerInterceptor {
  return ({ path }, call) => {
    const service = services.get(path);
    return service === undefined ? new ServerInterceptingCall(call) : new UnaryCall(service, call);
  };
}

/** Is its own listener. INVARIANT: the handler of the library is never told of the call. */
class UnaryCall extends ServerInterceptingCall {
  readonly #service: UnaryService;
  readonly #transport: ServerInterceptingCallInterface;
  #metadata: Metadata | undefined;
  #request: GrpcRequest | undefined;
  #call: GrpcCall | undefined;

  constructor(service: UnaryService, transport: ServerInterceptingCallInterface) {
    super(transport);
    this.#service = service;
    this.#transport = transport;
    this.#metadata = undefined;
    this.#request = undefined;
    this.#call = undefined;
  }

  override start(): void {
    this.#transport.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#metadata = metadata;
    this.#transport.startRead();
  }

  onReceiveMessage(request: GrpcRequest): void {
    if (this.#request === undefined) {
      this.#request = request;
      this.#transport.startRead();
    } else {
      this.#refuseShape('more than one');
    }
  }

  onReceiveHalfClose(): void {
    const request = this.#request;
    if (request === undefined) {
      this.#refuseShape('no');
      return;
    }
    assert(this.#metadata !== undefined, 'the metadata come before the messages');
    const { method, name, options } = this.#service;
    const call = new GrpcCall(name, this.#metadata, this.#transport, options);
    this.#call = call;
    if (request instanceof Refusal) {
      void this.#service.refusalFor(call, request).then((refusal) => this.#refuse(call, refusal));
      return;
    }
    try {
      const result = method.handle(request, call);
      // An answer that is ready leaves in the same turn of the loop.
      if (!(result instanceof Promise)) this.#answer(call, result);
      else {
        result.then(
          (message) => this.#answer(call, message),
          (error) => this.#refuse(call, error),
        );
      }
    } catch (error) {
      this.#refuse(call, error);
    }
  }

  onCancel(): void {
    this.#call?.cancel();
  }

  #answer(call: GrpcCall, message: Message): void {
    call.finish();
    const transport = this.#transport;
    transport.sendMetadata(call.headers());
    transport.sendMessage(message, () => {
      transport.sendStatus({ code: status.OK, details: 'OK', metadata: call.trailers() });
    });
  }

  #refuse(call: GrpcCall, error: unknown): void {
    call.finish();
    this.#transport.sendStatus(call.refuse(toRefusal(error, call.requestId)));
  }

  /** As the library does of calls that are none of a unary method's. */
  #refuseShape(count: string): void {
    const details = `${this.#service.name} takes one message, and got ${count}`;
    this.#transport.sendStatus({ code: status.UNIMPLEMENTED, details, metadata: null });
  }
}
