/** `pemba query list-relations`: what a subject may do with one object. */
import type { Command } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import { connectToStore } from './connection.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonObject } from './option-values.ts';
import { print, printJson, warn } from './output.ts';
import { addQueryOptions, pembaBody, type QueryFlags } from './query-options.ts';

interface ListRelationsFlags extends QueryFlags {
  readonly context?: JsonObject;
  readonly relation?: readonly string[];
}

export function registerListRelations(query: Command): void {
  const command = addQueryOptions(
    query
      .command('list-relations <subject> <object>')
      .description('the relations that a subject has to an object (needs a Pemba server)'),
  )
    .option(
      '--relation <relation>',
      'ask for this one only; may be repeated',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--context <json>', 'values for conditions', jsonObject)
    .addHelpText(
      'after',
      `
A relation that cannot be computed is named on stderr with the reason, and the exit code is ${exitCodes.failed.code}.

Examples:
  $ pemba query list-relations user:anne document:roadmap
  $ pemba query list-relations user:anne document:roadmap --relation owner --relation viewer`,
    );
  command.action(async (subject: string, object: string, flags: ListRelationsFlags) => {
    const connection = connectToStore(command);
    const answer = await connection.client.listRelations(connection.storeId, {
      subject,
      object,
      ...pembaBody(connection, flags),
      ...(flags.relation === undefined ? {} : { relations: flags.relation }),
    });
    if (connection.json) printJson(answer);
    else for (const relation of answer.relations) print(relation);
    for (const { relation, message } of answer.unanswered) warn(`${relation}: ${message}`);
    if (answer.unanswered.length > 0) process.exitCode = exitCodes.failed.code;
  });
}
