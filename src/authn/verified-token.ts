/** What a token says once it is verified, and the rules for the claims that every token must have. */
import type { JsonObject, JsonValue } from '../base/json.ts';
import { refuse } from './refusal.ts';
import { readScopes } from './scopes.ts';

export interface VerifiedToken {
  readonly issuer: string;
  /** `sub`: well-formed text, never empty. With the issuer it names whoever the token is about. */
  readonly subject: string;
  readonly client: TokenClient;
  readonly scopes: readonly string[];
  /** All of them, as JSON. */
  readonly claims: JsonObject;
  readonly expiresAtMs: number;
}

/** Who asked for the token. A client is known by the claim too: a `sub` can equal a client's id. */
export interface TokenClient {
  readonly id: string;
  readonly claim: 'azp' | 'client_id' | 'sub';
}

/** REQUIRES: `iss`, `aud` and the times were checked with the signature. */
export function readClaims(issuer: string, claims: JsonObject): VerifiedToken {
  const { sub, exp } = claims;
  const subject = isText(sub) ? sub : refuse('subject_malformed');
  const expiresAtMs = typeof exp === 'number' ? exp * 1_000 : refuse('time_malformed');
  const client = clientOf(claims, subject);
  const scopes = readScopes(claims.scope, claims.scp) ?? refuse('scopes_malformed');
  return { issuer, subject, client, scopes, claims, expiresAtMs };
}

/** The claims without which nothing is verified, and the times as numbers that a clock can show. */
export function refuseIncomplete({ aud, sub, exp, iat, nbf }: JsonObject): void {
  if (aud === undefined) refuse('audience_missing');
  if (sub === undefined) refuse('subject_missing');
  if (exp === undefined) refuse('expiry_missing');
  if (iat === undefined) refuse('issue_time_missing');
  for (const time of [exp, iat, nbf ?? 0]) if (!isTime(time)) refuse('time_malformed');
}

/** The last second that a Date can tell. */
const secondsMax = 8_640_000_000_000;

function isTime(value: JsonValue): boolean {
  return typeof value === 'number' && value >= 0 && value <= secondsMax;
}

/** Text with a lone surrogate would be equal to another's once written as UTF-8. */
function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed();
}

/** RFC 9068 says `client_id`; OpenID Connect's `azp` means the same and is the older custom. */
function clientOf(claims: JsonObject, subject: string): TokenClient {
  for (const claim of ['azp', 'client_id'] as const) {
    const id = claims[claim];
    if (id === undefined) continue;
    return isText(id) ? { id, claim } : refuse('client_malformed');
  }
  return { id: subject, claim: 'sub' };
}
