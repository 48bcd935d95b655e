/** `pemba tuple`: its commands; here those that write and delete tuples, one or a file of them. */
import { type Command, Option } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import {
  checkTuples,
  readTuples,
  type TupleFormat,
  tupleFormatOf,
  tupleFormats,
} from './files/tuple-file.ts';
import { jsonObject, positiveInteger, positiveNumber, wholeNumber } from './option-values.ts';
import { registerTupleChanges } from './tuple-changes.ts';
import { registerTupleRead } from './tuple-read.ts';
import { requireAll, type TransferSource, transfer } from './tuple-transfer.ts';
import type { Conflict, WireTuple } from './wire.ts';

export function registerTuple(program: Command): void {
  const tuple = program.command('tuple').description('write, delete and read tuples');
  registerWrite(tuple);
  registerDelete(tuple);
  registerTupleRead(tuple);
  registerTupleChanges(tuple);
}

interface BulkFlags {
  readonly file?: string;
  readonly format?: TupleFormat;
  readonly maxTuplesPerWrite: number;
  readonly maxParallelRequests: number;
  readonly maxRps?: number;
  readonly skip: number;
  readonly resume?: string;
  readonly hideImportedTuples?: boolean;
}

interface WriteFlags extends BulkFlags {
  readonly conditionName?: string;
  readonly conditionContext?: JsonObject;
  readonly onDuplicate?: Conflict;
}

interface DeleteFlags extends BulkFlags {
  readonly onMissing?: Conflict;
}

type TupleArguments = readonly [string | undefined, string | undefined, string | undefined];

function registerWrite(tuple: Command): void {
  const command = tuple
    .command('write [user] [relation] [object]')
    .description('write one tuple, or those of a file')
    .option('--condition-name <name>', 'condition that guards the tuple')
    .option('--condition-context <json>', 'values stored with the condition', jsonObject)
    .addOption(
      new Option(
        '--on-duplicate <what>',
        'a tuple that exists already (default: ignore for files)',
      ).choices(['error', 'ignore']),
    );
  addBulkOptions(command, 'write').addHelpText(
    'after',
    `
Examples:
  $ pemba tuple write user:anne viewer document:roadmap
  $ pemba tuple write user:anne viewer document:plan \\
      --condition-name in_office --condition-context '{"ip": "10.0.0.1"}'
  $ pemba tuple write --file tuples.csv
  $ pemba tuple write --file tuples.jsonl --resume tuples.progress --max-rps 50

Files are json, jsonl, yaml or csv. The whole file is checked before anything is written; then a
tuple that the server refuses is listed with its line and reason while the others are written.`,
  );
  command.action(async (user, relation, object, flags: WriteFlags) => {
    const condition = conditionOf(flags);
    const source = await sourceOf([user, relation, object], flags, condition);
    await run(command, source, flags, {
      operation: 'write',
      conflict: flags.onDuplicate ?? defaultConflict(flags),
    });
  });
}

function registerDelete(tuple: Command): void {
  const command = tuple
    .command('delete [user] [relation] [object]')
    .description('delete one tuple, or those of a file')
    .addOption(
      new Option(
        '--on-missing <what>',
        'a tuple that does not exist (default: ignore for files)',
      ).choices(['error', 'ignore']),
    );
  addBulkOptions(command, 'delete').addHelpText(
    'after',
    `
Examples:
  $ pemba tuple delete user:anne viewer document:roadmap
  $ pemba tuple read --output-format csv > all.csv && pemba tuple delete --file all.csv`,
  );
  command.action(async (user, relation, object, flags: DeleteFlags) => {
    const source = await sourceOf([user, relation, object], flags, undefined);
    await run(command, source, flags, {
      operation: 'delete',
      conflict: flags.onMissing ?? defaultConflict(flags),
    });
  });
}

function addBulkOptions(command: Command, operation: string): Command {
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

async function run(
  command: Command,
  source: TransferSource,
  flags: BulkFlags,
  what: { operation: 'write' | 'delete'; conflict: Conflict },
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
function defaultConflict(flags: BulkFlags): Conflict {
  return flags.file === undefined ? 'error' : 'ignore';
}

function conditionOf(flags: WriteFlags): WireTuple['condition'] {
  const { conditionName: name, conditionContext: context } = flags;
  if (name === undefined) {
    if (context === undefined) return undefined;
    throw new Failure('usage', '--condition-context needs --condition-name');
  }
  if (flags.file !== undefined) {
    throw new Failure(
      'usage',
      '--condition-name goes with one tuple; in a file, each names its own',
    );
  }
  return context === undefined ? { name } : { name, context };
}

async function sourceOf(
  [user, relation, object]: TupleArguments,
  flags: BulkFlags,
  condition: WireTuple['condition'],
): Promise<TransferSource> {
  const { file } = flags;
  if (file === undefined) {
    if (user === undefined || relation === undefined || object === undefined) {
      throw new Failure('usage', 'give <user> <relation> <object>, or --file');
    }
    if (flags.resume !== undefined || flags.skip > 0) {
      throw new Failure('usage', '--resume and --skip go with --file');
    }
    const tuple = { user, relation, object };
    const one = { line: 0, tuple: condition === undefined ? tuple : { ...tuple, condition } };
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
