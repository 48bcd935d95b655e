/** The server's settings as options of a command, generated from the one table of them. */
import { type Command, Option } from 'commander';
import {
  flagOf,
  resolveConfig,
  type ServerConfig,
  type Setting,
  type SettingName,
  settings,
  variableOf,
} from '../src/server/config.ts';
import { closeOnSignal } from '../src/server/lifecycle.ts';
import type { RunningServer } from '../src/server/start.ts';
import { StartError, startExitCodes } from '../src/server/start-error.ts';
import { Failure } from './exit-codes.ts';

export function addSettings(command: Command, names: readonly SettingName[]): void {
  for (const name of names) {
    const setting: Setting<unknown> = settings[name];
    if (setting.argv === false) continue;
    const { default: preset, help, placeholder } = setting;
    const value = placeholder === '' ? '' : ` <${placeholder.toLowerCase()}>`;
    const presetHelp = placeholder === '' || preset === '' ? '' : `; default ${preset}`;
    const source = `${variableOf(name)}${presetHelp}`;
    command.addOption(new Option(`--${flagOf(name)}${value}`, `${help} (${source})`));
  }
  command.option(
    '--config <file>',
    `Configuration file, YAML or JSON, with the names of the flags as keys (${variableOf('config')})`,
  );
}

/** The texts of the flags that the command line has, by their names. */
export function flagsOf(command: Command): Record<string, string> {
  const given = Object.entries(command.opts<Record<string, string | boolean>>());
  return Object.fromEntries(given.map(([name, value]) => [flagOf(name), String(value)]));
}

/** The server is loaded here, not with every command. */
export async function start(
  flags: Record<string, string>,
): Promise<{ server: RunningServer; config: ServerConfig }> {
  try {
    const config = resolveConfig({ flags });
    const { startServer } = await import('../src/server/start.ts');
    const starting = startServer(config);
    closeOnSignal(starting);
    return { server: await starting, config };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const usage = error.exitCode === startExitCodes.configuration;
    throw new Failure(usage ? 'usage' : 'cannotStart', error.message, { cause: error });
  }
}
