/** `pemba key`: preshared keys for callers. The key is shown once; the server knows its digest. */
import type { Command } from 'commander';
import { createKey } from '../src/authn/preshared.ts';
import { variableOf } from '../src/server/config.ts';
import { wantsJson } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { paint, print, printJson, warn } from './output.ts';

const more = `
The first line is the key, which the client sends as \`authorization: Bearer KEY\`; the CLI takes it
from PEMBA_API_TOKEN. The second is what the server is given, in ${variableOf('authnPresharedKeys')} or in the
file of --authn-preshared-keys-file. Keys of one name are one caller: to replace a key without a
gap, add one of the same name, move the clients, and take the old one away.

Examples:
  $ pemba key create ops
  $ pemba key create ops --json | jq -r .stored >> keys.txt`;

export function registerKey(program: Command): void {
  const key = program
    .command('key')
    .summary('make preshared keys')
    .description('Makes preshared keys.');
  key
    .command('create')
    .argument('<name>', 'of the client that will hold it')
    .summary('make a key')
    .description('Makes a random key of 256 bits and prints it, once.')
    .option('--json', 'print the key as JSON')
    .addHelpText('after', more)
    .action((name: string, _flags: object, command: Command) => {
      const made = newKey(name);
      if (wantsJson(command)) printJson(made);
      else printKey(made);
    });
}

export interface NewKey {
  readonly name: string;
  readonly key: string;
  readonly stored: string;
}

export function newKey(name: string): NewKey {
  const made = createKey(name);
  if (typeof made === 'string') throw new Failure('usage', made);
  return { name, ...made };
}

export function printKey({ key, stored }: NewKey): void {
  print(key);
  print(stored);
  warn(`${paint('bold', 'the first line is the key')}: it is not shown again; keep it secret`);
}
