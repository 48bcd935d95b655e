/**
 * Why a caller or a token is refused: every reason with its wire code, in one table. No message
 * holds anything of the token, neither its claims nor its header: what comes with a call that
 * nobody vouches for has no place in an answer or a log.
 */
import { type ErrorCode, Refusal } from '../base/errors.ts';

interface Reason {
  readonly code: ErrorCode;
  readonly message: string;
}

const bearer = 'auth_failed_invalid_bearer_token';
const claims = 'invalid_claims';

export const reasons = {
  token_missing: { code: 'bearer_token_missing', message: 'send `authorization: Bearer TOKEN`' },
  scheme_unknown: {
    code: 'bearer_token_missing',
    message: 'the authorization header must be `Bearer TOKEN`',
  },
  token_too_large: { code: bearer, message: 'the token is larger than a token may be' },
  token_malformed: { code: bearer, message: 'the token is no JSON Web Token' },
  token_ambiguous: { code: bearer, message: 'the token says a name twice' },
  token_too_deep: { code: bearer, message: 'the token nests too deep' },
  token_encrypted: { code: bearer, message: 'encrypted tokens are not taken; send a signed one' },
  token_nested: { code: bearer, message: 'a token within a token is not taken' },
  critical_header: { code: bearer, message: 'the token demands an extension that is not known' },
  embedded_key: { code: bearer, message: 'a token must not bring its own key, or say where it is' },
  key_id_malformed: { code: bearer, message: 'the key id of the token is no usable text' },
  algorithm_refused: { code: bearer, message: "its issuer's tokens are not taken so signed" },
  type_missing: { code: bearer, message: 'the token does not say what type it is' },
  type_refused: { code: bearer, message: 'the token is not of a type taken from its issuer' },
  key_unknown: { code: bearer, message: 'its issuer has no such key, or has withdrawn it' },
  key_unfit: { code: bearer, message: 'the key of the token is not for its algorithm' },
  key_ambiguous: { code: bearer, message: 'its issuer has several such keys; name one by `kid`' },
  signature_wrong: { code: bearer, message: 'the signature of the token is wrong' },
  issuer_missing: { code: 'auth_failed_invalid_issuer', message: 'the token names no issuer' },
  issuer_unknown: { code: 'auth_failed_invalid_issuer', message: 'its issuer is not trusted' },
  issuer_unfit: {
    code: 'auth_failed_invalid_issuer',
    message: 'its issuer is not trusted with tokens for this use',
  },
  audience_missing: { code: 'auth_failed_invalid_audience', message: 'the token has no audience' },
  audience_wrong: {
    code: 'auth_failed_invalid_audience',
    message: 'the token is meant for another audience',
  },
  subject_missing: { code: 'auth_failed_invalid_subject', message: 'the token has no subject' },
  subject_malformed: {
    code: 'auth_failed_invalid_subject',
    message: 'the subject of the token is no usable text',
  },
  expiry_missing: { code: claims, message: 'the token has no `exp`' },
  issue_time_missing: { code: claims, message: 'the token has no `iat`' },
  time_malformed: { code: claims, message: 'a time in the token is no usable number' },
  expired: { code: claims, message: 'the token has expired' },
  too_old: { code: claims, message: 'the token was issued too long ago' },
  issued_in_future: { code: claims, message: 'the token is issued in the future' },
  not_yet_valid: { code: claims, message: 'the token is not valid yet' },
  client_malformed: { code: claims, message: 'the client of the token is no usable text' },
  scopes_malformed: { code: claims, message: 'the scopes of the token are no usable text' },
  preshared_key_wrong: { code: 'unauthenticated', message: 'no such key' },
  bootstrap_secret_wrong: {
    code: 'unauthenticated',
    message:
      'not the secret of this server: while nobody is its admin, one is in a file beside its ' +
      'database, which `pemba bootstrap` reads',
  },
  keys_unavailable: {
    code: 'unavailable',
    message: 'the keys of its issuer cannot be had at the moment; try again later',
  },
  throttled: {
    code: 'resource_exhausted',
    message: 'too many failed authentications; try again later',
  },
} as const satisfies Record<string, Reason>;

export type AuthenticationReason = keyof typeof reasons;

export class AuthenticationRefusal extends Refusal {
  override name = 'AuthenticationRefusal';
  readonly reason: AuthenticationReason;
  /** For `retry-after`; undefined where trying again is of no use. */
  readonly retryAfterSeconds: number | undefined;
  /** The trusted key that the attempt was aimed at: text of the configuration, not of the token. */
  readonly aimedAt: string | undefined;

  constructor(
    reason: AuthenticationReason,
    about: { retryAfterMs?: number; aimedAt?: string } = {},
  ) {
    const { code, message } = reasons[reason];
    super(code, message);
    this.reason = reason;
    this.aimedAt = about.aimedAt;
    this.retryAfterSeconds =
      about.retryAfterMs === undefined
        ? undefined
        : Math.max(1, Math.ceil(about.retryAfterMs / 1_000));
  }

  /** True if whoever sent it did wrong; false if the world did. */
  get isFailedAttempt(): boolean {
    return this.code !== 'unavailable' && this.code !== 'resource_exhausted';
  }
}

export function refuse(reason: AuthenticationReason, aimedAt?: string): never {
  throw new AuthenticationRefusal(reason, aimedAt === undefined ? {} : { aimedAt });
}
