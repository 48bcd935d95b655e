/** The commands of `pemba` and their help. What a command needs is loaded when it runs. */
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerBootstrap } from './bootstrap.ts';
import { addGlobalOptions } from './connection.ts';
import { registerDev } from './dev.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { registerGraph } from './graph.ts';
import { registerIdentity } from './identity.ts';
import { registerKey } from './key.ts';
import { registerLimits } from './limits.ts';
import { registerModel } from './model.ts';
import { registerQuery } from './query.ts';
import { registerRole } from './role.ts';
import { registerServe } from './serve.ts';
import { registerStore } from './store.ts';
import { registerTuple } from './tuple.ts';
import { registerVerify } from './verify.ts';

const startHere = `
Start here:
  $ pemba dev                        a server in memory, with a sample model
  $ pemba store create --name docs --model model.fga
  $ export PEMBA_STORE_ID=...        as the command before prints it
  $ pemba tuple write user:anne viewer document:roadmap
  $ pemba query check user:anne viewer document:roadmap`;

export function createProgram(): Command {
  const program = new Command('pemba')
    .description('Fine-grained authorization that speaks the API of OpenFGA.')
    .version(version(), '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', startHere)
    .addHelpText('after', exitCodeHelp());
  program.commandsGroup('Run a server:');
  registerDev(program);
  registerServe(program);
  registerKey(program);
  registerBootstrap(program);
  registerVerify(program);
  registerLimits(program);
  // Commands take this over when they are made: the options say nothing to those above.
  program.configureHelp({ showGlobalOptions: true });
  program.commandsGroup('Talk to a server:');
  addGlobalOptions(program);
  registerStore(program);
  registerModel(program);
  registerTuple(program);
  registerQuery(program);
  registerIdentity(program);
  registerRole(program);
  registerGraph(program);
  return program;
}

/** The package's manifest lies one folder above the sources, two above what is built of them. */
function version(): string {
  const [manifest] = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .filter((url) => existsSync(url));
  return manifest === undefined ? 'unknown' : JSON.parse(readFileSync(manifest, 'utf8')).version;
}
