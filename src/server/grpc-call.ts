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

/** Where a call comes from: its headers, and what is known beside them. */
export interface GrpcSource {
  /** '' for none. Where it came more than once, all of them, so that none passes for the only one. */
  header(name: string): string;
  /** In milliseconds since 1970; Infinity for none. */
  readonly deadline: number;
  /** Of the connection, without a port. Asked for only where a call is refused. */
  address(): string;
}

/** What the library's calls have in common. */
export interface GrpcTransport {
  getDeadline(): Deadline;
  /** ADDRESS:PORT, without brackets for IPv6. */
  getPeer(): string;
}

export class LibrarySource implements GrpcSource {
  readonly deadline: number;
  readonly #metadata: Metadata;
  readonly #transport: GrpcTransport;

  constructor(metadata: Metadata, transport: GrpcTransport) {
    this.deadline = Number(transport.getDeadline());
    this.#metadata = metadata;
    this.#transport = transport;
  }

  header(name: string): string {
    return this.#metadata.get(name).join(', ');
  }

  address(): string {
    return this.#transport.getPeer().replace(/:\d+$/, '');
  }
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

  constructor(method: string, source: GrpcSource, options: GrpcCallOptions) {
    const { clock, requestTimeoutMs } = options;
    this.method = method;
    this.#clock = clock;
    this.#isCancelled = false;
    this.#aborter = undefined;
    this.#timer = undefined;
    this.requestId = requestIdOf(source.header(requestIdHeader));
    this.consistencyToken = source.header(consistencyTokenHeader);
    this.credentials = new GrpcCredentials(source);
    this.principal = undefined;
    const clientTimeoutMs =
      source.deadline === Number.POSITIVE_INFINITY
        ? source.deadline
        : source.deadline - clock.now();
    this.deadline = clock.monotonic() + Math.min(requestTimeoutMs, clientTimeoutMs);
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

  /** Of an answer, names and values by turns: as the library sends them, with ours after its own. */
  answerHeaders(): string[] {
    const list = [':status', '200', 'content-type', contentType, ...encodings];
    for (const name in this.responseHeaders) list.push(name, this.responseHeaders[name] as string);
    return list;
  }

  answerTrailers(): Record<string, string> {
    const trailers: Record<string, string> = { 'grpc-status': '0', 'grpc-message': 'OK' };
    for (const name of trailingHeaders) {
      const value = this.responseHeaders[name];
      if (value !== undefined) trailers[name] = value;
    }
    return trailers;
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

/** What the library says of every answer. */
export const contentType = 'application/grpc+proto';
const encodings = ['grpc-accept-encoding', 'identity,deflate,gzip', 'grpc-encoding', 'identity'];

class GrpcCredentials implements Credentials {
  readonly authorization: string;
  readonly subjectToken: string;
  readonly #source: GrpcSource;

  constructor(source: GrpcSource) {
    this.authorization = source.header('authorization');
    this.subjectToken = source.header(subjectTokenHeader);
    this.#source = source;
  }

  get address(): string {
    return this.#source.address();
  }
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
