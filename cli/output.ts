/**
 * What commands print. Results go to stdout, notes and errors to stderr. With `--json` the result is
 * one JSON document; colours appear only on a terminal and never with NO_COLOR.
 */
import { styleText } from 'node:util';
import type { Failure } from './exit-codes.ts';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A JSON document whose one long list is printed as it comes, with the other fields at its end. */
export interface JsonStream {
  add(items: readonly unknown[]): void;
  end(rest: Readonly<Record<string, unknown>>): void;
}

export function streamJson(field: string): JsonStream {
  let count = 0;
  process.stdout.write(`{\n  ${JSON.stringify(field)}: [`);
  return {
    add(items) {
      const texts = items.map((item) => `${count++ === 0 ? '' : ','}\n    ${JSON.stringify(item)}`);
      process.stdout.write(texts.join(''));
    },
    end(rest) {
      const fields = Object.entries(rest).map(
        ([name, value]) => `,\n  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
      );
      print(`${count === 0 ? '' : '\n  '}]${fields.join('')}\n}`);
    },
  };
}

/** A note for whoever watches; never part of the result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function warn(text: string): void {
  process.stderr.write(`${paintError('yellow', 'warning:')} ${text}\n`);
}

/** Colours text for stdout, where stdout is a terminal that wants colours. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true });
}

function paintError(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr, validateStream: true });
}

/** The one line (or, with `--json`, the one document) on stderr that says why a command ended. */
export function printFailure(failure: Failure, json: boolean): void {
  if (json) {
    const error = { code: failure.code ?? failure.exit, message: failure.message };
    const document = {
      error: failure.hint === undefined ? error : { ...error, hint: failure.hint },
    };
    process.stderr.write(`${JSON.stringify(document)}\n`);
    return;
  }
  const code = failure.code === undefined ? '' : `${failure.code}: `;
  const hint = failure.hint === undefined ? '' : ` (${failure.hint})`;
  process.stderr.write(`${paintError('red', 'error:')} ${code}${failure.message}${hint}\n`);
}

/** Rows under bold headings, columns as wide as their widest cell. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = headings.map((heading, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] ?? '').length), heading.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  print(paint('bold', line(headings)));
  for (const row of rows) print(line(row));
}

/** Whoever reads our output may stop early (`| head`): that is no error. */
export function tolerateClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
