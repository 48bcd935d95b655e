/** `pemba query list-objects | list-users`: everything that a question is true of. */
import { type Command, InvalidArgumentError } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import { parseObject } from '../src/model/tuple.ts';
import type { Listed } from './client.ts';
import { connectToStore } from './connection.ts';
import { jsonObject } from './option-values.ts';
import { print, printJson, warn } from './output.ts';
import { addQueryOptions, commonBody, contextualTuples, type QueryFlags } from './query-options.ts';
import { userText, type WireUserFilter } from './wire.ts';

interface ListFlags extends QueryFlags {
  readonly context?: JsonObject;
}

interface ListUsersFlags extends ListFlags {
  readonly object: { readonly type: string; readonly id: string };
  readonly relation: string;
  readonly userFilter: WireUserFilter;
}

export function registerListObjects(query: Command): void {
  const command = addQueryOptions(
    query
      .command('list-objects <user> <relation> <type>')
      .description('the objects of a type to which the user has the relation'),
  )
    .option('--context <json>', 'values for conditions', jsonObject)
    .addHelpText(
      'after',
      `
Example:
  $ pemba query list-objects user:anne viewer document`,
    );
  command.action(async (user: string, relation: string, type: string, flags: ListFlags) => {
    const connection = connectToStore(command);
    const listed = await connection.client.listObjects(connection.storeId, {
      user,
      relation,
      type,
      ...commonBody(connection, flags),
      ...contextualTuples(flags),
      ...(flags.context === undefined ? {} : { context: flags.context }),
    });
    printList(listed, { field: 'objects', json: connection.json, textOf: (object) => object });
  });
}

export function registerListUsers(query: Command): void {
  const command = addQueryOptions(
    query
      .command('list-users')
      .description('the users of one kind who have a relation to an object'),
  )
    .requiredOption('--object <object>', 'such as document:roadmap', objectOf)
    .requiredOption('--relation <relation>', 'such as viewer')
    .requiredOption('--user-filter <kind>', 'user, or group#member', userFilter)
    .option('--context <json>', 'values for conditions', jsonObject)
    .addHelpText(
      'after',
      `
A wildcard is listed as \`user:*\`: it stands for all whom tuples do not name.

Examples:
  $ pemba query list-users --object document:roadmap --relation viewer --user-filter user
  $ pemba query list-users --object document:roadmap --relation viewer --user-filter group#member`,
    );
  command.action(async (flags: ListUsersFlags) => {
    const connection = connectToStore(command);
    const listed = await connection.client.listUsers(connection.storeId, {
      object: flags.object,
      relation: flags.relation,
      user_filters: [flags.userFilter],
      ...commonBody(connection, flags),
      ...(flags.contextualTuple === undefined ? {} : { contextual_tuples: flags.contextualTuple }),
      ...(flags.context === undefined ? {} : { context: flags.context }),
    });
    printList(listed, { field: 'users', json: connection.json, textOf: userText });
  });
}

/** One line an item; nothing at all for none. */
function printList<Item>(
  { items, truncated }: Listed<Item>,
  { field, json, textOf }: { field: string; json: boolean; textOf: (item: Item) => string },
): void {
  if (json) printJson({ [field]: items, ...(truncated ? { truncated } : {}) });
  else for (const item of items) print(textOf(item));
  if (truncated) warn(`the server has cut the list after ${items.length}: there may be more`);
}

function objectOf(text: string): ListUsersFlags['object'] {
  const object = parseObject(text);
  if (object === undefined) throw new InvalidArgumentError('Give type:id.');
  return object;
}

function userFilter(text: string): WireUserFilter {
  const [type = '', relation, ...rest] = text.split('#');
  if (type === '' || relation === '' || rest.length > 0) {
    throw new InvalidArgumentError('Give a type, or type#relation.');
  }
  return relation === undefined ? { type } : { type, relation };
}
