/** The chunks of an import: cut alike each time, sent several at once, each one's checksum compared. */
import { TupleChecksum } from '../src/model/tuple-checksum.ts';
import { Failure } from './exit-codes.ts';
import type { ImportState } from './tuple-import-state.ts';
import type { WireTuple } from './wire.ts';

export interface ImportOptions {
  readonly tuplesPerChunk: number;
  readonly parallel: number;
  readonly state: ImportState;
  /** Aborted to stop early: what is on its way is finished, nothing more is begun. */
  readonly stop: AbortSignal;
  onChunk(count: number): void;
  /** ENSURES: the checksum that the server made of the tuples. */
  send(tuples: readonly WireTuple[], idempotencyKey: string): Promise<bigint>;
}

export interface ImportTotals {
  readonly count: number;
  readonly checksum: bigint;
}

interface Located {
  readonly line: number;
  readonly tuple: WireTuple;
}

/** Of the JSON of a chunk: a server takes some 600 KB in one request, unless it is told otherwise. */
const chunkBytesMax = 400_000;

/** ENSURES: every chunk was acknowledged, unless it was stopped. */
export async function importChunks(
  tuples: AsyncIterable<Located>,
  options: ImportOptions,
): Promise<ImportTotals> {
  const { state, stop } = options;
  const chunks = chunksOf(tuples, options.tuplesPerChunk);
  let number = 0;
  let failure: unknown;
  const work = async (): Promise<void> => {
    while (failure === undefined && !stop.aborted) {
      const { value: chunk, done } = await chunks.next();
      if (done) return;
      const mine = number++;
      if (!state.isDone(mine)) await sendChunk(chunk, mine, options);
    }
  };
  const workers = Array.from({ length: options.parallel }, () =>
    work().catch((error: unknown) => {
      failure ??= error;
    }),
  );
  await Promise.all(workers);
  // Whoever stops early leaves the file open otherwise.
  await chunks.return(undefined);
  if (failure !== undefined) throw failure;
  return state.done;
}

async function sendChunk(
  chunk: readonly Located[],
  number: number,
  { state, send, onChunk }: ImportOptions,
): Promise<void> {
  const tuples = chunk.map(({ tuple }) => tuple);
  const checksum = new TupleChecksum();
  addToChecksum(checksum, tuples);
  const own = checksum.value;
  const lines = `lines ${chunk[0]?.line} to ${chunk.at(-1)?.line}`;
  let theirs: bigint;
  try {
    theirs = await send(tuples, state.keyOf(number));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { exit, code, hint, message } = error;
    throw new Failure(exit, `${lines}: ${message}`, {
      hint,
      cause: error,
      ...(code === undefined ? {} : { code }),
    });
  }
  if (theirs !== own) {
    throw new Failure('failed', `${lines}: the server read other tuples than were sent`);
  }
  state.add(number, tuples.length, own);
  onChunk(tuples.length);
}

/** Of tuples as files and the wire have them. */
export function addToChecksum(checksum: TupleChecksum, tuples: readonly WireTuple[]): void {
  for (const { user, relation, object, condition, expires_at } of tuples) {
    const guarded = condition !== undefined || expires_at !== undefined;
    const expiresAt = expires_at === undefined ? undefined : Date.parse(expires_at);
    checksum.add({
      object,
      relation,
      subject: user,
      guard: guarded
        ? {
            condition: condition && { name: condition.name, context: condition.context ?? {} },
            expiresAt,
          }
        : undefined,
    });
  }
}

/** ENSURES: the same file is cut at the same places each time. */
async function* chunksOf(
  tuples: AsyncIterable<Located>,
  tuplesMax: number,
): AsyncGenerator<readonly Located[], undefined> {
  let chunk: Located[] = [];
  let bytes = 0;
  for await (const located of tuples) {
    const more = Buffer.byteLength(JSON.stringify(located.tuple));
    if (chunk.length === tuplesMax || (chunk.length > 0 && bytes + more > chunkBytesMax)) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(located);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}
