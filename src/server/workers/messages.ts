/** What the main thread and a worker that serves tell each other. */
import type { FailedAttempt } from '../../authn/authenticator.ts';
import type { ListenAddress } from '../setting-values.ts';
import type { MetricsJson } from './merged-metrics.ts';

/** How a worker knows that it is one of ours, and which. */
export interface WorkerPlace {
  /** From 1; a worker that is started again has the same. */
  readonly number: number;
  /** Their ports are real ones, the same for all workers. */
  readonly httpAddress: ListenAddress;
  readonly grpcAddress: ListenAddress;
  /** The digest of the first admin's secret, while one is good. */
  readonly bootstrapSecret: string | undefined;
}

export type Order =
  | { readonly kind: 'ping' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'metrics' }
  /** Finish what is open, then say so. */
  | { readonly kind: 'close' };

export type ToWorker =
  | { readonly kind: 'order'; readonly id: number; readonly order: Order }
  | { readonly kind: 'failed attempt'; readonly attempt: FailedAttempt }
  | { readonly kind: 'first admin made' };

export type FromWorker =
  | { readonly kind: 'serving' }
  /** Why it does not serve: as in `StartError`. */
  | { readonly kind: 'not started'; readonly message: string; readonly exitCode: number }
  | { readonly kind: 'log'; readonly lines: string }
  | { readonly kind: 'failed attempt'; readonly attempt: FailedAttempt }
  | { readonly kind: 'first admin made' }
  | { readonly kind: 'done'; readonly id: number; readonly metrics?: MetricsJson }
  | { readonly kind: 'not done'; readonly id: number; readonly message: string };
