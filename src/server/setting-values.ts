/**
 * How the text of a setting becomes a value. Each parser throws an Error whose message says what
 * it would take; the configuration adds where the text came from.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type PresharedKey, readPresharedKey } from '../authn/preshared.ts';
import { limits } from '../base/limits.ts';

/** Where to listen. `host` '' means all interfaces; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const addressPattern = /^(?:\[(?<six>[0-9a-fA-F:.%]+)\]|(?<host>[^\s:[\]]*)):(?<port>\d{1,5})$/;

export function parseAddress(text: string): ListenAddress {
  const parts = addressPattern.exec(text)?.groups;
  const port = Number(parts?.port);
  if (parts === undefined || port > 65_535) {
    throw new Error('expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080');
  }
  return { host: parts.six ?? parts.host ?? '', port };
}

export function parseAddressOrOff(text: string): ListenAddress | undefined {
  return text === 'off' ? undefined : parseAddress(text);
}

export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True where only this machine can reach the address. A name but `localhost` may be anything. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What a datastore URI points to: a path of the file system, or `:memory:`. */
export function parseDatastoreUri(text: string): string {
  if (text === ':memory:') return text;
  if (text.startsWith('file:///')) return fileURLToPath(text);
  const path = text.slice('file:'.length);
  if (!text.startsWith('file:') || path === '' || path.startsWith('//') || path.includes('?')) {
    throw new Error('expected file:PATH, such as file:pemba.db, or :memory:');
  }
  return path;
}

const unitMs = { ms: 1, s: 1_000, m: 60_000 } as const;

/** The longest delay that a timer of the runtime takes. */
const durationMsMax = 2 ** 31 - 1;

export function parseDurationMs(text: string): number {
  const parts = /^(\d{1,9})(ms|s|m)$/.exec(text);
  const duration = Number(parts?.[1]) * unitMs[(parts?.[2] ?? 's') as keyof typeof unitMs];
  if (parts === null || duration < 1 || duration > durationMsMax) {
    throw new Error('expected a duration such as 500ms, 3s or 2m');
  }
  return duration;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error('expected a whole number from 1');
  return Number(text);
}

export function parseWorkers(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const { workersMax } = limits;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > workersMax) {
    throw new Error(`expected a number of threads from 1 to ${workersMax}, or auto`);
  }
  return count;
}

const unitBytes = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Bytes; or what `auto` comes to is for the machine to say. */
export function parseMemory(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const parts = /^(\d{1,15})((?:[KMGT]iB)?)$/.exec(text);
  const bytes = Number(parts?.[1]) * unitBytes[(parts?.[2] ?? '') as keyof typeof unitBytes];
  if (!Number.isSafeInteger(bytes)) {
    throw new Error('expected bytes, a size such as 512MiB or 2GiB, 0 for none, or auto');
  }
  return bytes;
}

export function parseSwitch(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error('expected true or false');
  return text === 'true';
}

export function oneOf<Choice extends string>(...choices: Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((each) => each === text);
    if (choice === undefined) throw new Error(`expected one of ${choices.join(', ')}`);
    return choice;
  };
}

/** Web origins, separated by commas; `*` alone stands for any. */
export function parseOrigins(text: string): readonly string[] {
  const origins = text === '' ? [] : text.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
      throw new Error('expected origins such as https://app.example.com, or *');
    }
  }
  return origins;
}

/** In their stored form, separated by commas or line breaks. */
export function parsePresharedKeys(text: string): readonly PresharedKey[] {
  const stored = text.split(/[,\s]+/).filter((entry) => entry !== '');
  return stored.map((entry) => {
    const key = readPresharedKey(entry);
    if (typeof key === 'string') throw new Error(key);
    return key;
  });
}

/** One a line; lines that begin with `#` are comments. */
export function readPresharedKeysFile(path: string): readonly PresharedKey[] {
  if (path === '') return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`the file cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  const keys = parsePresharedKeys(text.replace(/^\s*#.*$/gm, ''));
  if (keys.length === 0) throw new Error('the file has no key');
  return keys;
}
