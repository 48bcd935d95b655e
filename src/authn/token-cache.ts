/**
 * Verified tokens by the SHA-256 of their bytes. An entry ends with the token's `exp`, with its key,
 * or after `verifiedTokenMs`, whichever comes first; the text of a token is never kept.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { VerificationKey } from './key-set.ts';
import type { VerifiedToken } from './verified-token.ts';

interface Entry {
  readonly token: VerifiedToken;
  readonly key: VerificationKey;
  /** Wall time. */
  readonly until: number;
}

/** The name of a token: equal for equal bytes, and of no use to whoever reads it. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

export class TokenCache {
  readonly #entries = new LRUCache<string, Entry>({ max: limits.verifiedTokensMax });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(digest: string): VerifiedToken | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    if (entry.key.live && this.#clock.now() < entry.until) return entry.token;
    this.#entries.delete(digest);
    return undefined;
  }

  /** `endsAtMs`: when the token would be refused, `exp` or its greatest age. */
  set(digest: string, token: VerifiedToken, key: VerificationKey, endsAtMs: number): void {
    const until = Math.min(endsAtMs, this.#clock.now() + limits.verifiedTokenMs);
    this.#entries.set(digest, { token, key, until });
  }

  clear(): void {
    this.#entries.clear();
  }
}
