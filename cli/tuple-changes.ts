/** `pemba tuple changes`: the changelog of a store, once or for as long as one watches. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { onInterrupt } from './interrupt.ts';
import { wholeNumber } from './option-values.ts';
import { note, paint, print, streamJson } from './output.ts';
import { describeTuple } from './tuple-report.ts';
import { plainTuple, type WireChange } from './wire.ts';

interface ChangesFlags {
  readonly type?: string;
  readonly startTime?: string;
  readonly continuationToken: string;
  readonly maxPages: number;
  readonly follow?: boolean;
}

/** Pause between two looks when nothing was new. */
const followPauseMs = 1000;

export function registerTupleChanges(tuple: Command): void {
  const command = tuple
    .command('changes')
    .description('print the changes of tuples, oldest first')
    .option('--type <type>', 'only changes of objects of this type')
    .option('--start-time <time>', 'only changes since this time (RFC 3339)')
    .option('--continuation-token <token>', 'go on where an earlier reading ended', '')
    .option('--max-pages <count>', 'pages to read; 0 for all', wholeNumber, 0)
    .option('--follow', 'wait for more, until interrupted; with --json one change a line')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba tuple changes --type document
  $ pemba tuple changes --start-time 2026-01-01T00:00:00Z --json
  $ pemba tuple changes --follow`,
    );
  command.action(async (flags: ChangesFlags) => {
    const connection = connectToStore(command);
    const printer = changesPrinter(connection.json, flags.follow === true);
    using interrupt = onInterrupt('stopping');
    let token = flags.continuationToken;
    for (let page = 1; !interrupt.signal.aborted; page++) {
      const answer = await connection.client.changes(connection.storeId, {
        type: flags.type,
        // The token knows where it stands; servers refuse or ignore a time beside it.
        startTime: token === '' ? checkTime(flags.startTime) : undefined,
        continuationToken: token,
      });
      printer.add(answer.changes);
      token = answer.continuation_token;
      if (page === flags.maxPages) break;
      if (answer.changes.length > 0) continue;
      if (flags.follow !== true) break;
      await pause(followPauseMs, undefined, { signal: interrupt.signal }).catch(() => {});
    }
    printer.end(token);
  });
}

function checkTime(time: string | undefined): string | undefined {
  if (time === undefined || !Number.isNaN(Date.parse(time))) return time;
  throw new Failure('usage', `--start-time \`${time}\` is no time`, {
    hint: 'write it as 2026-01-31T12:00:00Z',
  });
}

interface ChangesPrinter {
  add(changes: readonly WireChange[]): void;
  end(token: string): void;
}

function changesPrinter(json: boolean, follow: boolean): ChangesPrinter {
  if (json && !follow) {
    const stream = streamJson('changes');
    return {
      add: (changes) => stream.add(changes.map(plainChange)),
      end: (continuation_token) => stream.end({ continuation_token }),
    };
  }
  return {
    add(changes) {
      for (const change of changes.map(plainChange)) {
        print(json ? JSON.stringify(change) : describeChange(change));
      }
    },
    end: (token) => note(`to go on from here: --continuation-token ${token === '' ? "''" : token}`),
  };
}

function plainChange(change: WireChange): WireChange {
  return { ...change, tuple_key: plainTuple(change.tuple_key) };
}

function describeChange({ operation, expired, timestamp, tuple_key }: WireChange): string {
  const written = operation === 'TUPLE_OPERATION_WRITE';
  const gone = expired === true ? 'expire' : 'delete';
  const what = written ? paint('green', 'write ') : paint('red', gone);
  return `${timestamp}  ${what}  ${describeTuple(tuple_key)}`;
}
