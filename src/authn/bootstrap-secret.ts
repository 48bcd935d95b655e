/**
 * The secret by which the first admin is made, in the place of a caller who could be asked: a random
 * one of a server that nobody is admin of, which is good until somebody is.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Attempt } from './authenticator.ts';
import { bearerToken } from './bearer-token.ts';
import { createKey, matchPresharedKey, type PresharedKey, readPresharedKey } from './preshared.ts';
import { AuthenticationRefusal } from './refusal.ts';
import { Throttle } from './throttle.ts';

export class BootstrapSecret {
  readonly #throttle: Throttle;
  /** One while it is good, else none. As of keys, only the digest is kept. */
  #good: readonly PresharedKey[] = [];
  #stored: string | undefined;
  #onEnd: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#throttle = new Throttle(clock);
  }

  /** A new one. It is told when it is good no more. */
  issue(onEnd: () => void): string {
    this.end();
    const made = createKey('bootstrap');
    assert(typeof made !== 'string', 'the name is one');
    this.accept(made.stored, onEnd);
    return made.key;
  }

  /** The digest of the one that is good, for `accept` in another thread; undefined if none is. */
  get stored(): string | undefined {
    return this.#stored;
  }

  /** One that was issued in another thread. It is told when it is good no more here. */
  accept(stored: string, onEnd: () => void): void {
    const key = readPresharedKey(stored);
    assert(typeof key !== 'string', 'what is made can be read');
    this.#good = [key];
    this.#stored = stored;
    this.#onEnd = onEnd;
  }

  /** Returns for the one that is good; else throws an AuthenticationRefusal. */
  authenticate({ authorization, address }: Attempt): void {
    const token = bearerToken(authorization);
    // As with keys: others at the address, who fail, must not keep out whoever knows it.
    if (matchPresharedKey(this.#good, token) !== undefined) return;
    const waitMs = this.#throttle.waitMs(address);
    if (waitMs > 0) throw new AuthenticationRefusal('throttled', { retryAfterMs: waitMs });
    this.#throttle.failed(address, 'bootstrap');
    throw new AuthenticationRefusal('bootstrap_secret_wrong');
  }

  /** ENSURES: none is good any more. */
  end(): void {
    if (this.#good.length === 0) return;
    this.#good = [];
    this.#stored = undefined;
    this.#onEnd();
  }
}
