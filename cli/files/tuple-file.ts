/** Files of tuples in the four formats: read entry by entry, written page by page. */
import { isJsonObject } from '../../src/base/json.ts';
import { Failure } from '../exit-codes.ts';
import type { WireTuple } from '../wire.ts';
import { inputFailure, readLines, readText } from './lines.ts';
import { type TupleEntry, toEntry } from './tuple-shape.ts';

export const tupleFormats = ['json', 'jsonl', 'yaml', 'csv'] as const;
export type TupleFormat = (typeof tupleFormats)[number];

const extensions: readonly [ending: string, format: TupleFormat][] = [
  ['.json', 'json'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.yaml', 'yaml'],
  ['.yml', 'yaml'],
  ['.csv', 'csv'],
];

/** Faults listed before the rest is only counted. */
const faultsShownMax = 20;

export function tupleFormatOf(file: string): TupleFormat {
  const found = extensions.find(([ending]) => file.toLowerCase().endsWith(ending));
  if (found !== undefined) return found[1];
  throw new Failure('usage', `\`${file}\` ends in none of .json, .jsonl, .yaml, .csv`, {
    hint: 'name the format with --format',
  });
}

/**
 * Every entry of the file, good or bad, in its order. A jsonl or csv file is never whole in memory.
 * What makes the rest of the file unreadable (broken JSON around it, an open quote) throws.
 */
export async function* readEntries(file: string, format: TupleFormat): AsyncGenerator<TupleEntry> {
  if (format === 'jsonl') yield* readJsonLines(file);
  else if (format === 'csv') yield* (await import('./tuple-csv.ts')).readCsv(file);
  else if (format === 'json') yield* await readJson(file);
  else yield* await readYaml(file);
}

/** The tuples of a file that `checkTuples` found good. */
export async function* readTuples(
  file: string,
  format: TupleFormat,
): AsyncGenerator<{ line: number; tuple: WireTuple }> {
  for await (const entry of readEntries(file, format)) {
    if ('fault' in entry) throw inputFailure(file, entry.line, entry.fault);
    yield entry;
  }
}

/**
 * Reads the file once, to count its tuples before the first is written.
 * ENSURES: every entry is a tuple and there is at least one; else a Failure lists the bad lines.
 */
export async function checkTuples(file: string, format: TupleFormat): Promise<number> {
  let count = 0;
  let faultCount = 0;
  const shown: string[] = [];
  for await (const entry of readEntries(file, format)) {
    if ('tuple' in entry) count++;
    else if (++faultCount <= faultsShownMax) shown.push(`${file}:${entry.line}: ${entry.fault}`);
  }
  if (faultCount > 0) {
    const more = faultCount > shown.length ? [`and ${faultCount - shown.length} more`] : [];
    const [first, ...rest] = [...shown, ...more];
    const list =
      rest.length === 0 ? first : `${faultCount} bad tuples\n  ${[first, ...rest].join('\n  ')}`;
    throw new Failure('input', String(list), { hint: 'nothing was sent' });
  }
  if (count === 0) throw inputFailure(file, undefined, 'holds no tuple');
  return count;
}

async function* readJsonLines(file: string): AsyncGenerator<TupleEntry> {
  for await (const { line, text } of readLines(file)) {
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      yield { line, fault: `is not JSON: ${(error as Error).message}` };
      continue;
    }
    yield toEntry(line, value);
  }
}

/** JSON.parse is fast and knows no lines: the slow parser looks only at a file with a fault in it. */
async function readJson(file: string): Promise<readonly TupleEntry[]> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { faultLineOf } = await import('./json-line.ts');
    const message = (error as Error).message.replaceAll(/\s+/g, ' ');
    throw inputFailure(file, faultLineOf(text), `is not JSON: ${message}`);
  }
  const { list } = listOf(file, value);
  const entries = list.map((item) => toEntry(0, item));
  return entries.some((entry) => 'fault' in entry) ? await readYaml(file, text) : entries;
}

async function readYaml(file: string, text?: string): Promise<readonly TupleEntry[]> {
  const { parseYaml } = await import('./yaml.ts');
  const yaml = parseYaml(file, text ?? (await readText(file)));
  const { list, path } = listOf(file, yaml.value);
  return list.map((item, index) => toEntry(yaml.lineOf([...path, index]), item));
}

/** A list of tuples, bare or below `tuples` as `tuple read --json` prints it. */
function listOf(file: string, value: unknown): { list: readonly unknown[]; path: string[] } {
  if (Array.isArray(value)) return { list: value, path: [] };
  if (isJsonObject(value) && Array.isArray(value.tuples)) {
    return { list: value.tuples, path: ['tuples'] };
  }
  throw inputFailure(file, 1, 'must be a list of tuples');
}

/** Text of a file of tuples: what begins it, what each page adds, what ends it. */
export interface TupleWriter {
  readonly begin: string;
  page(tuples: readonly WireTuple[]): string;
  readonly end: string;
}

/** `withExpiry`: whether a CSV file gets the column; in the other formats each tuple says it. */
export async function tupleWriter(format: TupleFormat, withExpiry: boolean): Promise<TupleWriter> {
  if (format === 'csv') {
    const { csvHeader, toCsv } = await import('./tuple-csv.ts');
    const page = (tuples: readonly WireTuple[]) => toCsv(tuples, withExpiry);
    return { begin: csvHeader(withExpiry), page, end: '' };
  }
  if (format === 'jsonl') return { begin: '', page: toLines, end: '' };
  if (format === 'json') return jsonWriter();
  const { toYaml } = await import('./yaml.ts');
  return { begin: '', page: (tuples) => (tuples.length === 0 ? '' : toYaml(tuples)), end: '' };
}

function toLines(tuples: readonly WireTuple[]): string {
  return tuples.map((tuple) => `${JSON.stringify(tuple)}\n`).join('');
}

function jsonWriter(): TupleWriter {
  let separator = '\n';
  const page = (tuples: readonly WireTuple[]): string => {
    let text = '';
    for (const tuple of tuples) {
      text += `${separator}  ${JSON.stringify(tuple)}`;
      separator = ',\n';
    }
    return text;
  };
  return { begin: '[', page, end: '\n]\n' };
}
