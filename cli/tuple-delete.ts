/** `pemba tuple delete`: one tuple, those of a file, or all that match a filter. */
import { type Command, Option } from 'commander';
import { connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { deleteMatching } from './tuple-delete-matching.ts';
import { addFilterOptions, type FilterFlags, filterOf } from './tuple-filter.ts';
import {
  addBulkOptions,
  type BulkFlags,
  defaultConflict,
  runTransfer,
  sourceOf,
} from './tuple-transfer-options.ts';

interface DeleteFlags extends BulkFlags, FilterFlags {
  readonly onMissing?: 'error' | 'ignore';
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly cursor: string;
}

export function registerTupleDelete(tuple: Command): void {
  const command = tuple
    .command('delete [user] [relation] [object]')
    .description('delete one tuple, those of a file, or all that match a filter')
    .addOption(
      new Option(
        '--on-missing <what>',
        'a tuple that does not exist (default: ignore for files)',
      ).choices(['error', 'ignore']),
    );
  addFilterOptions(command)
    .option('--all', 'every tuple of the store')
    .option('--dry-run', 'with a filter or --all: count the tuples, and delete none')
    .option('--force', 'with a filter or --all: do not ask')
    .option('--cursor <cursor>', 'with a filter or --all: go on where an earlier run stopped', '');
  addBulkOptions(command, 'delete').addHelpText(
    'after',
    `
Examples:
  $ pemba tuple delete user:anne viewer document:roadmap
  $ pemba tuple read --output-format csv > all.csv && pemba tuple delete --file all.csv
  $ pemba tuple delete --subject user:anne --dry-run
  $ pemba tuple delete --subject user:anne --force
  $ pemba tuple delete --object-type draft --relation viewer --force

To delete by filter needs a Pemba server. It goes in rounds of 1,000 tuples (--max-tuples-per-write),
each of them whole or not at all; tuples that are written meanwhile stay.`,
  );
  command.action(async (user, relation, object, flags: DeleteFlags) => {
    const filter = filterOf(flags);
    if (filter === undefined && flags.all !== true) {
      refuseWithoutFilter(flags);
      const source = await sourceOf([user, relation, object], flags, (key) => key);
      await runTransfer(command, source, flags, {
        operation: 'delete',
        conflict: flags.onMissing ?? defaultConflict(flags),
      });
      return;
    }
    if (filter !== undefined && flags.all === true) {
      throw new Failure('usage', '--all deletes every tuple: give no filter beside it');
    }
    if (user !== undefined || flags.file !== undefined) {
      throw new Failure('usage', 'give a tuple, --file or a filter, not two of them');
    }
    const chosen = command.getOptionValueSource('maxTuplesPerWrite') === 'cli';
    await deleteMatching(connectToStore(command), {
      filter,
      tuplesPerRequest: chosen ? flags.maxTuplesPerWrite : undefined,
      dryRun: flags.dryRun === true,
      force: flags.force === true,
      cursor: flags.cursor,
    });
  });
}

/** Whoever asks for a dry run must not get a real one. */
function refuseWithoutFilter({ dryRun, cursor }: DeleteFlags): void {
  if (dryRun === true || cursor !== '') {
    throw new Failure('usage', '--dry-run and --cursor go with a filter, or --all');
  }
}
