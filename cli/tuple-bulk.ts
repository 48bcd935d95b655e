/**
 * Writes or deletes any number of tuples: in chunks, several at once, each tuple that the server
 * refuses found out and listed with its reason, and ready to be continued when it is interrupted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import type { Client } from './client.ts';
import { ServerRefusal } from './http.ts';
import type { ChunkResult, FailedTuple, Progress } from './tuple-progress.ts';
import type { Conflict, WirePrecondition, WireTuple, WireWrite } from './wire.ts';

export interface BulkOptions {
  readonly client: Client;
  readonly storeId: string;
  readonly modelId: string | undefined;
  readonly operation: 'write' | 'delete';
  /** What to do with a tuple that exists already (write) or does not exist (delete). */
  readonly conflict: Conflict;
  readonly preconditions: readonly WirePrecondition[] | undefined;
  readonly idempotencyKey: string | undefined;
  /** Called for a request that an earlier one with the same key had done. */
  onRepeated(): void;
  readonly tuplesPerRequest: number;
  readonly parallelRequests: number;
  readonly requestsPerSecond: number | undefined;
  /** Tuples at the beginning to pass over. */
  readonly skip: number;
  readonly progress: Progress;
  /** Aborted to stop early: what is on its way is finished, nothing more is begun. */
  readonly stop: AbortSignal;
  onChunk(successful: readonly WireTuple[], failed: readonly FailedTuple[]): void;
}

export interface BulkOutcome {
  /** What stopped the work before its end, if anything did. */
  readonly error: unknown;
  readonly stopped: boolean;
}

interface Located {
  readonly line: number;
  readonly tuple: WireTuple;
}

interface Chunk {
  readonly first: number;
  readonly items: readonly Located[];
}

/**
 * ENSURES: every tuple was given to `onChunk` once as successful or failed, unless `error` or
 * `stopped` says that the work ended early; then those of the chunks that were finished were.
 */
export async function runBulk(
  tuples: AsyncIterable<Located>,
  options: BulkOptions,
): Promise<BulkOutcome> {
  const chunks = chunksOf(tuples, options);
  const takeTurn = throttle(options.requestsPerSecond);
  let error: unknown;
  const halted = (): boolean => error !== undefined || options.stop.aborted;
  const work = async (): Promise<void> => {
    // An async generator queues its callers, so that many workers may draw from one.
    while (!halted()) {
      const { value: chunk, done } = await chunks.next();
      if (done || halted()) return;
      const failed: FailedTuple[] = [];
      await sendChunk(chunk.items, options, takeTurn, failed);
      const result: ChunkResult = { first: chunk.first, count: chunk.items.length, failed };
      options.progress.add(result);
      options.onChunk(successfulOf(chunk.items, failed), failed);
    }
  };
  const workers = Array.from({ length: options.parallelRequests }, async () => {
    try {
      await work();
    } catch (cause) {
      error ??= cause;
    }
  });
  await Promise.all(workers);
  // Whoever stops early leaves the file open otherwise.
  await chunks.return(undefined);
  return { error, stopped: options.stop.aborted };
}

/** Chunks of neighbours only: a chunk ends before a tuple that an earlier run has dealt with. */
async function* chunksOf(
  tuples: AsyncIterable<Located>,
  options: BulkOptions,
): AsyncGenerator<Chunk, undefined> {
  let position = 0;
  let items: Located[] = [];
  for await (const located of tuples) {
    const wanted = position >= options.skip && !options.progress.isDone(position);
    if (wanted) items.push(located);
    const full = items.length === options.tuplesPerRequest;
    const end = wanted ? position + 1 : position;
    if (items.length > 0 && (full || !wanted)) {
      yield { first: end - items.length, items };
      items = [];
    }
    position++;
  }
  if (items.length > 0) yield { first: position - items.length, items };
}

/**
 * One request for the chunk. If the server refuses it, its halves are tried, down to the single
 * tuples that are to blame: a few bad ones cost a few requests.
 */
async function sendChunk(
  items: readonly Located[],
  options: BulkOptions,
  takeTurn: () => Promise<void>,
  failed: FailedTuple[],
): Promise<void> {
  try {
    await takeTurn();
    const { repeated } = await options.client.write(options.storeId, writeOf(items, options));
    if (repeated) options.onRepeated();
  } catch (error) {
    if (!(error instanceof ServerRefusal) || !isAboutTuples(error)) throw error;
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      const reason = `${error.code}: ${error.message}`;
      failed.push({ line: only.line, tuple_key: only.tuple, reason });
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await sendChunk(items.slice(0, middle), options, takeTurn, failed);
    await sendChunk(items.slice(middle), options, takeTurn, failed);
  }
}

function writeOf(items: readonly Located[], options: BulkOptions): WireWrite {
  const model = options.modelId === undefined ? {} : { authorization_model_id: options.modelId };
  if (options.operation === 'delete') {
    // A delete names a tuple by its key alone.
    const tuple_keys = items.map(({ tuple: { user, relation, object } }) => ({
      user,
      relation,
      object,
    }));
    return { deletes: { tuple_keys, on_missing: options.conflict }, ...model };
  }
  const tuple_keys = items.map(({ tuple }) => tuple);
  const { conflict: on_duplicate, preconditions, idempotencyKey: idempotency_key } = options;
  return {
    writes: { tuple_keys, on_duplicate },
    ...model,
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(idempotency_key === undefined ? {} : { idempotency_key }),
  };
}

/** Codes that no choice of tuples would change: going on would only repeat them. */
const hopeless: ReadonlySet<string | undefined> = new Set([
  'authorization_model_not_found',
  'latest_authorization_model_not_found',
  'authorization_model_id_too_long',
  'store_id_invalid_length',
]);

/** Bad input, a conflict, a precondition that fails, a body that is too large. */
const ofTheRequest: ReadonlySet<number> = new Set([400, 409, 412, 413]);

function isAboutTuples(refusal: ServerRefusal): boolean {
  return ofTheRequest.has(refusal.status) && !hopeless.has(refusal.code);
}

function successfulOf(items: readonly Located[], failed: readonly FailedTuple[]): WireTuple[] {
  const refused = new Set(failed.map(({ tuple_key }) => tuple_key));
  return items.map(({ tuple }) => tuple).filter((tuple) => !refused.has(tuple));
}

/** Spaces the requests of all workers evenly. */
function throttle(perSecond: number | undefined): () => Promise<void> {
  if (perSecond === undefined) return async () => {};
  const gapMs = 1000 / perSecond;
  let next = systemClock.monotonic();
  return async () => {
    const now = systemClock.monotonic();
    const turn = Math.max(next, now);
    next = turn + gapMs;
    if (turn > now) await pause(turn - now);
  };
}
