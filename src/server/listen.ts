/** Listening on an address: the real port on success, one clear line when it is not to be had. */
import { createServer, type Server } from 'node:net';
import { flagOf, type SettingName } from './config.ts';
import { formatAddress, type ListenAddress } from './setting-values.ts';
import { cannotStart, type StartError } from './start-error.ts';

/** ENSURES: returns HOST:PORT as clients can use it, with the port that the system chose for 0. */
export async function listen(
  server: Server,
  address: ListenAddress,
  setting: SettingName,
): Promise<string> {
  const port = await bind(server, address, setting, false);
  return formatAddress({ host: address.host || '0.0.0.0', port });
}

/** Beside others that do the same: the system spreads the connections. */
export async function listenShared(
  server: Server,
  address: ListenAddress,
  setting: SettingName,
): Promise<void> {
  await bind(server, address, setting, true);
}

/**
 * The addresses with real ports, for several threads to listen on. ENSURES: they were free a moment
 * ago, and are not the same: who shares a port is not told that another shares it too.
 */
export async function settle(
  wanted: readonly (readonly [ListenAddress, SettingName])[],
): Promise<ListenAddress[]> {
  const held: Server[] = [];
  try {
    const settled: ListenAddress[] = [];
    for (const [address, setting] of wanted) {
      const server = createServer();
      const port = await bind(server, address, setting, false);
      held.push(server);
      settled.push({ host: address.host, port });
    }
    return settled;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Whether several threads can listen on one port here. */
export const canSharePorts = ['linux', 'freebsd', 'sunos', 'aix'].includes(process.platform);

function bind(
  server: Server,
  { host, port }: ListenAddress,
  setting: SettingName,
  reusePort: boolean,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(asStartError(error, { host, port }, setting));
    server.once('error', refuse);
    server.listen({ port, reusePort, ...(host && { host }) }, () => {
      server.off('error', refuse);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function asStartError(
  error: NodeJS.ErrnoException,
  address: ListenAddress,
  setting: SettingName,
): StartError {
  const flag = `--${flagOf(setting)}`;
  const text = `\`${formatAddress(address)}\``;
  switch (error.code) {
    case 'EADDRINUSE':
      return cannotStart(
        `${flag}: ${text} is in use by another program; stop that one, or choose another port`,
        error,
      );
    case 'EACCES':
      return cannotStart(
        `${flag}: not allowed to listen on ${text}; choose a port from 1024`,
        error,
      );
    case 'EADDRNOTAVAIL':
      return cannotStart(`${flag}: this machine has no address ${text}`, error);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return cannotStart(`${flag}: the name in ${text} is not known`, error);
    default:
      return cannotStart(`${flag}: cannot listen on ${text}: ${error.message}`, error);
  }
}
