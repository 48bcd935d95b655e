/**
 * Who calls: answers with a principal, or refuses. Whose rights are asked about is another question,
 * and a principal says nothing of it.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { bearerToken } from './bearer-token.ts';
import { matchPresharedKey, type PresharedKey, presharedKeysFault } from './preshared.ts';
import { AuthenticationRefusal, refuse } from './refusal.ts';
import { Throttle } from './throttle.ts';
import { refuseLarge } from './token.ts';
import type { TokenClient, VerifiedToken } from './verified-token.ts';
import type { Verifier } from './verifier.ts';

/** Both ways may be open at once: a preshared key still serves while every issuer is away. */
export type AuthenticationConfig =
  | { readonly method: 'none' }
  | {
      readonly method: 'verified';
      readonly presharedKeys: readonly PresharedKey[];
      readonly verifier: Verifier | undefined;
    };

export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'preshared'; readonly id: string; readonly keyId: string }
  | {
      readonly kind: 'oidc';
      readonly issuer: string;
      /** Known by issuer, claim and id together; any one of them alone can be somebody else's. */
      readonly id: string;
      readonly claim: TokenClient['claim'];
      readonly subject: string;
      readonly scopes: readonly string[];
    };

export interface Attempt {
  /** The header as it came; undefined if there was none. */
  readonly authorization: string | undefined;
  /** Of the connection, without a port. */
  readonly address: string;
}

export interface Authenticator {
  /**
   * At once where nothing has to be computed (no promise on the hot path), else later. Throws or
   * rejects with an AuthenticationRefusal.
   */
  authenticate(attempt: Attempt): Principal | Promise<Principal>;
  /** An attempt failed at another thread: it counts here too. */
  failedElsewhere(failed: FailedAttempt): void;
}

/** What is counted to slow down whoever fails again and again. */
export interface FailedAttempt {
  readonly address: string;
  /** The key that was tried, if it is known. */
  readonly aimedAt: string | undefined;
}

const anonymous: Principal = { kind: 'anonymous' };

export function createAuthenticator(
  config: AuthenticationConfig,
  clock: Clock,
  onFailed: (failed: FailedAttempt) => void = () => undefined,
): Authenticator {
  if (config.method === 'none') {
    return { authenticate: () => anonymous, failedElsewhere: () => undefined };
  }
  return new Verified(config.presharedKeys, config.verifier, clock, onFailed);
}

class Verified implements Authenticator {
  readonly #keys: readonly PresharedKey[];
  readonly #verifier: Verifier | undefined;
  readonly #throttle: Throttle;
  readonly #onFailed: (failed: FailedAttempt) => void;
  /** Made once a token, as long as the token is remembered. */
  readonly #principals = new WeakMap<VerifiedToken, Principal>();

  constructor(
    keys: readonly PresharedKey[],
    verifier: Verifier | undefined,
    clock: Clock,
    onFailed: (failed: FailedAttempt) => void,
  ) {
    assert(keys.length > 0 || verifier !== undefined, 'somebody can authenticate');
    const fault = presharedKeysFault(keys);
    assert(fault === undefined, fault ?? '');
    this.#keys = keys;
    this.#verifier = verifier;
    this.#throttle = new Throttle(clock);
    this.#onFailed = onFailed;
  }

  failedElsewhere({ address, aimedAt }: FailedAttempt): void {
    this.#throttle.failed(address, aimedAt);
  }

  authenticate(attempt: Attempt): Principal | Promise<Principal> {
    const token = bearerToken(attempt.authorization);
    // What is good is let through before anyone is slowed: others may share the address.
    const known = this.#known(token);
    if (known !== undefined) return known;
    const { address } = attempt;
    const waitMs = this.#throttle.waitMs(address);
    if (waitMs > 0) throw new AuthenticationRefusal('throttled', { retryAfterMs: waitMs });
    return this.#verified(token, address);
  }

  #known(token: string): Principal | undefined {
    if (token.length > limits.tokenBytesMax) return undefined;
    const key = matchPresharedKey(this.#keys, token);
    if (key !== undefined) return { kind: 'preshared', id: key.name, keyId: key.id };
    const verified = this.#verifier?.known(token, 'caller');
    return verified === undefined ? undefined : this.#principalOf(verified);
  }

  async #verified(token: string, address: string): Promise<Principal> {
    try {
      refuseLarge(token);
      if (this.#verifier === undefined) refuse('preshared_key_wrong', 'preshared');
      return this.#principalOf(await this.#verifier.verify(token, 'caller'));
    } catch (error) {
      if (error instanceof AuthenticationRefusal && error.isFailedAttempt) {
        const { aimedAt } = error;
        this.#throttle.failed(address, aimedAt);
        this.#onFailed({ address, aimedAt });
      }
      throw error;
    }
  }

  #principalOf(token: VerifiedToken): Principal {
    const known = this.#principals.get(token);
    if (known !== undefined) return known;
    const { issuer, client, subject, scopes } = token;
    const principal: Principal = { kind: 'oidc', issuer, ...client, subject, scopes };
    this.#principals.set(token, principal);
    return principal;
  }
}
