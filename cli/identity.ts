/** `pemba identity`: judge an identity file, and show what it makes of a token. */
import type { Command } from 'commander';
import { registerExplain } from './identity-explain.ts';
import { registerLint } from './identity-lint.ts';

export function registerIdentity(program: Command): void {
  const identity = program
    .command('identity')
    .description('judge an identity file, and see what it makes of a token');
  registerLint(identity);
  registerExplain(identity);
}
