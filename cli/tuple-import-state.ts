/**
 * The progress of an import, in a small file: which import it is, and a line for each chunk that the
 * server has acknowledged. Chunks are sent under the import's id and their number, so that one whose
 * answer was lost is no second write when it is sent again.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isJsonObject } from '../src/base/json.ts';
import { joinChecksums } from '../src/model/tuple-checksum.ts';
import { Failure } from './exit-codes.ts';

/** What the import is. A file of another one is refused. */
export interface ImportWork {
  readonly store_id: string;
  readonly file: string;
  readonly conflict: string;
  readonly tuples_per_chunk: number;
}

interface DoneChunk {
  readonly chunk: number;
  readonly count: number;
  readonly checksum: string;
}

export class ImportState {
  readonly id: string;
  private readonly path: string;
  private readonly chunks: Map<number, DoneChunk>;

  private constructor(path: string, id: string, chunks: readonly DoneChunk[]) {
    this.path = path;
    this.id = id;
    this.chunks = new Map(chunks.map((chunk) => [chunk.chunk, chunk]));
  }

  static open(path: string, { file, ...work }: ImportWork): ImportState {
    const { size, mtimeMs } = statSync(file);
    const expected = { ...work, file: basename(file), bytes: size, changed: Math.round(mtimeMs) };
    if (!existsSync(path)) {
      const id = randomUUID();
      keep(path, () => writeFileSync(path, `${JSON.stringify({ id, ...expected })}\n`));
      return new ImportState(path, id, []);
    }
    const text = readFileSync(path, 'utf8');
    // A run that was killed may have left half a line: that chunk is sent again.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const [first = '{}', ...lines] = whole.split('\n').filter((line) => line !== '');
    const { id, ...found } = parsed(path, first);
    if (typeof id !== 'string' || JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Failure('usage', `\`${path}\` is the progress of another import: ${first}`, {
        hint: 'name another file with --state, or delete this one to start from the beginning',
      });
    }
    if (whole.length < text.length) keep(path, () => writeFileSync(path, whole));
    return new ImportState(
      path,
      id,
      lines.map((line) => doneChunk(path, line)),
    );
  }

  get done(): { count: number; checksum: bigint } {
    const sum = { count: 0, checksum: 0n };
    for (const { count, checksum } of this.chunks.values()) {
      sum.count += count;
      sum.checksum = joinChecksums(sum.checksum, BigInt(checksum));
    }
    return sum;
  }

  isDone(chunk: number): boolean {
    return this.chunks.has(chunk);
  }

  /** Names the chunk to the server. */
  keyOf(chunk: number): string {
    return `import ${this.id}/${chunk}`;
  }

  add(chunk: number, count: number, checksum: bigint): void {
    const done = { chunk, count, checksum: String(checksum) };
    keep(this.path, () => appendFileSync(this.path, `${JSON.stringify(done)}\n`));
    this.chunks.set(chunk, done);
  }

  /** The import is finished: the file has served. */
  remove(): void {
    rmSync(this.path, { force: true });
  }
}

function doneChunk(path: string, line: string): DoneChunk {
  const { chunk, count, checksum } = parsed(path, line);
  if (typeof chunk === 'number' && typeof count === 'number' && typeof checksum === 'string') {
    return { chunk, count, checksum };
  }
  throw notState(path);
}

function parsed(path: string, line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (isJsonObject(value)) return value;
  } catch {
    // Then it is none of ours.
  }
  throw notState(path);
}

function notState(path: string): Failure {
  return new Failure('input', `\`${path}\` is not the progress of an import`);
}

function keep(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('input', `cannot write \`${path}\`: ${code}`, {
      hint: 'name another place with --state',
      cause: error,
    });
  }
}
