/**
 * The configuration: one table of settings, from which the flags, the environment variables, the
 * keys of the configuration file, the help and the README's table follow. The only reader of
 * `process.env` in the server.
 */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { presharedKeysFault } from '../authn/preshared.ts';
import { limits } from '../base/limits.ts';
import {
  isLoopback,
  oneOf,
  parseAddress,
  parseAddressOrOff,
  parseCount,
  parseDatastoreUri,
  parseDurationMs,
  parseMemory,
  parseOrigins,
  parsePresharedKeys,
  parseSwitch,
  parseWorkers,
  readPresharedKeysFile,
} from './setting-values.ts';
import { configurationError } from './start-error.ts';

export interface Setting<Value> {
  readonly default: string;
  /** What stands for the value in the help; '' for a switch, which takes none. */
  readonly placeholder: string;
  readonly help: string;
  /** True where the text may hold a password: errors do not repeat it. */
  readonly secret?: true;
  /** False where the text is not for a command line, which everyone on the machine can read. */
  readonly argv?: false;
  readonly parse: (text: string) => Value;
}

/** The flag of `httpAddr` is `--http-addr`, its variable PEMBA_HTTP_ADDR, its key `http-addr`. */
export const settings = {
  datastoreUri: {
    default: 'file:pemba.db',
    placeholder: 'URI',
    help: 'Where tuples and models are kept: file:PATH (SQLite), or :memory:',
    secret: true,
    parse: parseDatastoreUri,
  },
  httpAddr: {
    default: '127.0.0.1:8080',
    placeholder: 'HOST:PORT',
    help: 'Address of the HTTP API (REST, Connect, gRPC-Web); port 0 picks a free one',
    parse: parseAddress,
  },
  grpcAddr: {
    default: '127.0.0.1:8081',
    placeholder: 'HOST:PORT',
    help: 'Address of the gRPC API',
    parse: parseAddress,
  },
  metricsAddr: {
    default: '127.0.0.1:2112',
    placeholder: 'HOST:PORT',
    help: 'Address of the Prometheus metrics, at /metrics; off for none',
    parse: parseAddressOrOff,
  },
  insecure: {
    default: 'false',
    placeholder: '',
    help: 'Allow an API without authentication on an address that other machines can reach',
    parse: parseSwitch,
  },
  authnMethod: {
    default: 'none',
    placeholder: 'METHOD',
    help: 'How callers are known: none, preshared (keys), or oidc (and keys, where there are any)',
    parse: oneOf('none', 'preshared', 'oidc'),
  },
  authnPresharedKeys: {
    default: '',
    placeholder: 'KEYS',
    help: 'NAME=sha256:DIGEST of each key, as `pemba key create` prints it, separated by commas',
    secret: true,
    argv: false,
    parse: parsePresharedKeys,
  },
  authnPresharedKeysFile: {
    default: '',
    placeholder: 'FILE',
    help: 'File with such keys, one a line',
    parse: readPresharedKeysFile,
  },
  identityFile: {
    default: '',
    placeholder: 'FILE',
    help: 'The issuers whose tokens are trusted, and what their claims mean; reloaded on change',
    parse: (text: string) => text,
  },
  corsAllowedOrigins: {
    default: '',
    placeholder: 'ORIGINS',
    help: 'Web origins that browsers may call the HTTP API from, separated by commas; * for any',
    parse: parseOrigins,
  },
  graphMemory: {
    default: 'auto',
    placeholder: 'SIZE',
    help: 'Memory for stores answered from memory: bytes, 512MiB, 2GiB, 0 for none, or auto: a quarter of the machine or its cgroup',
    parse: parseMemory,
  },
  workers: {
    default: 'auto',
    placeholder: 'COUNT',
    help: 'Threads that serve, on the same ports: auto for as many as there are cores',
    parse: parseWorkers,
  },
  requestTimeout: {
    default: `${limits.requestTimeoutMs}ms`,
    placeholder: 'DURATION',
    help: 'Longest time for one request; a client may ask for less',
    parse: parseDurationMs,
  },
  requestBytesMax: {
    default: String(limits.requestBytesMax),
    placeholder: 'BYTES',
    help: 'Largest request message',
    parse: parseCount,
  },
  checkDepthMax: {
    default: String(limits.checkDepthMax),
    placeholder: 'COUNT',
    help: 'Usersets and tuple-to-userset hops that one check may follow',
    parse: parseCount,
  },
  checkStepsMax: {
    default: String(limits.checkStepsMax),
    placeholder: 'COUNT',
    help: 'Questions and tuples that one request may visit',
    parse: parseCount,
  },
  shutdownTimeout: {
    default: `${limits.shutdownTimeoutMs}ms`,
    placeholder: 'DURATION',
    help: 'Time that open requests get to finish at shutdown',
    parse: parseDurationMs,
  },
  logLevel: {
    default: 'info',
    placeholder: 'LEVEL',
    help: 'What to log: debug, info (a line a request), warn, error, or off',
    parse: oneOf('debug', 'info', 'warn', 'error', 'off'),
  },
  logFormat: {
    default: 'json',
    placeholder: 'FORMAT',
    help: 'How to log, on standard error: json or text',
    parse: oneOf('json', 'text'),
  },
} as const satisfies { readonly [name: string]: Setting<unknown> };

