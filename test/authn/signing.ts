// Keys and tokens made by hand: well-formed ones, and all the others that no library would sign.
import {
  constants,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto';

export interface TestKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function rsaKey(kid: string, bits = 2_048, algorithm = 'RS256'): TestKey {
  return { kid, algorithm, ...generateKeyPairSync('rsa', { modulusLength: bits }) };
}

export function ecKey(kid: string, algorithm = 'ES256'): TestKey {
  const namedCurve = algorithm === 'ES256' ? 'P-256' : 'P-384';
  return { kid, algorithm, ...generateKeyPairSync('ec', { namedCurve }) };
}

export function edKey(kid: string): TestKey {
  return { kid, algorithm: 'EdDSA', ...generateKeyPairSync('ed25519') };
}

/** As a JWKS lists it. */
export function publicJwk({ kid, algorithm, publicKey }: TestKey, more: object = {}): JsonWebKey {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig', ...more };
}

export const base64url = (content: string | Buffer | Uint8Array) =>
  Buffer.from(content as Buffer).toString('base64url');

export const json = (value: unknown) => base64url(JSON.stringify(value));

/** The signature of `input`, as the algorithm writes it. A key of bytes makes an HMAC. */
export function signature(input: string, algorithm: string, key: KeyObject | Buffer): string {
  const bytes = Buffer.from(input);
  const digest = `sha${algorithm.slice(2)}`;
  if (Buffer.isBuffer(key)) return createHmac(digest, key).update(bytes).digest('base64url');
  if (algorithm === 'EdDSA') return base64url(signBytes(null, bytes, key));
  if (algorithm.startsWith('ES'))
    return base64url(signBytes(digest, bytes, { key, dsaEncoding: 'ieee-p1363' }));
  if (algorithm.startsWith('PS')) {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return base64url(signBytes(digest, bytes, { key, padding, saltLength }));
  }
  return base64url(signBytes(digest, bytes, key));
}

/** Head and body encoded already, so that they can be anything. */
export function signEncoded(
  head: string,
  body: string,
  key: KeyObject | Buffer,
  algorithm: string,
): string {
  const input = `${head}.${body}`;
  return `${input}.${signature(input, algorithm, key)}`;
}

export function signToken(key: TestKey, claims: object, header: object = {}): string {
  const head = { alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header };
  return signEncoded(json(head), json(claims), key.privateKey, key.algorithm);
}
