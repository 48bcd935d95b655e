/** Why the server does not start: one line for the person who started it, and the exit code. */

export const startExitCodes = {
  /** Something outside is in the way: a port in use, a file that cannot be opened. */
  cannotStart: 7,
  /** A flag, a variable or the configuration file is wrong. */
  configuration: 2,
} as const;

export class StartError extends Error {
  override name = 'StartError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

export function configurationError(message: string, cause?: unknown): StartError {
  return new StartError(message, startExitCodes.configuration, cause);
}

export function cannotStart(message: string, cause?: unknown): StartError {
  return new StartError(message, startExitCodes.cannotStart, cause);
}
