/** What the HTTP port is made of. */
import type { Clock } from '../base/clock.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import type { Observer } from './observe.ts';

export interface HttpOptions {
  readonly methods: readonly GuardedMethod[];
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly requestBytesMax: number;
  /** Web origins whose pages may call; `*` among them for any. */
  readonly corsOrigins: readonly string[];
  /** Settles when the server can answer, to what is amiss all the same; rejects while it cannot. */
  readonly ready: () => Promise<readonly string[]>;
  /** Hears of requests that no method got to see, since they could not be decoded. */
  readonly observer?: Observer;
}
