/**
 * Slows down whoever fails to authenticate again and again. It counts by client address; where many
 * addresses together attack one key, each of them has fewer tries. Nobody else is slowed: a key
 * under attack is still good for the clients that hold it.
 */
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

interface Failures {
  count: number;
  /** Monotonic. */
  lastAt: number;
  waitUntil: number;
}

export class Throttle {
  readonly #clients = new LRUCache<string, Failures>({ max: limits.authTrackedMax });
  readonly #targets = new LRUCache<string, Failures>({ max: limits.authTrackedMax });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this client has to wait before its next try; 0 if it need not. */
  waitMs(address: string): number {
    const failures = this.#clients.get(networkOf(address));
    return Math.max(0, (failures?.waitUntil ?? 0) - this.#clock.monotonic());
  }

  /** `aimedAt` names the key that was tried, if the server knows it. */
  failed(address: string, aimedAt: string | undefined): void {
    const client = this.#count(this.#clients, networkOf(address));
    const target = aimedAt === undefined ? undefined : this.#count(this.#targets, aimedAt);
    const isAttack = target !== undefined && target.count >= limits.authAttackFailuresMax;
    const allowed = isAttack ? limits.authFailuresUnderAttackMax : limits.authFailuresMax;
    if (client.count < allowed) return;
    const waitMs = limits.authBackoffMinMs * 2 ** (client.count - allowed);
    client.waitUntil = client.lastAt + Math.min(waitMs, limits.authBackoffMaxMs);
  }

  #count(table: LRUCache<string, Failures>, name: string): Failures {
    const now = this.#clock.monotonic();
    const last = table.get(name);
    const isOver = last === undefined || now - last.lastAt >= limits.authForgetMs;
    const failures = isOver ? { count: 0, lastAt: now, waitUntil: 0 } : last;
    failures.count++;
    failures.lastAt = now;
    table.set(name, failures);
    return failures;
  }
}

/** What one client can have many addresses of counts as one: the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return address;
  // A URL writes it in its one shortest form.
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array(zeros).fill('0'), ...rest].slice(0, 4).join(':');
}