export type SettingName = keyof typeof settings;

export type ServerConfig = {
  readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]['parse']>;
};

export const settingNames = Object.keys(settings) as SettingName[];

/** Also the key in the configuration file. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(name: string): string {
  return `PEMBA_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}

type Texts = { readonly [name: string]: string | undefined };

/** A setting's text and where it was found, for the error that names it. */
interface Found {
  readonly text: string;
  readonly source: string;
}

export interface ConfigSources {
  /** Texts by flag, `http-addr`; `config` is the path of the configuration file. */
  readonly flags?: Texts;
  readonly environment?: Texts;
}

/**
 * Flag before environment before configuration file before default.
 * ENSURES: the result is frozen; whatever is wrong is refused with a `StartError` of one line.
 */
export function resolveConfig({ flags = {}, environment = process.env }: ConfigSources = {}) {
  const path = flags.config ?? (environment[variableOf('config')] || undefined);
  const file = path === undefined ? new Map<string, string>() : readConfigFile(path);

  const find = (name: SettingName): Found => {
    const flag = flags[flagOf(name)];
    if (flag !== undefined) return { text: flag, source: `--${flagOf(name)}` };
    const variable = environment[variableOf(name)];
    if (variable) return { text: variable, source: variableOf(name) };
    const entry = file.get(flagOf(name));
    if (entry !== undefined) return { text: entry, source: `${path}: ${flagOf(name)}` };
    return { text: settings[name].default, source: `the default of --${flagOf(name)}` };
  };

  const values = settingNames.map((name) => [name, parseSetting(name, find(name))]);
  const config: ServerConfig = Object.freeze(Object.fromEntries(values));
  refuseKeysInVain(config);
  for (const name of ['httpAddr', 'grpcAddr'] as const) {
    if (config.authnMethod !== 'none') break;
    if (config.insecure || isLoopback(config[name])) continue;
    const { text, source } = find(name);
    throw configurationError(
      `${source}: other machines can reach \`${text}\` and the API has no authentication; ` +
        'set --authn-method, use a loopback address such as 127.0.0.1, or spell out --insecure',
    );
  }
  return config;
}

/** Keys that nobody asks for would let everybody in, against what whoever set them believes. */
function refuseKeysInVain(config: ServerConfig): void {
  const { authnMethod, authnPresharedKeys, authnPresharedKeysFile } = config;
  const keys = [...authnPresharedKeys, ...authnPresharedKeysFile];
  const fault = presharedKeysFault(keys);
  if (fault !== undefined) throw configurationError(fault);
  if (authnMethod === 'none' && keys.length > 0) {
    throw configurationError(
      'there are preshared keys, but nobody is asked for one: set --authn-method preshared',
    );
  }
  if (authnMethod === 'preshared' && keys.length === 0) {
    throw configurationError(
      '--authn-method: preshared needs a key in PEMBA_AUTHN_PRESHARED_KEYS or ' +
        '--authn-preshared-keys-file; `pemba key create NAME` makes one',
    );
  }
}

function parseSetting(name: SettingName, { text, source }: Found): unknown {
  const setting: Setting<unknown> = settings[name];
  try {
    return setting.parse(text);
  } catch (error) {
    const value = setting.secret ? 'this value' : `\`${text}\``;
    throw configurationError(`${source}: ${value} does not do; ${(error as Error).message}`);
  }
}

/** The file's entries as texts: YAML, of which JSON is a part. */
function readConfigFile(path: string): ReadonlyMap<string, string> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw configurationError(`cannot read the configuration file \`${path}\`: ${reason}`, error);
  }
  if (content === null || content === undefined) return new Map();
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw configurationError(`${path}: expected lines of the form \`http-addr: 127.0.0.1:8080\``);
  }
  const known = new Set(settingNames.map(flagOf));
  const entries = new Map<string, string>();
  for (const [key, value] of Object.entries(content)) {
    if (!known.has(key)) {
      throw configurationError(`${path}: there is no setting \`${key}\`; see pemba serve --help`);
    }
    const text = Array.isArray(value) ? value.join(',') : value;
    if (typeof text !== 'string' && typeof text !== 'number' && typeof text !== 'boolean') {
      throw configurationError(`${path}: ${key}: expected one value`);
    }
    entries.set(key, String(text));
  }
  return entries;
}
