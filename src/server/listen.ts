/** Listening on an address: the real port on success, one clear line when it is not to be had. */
import type { Server } from 'node:net';
import { flagOf, type SettingName } from './config.ts';
import { formatAddress, type ListenAddress } from './setting-values.ts';
import { cannotStart, type StartError } from './start-error.ts';

/** ENSURES: returns HOST:PORT as clients can use it, with the port that the system chose for 0. */
export function listen(
  server: Server,
  address: ListenAddress,
  setting: SettingName,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => reject(asStartError(error, address, setting));
    server.once('error', refuse);
    server.listen({ port: address.port, ...(address.host && { host: address.host }) }, () => {
      server.off('error', refuse);
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      resolve(formatAddress({ host: address.host || '0.0.0.0', port }));
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
