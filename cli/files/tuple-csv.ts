/** Tuples as CSV, with the columns of OpenFGA's `fga` and `expires_at`; others are refused, any order goes. */
import { pipeline, Readable } from 'node:stream';
import { type CsvError, type Info, parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { assert } from '../../src/base/assert.ts';
import { Failure } from '../exit-codes.ts';
import type { WireTuple } from '../wire.ts';
import { inputFailure, readBlocks } from './lines.ts';
import { type TupleEntry, toEntry } from './tuple-shape.ts';

export const csvColumns = [
  'user_type',
  'user_id',
  'user_relation',
  'relation',
  'object_type',
  'object_id',
  'condition_name',
  'condition_context',
] as const;

/** Beyond those of `fga`, which does not know it. */
const expiryColumn = 'expires_at';
const knownColumns: readonly string[] = [...csvColumns, expiryColumn];

type Column = (typeof csvColumns)[number] | typeof expiryColumn;
type Row = Readonly<Record<Column, string>>;

const required: readonly Column[] = [
  'user_type',
  'user_id',
  'relation',
  'object_type',
  'object_id',
];

export async function* readCsv(file: string): AsyncGenerator<TupleEntry> {
  const parser = parse({ info: true, relax_column_count: true, skip_empty_lines: true });
  // The loop below meets whatever fails on either side.
  pipeline(Readable.from(texts(file)), parser, () => {});
  let columns: readonly string[] | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: Info;
    }>) {
      if (columns === undefined) columns = checkHeader(file, record);
      else yield toCsvEntry(firstLine(record, info.lines), columns, record);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { lines, message } = error as CsvError & { lines?: number };
    throw inputFailure(file, lines, message);
  }
  if (columns === undefined) throw inputFailure(file, undefined, 'the CSV file is empty');
}

export function csvHeader(withExpiry: boolean): string {
  return `${(withExpiry ? knownColumns : csvColumns).join(',')}\n`;
}

/** Rows for these tuples, without the header. REQUIRES: where one expires, `withExpiry`. */
export function toCsv(tuples: readonly WireTuple[], withExpiry: boolean): string {
  assert(
    withExpiry || tuples.every((tuple) => tuple.expires_at === undefined),
    'no expiry is left out',
  );
  const rows = tuples.map((tuple) =>
    withExpiry ? [...toRow(tuple), tuple.expires_at ?? ''] : toRow(tuple),
  );
  return stringify(rows);
}

/** With one kind of line end: the parser would count two lines for a CRLF inside quotes. */
async function* texts(file: string): AsyncGenerator<string> {
  for await (const block of readBlocks(file)) yield block.text.replaceAll('\r\n', '\n');
}

/** A quoted field may hold line ends; the parser counts the line where the record ends. */
function firstLine(record: readonly string[], lastLine: number): number {
  return record.reduce((line, field) => line - (field.split('\n').length - 1), lastLine);
}

function checkHeader(file: string, header: readonly string[]): readonly string[] {
  const columns = header.map((name) => name.trim());
  const unknown = columns.find((name) => !knownColumns.includes(name));
  if (unknown !== undefined) {
    throw inputFailure(
      file,
      1,
      `unknown column \`${unknown}\`; the columns are ${knownColumns.join(',')}`,
    );
  }
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw inputFailure(file, 1, `the column \`${twice}\` stands twice`);
  const absent = required.find((name) => !columns.includes(name));
  if (absent !== undefined) throw inputFailure(file, 1, `the column \`${absent}\` is missing`);
  return columns;
}

function toCsvEntry(
  line: number,
  columns: readonly string[],
  record: readonly string[],
): TupleEntry {
  if (record.length !== columns.length) {
    return { line, fault: `${record.length} fields where the header has ${columns.length}` };
  }
  const row = Object.fromEntries(
    columns.map((name, index) => [name, record[index]]),
  ) as Partial<Row>;
  const empty = required.find((name) => row[name] === '');
  if (empty !== undefined) return { line, fault: `the field \`${empty}\` is empty` };
  const userset = row.user_relation ? `#${row.user_relation}` : '';
  const tuple = {
    user: `${row.user_type}:${row.user_id}${userset}`,
    relation: row.relation,
    object: `${row.object_type}:${row.object_id}`,
    ...(row.expires_at ? { expires_at: row.expires_at } : {}),
  };
  if (!row.condition_name) {
    return row.condition_context
      ? { line, fault: 'a `condition_context` without a `condition_name`' }
      : toEntry(line, tuple);
  }
  if (!row.condition_context)
    return toEntry(line, { ...tuple, condition: { name: row.condition_name } });
  try {
    const context: unknown = JSON.parse(row.condition_context);
    return toEntry(line, { ...tuple, condition: { name: row.condition_name, context } });
  } catch (error) {
    return { line, fault: `\`condition_context\` is not JSON: ${(error as Error).message}` };
  }
}

function toRow(tuple: WireTuple): string[] {
  const [user = '', userRelation = ''] = splitOnce(tuple.user, '#');
  const [userType = '', userId = ''] = splitOnce(user, ':');
  const [objectType = '', objectId = ''] = splitOnce(tuple.object, ':');
  const { condition } = tuple;
  const context = condition?.context === undefined ? '' : JSON.stringify(condition.context);
  return [
    userType,
    userId,
    userRelation,
    tuple.relation,
    objectType,
    objectId,
    condition?.name ?? '',
    context,
  ];
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
