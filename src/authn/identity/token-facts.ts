/** The claims that mean the same in every token: scopes, and how and when its subject signed in. */
import { readScopes } from '../scopes.ts';
import type { ClaimMap, ClaimValue } from './claims.ts';
import type { SignInFacts } from './mapped.ts';
import { MappingRefusal } from './mapping-refusal.ts';

export function scopesOf(claims: ClaimMap): ReadonlySet<string> {
  const scopes = readScopes(claims.get('scope'), claims.get('scp'));
  if (scopes === undefined) throw new MappingRefusal('scopes_malformed', '');
  return new Set(scopes);
}

/**
 * What is not as OpenID Connect has it is as if it were not there, and so falls short of every
 * demand; so does a sign-in later than `latest`, which would be fresh for ever.
 */
export function factsOf(claims: ClaimMap, latest: number): SignInFacts {
  const acr = claims.get('acr');
  const amr = claims.get('amr');
  const authTime = claims.get('auth_time');
  const isTime = typeof authTime === 'bigint' || typeof authTime === 'number';
  return {
    acr: typeof acr === 'string' ? acr : undefined,
    amr: new Set(amr !== undefined && isTexts(amr) ? amr : []),
    authTime: isTime && authTime >= 0 && authTime <= latest ? Number(authTime) : undefined,
  };
}

function isTexts(value: ClaimValue): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
