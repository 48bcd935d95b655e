/**
 * The progress file of a bulk import or delete: one JSON line a finished chunk, appended as it ends.
 * Whoever starts the same work again with the same file goes on where it stopped.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isJsonObject } from '../src/base/json.ts';
import { Failure } from './exit-codes.ts';
import type { WireTuple } from './wire.ts';

/** What the work is. A progress file of other work is refused. */
export interface BulkWork {
  readonly operation: 'write' | 'delete';
  readonly storeId: string;
  readonly file: string;
}

export interface FailedTuple {
  /** Its line in the file; 0 where it came from elsewhere. */
  readonly line: number;
  readonly tuple_key: WireTuple;
  readonly reason: string;
}

export interface ChunkResult {
  /** Positions of the chunk's tuples in the file, counted from 0, in order. */
  readonly first: number;
  readonly count: number;
  readonly failed: readonly FailedTuple[];
}

export interface Progress {
  /** What earlier runs finished. */
  readonly done: readonly ChunkResult[];
  /** True for the position of a tuple that an earlier run has dealt with. */
  isDone(position: number): boolean;
  add(chunk: ChunkResult): void;
  /** The work is finished: the file has served. */
  remove(): void;
}

/** Without a progress file, nothing is remembered. */
export const noProgress: Progress = {
  done: [],
  isDone: () => false,
  add: () => {},
  remove: () => {},
};

export function openProgress(path: string, work: BulkWork): Progress {
  const header = {
    operation: work.operation,
    store_id: work.storeId,
    file: basename(work.file),
    bytes: statSync(work.file).size,
  };
  const done = existsSync(path) ? readProgress(path, header) : [];
  if (done.length === 0) write(path, () => writeFileSync(path, `${JSON.stringify(header)}\n`));
  const finished = new Set(done.flatMap(positionsOf));
  return {
    done,
    isDone: (position) => finished.has(position),
    add: (chunk) => write(path, () => appendFileSync(path, `${JSON.stringify(chunk)}\n`)),
    remove: () => rmSync(path, { force: true }),
  };
}

/** A run that was killed may have left half a line: what it stood for is simply done again. */
function readProgress(path: string, header: object): ChunkResult[] {
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const [first, ...lines] = whole.split('\n').filter((line) => line !== '');
  if (first === undefined) return [];
  if (first !== JSON.stringify(header)) {
    throw new Failure('usage', `\`${path}\` is the progress of other work: ${first}`, {
      hint: 'name another progress file, or delete this one to start from the beginning',
    });
  }
  if (whole.length < text.length) write(path, () => writeFileSync(path, whole));
  return lines.map((line, index) => parseChunk(path, line, index + 2));
}

function parseChunk(path: string, line: string, number: number): ChunkResult {
  const value: unknown = JSON.parse(line);
  if (
    isJsonObject(value) &&
    Number.isSafeInteger(value.first) &&
    Number.isSafeInteger(value.count)
  ) {
    return value as unknown as ChunkResult;
  }
  throw new Failure('input', `${path}:${number}: is no line of a progress file`);
}

function positionsOf(chunk: ChunkResult): number[] {
  return Array.from({ length: chunk.count }, (_, index) => chunk.first + index);
}

function write(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('input', `cannot write \`${path}\`: ${code}`, { cause: error });
  }
}
