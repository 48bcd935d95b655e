/**
 * Unary gRPC calls, wherever they come from; and those that come by the library, answered from where
 * it lets interceptors in. Its handlers make an object stream for each call: what is below is enough.
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
import { GrpcCall, type GrpcCallOptions, LibrarySource } from './grpc-call.ts';

/** A refusal in place of a message whose bytes are none. */
export type GrpcRequest = Message | Refusal;

export interface UnaryService {
  readonly method: Extract<GuardedMethod, { kind: 'unary' }>;
  readonly name: string;
  readonly options: GrpcCallOptions;
  decode(bytes: Buffer): GrpcRequest;
  /** What a call is refused with whose bytes are no message. */
  refusalFor(call: GrpcCall, malformed: Refusal): Promise<Refusal>;
}

/** Where the answer of a call goes. */
export interface UnaryDoor {
  answer(call: GrpcCall, message: Message): void;
  refuse(call: GrpcCall, error: unknown): void;
}

/** At once where the answer is there at once: it leaves in the same turn of the loop. */
export function answerUnary(
  { method, refusalFor }: UnaryService,
  call: GrpcCall,
  request: GrpcRequest,
  door: UnaryDoor,
): 'answered' | 'pending' {
  if (request instanceof Refusal) {
    void refusalFor(call, request).then((refusal) => door.refuse(call, refusal));
    return 'pending';
  }
  try {
    const result = method.handle(request, call);
    if (result instanceof Promise) {
      result
        .then((message) => door.answer(call, message))
        .catch((error: unknown) => door.refuse(call, error));
      return 'pending';
    }
    door.answer(call, result);
  } catch (error) {
    door.refuse(call, error);
  }
  return 'answered';
}

/** As the library says of calls that are none of a unary method's. */
export function oneMessage({ name }: UnaryService, count: number): string {
  return `${name} takes one message, and got ${count === 0 ? 'no' : 'more than one'}`;
}

/** By path. The other calls are left to their handlers. */
export function unaryInterceptor(services: ReadonlyMap<string, UnaryService>): ServerInterceptor {
  return ({ path }, call) => {
    const service = services.get(path);
    return service === undefined ? new ServerInterceptingCall(call) : new UnaryCall(service, call);
  };
}

/** Is its own listener. INVARIANT: the handler of the library is never told of the call. */
class UnaryCall extends ServerInterceptingCall implements UnaryDoor {
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
      this.#refuseShape(2);
    }
  }

  onReceiveHalfClose(): void {
    const request = this.#request;
    if (request === undefined) {
      this.#refuseShape(0);
      return;
    }
    assert(this.#metadata !== undefined, 'the metadata come before the messages');
    const source = new LibrarySource(this.#metadata, this.#transport);
    const call = new GrpcCall(this.#service.name, source, this.#service.options);
    this.#call = call;
    answerUnary(this.#service, call, request, this);
  }

  onCancel(): void {
    this.#call?.cancel();
  }

  answer(call: GrpcCall, message: Message): void {
    call.finish();
    const transport = this.#transport;
    transport.sendMetadata(call.headers());
    transport.sendMessage(message, () => {
      transport.sendStatus({ code: status.OK, details: 'OK', metadata: call.trailers() });
    });
  }

  refuse(call: GrpcCall, error: unknown): void {
    call.finish();
    this.#transport.sendStatus(call.refuse(toRefusal(error, call.requestId)));
  }

  #refuseShape(count: number): void {
    const details = oneMessage(this.#service, count);
    this.#transport.sendStatus({ code: status.UNIMPLEMENTED, details, metadata: null });
  }
}
