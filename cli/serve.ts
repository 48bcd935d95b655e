/** `pemba serve`: the server, until a signal ends it. */
import type { Command } from 'commander';
import { settingNames } from '../src/server/config.ts';
import { reloadOnSignal } from '../src/server/lifecycle.ts';
import { addSettings, flagsOf, start } from './server-options.ts';

const more = `
A setting is taken from its flag, else from the environment variable, else from the configuration
file, else it has its default. SIGTERM or SIGINT ends the server orderly; a second one at once.
SIGHUP reads the identity file again, which happens by itself when it changes.

With --authn-method preshared or oidc, callers send \`authorization: Bearer TOKEN\`, and may do what
\`pemba role grant\` gave them. Preshared keys are in the environment or in a file, never on the
command line: PEMBA_AUTHN_PRESHARED_KEYS, or the key authn-preshared-keys of the configuration. The
server speaks no TLS: on an address that other machines can reach, put a proxy that does before it,
or tokens can be read on their way.

Examples:
  $ pemba serve --datastore-uri file:pemba.db
  $ PEMBA_LOG_FORMAT=text pemba serve --config pemba.yaml --metrics-addr off`;

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('run the server')
    .description('Runs the server: the HTTP API (REST, Connect, gRPC-Web), the gRPC API, metrics.')
    .addHelpText('after', more);
  addSettings(command, settingNames);
  command.action(async () => {
    const { server } = await start(flagsOf(command));
    reloadOnSignal(server);
  });
}
