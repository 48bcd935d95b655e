/** `pemba model test`: runs the tests of store files and says what failed. */
import { globSync } from 'node:fs';
import type { Command } from 'commander';
import { wantsJson } from './connection.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import { warn } from './output.ts';

interface TestFlags {
  readonly tests: string;
  readonly allowExternalFiles?: boolean;
  readonly suppressSummary?: boolean;
  readonly verbose?: boolean;
}

export function registerModelTest(model: Command): void {
  const command = model
    .command('test')
    .description('run the tests of store files (.fga.yaml), without a server')
    .requiredOption('--tests <glob>', 'store file, or a pattern of files in quotes')
    .option('--allow-external-files', 'let store files name files outside their folder')
    .option('--suppress-summary', 'print the failures alone')
    .option('--verbose', 'print every result, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba model test --tests store.fga.yaml
  $ pemba model test --tests 'schemas/**/*.fga.yaml'

Exits ${exitCodes.failed.code} when an assertion fails. Lists are compared whole, in any order.`,
    );
  command.action(async (flags: TestFlags) => {
    const files = globSync(flags.tests).toSorted();
    if (files.length === 0) throw new Failure('input', `no file matches \`${flags.tests}\``);
    const { runStoreFile } = await import('./store-test.ts');
    const { printTestJson, printTestReport, summarize } = await import('./test-report.ts');
    const options = { allowExternalFiles: flags.allowExternalFiles === true, warn };
    const results = [];
    for (const file of files) results.push(...(await runStoreFile(file, options)));
    if (wantsJson(command) || flags.verbose === true) printTestJson(results);
    else {
      const suppressSummary = flags.suppressSummary === true;
      printTestReport(results, { fileCount: files.length, suppressSummary });
    }
    const { checks, list_objects, list_users } = summarize(results);
    if (checks.total + list_objects.total + list_users.total === 0) {
      throw new Failure('failed', `nothing was tested: no assertion in ${files.join(', ')}`);
    }
    if (results.some((result) => !result.passed)) process.exitCode = exitCodes.failed.code;
  });
}
