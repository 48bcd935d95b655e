/** `pemba query objects | subjects`: whole lists, exactly what a check allows, page after page. */
import type { Command } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import { connectToStore } from './connection.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import { jsonObject, positiveInteger } from './option-values.ts';
import { type JsonStream, print, streamJson, warn } from './output.ts';
import { addQueryOptions, pembaBody, type QueryFlags } from './query-options.ts';
import type { WireListedRow, WirePage } from './wire.ts';

interface PagesFlags extends QueryFlags {
  readonly context?: JsonObject;
  readonly relation?: readonly string[];
  readonly type?: readonly string[];
  readonly pageSize?: number;
  readonly count?: boolean;
}

interface ObjectsFlags extends PagesFlags {
  readonly under?: string;
  readonly via?: string;
  readonly direct?: boolean;
}

const several = (text: string, before: readonly string[] = []) => [...before, text];

const unansweredHelp = `
A relation that cannot be computed is named on stderr with the reason, and the exit code is ${exitCodes.failed.code}.
`;

export function registerObjects(query: Command): void {
  const command = query
    .command('objects <subject>')
    .description('all objects to which a subject has relations (needs a Pemba server)')
    .option('--type <type>', 'objects of this type only; may be repeated', several)
    .option('--under <object>', 'only objects under this one, such as folder:plans')
    .option('--via <relation>', 'the relation that leads up to it, such as parent')
    .option('--direct', 'not what lies under those in turn');
  addPageOptions(command, 'object').addHelpText(
    'after',
    `
One line an object, with the relations that hold unless just one was asked for.
${unansweredHelp}
Examples:
  $ pemba query objects user:anne --type document --relation viewer
  $ pemba query objects user:anne --under folder:plans --via parent
  $ pemba query objects user:anne --type document --count`,
  );
  command.action(async (subject: string, flags: ObjectsFlags) => {
    const connection = connectToStore(command);
    const scope = scopeOf(flags);
    const body = {
      subject,
      ...pembaBody(connection, flags),
      ...pageBody(flags),
      ...(flags.type === undefined ? {} : { types: flags.type }),
      ...(scope === undefined ? {} : { scope }),
    };
    await printPages(
      (cursor) => connection.client.objects(connection.storeId, { ...body, cursor }),
      { field: 'objects', json: connection.json, flags },
    );
  });
}

export function registerSubjects(query: Command): void {
  const command = query
    .command('subjects <object>')
    .description('all subjects that have relations to an object (needs a Pemba server)')
    .option('--type <kind>', 'user, or group#member; may be repeated', several);
  addPageOptions(command, 'subject').addHelpText(
    'after',
    `
One line a subject, with the relations that hold unless just one was asked for. \`user:*\` stands for
all users that have no line of their own, but for those that it excepts.
${unansweredHelp}
Examples:
  $ pemba query subjects document:roadmap --relation viewer
  $ pemba query subjects document:roadmap --type user --type group#member`,
  );
  command.action(async (object: string, flags: PagesFlags) => {
    const connection = connectToStore(command);
    const body = {
      object,
      ...pembaBody(connection, flags),
      ...pageBody(flags),
      ...(flags.type === undefined ? {} : { subject_types: flags.type }),
    };
    await printPages(
      (cursor) => connection.client.subjects(connection.storeId, { ...body, cursor }),
      { field: 'subjects', json: connection.json, flags },
    );
  });
}

function addPageOptions(command: Command, what: string): Command {
  return addQueryOptions(
    command
      .option('--relation <relation>', 'ask for this one only; may be repeated', several)
      .option('--page-size <rows>', 'rows to ask for at once', positiveInteger)
      .option('--count', `print how many ${what}s there are, and nothing else`)
      .option('--context <json>', 'values for conditions', jsonObject),
  );
}

function pageBody({ relation, pageSize, count }: PagesFlags) {
  return {
    ...(relation === undefined ? {} : { relations: relation }),
    ...(pageSize === undefined ? {} : { page_size: pageSize }),
    ...(count === true ? { count_only: true } : {}),
  };
}

function scopeOf({ under, via, direct }: ObjectsFlags) {
  if (under === undefined && via === undefined && direct === undefined) return undefined;
  if (under === undefined || via === undefined) {
    throw new Failure('usage', 'a scope needs both --under and --via');
  }
  return { object: under, relation: via, direct: direct === true };
}

interface Printing {
  readonly field: 'objects' | 'subjects';
  readonly json: boolean;
  readonly flags: PagesFlags;
}

/** Each page is printed before the next one is asked for. */
async function printPages(
  read: (cursor: string) => Promise<WirePage>,
  { field, json, flags }: Printing,
): Promise<void> {
  // Nothing is printed of a list that fails on its first page.
  let stream: JsonStream | undefined;
  for (let cursor = ''; ; ) {
    const page = await read(cursor);
    const rows = page[field] ?? [];
    if (json) {
      stream ??= streamJson(field);
      stream.add(rows);
    } else if (flags.count !== true) {
      for (const row of rows) printRow(row, flags.relation?.length === 1);
    }
    for (const row of rows) warnOf(row);
    cursor = page.cursor;
    if (cursor !== '') continue;
    const { count, consistency_token } = page;
    if (json) stream?.end({ count, consistency_token });
    else if (flags.count === true) print(String(count));
    return;
  }
}

function printRow(row: WireListedRow, isBare: boolean): void {
  const { relations, except = [] } = row;
  if (relations.length === 0) return;
  const parts = [nameOf(row)];
  if (!isBare) parts.push(relations.join(', '));
  if (except.length > 0) parts.push(`except ${except.join(', ')}`);
  print(parts.join('  '));
}

function warnOf(row: WireListedRow): void {
  for (const { relation, message } of row.unanswered) {
    warn(`${nameOf(row)} ${relation}: ${message}`);
    process.exitCode = exitCodes.failed.code;
  }
}

function nameOf({ object, subject }: WireListedRow): string {
  return object ?? subject ?? '';
}
