/** How `pemba` ends: one table of exit codes, and the error that carries one of them. */

export const exitCodes = {
  ok: { code: 0, meaning: 'done; for `query check`, whichever the answer' },
  failed: {
    code: 1,
    meaning:
      'done, and the outcome is bad: a test failed, a model is invalid, a tuple was not written',
  },
  usage: { code: 2, meaning: 'the command line is wrong' },
  unreachable: { code: 3, meaning: 'the server cannot be reached' },
  refused: { code: 4, meaning: 'the server refused the request' },
  serverFailed: { code: 5, meaning: 'the server failed or answered something that is not its API' },
  input: { code: 6, meaning: 'a file is missing, unreadable or malformed' },
  cannotStart: {
    code: 7,
    meaning: 'the server cannot start: a port is in use, a file cannot be opened',
  },
  bug: { code: 70, meaning: 'a bug in pemba' },
  interrupted: { code: 130, meaning: 'interrupted' },
} as const;

export type Exit = keyof typeof exitCodes;

/** The table as `--help` prints it. */
export function exitCodeHelp(): string {
  const rows = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padEnd(4)}${meaning}`,
  );
  return `\nExit codes:\n${rows.join('\n')}\n`;
}

/** A command that cannot go on: what was wrong, in one line, and what to do about it. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exit: Exit;
  /** The server's code for it, or one of ours; undefined where the message says it all. */
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor(
    exit: Exit,
    message: string,
    more?: { code?: string; hint?: string | undefined; cause?: unknown },
  ) {
    super(message, more?.cause === undefined ? undefined : { cause: more.cause });
    this.exit = exit;
    this.code = more?.code;
    this.hint = more?.hint;
  }
}
