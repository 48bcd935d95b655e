/** The process around a server: it ends orderly at the first signal, at once at the second. */
import { constants } from 'node:os';
import type { RunningServer } from './start.ts';

const signals = ['SIGTERM', 'SIGINT'] as const;

/** SIGHUP, which is how a server is told to read its files again, takes the identity file anew. */
export function reloadOnSignal(server: RunningServer): void {
  process.on('SIGHUP', () => {
    server.reload().catch((error: unknown) => {
      server.logger.error({ err: error }, 'the identity file was not reloaded');
    });
  });
}

/**
 * At the first signal the server closes, once it has started, and the process exits with 0; a second
 * does not wait. Whoever starts it says why it could not.
 */
export function closeOnSignal(starting: Promise<RunningServer>): void {
  let closing = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (closing) process.exit(128 + constants.signals[signal]);
      closing = true;
      starting.then(closeAndExit, () => undefined);
    });
  }
}

async function closeAndExit(server: RunningServer): Promise<void> {
  try {
    await server.close();
    process.exit(0);
  } catch (error) {
    server.logger.error({ err: error }, 'the server did not close as it should');
    process.exit(1);
  }
}
