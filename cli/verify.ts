/** `pemba verify`: proves a database file sound, without changing it and without a server. */
import type { Command } from 'commander';
import { Refusal } from '../src/base/errors.ts';
import type { VerifyReport } from '../src/storage/sqlite/verify.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import { paint, print, printJson } from './output.ts';

const more = `
Checks the file's pages and indexes, that every id resolves, and that the changelog, replayed from
the first write, comes to exactly the tuples that are stored. A server may be running on the file.
Ends with 0 where all is well, 1 where something is wrong, 6 where the file cannot be read.

Examples:
  $ pemba verify pemba.db
  $ pemba verify backup.db --json | jq .problems`;

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .argument('<file>', 'database file of a server')
    .summary('prove a database file sound')
    .description('Proves a database file sound, reading only.')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', more)
    .action(async (file: string, _flags: object, command: Command) => {
      const report = await verify(file);
      if (command.optsWithGlobals<{ json?: true }>().json === true) printJson(report);
      else printReport(report);
      if (report.problems.length > 0) process.exitCode = exitCodes.failed.code;
    });
}

/** SQLite is loaded here, not with every command. */
async function verify(file: string): Promise<VerifyReport> {
  const { verifyFile } = await import('../src/storage/sqlite/verify.ts');
  try {
    return verifyFile(file);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Failure('input', error.message, { code: error.code, cause: error });
  }
}

function printReport(report: VerifyReport): void {
  const { path, version, stores, tuples, revisions, changes, problems } = report;
  print(`${paint('bold', path)}, version ${version}`);
  print(`  ${stores} stores, ${tuples} tuples, ${revisions} revisions, ${changes} changes`);
  for (const { kind, store, message } of problems) {
    const where = store === '' ? '' : ` in store ${store}`;
    print(`  ${paint('red', kind)}${where}: ${message}`);
  }
  if (problems.length === 0) print(paint('green', 'sound'));
  else print(paint('red', `not sound: restore a copy, or keep the file and report a bug`));
}
