/** `pemba tuple write`: one tuple, with all that can be said of it, or those of a file. */
import { type Command, Option } from 'commander';
import { systemClock } from '../src/base/clock.ts';
import type { JsonObject } from '../src/base/json.ts';
import { Failure } from './exit-codes.ts';
import { durationMs, jsonObject, timestampText, tupleList } from './option-values.ts';
import {
  addBulkOptions,
  type BulkFlags,
  defaultConflict,
  runTransfer,
  sourceOf,
} from './tuple-transfer-options.ts';
import type { Conflict, WirePrecondition, WireTuple } from './wire.ts';

interface WriteFlags extends BulkFlags {
  readonly conditionName?: string;
  readonly conditionContext?: JsonObject;
  readonly onDuplicate?: Conflict;
  readonly replace?: boolean;
  readonly expiresAt?: string;
  readonly expiresIn?: number;
  readonly ifExists?: readonly WireTuple[];
  readonly ifMissing?: readonly WireTuple[];
  readonly idempotencyKey?: string;
}

export function registerTupleWrite(tuple: Command): void {
  const command = tuple
    .command('write [user] [relation] [object]')
    .description('write one tuple, or those of a file')
    .option('--condition-name <name>', 'condition that guards the tuple')
    .option('--condition-context <json>', 'values stored with the condition', jsonObject)
    .option('--expires-at <time>', 'when the tuple ends, as 2030-01-31T12:00:00Z *', timestampText)
    .addOption(
      new Option('--expires-in <duration>', 'the same from now on, as 90m, 12h or 30d *')
        .argParser(durationMs)
        .conflicts('expiresAt'),
    )
    .addOption(
      new Option(
        '--on-duplicate <what>',
        'a tuple that exists already (default: ignore for files); replace: * give it this condition and expiry',
      ).choices(['error', 'ignore', 'replace']),
    )
    .addOption(
      new Option('--replace', 'short for --on-duplicate replace *').conflicts('onDuplicate'),
    )
    .option('--if-exists <tuple>', 'only if "user relation object" exists; repeatable *', tupleList)
    .option('--if-missing <tuple>', 'only if it does not exist; repeatable *', tupleList)
    .option('--idempotency-key <key>', 'a repeat with the same key is no second write *');
  addBulkOptions(command, 'write').addHelpText(
    'after',
    `
Examples:
  $ pemba tuple write user:anne viewer document:roadmap
  $ pemba tuple write user:anne viewer document:plan \\
      --condition-name in_office --condition-context '{"ip": "10.0.0.1"}'
  $ pemba tuple write user:temp viewer document:plan --expires-in 30d
  $ pemba tuple write user:anne owner document:plan --if-exists "user:anne member team:docs"
  $ pemba tuple write --file tuples.csv
  $ pemba tuple write --file tuples.jsonl --resume tuples.progress --max-rps 50

Files are json, jsonl, yaml or csv. The whole file is checked before anything is written; then a
tuple that the server refuses is listed with its line and reason while the others are written.
A tuple of a file may have an expires_at.

* needs a Pemba server; so does a file with an expires_at. Any other server refuses it.`,
  );
  command.action(async (user, relation, object, flags: WriteFlags) => {
    refuseForFile(flags);
    const source = await sourceOf([user, relation, object], flags, (key) => completed(key, flags));
    await runTransfer(command, source, flags, {
      operation: 'write',
      conflict: conflictOf(flags),
      preconditions: preconditionsOf(flags),
      idempotencyKey: flags.idempotencyKey,
    });
  });
}

/** What is said of one tuple; in a file each says it of itself, and a file is many requests. */
function refuseForFile(flags: WriteFlags): void {
  if (flags.file === undefined) return;
  const given = [
    ['--condition-name', flags.conditionName],
    ['--expires-at', flags.expiresAt],
    ['--expires-in', flags.expiresIn],
    ['--if-exists', flags.ifExists],
    ['--if-missing', flags.ifMissing],
    ['--idempotency-key', flags.idempotencyKey],
  ].find(([, value]) => value !== undefined);
  if (given === undefined) return;
  const [option] = given;
  const own = /^--(condition|expires)/.test(String(option));
  const why = own ? '; in a file, each names its own' : ', not with a file';
  throw new Failure('usage', `${option} goes with one tuple${why}`);
}

function conflictOf(flags: WriteFlags): Conflict {
  return flags.replace === true ? 'replace' : (flags.onDuplicate ?? defaultConflict(flags));
}

function completed(key: WireTuple, flags: WriteFlags): WireTuple {
  const { conditionName: name, conditionContext: context } = flags;
  if (name === undefined && context !== undefined) {
    throw new Failure('usage', '--condition-context needs --condition-name');
  }
  const condition =
    name === undefined ? undefined : context === undefined ? { name } : { name, context };
  const expires_at = expiryOf(flags);
  return {
    ...key,
    ...(condition === undefined ? {} : { condition }),
    ...(expires_at === undefined ? {} : { expires_at }),
  };
}

function expiryOf({ expiresAt, expiresIn }: WriteFlags): string | undefined {
  if (expiresIn === undefined) return expiresAt;
  return new Date(systemClock.now() + expiresIn).toISOString();
}

function preconditionsOf({ ifExists = [], ifMissing = [] }: WriteFlags) {
  const preconditions: readonly WirePrecondition[] = [
    ...ifExists.map((tuple) => ({ tuple, exists: true })),
    ...ifMissing.map((tuple) => ({ tuple, exists: false })),
  ];
  return preconditions.length === 0 ? undefined : preconditions;
}
