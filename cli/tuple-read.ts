/** `pemba tuple read`: the stored tuples, for people or as a file that `tuple write` takes. */
import { type Command, Option } from 'commander';
import { connectToStore } from './connection.ts';
import { tupleFormats, tupleWriter } from './files/tuple-file.ts';
import { positiveInteger, wholeNumber } from './option-values.ts';
import { print, streamJson } from './output.ts';
import { describeTuple } from './tuple-report.ts';
import { plainTuple, type WireTuple } from './wire.ts';

const readFormats = ['text', 'simple-json', ...tupleFormats] as const;

interface ReadFlags {
  readonly user?: string;
  readonly relation?: string;
  readonly object?: string;
  readonly maxPages: number;
  readonly pageSize: number;
  readonly outputFormat: (typeof readFormats)[number];
}

export function registerTupleRead(tuple: Command): void {
  const command = tuple
    .command('read')
    .description('read the stored tuples that match, all of them unless told otherwise')
    .option('--user <user>', 'only tuples of this user')
    .option('--relation <relation>', 'only tuples of this relation')
    .option('--object <object>', 'only tuples of this object, or type, as `document:`')
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
  $ pemba tuple read --user user:anne --object document:
  $ pemba tuple read --output-format csv > tuples.csv`,
    );
  command.action(async (flags: ReadFlags) => {
    const connection = connectToStore(command);
    const filter = {
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.relation === undefined ? {} : { relation: flags.relation }),
      ...(flags.object === undefined ? {} : { object: flags.object }),
    };
    const pages = connection.client.tuples(connection.storeId, filter, flags.pageSize);
    const printer = await tuplePrinter(connection.json ? 'json' : flags.outputFormat);
    let page = 0;
    for await (const records of pages) {
      printer.add(records.map(({ key, timestamp }) => ({ key: plainTuple(key), timestamp })));
      if (++page === flags.maxPages) break;
    }
    printer.end();
  });
}

interface TuplePrinter {
  add(records: readonly { readonly key: WireTuple; readonly timestamp: string }[]): void;
  end(): void;
}

async function tuplePrinter(format: ReadFlags['outputFormat']): Promise<TuplePrinter> {
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
  const writer = await tupleWriter(format === 'simple-json' ? 'json' : format);
  process.stdout.write(writer.begin);
  return {
    add: (records) => process.stdout.write(writer.page(records.map(({ key }) => key))),
    end: () => process.stdout.write(writer.end),
  };
}
