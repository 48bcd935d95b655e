/**
 * What is answered to a request that is not let through: 401 where the token is wrong or not enough
 * (RFC 6750, RFC 9470), 403 where the answer is no, 503 where there is no answer. No body and no
 * header holds anything of the token.
 */
import { AuthenticationRefusal } from '../authn/refusal.ts';
import { type ErrorCode, errorCodes, Refusal } from '../base/errors.ts';
import type { Lack } from '../identity.ts';

export interface Refused {
  readonly kind: 'refused';
  readonly status: 401 | 403 | 503;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RefusedBody;
  /** Why, for a log: mostly an error. The answer does not show it. */
  readonly cause: unknown;
}

/** In OAuth's words, as the challenge has them. */
export interface RefusedBody {
  readonly error: string;
  readonly error_description: string;
  /** What the issuer must be asked for, where the sign-in is not enough. */
  readonly step_up?: object;
}

/** Seconds, where nobody knows better. */
const retryAfter = 1;

/** The answer to a fault of whoever's token it is, as the identity found it. */
export function refusedFor(error: unknown): Refused {
  if (error instanceof AuthenticationRefusal && isNoToken(error)) {
    // Who shows no token is told of no error (RFC 6750, section 3.1).
    return unauthorized('Bearer', { error: 'unauthenticated', ...describing(error) }, error);
  }
  if (!(error instanceof Refusal)) return undecided(error);
  if (error.code === 'forbidden') return denied(error.message, error);
  if (!isAboutTokens(error.code)) return undecided(error);
  const body = { error: 'invalid_token', ...describing(error) };
  return unauthorized(challenge(body.error, body.error_description), body, error);
}

export function denied(why: string, cause: unknown): Refused {
  const body = { error: 'forbidden', error_description: why };
  return { kind: 'refused', status: 403, headers: {}, body, cause };
}

/** The relations allow it, but the token is short of something. */
export function lacking(lack: Lack): Refused {
  if (lack.kind === 'step_up') return challenged(lack.challenge, lack, { step_up: lack.stepUp });
  const error = 'insufficient_scope';
  const error_description = 'the token has none of the scopes that this needs';
  const header = `${challenge(error, error_description)}, scope="${lack.anyOf.join(' ')}"`;
  const body = { error, error_description };
  const headers = { 'www-authenticate': header };
  return { kind: 'refused', status: 403, headers, body, cause: lack };
}

/** A better sign-in is needed; the challenge says what it must be. */
export function challenged(challenge: string, cause: unknown, more: object = {}): Refused {
  const error_description = 'a stronger or more recent sign-in is needed';
  const body = { error: 'insufficient_user_authentication', error_description, ...more };
  return unauthorized(challenge, body, cause);
}

/** It cannot be told whether it is allowed: the world's fault or a bug, and no fault of the caller. */
export function undecided(cause: unknown): Refused {
  const seconds = cause instanceof AuthenticationRefusal ? cause.retryAfterSeconds : undefined;
  return {
    kind: 'refused',
    status: 503,
    headers: { 'retry-after': String(seconds ?? retryAfter) },
    body: {
      error: 'temporarily_unavailable',
      error_description: 'it cannot be told at the moment whether this is allowed',
    },
    cause,
  };
}

function unauthorized(challenge: string, body: RefusedBody, cause: unknown): Refused {
  const headers = { 'www-authenticate': challenge };
  return { kind: 'refused', status: 401, headers, body, cause };
}

/** A description may hold neither quotes nor backslashes, nor what is not ASCII (RFC 6750). */
function challenge(error: string, description: string): string {
  const plain = description.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '.');
  return `Bearer error="${error}", error_description="${plain}"`;
}

function describing({ message }: Refusal): { error_description: string } {
  return { error_description: message };
}

function isNoToken({ reason }: AuthenticationRefusal): boolean {
  return reason === 'token_missing' || reason === 'scheme_unknown';
}

function isAboutTokens(code: ErrorCode): boolean {
  return errorCodes[code] <= errorCodes.unauthenticated;
}
