/** Text files as blocks of whole lines: a file of any size in little memory, and no byte guessed at. */
import { isUtf8 } from 'node:buffer';
import { createReadStream, statSync } from 'node:fs';
import { limits } from '../../src/base/limits.ts';
import { Failure } from '../exit-codes.ts';

export interface Block {
  readonly text: string;
  /** Number of the block's first line; the file's first is 1. */
  readonly firstLine: number;
}

/**
 * The file in blocks that end where a line ends. A byte order mark at its start is dropped.
 * ENSURES: the blocks together are the file; a byte that is no UTF-8 or a line that is too long
 * throws a Failure that names its line.
 */
export async function* readBlocks(file: string): AsyncGenerator<Block> {
  checkRegularFile(file);
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      // A line that goes on from the chunk before is the first; the others lie within this one.
      const first = bytes.indexOf(newline);
      if ((first === -1 ? bytes.length : first) > limits.inputLineBytesMax) {
        throw inputFailure(file, line, `is longer than ${limits.inputLineBytesMax} bytes`);
      }
      const end = bytes.lastIndexOf(newline) + 1;
      rest = bytes.subarray(end);
      if (end === 0) continue;
      const block = bytes.subarray(0, end);
      yield { text: decode(file, block, line), firstLine: line };
      line += countLines(block);
    }
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(file, error);
  }
  if (rest.length > 0) yield { text: decode(file, rest, line), firstLine: line };
}

/** Each line of the file with its number, without its line end. */
export async function* readLines(file: string): AsyncGenerator<{ line: number; text: string }> {
  for await (const block of readBlocks(file)) {
    let line = block.firstLine;
    const lines = block.text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const text of lines)
      yield { line: line++, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }
}

/** The whole of a file that must fit into memory anyway. */
export async function readText(file: string): Promise<string> {
  let text = '';
  for await (const block of readBlocks(file)) text += block.text;
  return text;
}

export function inputFailure(file: string, line: number | undefined, fault: string): Failure {
  return new Failure('input', `${file}${line === undefined ? ':' : `:${line}:`} ${fault}`);
}

const newline = 0x0a;

/** A pipe nobody writes to would block for ever, a device such as /dev/zero would never end. */
function checkRegularFile(file: string): void {
  let isFile: boolean;
  try {
    isFile = statSync(file).isFile();
  } catch (error) {
    throw unreadable(file, error);
  }
  if (!isFile) throw new Failure('input', `\`${file}\` is not a regular file`);
}

function unreadable(file: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'there is no such file' : (code ?? message);
  return new Failure('input', `cannot read \`${file}\`: ${reason}`, { cause: error });
}

function decode(file: string, bytes: Buffer, firstLine: number): string {
  if (!isUtf8(bytes))
    throw inputFailure(file, firstLine + lineOfBadByte(bytes), 'is not UTF-8 text');
  const text = bytes.toString('utf8');
  return firstLine === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** REQUIRES: the block is not UTF-8. No line end lies inside a character, so one line is to blame. */
function lineOfBadByte(bytes: Buffer): number {
  for (let line = 0, start = 0; ; line++) {
    const end = bytes.indexOf(newline, start);
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines++;
  return lines;
}
