/**
 * The command lines of the long runs under test/: help where it is asked for, and a word about what
 * is wrong, instead of a run that nobody meant.
 */
import { Command, InvalidArgumentError, Option } from 'commander';

/** 1 says that something was found. */
const usageExitCode = 2;

/** `npm run NAME`. */
export function tool(name: string, what: string): Command {
  return new Command(`npm run ${name} --`)
    .description(what)
    .showHelpAfterError('(--help says what there is)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : usageExitCode));
}

/** `--name <n>`, a whole number. */
export function whole(name: string, what: string, least: number): Option {
  return new Option(`--${name} <n>`, what).argParser((text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} on.`);
  });
}

/** `--name <s>`, above zero. */
export function seconds(name: string, what: string): Option {
  return new Option(`--${name} <s>`, what).argParser((text) => {
    const value = Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    throw new InvalidArgumentError('Give a number of seconds above zero.');
  });
}
