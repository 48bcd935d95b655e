/** `pemba tuple export`: the tuples of a store as a file, with their number and checksum. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type Command, Option } from 'commander';
import { TupleChecksum } from '../src/model/tuple-checksum.ts';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { type TupleFormat, tupleFormatOf, tupleFormats, tupleWriter } from './files/tuple-file.ts';
import { StreamCut } from './http-lines.ts';
import { note, printJson, warn } from './output.ts';
import type { TupleClient } from './tuple-client.ts';
import { addFilterOptions, type FilterFlags, filterOf } from './tuple-filter.ts';
import { addToChecksum } from './tuple-import-run.ts';
import type { WireTuple } from './wire.ts';

interface ExportFlags extends FilterFlags {
  readonly format?: TupleFormat;
}

export function registerTupleExport(tuple: Command): void {
  const command = tuple
    .command('export [file]')
    .description('the tuples of a store, or those that match, as a file that `tuple import` takes');
  addFilterOptions(command)
    .addOption(
      new Option(
        '--format <format>',
        'format of the file (default: by its name, or jsonl)',
      ).choices(tupleFormats),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pemba tuple export tuples.jsonl
  $ pemba tuple export --object-type document --format csv > documents.csv

Needs a Pemba server. The tuples are all as of one revision; an export that takes longer than a
request may (\`--request-timeout\` of the server) is read in several parts, and says so if the store
changed between them. The number and the checksum go to standard error.`,
    );
  command.action(async (file: string | undefined, flags: ExportFlags) => {
    const { client, storeId, json } = connectToStore(command);
    const format = flags.format ?? (file === undefined ? 'jsonl' : tupleFormatOf(file));
    const writer = await tupleWriter(format, true);
    const out = file === undefined ? process.stdout : createWriteStream(file);
    const put = async (text: string) => {
      if (!out.write(text)) await once(out, 'drain');
    };
    await put(writer.begin);
    const checksum = new TupleChecksum();
    const revisions = new Set<string>();
    for await (const { tuples, token } of allParts(client, storeId, flags)) {
      await put(writer.page(tuples));
      addToChecksum(checksum, tuples);
      revisions.add(token);
    }
    await put(writer.end);
    if (out !== process.stdout) {
      out.end();
      await once(out, 'finish');
    }
    if (revisions.size > 1) {
      warn('the store was written to meanwhile: the tuples are not all of one revision');
    }
    const sum = checksum.value.toString(16).padStart(16, '0');
    const { count } = checksum;
    if (json && file !== undefined) printJson({ file, count, checksum: sum });
    else note(`${count} tuples exported, checksum ${sum}`);
  });
}

interface Part {
  readonly tuples: readonly WireTuple[];
  readonly token: string;
}

/** Goes on where a call was cut. ENSURES: each call's number and checksum are what came. */
async function* allParts(
  client: TupleClient,
  store: string,
  flags: ExportFlags,
): AsyncGenerator<Part> {
  let cursor = '';
  do {
    const came = new TupleChecksum();
    try {
      for await (const part of client.exportTuples(store, filterOf(flags), cursor)) {
        addToChecksum(came, part.tuples);
        if (part.count !== came.count || part.checksum !== came.value) {
          throw new Failure('serverFailed', 'tuples were lost on their way: export again');
        }
        ({ cursor } = part);
        yield { tuples: part.tuples, token: part.token };
      }
    } catch (error) {
      if (!(error instanceof StreamCut) || came.count === 0) throw error;
    }
  } while (cursor !== '');
}
