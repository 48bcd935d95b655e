/** `pemba bootstrap`: the first admin of a server that asks who calls. It works once. */
import type { Command } from 'commander';
import { resolveConfig } from '../src/server/config.ts';
import { StartError } from '../src/server/start-error.ts';
import { type Holder, principalId } from '../src/service/access/principal.ts';
import { askToBootstrap } from './bootstrap-server.ts';
import { Failure } from './exit-codes.ts';
import { newKey, printKey } from './key.ts';
import { print } from './output.ts';
import { addPrincipalOptions, type PrincipalOptions, principalsOf } from './principal-options.ts';
import { addSettings } from './server-options.ts';

const more = `
It writes to the database itself; where a server that answers from memory has that for its own, it
asks the server, by what that one has written to DATABASE-bootstrap. Either way, whoever may write
the database decides who is the first. Without options it makes a preshared key named admin, and
prints it as \`pemba key create\` does. Keys are known by their name: whoever has lost the first one
adds another key of that name to the server's.

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
  if (holder === undefined || others.length > 0) {
    throw new Failure('usage', 'say by which claim the client is known: --claim azp, or client_id');
  }
  await makeFirst(datastoreOf(options), holder);
  if (made !== undefined) printKey(made);
  else print('the first admin is made');
}

async function makeFirst(path: string, holder: Holder): Promise<void> {
  const principal = principalId(holder);
  if (principal === undefined) throw new Failure('usage', 'the client is longer than an id may be');
  const { bootstrap } = await import('../src/server/bootstrap.ts');
  let outcome = await bootstrap(path, principal).catch(explain);
  if (outcome === 'owned') outcome = await askToBootstrap(path, holder);
  if (outcome === 'made') return;
  throw new Failure('failed', `\`${path}\` has had its first admin; nothing is changed`, {
    hint: 'an admin makes others: `pemba role grant admin --key NAME`',
  });
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
