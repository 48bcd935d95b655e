/**
 * The file beside a database by which `pemba bootstrap` reaches the server that owns it: where that
 * one listens, and the secret of its first admin. Whoever may read it may write the database.
 */
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { isJsonObject } from '../base/json.ts';

export interface BootstrapFile {
  /** URL of the server's HTTP API. */
  readonly url: string;
  readonly secret: string;
}

/** By whatever link the database is named. REQUIRES: it exists. */
export function bootstrapFileOf(path: string): string {
  return `${realpathSync(path)}-bootstrap`;
}

/** `address` is HOST:PORT, as the server listens. ENSURES: only its owner can read the file. */
export function writeBootstrapFile(file: string, address: string, secret: string): void {
  const content: BootstrapFile = { url: `http://${reachable(address)}`, secret };
  // What lies there may have other permissions, or lead elsewhere.
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify(content)}\n`, { flag: 'wx', mode: 0o600 });
}

/** Of a server that ended without taking it away, too. */
export function removeBootstrapFile(file: string): void {
  rmSync(file, { force: true });
}

/** Undefined where its content is no such file's. Throws the system's error if it cannot be read. */
export function readBootstrapFile(file: string): BootstrapFile | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!isJsonObject(content)) return undefined;
  const { url, secret } = content;
  if (typeof url !== 'string' || typeof secret !== 'string') return undefined;
  return { url, secret };
}

/** A server that listens on every address is asked on this machine's own. */
function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}
