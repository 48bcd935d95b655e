/** `pemba limits`: what a request, a model or a server may be at most, from the one table. */
import type { Command } from 'commander';
import { type Limit, limitTable } from '../src/base/limits.ts';
import { printJson, printTable } from './output.ts';

const more = `
A limit with a flag is a setting of the server (or, \`--timeout\`, of the commands that talk to one),
also to be had from the environment; the others are fixed.

Examples:
  $ pemba limits
  $ pemba limits --json | jq '.limits[] | select(.setting != null)'`;

export function registerLimits(program: Command): void {
  program
    .command('limits')
    .summary('list every limit, its unit and how to change it')
    .description('Lists every limit: its default, its unit, what it bounds and how to change it.')
    .option('--json', 'print the table as JSON')
    .addHelpText('after', more)
    .action((_flags: object, command: Command) => {
      if (command.optsWithGlobals<{ json?: true }>().json === true) {
        printJson({ limits: limitTable.map((limit) => ({ ...limit, setting: flag(limit) })) });
        return;
      }
      const rows = limitTable.map((limit) => [
        limit.name,
        limit.default.toLocaleString('en-US'),
        limit.unit,
        flag(limit) ?? 'fixed',
        limit.bounds,
      ]);
      printTable(['limit', 'default', 'unit', 'change with', 'bounds'], rows);
    });
}

function flag({ setting }: Limit): string | null {
  return setting === undefined ? null : `--${setting}`;
}
