/**
 * JSON over HTTP to any server that speaks OpenFGA's API: one request, with its timeout and its
 * repeats, and every way it can fail as a `Failure` that says what to do.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isJsonObject } from '../src/base/json.ts';
import { limits } from '../src/base/limits.ts';
import { Failure } from './exit-codes.ts';

export interface HttpOptions {
  readonly apiUrl: string;
  readonly apiToken: string | undefined;
  readonly timeoutMs: number;
  /** Of the end user whose rights are asked about. */
  readonly subjectToken?: string | undefined;
  /** Told where the answer would be another after a better sign-in: what that would have to be. */
  readonly onStepUp?: (needed: string) => void;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's URL, with every parameter already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** True if doing it twice is the same as doing it once: then a broken connection is retried too. */
  readonly repeatable: boolean;
  /** Called when the answer is a list that the server has cut. */
  readonly onTruncated?: () => void;
}

/** The server understood the request and said no (4xx). */
export class ServerRefusal extends Failure {
  override name = 'ServerRefusal';
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super('refused', message, { code, hint: hintOf(code) });
    this.status = status;
  }
}

type Attempt = { readonly kind: 'answer'; readonly body: unknown } | Failed;

interface Failed {
  readonly kind: 'failure';
  readonly failure: Failure;
  readonly retryAfterMs?: number;
}

export async function send(options: HttpOptions, request: HttpRequest): Promise<unknown> {
  for (let repeats = 0; ; repeats++) {
    const attempt = await sendOnce(options, request);
    if (attempt.kind === 'answer') return attempt.body;
    if (attempt.retryAfterMs === undefined || repeats === limits.clientRetriesMax) {
      throw attempt.failure;
    }
    await pause(pauseMs(repeats, attempt.retryAfterMs));
  }
}

/** Before a repeat; it doubles each time, unless the server asks for a longer one. */
export function pauseMs(repeatsBefore: number, askedMs: number): number {
  const ownMs = limits.clientRetryMinMs * 2 ** repeatsBefore;
  return Math.min(Math.max(askedMs, ownMs), limits.clientRetryMaxMs);
}

async function sendOnce(options: HttpOptions, request: HttpRequest): Promise<Attempt> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(urlOf(options.apiUrl, request), {
      method: request.method,
      headers: headersOf(options, request),
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      // A redirect would turn a POST into a GET; better to name the right URL.
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    return connectionFailure(options, request, error);
  }
  if (response.headers.get('pemba-truncated') === 'true') request.onTruncated?.();
  const stepUp = response.headers.get('pemba-step-up');
  if (stepUp !== null) options.onStepUp?.(stepUp);
  return response.ok
    ? { kind: 'answer', body: parseAnswer(options, text) }
    : statusFailure(options, response, text);
}

export function urlOf(apiUrl: string, request: HttpRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined && value !== '') query.set(name, value);
  }
  const base = apiUrl.replace(/\/+$/, '');
  return query.size === 0 ? base + request.path : `${base}${request.path}?${query}`;
}

export function headersOf(options: HttpOptions, request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (options.apiToken !== undefined) headers.authorization = `Bearer ${options.apiToken}`;
  if (options.subjectToken !== undefined) headers['pemba-subject-token'] = options.subjectToken;
  return headers;
}

function parseAnswer(options: HttpOptions, text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw notTheApi(options, 'the answer is not JSON');
  }
}

export function statusFailure(options: HttpOptions, response: Response, text: string): Failed {
  const { status } = response;
  if (status >= 300 && status < 400) {
    const location = response.headers.get('location') ?? 'another address';
    return { kind: 'failure', failure: notTheApi(options, `it redirects to ${location}`) };
  }
  const { code, message } = errorOf(text, status);
  if (status === 429 || (status >= 500 && status !== 501)) {
    const exit = status === 429 ? 'refused' : 'serverFailed';
    const hint = 'repeated without success: try again later, or look at the log of the server';
    const failure = new Failure(exit, message, { code, hint });
    return { kind: 'failure', failure, retryAfterMs: retryAfterMs(response) };
  }
  return { kind: 'failure', failure: new ServerRefusal(status, code, message) };
}

function errorOf(text: string, status: number): { code: string; message: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const fields = isJsonObject(body) ? body : {};
  const code = typeof fields.code === 'string' ? fields.code : `http_${status}`;
  const message = typeof fields.message === 'string' ? fields.message : `HTTP status ${status}`;
  return { code, message: message.replaceAll(/\p{Cc}+/gu, ' ') };
}

/** Only the form in seconds; a date would need the two clocks to agree. */
function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? '0');
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

export function connectionFailure(
  options: HttpOptions,
  request: HttpRequest,
  error: unknown,
): Failed {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    const message = `no answer from ${options.apiUrl} within ${options.timeoutMs} ms`;
    const hint = 'raise --timeout, or look at the server';
    return {
      kind: 'failure',
      failure: new Failure('unreachable', message, { hint, cause: error }),
    };
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const code = isJsonLike(cause) && typeof cause.code === 'string' ? cause.code : undefined;
  if (code === 'ECONNREFUSED') {
    const message = `no server at ${options.apiUrl}: start one with \`pemba dev\``;
    const hint = 'or name the right one with --api-url or PEMBA_API_URL';
    return {
      kind: 'failure',
      failure: new Failure('unreachable', message, { hint, cause: error }),
    };
  }
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : String(error);
  const failure = new Failure('unreachable', `cannot reach ${options.apiUrl}: ${reason}`, {
    hint: 'check --api-url',
    cause: error,
  });
  const dropped = code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
  return dropped && request.repeatable
    ? { kind: 'failure', failure, retryAfterMs: 0 }
    : { kind: 'failure', failure };
}

function isJsonLike(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function notTheApi(options: HttpOptions, reason: string): Failure {
  return new Failure('serverFailed', `${options.apiUrl} does not speak OpenFGA's API: ${reason}`, {
    hint: 'check --api-url; the HTTP port of Pemba is 8080 unless told otherwise',
  });
}

const hints: Readonly<Record<string, string>> = {
  store_id_not_found: 'list the stores with `pemba store list`',
  latest_authorization_model_not_found: 'write one with `pemba model write --file model.fga`',
  authorization_model_not_found: 'list the models with `pemba model list`',
  bearer_token_missing: 'put the token into PEMBA_API_TOKEN',
  unauthenticated: 'the token in PEMBA_API_TOKEN is not one of the server',
  exceeded_entity_limit: 'send less at once',
  undefined_endpoint: 'is --api-url the HTTP address of the server?',
};

function hintOf(code: string): string | undefined {
  return hints[code];
}
