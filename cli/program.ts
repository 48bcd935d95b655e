/** The commands of `pemba` and their help. What a command needs is loaded with it, or when it runs. */
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addGlobalOptions } from './connection.ts';
import { exitCodeHelp } from './exit-codes.ts';

type Register = (program: Command) => void;
type Commands = Readonly<Record<string, () => Promise<Register>>>;

const serverCommands: Commands = {
  dev: async () => (await import('./dev.ts')).registerDev,
  serve: async () => (await import('./serve.ts')).registerServe,
  key: async () => (await import('./key.ts')).registerKey,
  bootstrap: async () => (await import('./bootstrap.ts')).registerBootstrap,
  verify: async () => (await import('./verify.ts')).registerVerify,
  limits: async () => (await import('./limits.ts')).registerLimits,
};

const clientCommands: Commands = {
  store: async () => (await import('./store.ts')).registerStore,
  model: async () => (await import('./model.ts')).registerModel,
  tuple: async () => (await import('./tuple.ts')).registerTuple,
  query: async () => (await import('./query.ts')).registerQuery,
  identity: async () => (await import('./identity.ts')).registerIdentity,
  role: async () => (await import('./role.ts')).registerRole,
  graph: async () => (await import('./graph.ts')).registerGraph,
};

const startHere = `
Start here:
  $ pemba dev                        a server in memory, with a sample model
  $ pemba store create --name docs --model model.fga
  $ export PEMBA_STORE_ID=...        as the command before prints it
  $ pemba tuple write user:anne viewer document:roadmap
  $ pemba query check user:anne viewer document:roadmap`;

/** With the command of this name alone, where the name is one; with all of them otherwise. */
export async function createProgram(name?: string): Promise<Command> {
  const isOne = (commands: Commands) => name !== undefined && Object.hasOwn(commands, name);
  const only = isOne(serverCommands) || isOne(clientCommands) ? name : undefined;
  const program = new Command('pemba')
    .description('Fine-grained authorization that speaks the API of OpenFGA.')
    .version(version(), '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', startHere)
    .addHelpText('after', exitCodeHelp());
  program.commandsGroup('Run a server:');
  await register(program, serverCommands, only);
  // Commands take this over when they are made: the options say nothing to those above.
  program.configureHelp({ showGlobalOptions: true });
  program.commandsGroup('Talk to a server:');
  addGlobalOptions(program);
  await register(program, clientCommands, only);
  return program;
}

async function register(program: Command, commands: Commands, only?: string): Promise<void> {
  for (const [name, load] of Object.entries(commands)) {
    if (only !== undefined && name !== only) continue;
    const add = await load();
    add(program);
  }
}

/** The package's manifest lies one folder above the sources, two above what is built of them. */
function version(): string {
  const [manifest] = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .filter((url) => existsSync(url));
  return manifest === undefined ? 'unknown' : JSON.parse(readFileSync(manifest, 'utf8')).version;
}
