/** `pemba bootstrap`: the first admin of a server that asks who calls. It works once. */
import type { Command } from 'commander';
import { resolveConfig } from '../src/server/config.ts';
import { StartError } from '../src/server/start-error.ts';
import { principalId } from '../src/service/access/principal.ts';
import { Failure } from './exit-codes.ts';
import { newKey, printKey } from './key.ts';
import { print } from './output.ts';
import { addPrincipalOptions, type PrincipalOptions, principalsOf } from './principal-options.ts';
import { addSettings } from './server-options.ts';

const more = `
It writes to the database itself, so that whoever may do that decides who is the first. A server may
be running on the file. Without options it makes a preshared key named admin, and prints it as
\`pemba key create\` does. Keys are known by their name: whoever has lost the first one adds another
key of that name to the server's.

Examples:
  $ pemba bootstrap --datastore-uri file:pemba.db
  $ pemba bootstrap --key ops
  $ pemba bootstrap --issuer https://idp.example.com/ --client backend --claim azp`;

interface Options extends PrincipalOptions {
  readonly datastoreUri?: string;
  readonly config?: string;
}

export function registerBootstrap(program: Command): void {
  const command = program
    .command('bootstrap')
    .summary('make the first admin')
    .description('Makes the first admin of a server that asks who calls. It works once.')
    .addHelpText('after', more);
  addSettings(command, ['datastoreUri']);
  addPrincipalOptions(command).action((options: Options) => run(options));
}

async function run(options: Options): Promise<void> {
  const { key, issuer, client, claim } = options;
  const isPlain = [key, issuer, client, claim].every((option) => option === undefined);
  const made = isPlain ? newKey('admin') : undefined;
  const [holder, ...others] = principalsOf(made === undefined ? options : { key: made.name });
  if (others.length > 0) {
    throw new Failure('usage', 'say by which claim the client is known: --claim azp, or client_id');
  }
  const principal = holder && principalId(holder);
  if (principal === undefined) throw new Failure('usage', 'the client is longer than an id may be');
  const path = datastoreOf(options);
  const { bootstrap } = await import('../src/server/bootstrap.ts');
  if (!(await bootstrap(path, principal).catch(explain))) {
    throw new Failure('failed', `\`${path}\` has had its first admin; nothing is changed`, {
      hint: 'an admin makes others: `pemba role grant admin --key NAME`',
    });
  }
  if (made !== undefined) printKey(made);
  else print('the first admin is made');
}

function datastoreOf({ datastoreUri, config }: Options): string {
  try {
    const flags = { 'datastore-uri': datastoreUri, config };
    const path = resolveConfig({ flags }).datastoreUri;
    if (path !== ':memory:') return path;
  } catch (error) {
    return explain(error);
  }
  throw new Failure('usage', 'a database in memory ends with its server; name a file');
}

function explain(error: unknown): never {
  if (!(error instanceof StartError)) throw error;
  throw new Failure('usage', error.message, { cause: error });
}
