/** Where the keys of an issuer are, by its discovery document. */
import { isJsonObject } from '../base/json.ts';
import { FetchFailure, fetchDocument } from './fetch-document.ts';
import { isSafeUrl } from './issuer.ts';

/**
 * The `jwks_uri` of `issuer`. OpenID Connect puts its document below the issuer's path, RFC 8414
 * (section 3.1) puts the path below its own; the second is asked where the first is not found.
 */
export async function discoverKeys(issuer: string, timeoutMs: number): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const openid = `${origin}${path}/.well-known/openid-configuration`;
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`;
  let document: unknown;
  try {
    document = await fetchDocument(openid, timeoutMs);
  } catch (error) {
    if (!(error instanceof FetchFailure && error.status === 404)) throw error;
    document = await fetchDocument(oauth, timeoutMs);
  }
  return keysUriOf(issuer, document);
}

/** What the discovery document of `issuer` says of its keys. Throws a FetchFailure. */
export function keysUriOf(issuer: string, document: unknown): string {
  if (!isJsonObject(document) || typeof document.jwks_uri !== 'string')
    throw new FetchFailure('no_discovery_document');
  // Else one issuer could speak for another (RFC 8414, section 3.3).
  if (document.issuer !== issuer) throw new FetchFailure('issuer_differs');
  const { jwks_uri: uri } = document;
  const isPlain = URL.canParse(uri) && new URL(uri).protocol === 'http:';
  // An issuer elsewhere must not send us to a port of this machine.
  if (!isSafeUrl(uri) || (isPlain && !issuer.startsWith('http:')))
    throw new FetchFailure('unsafe_jwks_uri');
  return uri;
}
