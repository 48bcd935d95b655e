/** What `tuple write` and `tuple delete` have in common: a tuple or a file, and how it is sent. */
import { type Command, Option } from 'commander';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import {
  checkTuples,
  readTuples,
  type TupleFormat,
  tupleFormatOf,
  tupleFormats,
} from './files/tuple-file.ts';
import { positiveInteger, positiveNumber, wholeNumber } from './option-values.ts';
import {
  requireAll,
  type TransferOptions,
  type TransferSource,
  transfer,
} from './tuple-transfer.ts';
import type { WireTuple } from './wire.ts';

export interface BulkFlags {
  readonly file?: string;
  readonly format?: TupleFormat;
  readonly maxTuplesPerWrite: number;
  readonly maxParallelRequests: number;
  readonly maxRps?: number;
  readonly skip: number;
  readonly resume?: string;
  readonly hideImportedTuples?: boolean;
}

export type TupleArguments = readonly [string | undefined, string | undefined, string | undefined];

export function addBulkOptions(command: Command, operation: string): Command {
  return command
    .option('--file <file>', 'tuples as json, jsonl, yaml or csv')
    .addOption(new Option('--format <format>', 'format of the file').choices(tupleFormats))
    .option('--max-tuples-per-write <count>', 'tuples in one request', positiveInteger, 100)
    .option('--max-parallel-requests <count>', 'requests at once', positiveInteger, 4)
    .option('--max-rps <count>', 'requests a second at most', positiveNumber)
    .option('--skip <count>', 'pass over the first tuples of the file', wholeNumber, 0)
    .option('--resume <file>', `keep the progress here, and ${operation} on where it ends`)
    .option('--hide-imported-tuples', 'leave the successful tuples out of the JSON');
}

export async function runTransfer(
  command: Command,
  source: TransferSource,
  flags: BulkFlags,
  what: Pick<TransferOptions, 'operation' | 'conflict' | 'preconditions' | 'idempotencyKey'>,
): Promise<void> {
  const connection = connectToStore(command);
  const totals = await transfer(connection, source, {
    ...what,
    maxTuplesPerWrite: flags.maxTuplesPerWrite,
    maxParallelRequests: flags.maxParallelRequests,
    maxRps: flags.maxRps,
    skip: flags.skip,
    resume: flags.resume,
    hideImportedTuples: flags.hideImportedTuples === true,
    form: connection.json ? 'json' : 'text',
  });
  requireAll(totals, what.operation);
}

/** A file may be sent again after an interrupt; whoever types one tuple wants to know of its twin. */
export function defaultConflict(flags: BulkFlags): 'error' | 'ignore' {
  return flags.file === undefined ? 'error' : 'ignore';
}

/** `complete` adds what options say of the one tuple that is typed. */
export async function sourceOf(
  [user, relation, object]: TupleArguments,
  flags: BulkFlags,
  complete: (key: WireTuple) => WireTuple,
): Promise<TransferSource> {
  const { file } = flags;
  if (file === undefined) {
    if (user === undefined || relation === undefined || object === undefined) {
      throw new Failure('usage', 'give <user> <relation> <object>, or --file');
    }
    if (flags.resume !== undefined || flags.skip > 0) {
      throw new Failure('usage', '--resume and --skip go with --file');
    }
    const one = { line: 0, tuple: complete({ user, relation, object }) };
    return { file, total: 1, tuples: only(one) };
  }
  if (user !== undefined) throw new Failure('usage', 'give a tuple or --file, not both');
  const format = flags.format ?? tupleFormatOf(file);
  const total = await checkTuples(file, format);
  return { file, total, tuples: readTuples(file, format) };
}

async function* only<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}
