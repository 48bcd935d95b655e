/**
 * Preshared keys: random, named, known to the server by their SHA-256 alone. Two may bear the same
 * name, so that a key is replaced without a gap: add the new, move the clients, take the old away.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';

export interface PresharedKey {
  /** Of the client that holds it. */
  readonly name: string;
  /** Tells keys of one name apart: the first eight digits of the digest. */
  readonly id: string;
  readonly digest: Buffer;
}

/** So that a scanner of secrets can find one where it should not be. */
const prefix = 'pemba_';
const keyBytes = 32;
const storedForm = /^([a-z0-9][a-z0-9._-]*)=sha256:([0-9a-f]{64})$/;

/** A new key, to be shown once, and the form of it that the server is given. */
export function createKey(
  name: string,
): { readonly key: string; readonly stored: string } | string {
  const key = prefix + randomBytes(keyBytes).toString('base64url');
  const stored = `${name}=sha256:${digest(key).toString('hex')}`;
  return typeof readPresharedKey(stored) === 'string' ? nameRule : { key, stored };
}

const nameRule =
  'the name of a key begins with a letter or digit and has letters a-z, digits, `.`, `_` and `-`, ' +
  `${limits.presharedKeyNameLengthMax} at most`;

/** The key of a stored form, or what is wrong with it: without the text, which may be a secret. */
export function readPresharedKey(stored: string): PresharedKey | string {
  const [, name, hex] = storedForm.exec(stored) ?? [];
  if (name === undefined || hex === undefined)
    return `a preshared key is given as NAME=sha256:DIGEST, as \`pemba key create\` prints it; ${nameRule}`;
  if (name.length > limits.presharedKeyNameLengthMax) return nameRule;
  return { name, id: hex.slice(0, 8), digest: Buffer.from(hex, 'hex') };
}

/** What is wrong with these keys together; undefined if nothing is. */
export function presharedKeysFault(keys: readonly PresharedKey[]): string | undefined {
  if (keys.length > limits.presharedKeysMax)
    return `there are more than ${limits.presharedKeysMax} preshared keys`;
  const digests = new Set(keys.map((key) => key.digest.toString('hex')));
  return digests.size === keys.length ? undefined : 'two preshared keys are the same';
}

/** Compares with every key, whichever fits: the time says nothing of where a guess came close. */
export function matchPresharedKey(
  keys: readonly PresharedKey[],
  token: string,
): PresharedKey | undefined {
  if (keys.length === 0) return undefined;
  const presented = digest(token);
  let found: PresharedKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, presented)) found = key;
  return found;
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
