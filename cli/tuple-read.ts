/** `pemba tuple read`: the stored tuples, for people or as a file that `tuple write` takes. */
import { type Command, Option } from 'commander';
import { connectToStore } from './connection.ts';
import { tupleFormats, tupleWriter } from './files/tuple-file.ts';
import { positiveInteger, wholeNumber } from './option-values.ts';
import { print, streamJson } from './output.ts';
import { addFilterOptions, type FilterFlags, filterOf } from './tuple-filter.ts';
import { describeTuple } from './tuple-report.ts';
import type { WireTupleRecord } from './wire.ts';

const readFormats = ['text', 'simple-json', ...tupleFormats] as const;

interface ReadFlags extends FilterFlags {
  readonly maxPages: number;
  readonly pageSize: number;
  readonly outputFormat: (typeof readFormats)[number];
}

export function registerTupleRead(tuple: Command): void {
  const command = tuple
    .command('read')
    .description('read the stored tuples that match, all of them unless told otherwise');
  addFilterOptions(command)
    .option('--max-pages <count>', 'pages to read; 0 for all', wholeNumber, 0)
    .option('--page-size <count>', 'tuples in one page', positiveInteger, 100)
    .addOption(
      new Option(
        '--output-format <format>',
        'json has timestamps; simple-json, jsonl, yaml, csv are files for `tuple write`',
      )
        .choices(readFormats)
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pemba tuple read
  $ pemba tuple read --object document:roadmap --relation viewer
  $ pemba tuple read --subject user:anne
  $ pemba tuple read --output-format csv > tuples.csv

A file says of each tuple until when it is, as expires_at; OpenFGA's tools do not know the field. A
server that is no Pemba takes fewer filters.`,
    );
  command.action(async (flags: ReadFlags) => {
    const connection = connectToStore(command);
    const pages = connection.client.tuples(
      connection.storeId,
      filterOf(flags) ?? {},
      flags.pageSize,
    );
    const format = connection.json ? 'json' : flags.outputFormat;
    let printer: TuplePrinter | undefined;
    let page = 0;
    for await (const { tuples, knowsExpiry } of pages) {
      printer ??= await tuplePrinter(format, knowsExpiry);
      printer.add(tuples);
      if (++page === flags.maxPages) break;
    }
    printer?.end();
  });
}

interface TuplePrinter {
  add(records: readonly WireTupleRecord[]): void;
  end(): void;
}

async function tuplePrinter(
  format: ReadFlags['outputFormat'],
  withExpiry: boolean,
): Promise<TuplePrinter> {
  if (format === 'json') {
    const stream = streamJson('tuples');
    return { add: stream.add, end: () => stream.end({}) };
  }
  if (format === 'text') {
    return {
      add(records) {
        for (const { key } of records) print(describeTuple(key));
      },
      end: () => {},
    };
  }
  const writer = await tupleWriter(format === 'simple-json' ? 'json' : format, withExpiry);
  process.stdout.write(writer.begin);
  return {
    add: (records) => process.stdout.write(writer.page(records.map(({ key }) => key))),
    end: () => process.stdout.write(writer.end),
  };
}
