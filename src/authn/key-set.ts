/**
 * The public keys of one issuer, as its JWKS lists them. What is no public signature key of
 * sufficient strength is left out, as if it were not listed.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isJsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';

export interface VerificationKey {
  readonly id: string | undefined;
  /** The one algorithm that the issuer says it is for; undefined if it does not say. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
  /** Equal for equal keys under equal ids. */
  readonly fingerprint: string;
  /** False once its issuer no longer lists it. Whoever remembers a token looks here. */
  live: boolean;
}

export type KeySet = readonly VerificationKey[];

/** Curves of the EC algorithms; an `ES256` signature fits a P-256 key and no other. */
const curves: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

/** RSA below is breakable; above, one verification takes tens of milliseconds. */
const rsaBits = { min: 2_048, max: 8_192 };

/** The keys, or undefined where `document` is no JWKS or lists too many. */
export function readKeySet(document: unknown): KeySet | undefined {
  if (!isJsonObject(document) || !Array.isArray(document.keys)) return undefined;
  if (document.keys.length > limits.issuerKeysMax) return undefined;
  return document.keys.map(readKey).filter((key) => key !== undefined);
}

function readKey(jwk: unknown): VerificationKey | undefined {
  if (!isJsonObject(jwk)) return undefined;
  const { kty, use, key_ops: operations, alg, kid } = jwk;
  // A shared secret, or a private key that is a secret no longer.
  if (kty === 'oct' || 'k' in jwk || 'd' in jwk) return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  let key: KeyObject;
  let bytes: string;
  try {
    // Checks that a point is on its curve.
    key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    bytes = key.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    return undefined;
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < rsaBits.min || bits > rsaBits.max)) return undefined;
  const id = typeof kid === 'string' ? kid : undefined;
  const algorithm = typeof alg === 'string' ? alg : undefined;
  return { id, algorithm, key, fingerprint: JSON.stringify([id, algorithm, bytes]), live: true };
}

export type KeyFault = 'key_unknown' | 'key_unfit' | 'key_ambiguous';

/** The one key that a token with this header can be signed with. */
export function selectKey(
  keys: KeySet,
  id: string | undefined,
  algorithm: string,
): VerificationKey | KeyFault {
  const named = id === undefined ? keys : keys.filter((key) => key.id === id);
  if (named.length === 0) return 'key_unknown';
  const [found, ...others] = named.filter((key) => fits(key, algorithm));
  if (found === undefined) return 'key_unfit';
  return others.length === 0 ? found : 'key_ambiguous';
}

function fits({ key, algorithm: only }: VerificationKey, algorithm: string): boolean {
  if (only !== undefined && only !== algorithm) return false;
  if (algorithm === 'EdDSA') return key.asymmetricKeyType === 'ed25519';
  const curve = curves[algorithm];
  if (curve === undefined) return key.asymmetricKeyType === 'rsa';
  return key.asymmetricKeyDetails?.namedCurve === curve;
}

/**
 * The keys of `next`, as the same objects where `last` had them; those of `last` that are gone die.
 */
export function succeed(last: KeySet, next: KeySet): KeySet {
  const known = new Map(last.map((key) => [key.fingerprint, key]));
  const keys = next.map((key) => known.get(key.fingerprint) ?? key);
  const kept = new Set(keys);
  for (const key of last) if (!kept.has(key)) key.live = false;
  return keys;
}
