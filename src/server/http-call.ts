/** A call as HTTP brings it: headers and deadline in, headers out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../authn/authenticator.ts';
import type { Clock } from '../base/clock.ts';
import type { Call, Credentials } from '../service/call.ts';
import {
  consistencyTokenHeader,
  requestIdHeader,
  requestIdOf,
  subjectTokenHeader,
} from './headers.ts';

/** INVARIANT: a class, so that all calls have one shape and a signal is made only when asked for. */
export class HttpCall implements Call {
  readonly method: string;
  readonly requestId: string;
  readonly deadline: number;
  readonly consistencyToken: string;
  readonly credentials: Credentials;
  principal: Principal | undefined;
  readonly responseHeaders: Record<string, string>;
  readonly startedMs: number;
  readonly #clock: Clock;
  readonly #response: ServerResponse;
  #aborter: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    method: string,
    request: IncomingMessage,
    response: ServerResponse,
    options: { readonly clock: Clock; readonly requestTimeoutMs: number },
  ) {
    const { headers } = request;
    this.method = method;
    this.#clock = options.clock;
    this.#response = response;
    this.#aborter = undefined;
    this.#timer = undefined;
    this.startedMs = options.clock.monotonic();
    this.deadline =
      this.startedMs +
      Math.min(options.requestTimeoutMs, clientTimeoutMs(headers['connect-timeout-ms']));
    this.requestId = requestIdOf(headers[requestIdHeader] as string | undefined);
    this.consistencyToken = (headers[consistencyTokenHeader] as string | undefined) ?? '';
    this.credentials = new HttpCredentials(request);
    this.principal = undefined;
    this.responseHeaders = { [requestIdHeader]: this.requestId };
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      const abort = () => aborter.abort();
      // The response closes when it is sent, too: then nobody listens to the signal any more.
      this.#response.once('close', abort);
      if (this.#response.destroyed) abort();
      this.#timer = setTimeout(abort, Math.max(0, this.deadline - this.#clock.monotonic()));
    }
    return this.#aborter.signal;
  }

  /** Lets go of the timer. */
  finish(): void {
    clearTimeout(this.#timer);
  }

  /** The response's headers, names and values by turns, as `writeHead` takes them fastest. */
  headers(): string[] {
    const duration = Math.round(this.#clock.monotonic() - this.startedMs);
    const headers = ['fga-query-duration-ms', String(duration)];
    for (const name in this.responseHeaders) {
      headers.push(name, this.responseHeaders[name] as string);
    }
    return headers;
  }
}

class HttpCredentials implements Credentials {
  readonly authorization: string;
  readonly subjectToken: string;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    const { headers } = request;
    this.authorization = headers.authorization ?? '';
    this.subjectToken = (headers[subjectTokenHeader] as string | undefined) ?? '';
    this.#request = request;
  }

  /** Asked for only where a call is refused. */
  get address(): string {
    return this.#request.socket.remoteAddress ?? '';
  }
}

function clientTimeoutMs(header: string | string[] | undefined): number {
  // Up to ten digits: what Connect allows.
  return typeof header === 'string' && /^\d{1,10}$/.test(header)
    ? Number(header)
    : Number.POSITIVE_INFINITY;
}
