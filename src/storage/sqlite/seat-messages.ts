/** What a worker asks the hub for, and what it is told: plain data that crosses a message port. */
import type { MessagePort } from 'node:worker_threads';
import type { StoreId } from '../../model/ids.ts';
import type { Place } from '../graphs.ts';
import type { BaseAnswer } from './base-host.ts';
import type { Command, Done, Fault } from './command.ts';
import type { OldBase } from './shared-bases.ts';

/** All that a worker needs to serve the file; it goes to the worker's thread, its port with it. */
export interface Seat {
  readonly path: string;
  readonly board: SharedArrayBuffer;
  readonly graphBytesMax: number;
  readonly port: MessagePort;
}

/** Of the graphs of the whole process. */
export interface SharedGraphs {
  readonly bytes: number;
  readonly stores: { readonly memory: number; readonly loading: number };
  readonly places: readonly (readonly [StoreId, Place])[];
}

export type Question =
  | { readonly kind: 'submit'; readonly command: Command }
  | { readonly kind: 'probe' }
  | { readonly kind: 'collect' }
  | { readonly kind: 'base'; readonly store: StoreId; readonly old: OldBase | undefined }
  /** Of one store, or of so many. */
  | { readonly kind: 'graphs'; readonly of: StoreId | number };

export type Answer =
  | { readonly kind: 'done'; readonly done: Done }
  | { readonly kind: 'base'; readonly base: BaseAnswer }
  | { readonly kind: 'graphs'; readonly graphs: SharedGraphs }
  | { readonly kind: 'failed'; readonly fault: Fault };

export type ToHub =
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** Bytes beside the base; undefined where the worker has no graph of the store. */
  | { readonly kind: 'held'; readonly store: StoreId; readonly bytes: number | undefined };

export type ToSeat =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  /** So that a worker takes commits in as they come, not all at its next read. */
  | { readonly kind: 'committed'; readonly stores: readonly StoreId[] }
  | { readonly kind: 'give way'; readonly store: StoreId };
