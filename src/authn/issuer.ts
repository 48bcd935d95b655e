/**
 * An issuer of tokens that this server trusts, as its configuration says it: one entry of
 * `issuers` in an identity file, parsed. Whoever makes one fills in the defaults from here.
 */
import { assert } from '../base/assert.ts';
import { limits } from '../base/limits.ts';

/** Asymmetric only: with a shared secret every verifier could sign. */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** Which of the two questions a token answers: who calls, or whose rights are asked about. */
export type TokenUse = 'caller' | 'subject';

export interface IssuerConfig {
  /** Compared byte for byte with `iss` and with `issuer` of the discovery document. */
  readonly issuer: string;
  /** Where its keys are; undefined means that its discovery document says so. */
  readonly jwksUri: string | undefined;
  /** A token must name one of them in `aud`. Never empty. */
  readonly audiences: readonly string[];
  /** The `typ` that a token must carry one of: compared without case and `application/`. */
  readonly tokenTypes: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly clockToleranceMs: number;
  /** A token is refused that long after its `iat`, whatever its `exp` says. */
  readonly maxTokenAgeMs: number;
  readonly use: readonly TokenUse[];
}

/** What an entry has that says nothing of it. */
export const issuerDefaults = {
  jwksUri: undefined,
  tokenTypes: ['at+jwt'],
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  clockToleranceMs: limits.clockToleranceMs,
  maxTokenAgeMs: limits.tokenAgeMs,
  use: ['caller', 'subject'],
} as const satisfies Partial<IssuerConfig>;

/** Hosts that are this machine: there, and only there, keys may come over plain http. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  if (protocol === 'https:') return true;
  return protocol === 'http:' && loopback.has(hostname);
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Why the entry cannot be used, in words for whoever wrote it; undefined if it can. */
export function issuerFault(config: IssuerConfig): string | undefined {
  const { issuer, jwksUri, audiences, tokenTypes, algorithms, use } = config;
  const name = `issuer \`${issuer}\``;
  if (!isSafeUrl(issuer)) return `${name}: must be an https URL, or http on this machine`;
  if (/[?#]/.test(issuer)) return `${name}: must have no query and no fragment`;
  if (jwksUri !== undefined && !isSafeUrl(jwksUri))
    return `${name}: jwks_uri must be an https URL, or http on this machine`;
  if (audiences.length === 0 || audiences.includes(''))
    return `${name}: name at least one audience, or tokens for others would be accepted`;
  if (tokenTypes.length === 0 || tokenTypes.includes(''))
    return `${name}: name at least one token type`;
  if (algorithms.length === 0) return `${name}: name at least one algorithm`;
  const other = algorithms.find((algorithm) => !signatureAlgorithms.includes(algorithm));
  if (other !== undefined) return `${name}: \`${other}\` is not an asymmetric signature algorithm`;
  if (use.length === 0) return `${name}: say what its tokens are for: caller, subject or both`;
  if (!(config.clockToleranceMs >= 0 && config.clockToleranceMs <= limits.clockToleranceMaxMs))
    return `${name}: clock_tolerance must be at most ${limits.clockToleranceMaxMs} ms`;
  if (!(config.maxTokenAgeMs > 0)) return `${name}: max_token_age must be above 0`;
  return undefined;
}

/** REQUIRES: the entries were checked where they were read. No issuer is named twice. */
export function assertIssuers(configs: readonly IssuerConfig[]): void {
  for (const config of configs) {
    const fault = issuerFault(config);
    assert(fault === undefined, fault ?? '');
  }
  const names = new Set(configs.map(({ issuer }) => issuer));
  assert(names.size === configs.length, 'an issuer is named once');
}
