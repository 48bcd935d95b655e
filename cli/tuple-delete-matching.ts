/** Deletes the tuples that match a filter, round by round, for as long as the server finds some. */
import { limits } from '../src/base/limits.ts';
import { confirm } from './confirm.ts';
import type { Connection } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { onInterrupt } from './interrupt.ts';
import { note, print, printJson } from './output.ts';
import type { TupleFilter } from './tuple-client.ts';
import { describeFilter } from './tuple-filter.ts';

export interface MatchingOptions {
  /** Undefined for all tuples of the store. */
  readonly filter: TupleFilter | undefined;
  readonly tuplesPerRequest: number | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
  /** Where an earlier run stopped; '' to begin. */
  readonly cursor: string;
}

export async function deleteMatching(
  connection: Connection,
  options: MatchingOptions,
): Promise<void> {
  const { filter, dryRun, force } = options;
  if (dryRun) {
    const count = await countMatching(connection, filter);
    if (connection.json) printJson({ would_delete: count });
    else print(`${tuplesText(count)} would be deleted`);
    return;
  }
  const which = filter === undefined ? 'ALL tuples' : `every tuple of ${describeFilter(filter)}`;
  if (!force) await confirm(`delete ${which} in the store ${connection.storeId}?`);
  const deleted = await runRounds(connection, options);
  if (connection.json) printJson({ deleted });
  else print(`${tuplesText(deleted)} deleted`);
}

async function countMatching(
  { client, storeId }: Connection,
  filter: TupleFilter | undefined,
): Promise<number> {
  let count = 0;
  for await (const page of client.tuples(storeId, filter ?? {}, limits.pageSizeMax)) {
    count += page.tuples.length;
  }
  return count;
}

async function runRounds(connection: Connection, options: MatchingOptions): Promise<number> {
  const { client, storeId } = connection;
  const limit = options.tuplesPerRequest ?? limits.deletedPerRoundDefault;
  const progress = startProgress();
  using interrupt = onInterrupt('stopping: what is on its way is finished first');
  let deleted = 0;
  let { cursor } = options;
  try {
    do {
      if (interrupt.signal.aborted) throw new Failure('interrupted', 'interrupted before the end');
      const round = await client.deleteTuples(storeId, { filter: options.filter, limit, cursor });
      deleted += round.deleted;
      cursor = round.cursor;
      progress.show(deleted);
    } while (cursor !== '');
  } catch (error) {
    progress.end();
    note(`${tuplesText(deleted)} deleted`);
    const on = cursor === '' ? '' : ` with --cursor ${cursor}`;
    note(`to go on, run the same command again${on}`);
    throw error;
  }
  progress.end();
  return deleted;
}

/** A count that runs on stderr, where stderr is a terminal: nobody knows how many there will be. */
function startProgress(): { show(count: number): void; end(): void } {
  if (!process.stderr.isTTY) return { show: () => {}, end: () => {} };
  return {
    show: (count) => process.stderr.write(`\r ${tuplesText(count)} deleted …`),
    end: () => process.stderr.write('\r\u001b[K'),
  };
}

function tuplesText(count: number): string {
  return `${count} ${count === 1 ? 'tuple' : 'tuples'}`;
}
