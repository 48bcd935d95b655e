/** The service's door: the handlers that the transports serve, called with the wire's JSON. */
import { fromJson, type JsonValue, type Message } from '@bufbuild/protobuf';
import { assert } from '../../src/base/assert.ts';
import { ConsistencyPreference } from '../../src/gen/openfga/v1/openfga_service_consistency_pb.ts';
import { type Call, type Method, noCredentials } from '../../src/service/call.ts';
import { createMethods } from '../../src/service/router.ts';
import type { ServiceContext } from '../../src/service/service.ts';

/** By the name of the method; `pemba.` stands before those of `pemba.v1` that the wire has too. */
export type Methods = ReadonlyMap<string, Method>;

/** ENSURES: nothing is in memory yet but what the datastore keeps. */
export function openDoor(context: ServiceContext): Methods {
  const methods = new Map<string, Method>();
  for (const method of createMethods(context)) {
    const { localName } = method.descriptor;
    methods.set(methods.has(localName) ? `pemba.${localName}` : localName, method);
  }
  return methods;
}

export interface Manner {
  /** A consistency token. */
  readonly token?: string;
  /** Whether the newest revision of the record is wanted. */
  readonly newest?: boolean;
  /** In milliseconds of the service's clock. */
  readonly deadline?: number;
  /** Waited for before a call, where it gives something to wait for. */
  readonly turn?: () => Promise<void> | undefined;
}

/** One who calls; it notes what the answers' headers say. */
export class Caller {
  readonly tokens = new Set<string>();
  /** Ids of the models by which it was answered. */
  readonly models = new Set<string>();
  private readonly methods: Methods;
  private readonly manner: Manner;

  constructor(methods: Methods, manner: Manner = {}) {
    this.methods = methods;
    this.manner = manner;
  }

  call(name: string, request: object): unknown {
    const method = this.methods.get(name);
    assert(method !== undefined, `${name} is a method`);
    const message = fromJson(method.descriptor.input, request as JsonValue);
    const turn = this.manner.turn?.();
    return turn === undefined
      ? this.handle(name, message)
      : turn.then(() => this.handle(name, message));
  }

  handle(name: string, request: Message): unknown {
    const method = this.methods.get(name);
    assert(method?.kind === 'unary', `${name} is a unary method`);
    const call = this.callOf(name);
    let response: unknown;
    try {
      response = method.handle(this.inManner(request), call);
    } catch (error) {
      this.note(call);
      throw error;
    }
    // What the headers said before the answer was there, nobody is told.
    if (response instanceof Promise) return response.finally(() => this.note(call));
    this.note(call);
    return response;
  }

  /** `pause` is waited for before each item: what happens meanwhile must not change the rest. */
  async stream(name: string, request: object, pause?: () => Promise<void>): Promise<Message[]> {
    const method = this.methods.get(name);
    assert(method?.kind === 'server_streaming', `${name} is a stream`);
    const call = this.callOf(name);
    const items: Message[] = [];
    const message = fromJson(method.descriptor.input, request as JsonValue);
    try {
      for await (const item of method.handle(this.inManner(message), call)) {
        items.push(item);
        await pause?.();
      }
    } finally {
      this.note(call);
    }
    return items;
  }

  private inManner(request: Message): Message {
    if (this.manner.newest !== true) return request;
    const consistency = ConsistencyPreference.HIGHER_CONSISTENCY;
    return { ...request, consistency } as Message;
  }

  private callOf(name: string): Call {
    return {
      method: name,
      requestId: 'oracle',
      deadline: this.manner.deadline ?? Number.POSITIVE_INFINITY,
      signal: undefined,
      consistencyToken: this.manner.token ?? '',
      credentials: noCredentials,
      principal: undefined,
      responseHeaders: {},
    };
  }

  private note({ responseHeaders }: Call): void {
    const token = responseHeaders['pemba-consistency-token'];
    if (token !== undefined) this.tokens.add(token);
    const model = responseHeaders['openfga-authorization-model-id'];
    if (model !== undefined) this.models.add(model);
    assert(responseHeaders['pemba-truncated'] === undefined, 'no list of ours is cut');
  }
}
