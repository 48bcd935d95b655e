/** A call as gRPC brings it: metadata and deadline in, response metadata and trailers out. */
import { type Deadline, Metadata } from '@grpc/grpc-js';
import type { Principal } from '../authn/authenticator.ts';
import type { Clock } from '../base/clock.ts';
import type { Refusal } from '../base/errors.ts';
import type { Call, Credentials } from '../service/call.ts';
import { grpcStatus } from '../service/status.ts';
import {
  consistencyTokenHeader,
  requestIdHeader,
  requestIdOf,
  subjectTokenHeader,
  trailingHeaders,
} from './headers.ts';

/** What the library's calls have in common. */
export interface GrpcTransport {
  getDeadline(): Deadline;
  /** ADDRESS:PORT, without brackets for IPv6. */
  getPeer(): string;
}

export interface GrpcCallOptions {
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
}

/** INVARIANT: a class, so that all calls have one shape and a signal is made only when asked for. */
export class GrpcCall implements Call {
  readonly method: string;
  readonly requestId: string;
  readonly deadline: number;
  readonly consistencyToken: string;
  readonly credentials: Credentials;
  principal: Principal | undefined;
  readonly responseHeaders: Record<string, string>;
  readonly #clock: Clock;
  #isCancelled: boolean;
  #aborter: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    method: string,
    metadata: Metadata,
    transport: GrpcTransport,
    options: GrpcCallOptions,
  ) {
    this.method = method;
    this.#clock = options.clock;
    this.#isCancelled = false;
    this.#aborter = undefined;
    this.#timer = undefined;
    this.requestId = requestIdOf(headerOf(metadata, requestIdHeader));
    this.consistencyToken = headerOf(metadata, consistencyTokenHeader);
    this.credentials = new GrpcCredentials(metadata, transport);
    this.principal = undefined;
    this.deadline =
      options.clock.monotonic() +
      Math.min(options.requestTimeoutMs, clientTimeoutMs(transport, options.clock));
    this.responseHeaders = { [requestIdHeader]: this.requestId };
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      if (this.#isCancelled) aborter.abort();
      const leftMs = Math.max(0, this.deadline - this.#clock.monotonic());
      this.#timer = setTimeout(() => aborter.abort(), leftMs);
    }
    return this.#aborter.signal;
  }

  /** The caller is gone. */
  cancel(): void {
    this.#isCancelled = true;
    this.#aborter?.abort();
  }

  /** The answer is out: whoever still works on the call may stop. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#aborter?.abort();
  }

  headers(): Metadata {
    return new ReadyMetadata(this.responseHeaders);
  }

  trailers(): Metadata | null {
    let trailers: Record<string, string> | undefined;
    for (const name of trailingHeaders) {
      const value = this.responseHeaders[name];
      if (value === undefined) continue;
      trailers ??= {};
      trailers[name] = value;
    }
    return trailers === undefined ? null : new ReadyMetadata(trailers);
  }

  /** The raw number of the wire (2000, …) as the status, and the headers beside it. */
  refuse(refusal: Refusal): { code: number; details: string; metadata: Metadata } {
    return {
      code: grpcStatus(refusal),
      // A lone surrogate, from a caller's text in the message, has no form in a header.
      details: refusal.message.toWellFormed(),
      metadata: this.headers(),
    };
  }
}

class GrpcCredentials implements Credentials {
  readonly authorization: string;
  readonly subjectToken: string;
  readonly #transport: GrpcTransport;

  constructor(metadata: Metadata, transport: GrpcTransport) {
    this.authorization = allOf(metadata, 'authorization');
    this.subjectToken = allOf(metadata, subjectTokenHeader);
    this.#transport = transport;
  }

  /** Asked for only where a call is refused. */
  get address(): string {
    return this.#transport.getPeer().replace(/:\d+$/, '');
  }
}

/** Joined as HTTP does, so that none of them passes for the only one. */
function allOf(metadata: Metadata, name: string): string {
  const values = metadata.get(name);
  return values.length === 1 ? String(values[0]) : values.join(', ');
}

/**
 * Headers as HTTP/2 takes them. All that is ever done with them is to send them, so they are spared
 * the copies and the second look at names and values that are our own.
 */
class ReadyMetadata extends Metadata {
  readonly #headers: Record<string, string>;

  constructor(headers: Record<string, string>) {
    super();
    this.#headers = headers;
  }

  /** The library copies them into its own. */
  override toHttp2Headers(): Record<string, string> {
    return this.#headers;
  }

  override clone(): Metadata {
    return this;
  }
}

function headerOf(metadata: Metadata, name: string): string {
  const value = metadata.get(name)[0];
  return typeof value === 'string' ? value : '';
}

function clientTimeoutMs(transport: GrpcTransport, clock: Clock): number {
  const deadline = transport.getDeadline();
  if (deadline === Number.POSITIVE_INFINITY) return deadline;
  return Number(deadline) - clock.now();
}
