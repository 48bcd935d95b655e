/**
 * A signed token taken apart, and refused for all that is wrong with its form, before any key is
 * looked at. Nothing here is believed: it only says whose key the signature is to be checked with.
 */
import { byteLength } from '../base/bytes.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { type AuthenticationReason, refuse } from './refusal.ts';
import { parseStrict, type StrictFault } from './strict-json.ts';

export interface UnverifiedToken {
  readonly algorithm: string;
  readonly type: string | undefined;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
}

/** Header fields that bring a key or say where one is: keys come from the issuer alone. */
const keyFields = ['jku', 'jwk', 'x5u', 'x5c'];

export function refuseLarge(token: string): void {
  if (byteLength(token) > limits.tokenBytesMax) refuse('token_too_large');
}

export function parseToken(token: string): UnverifiedToken {
  refuseLarge(token);
  const parts = token.split('.');
  if (parts.length === 5) refuse('token_encrypted');
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined)
    refuse('token_malformed');
  const header = decodeObject(head);
  if ('enc' in header) refuse('token_encrypted');
  // `b64` changes how the payload is read, and is only allowed where `crit` names it.
  if ('crit' in header || 'b64' in header) refuse('critical_header');
  if (keyFields.some((field) => Object.hasOwn(header, field))) refuse('embedded_key');
  if (typeof header.cty === 'string') refuse('token_nested');
  const { alg } = header;
  if (typeof alg !== 'string') refuse('token_malformed');
  const claims = decodeObject(body);
  // An empty one is told as a wrong algorithm's: it has none.
  if (signature !== '' && !isCanonical(signature)) refuse('token_malformed');
  return { algorithm: alg, type: typeOf(header.typ), keyId: keyIdOf(header.kid), claims };
}

/** Bytes that could be written in two ways would let one token have two texts. */
function isCanonical(base64url: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(base64url)) return false;
  const over = base64url.length % 4;
  if (over === 1) return false;
  const last = base64url.at(-1) ?? '';
  return over === 0 || (over === 2 ? 'AQgw' : 'AEIMQUYcgkosw048').includes(last);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const reasonOf: Record<StrictFault, AuthenticationReason> = {
  malformed: 'token_malformed',
  ambiguous: 'token_ambiguous',
  too_deep: 'token_too_deep',
};

function decodeObject(part: string): JsonObject {
  if (!isCanonical(part)) refuse('token_malformed');
  let text: string;
  try {
    text = utf8.decode(Buffer.from(part, 'base64url'));
  } catch {
    refuse('token_malformed');
  }
  const parsed = parseStrict(text, limits.tokenDepthMax);
  return typeof parsed === 'string' ? refuse(reasonOf[parsed]) : parsed;
}

function keyIdOf(kid: JsonValue | undefined): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid !== 'string' || kid === '' || kid.length > limits.tokenKeyIdLengthMax)
    refuse('key_id_malformed');
  return kid;
}

function typeOf(typ: JsonValue | undefined): string | undefined {
  if (typ === undefined) return undefined;
  return typeof typ === 'string' ? plainType(typ) : refuse('type_refused');
}

/** A media type as `typ` may write it: case does not matter, `application/` may be left out. */
export function plainType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}
