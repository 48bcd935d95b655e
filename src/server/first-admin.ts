/** A server that nobody is admin of yet: it says so, and lets the first one be made while it runs. */
import type { Logger } from 'pino';
import type { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import type { Access } from '../service/access/access.ts';
import { bootstrapFileOf, removeBootstrapFile, writeBootstrapFile } from './bootstrap-file.ts';

/**
 * REQUIRES: the server listens at the address, or is about to. ENSURES: the file of a secret lies beside the
 * database if, and as long as, only this server can make the first admin.
 */
export async function expectFirstAdmin(server: {
  /** Undefined for a database in memory. */
  readonly path: string | undefined;
  readonly isOwner: boolean;
  readonly asksWhoCalls: boolean;
  readonly httpAddress: string;
  readonly access: Access;
  readonly secret: BootstrapSecret;
  readonly logger: Logger;
}): Promise<void> {
  const { path, httpAddress, access, secret, logger } = server;
  const file = path === undefined ? undefined : bootstrapFileOf(path);
  const remove = () => {
    try {
      if (file !== undefined) removeBootstrapFile(file);
    } catch (err) {
      logger.error({ err }, 'the file of `pemba bootstrap` is out of use and cannot be removed');
    }
  };
  remove();
  if (!server.asksWhoCalls || (await access.isBootstrapped())) return;
  logger.warn('nobody has been made an admin yet: `pemba bootstrap` does it, also meanwhile');
  // A file that is nobody's own is opened by `pemba bootstrap` itself.
  if (file === undefined || !server.isOwner) return;
  try {
    writeBootstrapFile(file, httpAddress, secret.issue(remove));
  } catch (err) {
    secret.end();
    logger.error(
      { err },
      'the file of `pemba bootstrap` cannot be written: stop the server for it',
    );
  }
}
