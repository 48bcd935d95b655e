/** `pemba tuple import`: a file of any number of tuples, in large chunks, several at once. */
import { type Command, Option } from 'commander';
import { limits } from '../src/base/limits.ts';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import {
  checkTuples,
  readTuples,
  type TupleFormat,
  tupleFormatOf,
  tupleFormats,
} from './files/tuple-file.ts';
import { onInterrupt } from './interrupt.ts';
import { positiveInteger } from './option-values.ts';
import { note, print, printJson } from './output.ts';
import { type ImportTotals, importChunks } from './tuple-import-run.ts';
import { ImportState } from './tuple-import-state.ts';
import { startMeter } from './tuple-meter.ts';
import type { Conflict } from './wire.ts';

interface ImportFlags {
  readonly format?: TupleFormat;
  readonly onDuplicate: Conflict;
  readonly chunk: number;
  readonly parallel: number;
  readonly state?: string;
  readonly dryRun?: boolean;
}

export function registerTupleImport(tuple: Command): void {
  const command = tuple
    .command('import <file>')
    .description(
      'write the tuples of a file, as many as there are, as fast as the server takes them',
    )
    .addOption(new Option('--format <format>', 'format of the file').choices(tupleFormats))
    .addOption(
      new Option('--on-duplicate <what>', 'a tuple that exists already')
        .choices(['error', 'ignore', 'replace'])
        .default('ignore'),
    )
    .option('--chunk <count>', 'tuples in one request', chunkSize, 2_000)
    .option('--parallel <count>', 'requests at once', positiveInteger, 4)
    .option('--state <file>', 'where the progress is kept (default: <file>.import)')
    .option('--dry-run', 'check the file and count, and send nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba tuple import tuples.jsonl
  $ pemba tuple import tuples.csv --on-duplicate replace
  $ pemba tuple import tuples.csv --dry-run

Needs a Pemba server. A chunk is written whole or not at all. Interrupted, the same command goes on
where it stopped, and writes nothing twice: progress is kept beside the file until the import is done.
At its end the number of tuples and their checksum are those that \`pemba tuple export\` prints of a
store that holds exactly these tuples.`,
    );
  command.action(async (file: string, flags: ImportFlags) => {
    const format = flags.format ?? tupleFormatOf(file);
    const total = await checkTuples(file, format);
    if (flags.dryRun === true) {
      print(`${total} tuples in \`${file}\`; nothing was sent`);
      return;
    }
    const { client, storeId, modelId, json } = connectToStore(command);
    const statePath = flags.state ?? `${file}.import`;
    const { onDuplicate: conflict, chunk: tuplesPerChunk } = flags;
    const work = { store_id: storeId, file, conflict, tuples_per_chunk: tuplesPerChunk };
    const state = ImportState.open(statePath, work);
    if (state.done.count > 0) note(`${state.done.count} tuples: done by an earlier run`);
    using interrupt = onInterrupt('stopping: what is on its way is finished first');
    using meter = startMeter(total, state.done.count);
    try {
      const totals = await importChunks(readTuples(file, format), {
        tuplesPerChunk,
        parallel: flags.parallel,
        state,
        stop: interrupt.signal,
        onChunk: (count) => meter.add(count),
        send: (tuples, key) =>
          client.importTuples(storeId, { tuples, conflict, modelId, idempotencyKey: key }),
      });
      if (interrupt.signal.aborted) throw new Failure('interrupted', 'interrupted before the end');
      if (totals.count !== total) {
        throw new Failure(
          'failed',
          `${totals.count} of ${total} tuples were sent: did the file change?`,
        );
      }
      state.remove();
      report(totals, json);
    } catch (error) {
      note(`to go on, run the same command again: ${statePath} knows what is done`);
      throw error;
    }
  });
}

function chunkSize(text: string): number {
  return Math.min(positiveInteger(text), limits.tuplesPerImportMax);
}

function report({ count, checksum }: ImportTotals, json: boolean): void {
  const sum = checksum.toString(16).padStart(16, '0');
  if (json) printJson({ count, checksum: sum });
  else print(`${count} tuples imported, checksum ${sum}`);
}
