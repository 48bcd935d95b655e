/**
 * The keys of one issuer over time: fetched when first needed, again when they are no longer fresh
 * or a token names one that is not among them, and used on while the issuer cannot be reached. All
 * fetches are paced, so that no flood of tokens becomes a flood of fetches, and no outage a storm.
 */
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { discoverKeys } from './discovery.ts';
import { FetchFailure, type FetchFault, fetchDocument } from './fetch-document.ts';
import type { IssuerConfig } from './issuer.ts';
import { type KeySet, readKeySet, selectKey, succeed, type VerificationKey } from './key-set.ts';
import { AuthenticationRefusal } from './refusal.ts';

export interface IssuerHealth {
  readonly issuer: string;
  /**
   * `unasked`: nobody needed its keys of late. `ready`: they are at hand. `stale`: they are, but
   * the issuer fails. `missing`: it fails, none are at hand, its tokens are refused as unavailable.
   */
  readonly state: 'unasked' | 'ready' | 'stale' | 'missing';
  readonly keys: number;
  /** Since the keys were asked for; undefined if there are none. */
  readonly ageMs: number | undefined;
  /** What the last attempt met; undefined if it went well. */
  readonly fault: FetchFault | undefined;
}

export interface KeySourceOptions {
  readonly clock: Clock;
  readonly timeoutMs?: number;
  readonly staleMs?: number;
  /** Told after each attempt to fetch. */
  readonly onFetch?: (health: IssuerHealth) => void;
}

export class KeySource {
  readonly #config: Pick<IssuerConfig, 'issuer' | 'jwksUri'>;
  readonly #options: KeySourceOptions;
  readonly #timeoutMs: number;
  readonly #staleMs: number;
  #discovered: { readonly uri: string; readonly at: number } | undefined;
  #held: { readonly keys: KeySet; readonly at: number } | undefined;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  #fault: FetchFault | undefined;
  #fetching: Promise<void> | undefined;
  /** Fetches for the sake of an unknown key id since one brought it. */
  #fruitless = 0;
  #fruitlessAt = Number.NEGATIVE_INFINITY;

  constructor(config: Pick<IssuerConfig, 'issuer' | 'jwksUri'>, options: KeySourceOptions) {
    this.#config = config;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? limits.issuerTimeoutMs;
    this.#staleMs = options.staleMs ?? limits.issuerKeysStaleMs;
  }

  /** The key that verifies a token with this header. Throws an AuthenticationRefusal. */
  async find(id: string | undefined, algorithm: string): Promise<VerificationKey> {
    let found = selectKey(await this.#current(), id, algorithm);
    if (found === 'key_unknown' && this.#mayAskAgain()) {
      await this.#renew();
      found = selectKey(this.#held?.keys ?? [], id, algorithm);
      if (found !== 'key_unknown') this.#fruitless = 0;
    }
    if (typeof found !== 'string') return found;
    const isUnknown = found === 'key_unknown';
    // It may be new, and the issuer could not say so.
    if (isUnknown && this.#fault !== undefined) throw this.#unavailable();
    const { issuer } = this.#config;
    throw new AuthenticationRefusal(found, { aimedAt: isUnknown ? issuer : `${issuer}#${id}` });
  }

  /** Fetches if that is due; for whoever wants to know of a fault before a token comes. */
  async refresh(): Promise<void> {
    if (this.#fault !== undefined || this.#age() >= limits.issuerKeysFreshMs) await this.#renew();
  }

  health(): IssuerHealth {
    const isHeld = this.#age() < this.#staleMs;
    let state: IssuerHealth['state'] = isHeld ? 'ready' : 'unasked';
    if (this.#fault !== undefined) state = isHeld ? 'stale' : 'missing';
    return {
      issuer: this.#config.issuer,
      state,
      keys: this.#held?.keys.length ?? 0,
      ageMs: this.#held === undefined ? undefined : this.#age(),
      fault: this.#fault,
    };
  }

  /** Forgets all keys. ENSURES: they are no longer live. */
  retire(): void {
    succeed(this.#held?.keys ?? [], []);
    this.#held = undefined;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #age(): number {
    return this.#now() - (this.#held?.at ?? Number.NEGATIVE_INFINITY);
  }

  async #current(): Promise<KeySet> {
    const age = this.#age();
    if (age >= this.#staleMs) {
      this.retire();
      await this.#renew();
    } else if (age >= limits.issuerKeysFreshMs) {
      const renewal = this.#renew();
      // After a long quiet a key may have been withdrawn: wait, unless the issuer is known to fail.
      if (age >= 2 * limits.issuerKeysFreshMs && this.#fault === undefined) await renewal;
    }
    if (this.#held === undefined) throw this.#unavailable();
    return this.#held.keys;
  }

  /**
   * True if a fetch for the sake of an unknown key id is due. The wait doubles with each that was
   * for nothing: a flood of made-up key ids soon asks no more often than freshness does.
   */
  #mayAskAgain(): boolean {
    if (this.#fetching !== undefined || this.#fault !== undefined) return true;
    const now = this.#now();
    if (now - this.#fruitlessAt >= 2 * limits.issuerKeysFreshMs) this.#fruitless = 0;
    const wait = limits.issuerCooldownMs * 2 ** this.#fruitless;
    if (this.#age() < Math.min(wait, limits.issuerKeysFreshMs)) return false;
    this.#fruitless++;
    this.#fruitlessAt = now;
    return true;
  }

  /**
   * Fetches the keys, unless it is too soon after a failure. ENSURES: at most one fetch at a time,
   * and at most one in `issuerRetryMs` while they fail.
   */
  #renew(): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.#now();
    if (this.#fault !== undefined && now - this.#attemptedAt < limits.issuerRetryMs)
      return Promise.resolve();
    this.#attemptedAt = now;
    this.#fetching = this.#attempt(now).finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #attempt(now: number): Promise<void> {
    try {
      const keys = readKeySet(await fetchDocument(await this.#uri(now), this.#timeoutMs));
      if (keys === undefined) throw new FetchFailure('no_key_set');
      this.#held = { keys: succeed(this.#held?.keys ?? [], keys), at: now };
      this.#fault = undefined;
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error;
      this.#fault = error.fault;
      // They may have moved.
      this.#discovered = undefined;
    }
    this.#options.onFetch?.(this.health());
  }

  async #uri(now: number): Promise<string> {
    const { issuer, jwksUri } = this.#config;
    if (jwksUri !== undefined) return jwksUri;
    if (this.#discovered !== undefined && now - this.#discovered.at < limits.issuerAddressMs)
      return this.#discovered.uri;
    const uri = await discoverKeys(issuer, this.#timeoutMs);
    this.#discovered = { uri, at: now };
    return uri;
  }

  #unavailable(): AuthenticationRefusal {
    const retryAfterMs = this.#attemptedAt + limits.issuerRetryMs - this.#now();
    return new AuthenticationRefusal('keys_unavailable', { retryAfterMs });
  }
}
