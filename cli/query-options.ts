/** What all queries have in common: the options, and the fields of the request made of them. */
import { type Command, Option } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import type { Connection } from './connection.ts';
import { tupleList } from './option-values.ts';
import type { WireTuple } from './wire.ts';

export interface QueryFlags {
  readonly contextualTuple?: readonly WireTuple[];
  readonly consistency?: string;
}

export function addQueryOptions(command: Command): Command {
  return command
    .option(
      '--contextual-tuple <tuple>',
      'a tuple for this question alone, "user relation object"; may be repeated',
      tupleList,
    )
    .option(
      '--subject-token-file <file>',
      'file that holds a token of the user: what it says counts (needs a Pemba server)',
    )
    .addOption(
      new Option('--consistency <preference>', 'how fresh the answer must be').choices([
        'MINIMIZE_LATENCY',
        'HIGHER_CONSISTENCY',
      ]),
    );
}

export function commonBody(connection: Connection, flags: QueryFlags) {
  return {
    ...(connection.modelId === undefined ? {} : { authorization_model_id: connection.modelId }),
    ...(flags.consistency === undefined ? {} : { consistency: flags.consistency }),
  };
}

/** As all requests have them but ListUsers, where they are a plain list. */
export function contextualTuples({ contextualTuple }: QueryFlags) {
  return contextualTuple === undefined
    ? {}
    : { contextual_tuples: { tuple_keys: contextualTuple } };
}

/** The same options as the methods of `pemba.v1` have them. */
export function pembaBody(
  connection: Connection,
  flags: QueryFlags & { readonly context?: JsonObject },
) {
  const { contextualTuple, consistency, context } = flags;
  return {
    ...(connection.modelId === undefined ? {} : { model_id: connection.modelId }),
    ...(consistency === undefined ? {} : { consistency }),
    ...(context === undefined ? {} : { context }),
    ...(contextualTuple === undefined
      ? {}
      : {
          contextual_tuples: contextualTuple.map(({ user, ...rest }) => ({
            subject: user,
            ...rest,
          })),
        }),
  };
}
