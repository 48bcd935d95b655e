/** Runs one command of `pemba`: says why if it fails, and sets the exit code for it. */
import { CommanderError } from 'commander';
import { exitCodes, Failure } from './exit-codes.ts';
import { printFailure } from './output.ts';
import { createProgram } from './program.ts';

/** ENSURES: `process.exitCode` says how the command ended; undefined for a success. */
export async function runCommand(args: readonly string[]): Promise<void> {
  const program = await createProgram(args[0]);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = end(error, program.opts<{ json?: boolean }>().json === true);
  }
}

/** Says why a command ended, once, and returns the exit code that goes with it. */
function end(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message already; help that was asked for is a success.
    return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  }
  if (error instanceof Failure) {
    printFailure(error, json);
    return exitCodes[error.exit].code;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`error: this is a bug in pemba, please report it: ${text}\n`);
  return exitCodes.bug.code;
}
