/**
 * Answers unary gRPC calls on the streams of node:http2. What the library makes of a call (its
 * metadata, its queue of messages, a call within a call for each interceptor) costs more than the
 * answer to a check. A call that is out of the ordinary is left to it, and both answer alike.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Message } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { toRefusal } from '../service/status.ts';
import { encodeFramed } from './encoding.ts';
import { contentType, GrpcCall, type GrpcSource } from './grpc-call.ts';
import { MessageFrames } from './grpc-frames.ts';
import type { TakeStream } from './grpc-tap.ts';
import { answerUnary, oneMessage, type UnaryDoor, type UnaryService } from './grpc-unary.ts';
import { consistencyTokenHeader, requestIdHeader, subjectTokenHeader } from './headers.ts';

/** REQUIRES: the library has the same services, and the same `bytesMax`. */
export function directCalls(
  services: ReadonlyMap<string, UnaryService>,
  bytesMax: number,
): TakeStream {
  return (stream, headers) => {
    const service = services.get(headers[':path'] ?? '');
    if (service === undefined || !isOrdinary(headers)) return false;
    const timeoutMs = timeoutMsOf(headers['grpc-timeout']);
    if (timeoutMs === undefined) return false;
    new DirectCall(service, { stream, headers, timeoutMs, bytesMax });
    return true;
  };
}

/** Headers that the call reads: of what the library would not let through, it is to decide. */
const readHeaders = ['authorization', consistencyTokenHeader, subjectTokenHeader, requestIdHeader];

function isOrdinary(headers: IncomingHttpHeaders): boolean {
  const { 'content-type': type = '', 'grpc-encoding': encoding = 'identity' } = headers;
  if (!type.startsWith('application/grpc') || encoding !== 'identity') return false;
  for (const name of readHeaders) {
    const value = headers[name];
    if (value !== undefined && !(typeof value === 'string' && visible.test(value))) return false;
  }
  return true;
}

const visible = /^[ -~]*$/;

/** Infinity for no timeout, undefined for one that is odd. */
function timeoutMsOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit = ''] = timeoutPattern.exec(String(header)) ?? [];
  const ms = Math.trunc(Number(digits) * (unitMs[unit] ?? Number.NaN));
  return ms <= timerMsMax ? ms : undefined;
}

const timeoutPattern = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
/** What a timer of Node takes. */
const timerMsMax = 2 ** 31 - 1;

interface Begun {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Infinity for none. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

const withTrailers = { waitForTrailers: true };
const withoutBody = { endStream: true };

/** One call, from its headers to its trailers. */
class DirectCall implements UnaryDoor, GrpcSource {
  readonly deadline: number;
  readonly #service: UnaryService;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #frames: MessageFrames;
  #timer: NodeJS.Timeout | undefined;
  #call: GrpcCall | undefined;
  /** Also where nobody is there any more to get the answer. */
  #isAnswered: boolean;

  constructor(service: UnaryService, { stream, headers, timeoutMs, bytesMax }: Begun) {
    this.#service = service;
    this.#stream = stream;
    this.#headers = headers;
    this.#frames = new MessageFrames(bytesMax);
    this.#timer = undefined;
    this.#call = undefined;
    this.#isAnswered = false;
    this.deadline = Number.POSITIVE_INFINITY;
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      this.deadline = service.options.clock.now() + timeoutMs;
      this.#timer = setTimeout(() => this.#late(), timeoutMs);
      // Who leaves before the end of the question leaves no timer behind.
      stream.on('close', () => clearTimeout(this.#timer));
    }
    // What becomes of a stream shows when it closes.
    stream.on('error', ignore);
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => this.#receiveEnd());
  }

  header(name: string): string {
    const value = this.#headers[name];
    return typeof value === 'string' ? value : '';
  }

  address(): string {
    return this.#stream.session?.socket.remoteAddress ?? 'unknown';
  }

  answer(call: GrpcCall, message: Message): void {
    call.finish();
    let framed: Buffer;
    try {
      framed = encodeFramed(this.#service.method.descriptor.output, message);
    } catch {
      this.#end(status.INTERNAL, 'Error serializing response');
      return;
    }
    if (!this.#mayAnswer()) return;
    const stream = this.#stream;
    stream.respond(call.answerHeaders(), withTrailers);
    stream.on('wantTrailers', () => stream.sendTrailers(call.answerTrailers()));
    stream.end(framed);
  }

  refuse(call: GrpcCall, error: unknown): void {
    call.finish();
    const { code, details } = call.refuse(toRefusal(error, call.requestId));
    this.#end(code, details, call.responseHeaders);
  }

  #receive(chunk: Buffer): void {
    if (this.#isAnswered) return;
    const fault = this.#frames.take(chunk);
    if (fault !== undefined) this.#end(status.RESOURCE_EXHAUSTED, fault);
    else if (this.#frames.count > 1) this.#end(status.UNIMPLEMENTED, oneMessage(this.#service, 2));
  }

  #receiveEnd(): void {
    if (this.#isAnswered) return;
    const { first } = this.#frames;
    if (first === undefined) {
      this.#end(status.UNIMPLEMENTED, oneMessage(this.#service, 0));
      return;
    }
    const call = new GrpcCall(this.#service.name, this, this.#service.options);
    const request = this.#service.decode(first);
    if (answerUnary(this.#service, call, request, this) === 'answered') return;
    this.#call = call;
    this.#stream.on('close', () => this.#call?.cancel());
  }

  #late(): void {
    this.#end(status.DEADLINE_EXCEEDED, 'Deadline exceeded');
    this.#call?.cancel();
  }

  #end(code: number, details: string, headers: Readonly<Record<string, string>> = {}): void {
    if (!this.#mayAnswer()) return;
    const list = [':status', '200', 'content-type', contentType];
    list.push('grpc-status', String(code), 'grpc-message', encodeURI(details));
    for (const name in headers) list.push(name, headers[name] as string);
    this.#stream.respond(list, withoutBody);
  }

  /** Once at most. */
  #mayAnswer(): boolean {
    if (this.#isAnswered) return false;
    this.#isAnswered = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

function ignore(): void {}
