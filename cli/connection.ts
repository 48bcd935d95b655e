/** Which server, store and model a command means: flag first, then environment, then default. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { limits } from '../src/base/limits.ts';
import { isModelId, isStoreId } from '../src/model/ids.ts';
import { type Client, createClient } from './client.ts';
import { readEnvironment } from './environment.ts';
import { Failure } from './exit-codes.ts';
import { parseUrl, positiveNumber } from './option-values.ts';
import { warn } from './output.ts';

export const defaultApiUrl = 'http://127.0.0.1:8080';

interface GlobalOptions {
  readonly apiUrl?: string;
  readonly apiToken?: string;
  readonly apiTokenFile?: string;
  /** Of queries alone. */
  readonly subjectTokenFile?: string;
  readonly storeId?: string;
  readonly modelId?: string;
  readonly timeout?: number;
  readonly json?: boolean;
}

export interface Connection {
  readonly client: Client;
  readonly apiUrl: string;
  /** '' where the command works on no store in particular. */
  readonly storeId: string;
  /** Undefined for the latest. */
  readonly modelId: string | undefined;
  readonly json: boolean;
}

/** The options that every command takes, before or after its name. */
export function addGlobalOptions(program: Command): void {
  program
    .option(
      '--api-url <url>',
      `server to talk to (PEMBA_API_URL; default ${defaultApiUrl})`,
      parseUrl,
    )
    .addOption(new Option('--api-token <token>', 'bearer token; better in PEMBA_API_TOKEN'))
    .option('--api-token-file <file>', 'file that holds the bearer token')
    .option('--store-id <id>', 'store to work on (PEMBA_STORE_ID)')
    .option('--model-id <id>', 'model to use instead of the latest (PEMBA_MODEL_ID)')
    .option(
      '--timeout <seconds>',
      `wait for one answer (default ${limits.clientTimeoutMs / 1000})`,
      positiveNumber,
    )
    .option('--json', 'print the result as JSON');
}

/** ENSURES: `storeId` is the id of a store. */
export function connectToStore(command: Command): Connection {
  const connection = connect(command);
  if (connection.storeId !== '') return connection;
  throw new Failure('usage', 'no store named: pass --store-id or set PEMBA_STORE_ID', {
    hint: '`pemba store list` shows the stores',
  });
}

export function connect(command: Command): Connection {
  const options = command.optsWithGlobals<GlobalOptions>();
  const environment = readEnvironment();
  const apiUrl = options.apiUrl ?? urlOfEnvironment(environment.apiUrl) ?? defaultApiUrl;
  const timeoutMs =
    options.timeout === undefined ? limits.clientTimeoutMs : Math.ceil(options.timeout * 1000);
  const apiToken = tokenOf(options) ?? environment.apiToken;
  const subjectToken = options.subjectTokenFile && readToken(options.subjectTokenFile);
  const onStepUp = (needed: string) => warn(`it takes a better sign-in: ${needed}`);
  return {
    client: createClient({ apiUrl, apiToken, timeoutMs, subjectToken, onStepUp }),
    apiUrl,
    storeId: checkId('store', options.storeId ?? environment.storeId, isStoreId) ?? '',
    modelId: checkId('model', options.modelId ?? environment.modelId, isModelId),
    json: options.json === true,
  };
}

/** The store that the command line itself names, whatever the environment says. */
export function storeIdOfFlag(command: Command): string | undefined {
  return checkId('store', command.optsWithGlobals<GlobalOptions>().storeId, isStoreId);
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

function tokenOf(options: GlobalOptions): string | undefined {
  if (options.apiToken !== undefined && options.apiTokenFile !== undefined) {
    throw new Failure('usage', 'give --api-token or --api-token-file, not both');
  }
  if (options.apiTokenFile !== undefined) return readToken(options.apiTokenFile);
  if (options.apiToken !== undefined) {
    warn(
      '--api-token shows the token to everyone who lists processes; set PEMBA_API_TOKEN instead',
    );
  }
  return options.apiToken;
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('input', `cannot read the token file \`${file}\`: ${code}`, { cause: error });
  }
  if (token === '') throw new Failure('input', `the token file \`${file}\` is empty`);
  return token;
}

function urlOfEnvironment(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  try {
    return parseUrl(url);
  } catch (error) {
    throw new Failure('usage', `PEMBA_API_URL or FGA_API_URL: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function checkId(
  what: 'store' | 'model',
  id: string | undefined,
  isId: (text: string) => boolean,
): string | undefined {
  if (id === undefined || isId(id)) return id;
  throw new Failure('usage', `\`${id}\` is not the id of a ${what}`, {
    hint: `it has 26 characters, as \`pemba ${what} list\` shows`,
  });
}
