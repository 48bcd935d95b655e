/** The bearer token of a request, as its `authorization` header says it (RFC 6750, section 2.1). */
import { refuse } from './refusal.ts';

/** Throws an AuthenticationRefusal where there is none. Its length is not bounded here. */
export function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') refuse('token_missing');
  // The header's length is bounded by whoever reads it; there is nothing here to go back over.
  const token = /^bearer +([^\s,]+)$/i.exec(authorization)?.[1];
  return token ?? refuse('scheme_unknown');
}
