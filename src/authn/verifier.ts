/**
 * The verifier of tokens of all trusted issuers. `jose` checks signatures and times; which issuer,
 * which key, which algorithms and types, and what a token must say, is decided here.
 */
import { errors, jwtVerify } from 'jose';
import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import { assertIssuers, type IssuerConfig, type TokenUse } from './issuer.ts';
import type { VerificationKey } from './key-set.ts';
import { type IssuerHealth, KeySource, type KeySourceOptions } from './key-source.ts';
import { type AuthenticationReason, AuthenticationRefusal, refuse } from './refusal.ts';
import { parseToken, plainType, type UnverifiedToken } from './token.ts';
import { digestOf, TokenCache } from './token-cache.ts';
import { readClaims, refuseIncomplete, type VerifiedToken } from './verified-token.ts';

interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly types: ReadonlySet<string>;
  readonly keys: KeySource;
}

type Trusted = ReadonlyMap<string, TrustedIssuer>;

export class Verifier {
  readonly #options: KeySourceOptions;
  readonly #clock: Clock;
  readonly #cache: TokenCache;
  /** Tokens being verified: many calls with a new one wait for one verification. */
  readonly #pending = new Map<string, Promise<VerifiedToken>>();
  #trusted: Trusted;

  /** REQUIRES: `issuerFault` finds none in any of the entries. */
  constructor(configs: readonly IssuerConfig[], options: KeySourceOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#cache = new TokenCache(options.clock);
    this.#trusted = this.#trust(configs, new Map());
  }

  /** What an earlier verification found, if it still holds. No promise: this is the hot path. */
  known(token: string, use: TokenUse): VerifiedToken | undefined {
    return this.#fit(this.#cache.get(digestOf(token)), use);
  }

  /** The token verified, or an AuthenticationRefusal. */
  async verify(token: string, use: TokenUse): Promise<VerifiedToken> {
    const digest = digestOf(token);
    const known = this.#fit(this.#cache.get(digest), use);
    if (known !== undefined) return known;
    const pending = this.#pending.get(digest) ?? this.#begin(token, digest);
    return this.#fit(await pending, use) ?? refuse('issuer_unfit');
  }

  /** Takes other entries from now on. Keys of the issuers that stay as they are stay at hand. */
  reload(configs: readonly IssuerConfig[]): void {
    const last = this.#trusted;
    this.#trusted = this.#trust(configs, last);
    this.#cache.clear();
    this.#pending.clear();
    const kept = new Set([...this.#trusted.values()].map(({ keys }) => keys));
    for (const { keys } of last.values()) if (!kept.has(keys)) keys.retire();
  }

  /** Asks the issuers that it is time to ask, so that `health` knows. Never throws for their fault. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#trusted.values()].map(({ keys }) => keys.refresh()));
  }

  health(): IssuerHealth[] {
    return [...this.#trusted.values()].map(({ keys }) => keys.health());
  }

  #trust(configs: readonly IssuerConfig[], last: Trusted): Trusted {
    assertIssuers(configs);
    return new Map(
      configs.map((config) => {
        const old = last.get(config.issuer);
        const isSame = old !== undefined && old.config.jwksUri === config.jwksUri;
        const keys = isSame ? old.keys : new KeySource(config, this.#options);
        return [config.issuer, { config, types: new Set(config.tokenTypes.map(plainType)), keys }];
      }),
    );
  }

  #fit(token: VerifiedToken | undefined, use: TokenUse): VerifiedToken | undefined {
    if (token === undefined) return undefined;
    return this.#trusted.get(token.issuer)?.config.use.includes(use) ? token : undefined;
  }

  #begin(token: string, digest: string): Promise<VerifiedToken> {
    const verification = this.#verify(token, digest).finally(() => {
      if (this.#pending.get(digest) === verification) this.#pending.delete(digest);
    });
    this.#pending.set(digest, verification);
    return verification;
  }

  async #verify(token: string, digest: string): Promise<VerifiedToken> {
    const trusted = this.#trusted;
    const parsed = parseToken(token);
    const issuer = issuerOf(parsed, trusted);
    const { config } = issuer;
    refuseForm(parsed, issuer);
    refuseIncomplete(parsed.claims);
    const key = await issuer.keys.find(parsed.keyId, parsed.algorithm);
    const aimedAt = `${config.issuer}#${key.id}`;
    let payload: JsonObject;
    try {
      payload = await checked(token, key, config, this.#clock);
    } catch (error) {
      // Not as the cause: it holds the claims, and a log may print it.
      throw new AuthenticationRefusal(reasonOf(error), { aimedAt });
    }
    const verified = readClaims(config.issuer, payload);
    // Else what was verified under the old configuration would be remembered under the new.
    if (this.#trusted === trusted) {
      const oldestMs = Number(payload.iat) * 1_000 + config.maxTokenAgeMs;
      this.#cache.set(digest, verified, key, Math.min(verified.expiresAtMs, oldestMs));
    }
    return verified;
  }
}

function issuerOf({ claims }: UnverifiedToken, trusted: Trusted): TrustedIssuer {
  const { iss } = claims;
  if (iss === undefined) refuse('issuer_missing');
  const issuer = typeof iss === 'string' ? trusted.get(iss) : undefined;
  return issuer ?? refuse('issuer_unknown');
}

/** All that the header must be for this issuer, before its keys are asked for. */
function refuseForm({ algorithm, type }: UnverifiedToken, { config, types }: TrustedIssuer): void {
  if (!config.algorithms.some((allowed) => allowed === algorithm)) refuse('algorithm_refused');
  if (type === undefined) refuse('type_missing');
  if (!types.has(type)) refuse('type_refused');
}

async function checked(
  token: string,
  { key }: VerificationKey,
  config: IssuerConfig,
  clock: Clock,
): Promise<JsonObject> {
  const { payload } = await jwtVerify<JsonObject>(token, key, {
    algorithms: [...config.algorithms],
    issuer: config.issuer,
    audience: [...config.audiences],
    clockTolerance: config.clockToleranceMs / 1_000,
    maxTokenAge: config.maxTokenAgeMs / 1_000,
    requiredClaims: ['iss', 'aud', 'sub', 'exp', 'iat'],
    currentDate: new Date(clock.now()),
  });
  return payload;
}

const claimReasons: Readonly<Record<string, AuthenticationReason>> = {
  aud: 'audience_wrong',
  iss: 'issuer_unknown',
  nbf: 'not_yet_valid',
  iat: 'issued_in_future',
};

/** What an error of `jose` says to the caller; any other error is a bug of ours. */
function reasonOf(error: unknown): AuthenticationReason {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'too_old' : 'expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return claimReasons[error.claim] ?? 'token_malformed';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature_wrong';
  if (error instanceof errors.JOSEError) return 'token_malformed';
  throw error;
}
