/** What the writer is asked to do, and what came of it: plain data that can cross to a thread. */
import type { ErrorCode } from '../../base/errors.ts';
import { Refusal } from '../../base/errors.ts';
import type { ModelId, StoreId } from '../../model/ids.ts';
import type { ModelRecord, TupleFilter, TupleImport, TupleWrite } from '../datastore.ts';
import type { Deleted, DeletePosition } from './delete-tuples.ts';

export type Command =
  | { readonly kind: 'createStore'; readonly store: StoreId; readonly name: string }
  | { readonly kind: 'deleteStore'; readonly store: StoreId }
  | { readonly kind: 'writeModel'; readonly store: StoreId; readonly model: ModelRecord }
  | { readonly kind: 'writeTuples'; readonly store: StoreId; readonly write: TupleWrite }
  | { readonly kind: 'importTuples'; readonly store: StoreId; readonly load: TupleImport }
  | {
      readonly kind: 'deleteTuples';
      readonly store: StoreId;
      readonly filter: TupleFilter;
      readonly limit: number;
      /** undefined in the first round. */
      readonly from: DeletePosition | undefined;
    }
  | {
      readonly kind: 'writeAssertions';
      readonly store: StoreId;
      readonly model: ModelId;
      readonly assertions: string;
    };

/** Commands that share one transaction and one fsync. `at` is the wall time of them all. */
export interface Group {
  readonly at: number;
  readonly commands: readonly Command[];
}

export interface Fault {
  /** undefined: a bug of ours. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export interface Done {
  /** The store's revision after the command (for createStore, the wall time of its creation). */
  readonly value: number;
  /** The write was done before, under its idempotency key. */
  readonly repeated?: boolean;
  /** What deleteTuples came to. */
  readonly deleted?: Deleted;
}

export type Outcome = Done | { readonly fault: Fault };

/** ENSURES: one outcome for each command, in their order. */
export type RunGroup = (group: Group) => Promise<readonly Outcome[]>;

export function faultOf(error: unknown): Fault {
  const code = error instanceof Refusal ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { code, message, stack: error instanceof Error ? error.stack : undefined };
}

/** The error that a fault was, on this side of the thread. */
export function errorOf(fault: Fault): Error {
  if (fault.code !== undefined) return new Refusal(fault.code, fault.message);
  const error = new Error(`the writer failed: ${fault.message}`);
  if (fault.stack !== undefined) error.stack = fault.stack;
  return error;
}
