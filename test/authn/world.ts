// Two issuers with keys of every kind, a verifier that trusts both, and tokens of theirs.
import { type IssuerConfig, issuerDefaults } from '../../src/authn/issuer.ts';
import type { KeySourceOptions } from '../../src/authn/key-source.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { KeyServer } from './key-server.ts';
import { ecKey, edKey, publicJwk, rsaKey, signToken, type TestKey } from './signing.ts';
import { TestClock } from './test-clock.ts';

export const audience = 'https://pemba.example.com';

/** Made once: an RSA key takes a tenth of a second. */
export const keys = {
  rs: rsaKey('rs'),
  /** Says nothing of an algorithm: RS256 and PS256 are both right. */
  rsAny: rsaKey('rs-any'),
  es: ecKey('es'),
  ed: edKey('ed'),
  es384: ecKey('es384', 'ES384'),
  withdrawn: ecKey('withdrawn'),
  encryption: rsaKey('encryption'),
  short: rsaKey('short', 1_024),
  published: ecKey('published'),
  twin: ecKey('twin'),
  otherTwin: ecKey('twin'),
  /** In no key set. */
  stranger: rsaKey('stranger'),
  other: ecKey('es'),
} satisfies Record<string, TestKey>;

const secret = Buffer.from('a secret that both sides share!!');
export const sharedSecret = { kid: 'shared', bytes: secret };

export const goodJwks = [
  publicJwk(keys.rs),
  publicJwk(keys.rsAny, { alg: undefined }),
  publicJwk(keys.es),
  publicJwk(keys.ed),
  publicJwk(keys.es384),
];

/** In the set of the issuer, and not to be used. */
const badJwks = [
  publicJwk(keys.encryption, { use: 'enc' }),
  publicJwk(keys.short),
  { ...publicJwk(keys.published), ...keys.published.privateKey.export({ format: 'jwk' }) },
  publicJwk(keys.twin),
  publicJwk(keys.otherTwin),
  { kty: 'oct', kid: sharedSecret.kid, alg: 'HS256', k: secret.toString('base64url') },
  // Not on its curve.
  { ...publicJwk(keys.es), kid: 'off-curve', y: publicJwk(keys.twin).y },
  null,
  { kty: 'other', kid: 'strange' },
];

export interface World extends AsyncDisposable {
  readonly clock: TestClock;
  readonly issuer: KeyServer;
  readonly other: KeyServer;
  /** An address that tokens point at; nobody may ever ask it. */
  readonly canary: KeyServer;
  readonly verifier: Verifier;
  readonly configs: readonly IssuerConfig[];
  /** Claims that are right. */
  claims(more?: object): Record<string, unknown>;
  token(more?: object, header?: object, key?: TestKey): string;
}

export function configOf(issuer: string, more: Partial<IssuerConfig> = {}): IssuerConfig {
  return { ...issuerDefaults, issuer, audiences: [audience], ...more };
}

export async function openWorld(
  more: Partial<IssuerConfig> = {},
  options: Partial<KeySourceOptions> = {},
): Promise<World> {
  const clock = new TestClock();
  const [issuer, other, canary] = [
    await KeyServer.open('/tenant'),
    await KeyServer.open(),
    await KeyServer.open(),
  ];
  issuer.keys = [...goodJwks, ...badJwks] as object[];
  other.keys = [publicJwk(keys.other)];
  const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
  const configs = [
    configOf(issuer.issuer, { algorithms, ...more }),
    configOf(other.issuer, { use: ['subject'] }),
  ];
  const verifier = new Verifier(configs, { clock, ...options });
  const claims = (more: object = {}) => ({
    iss: issuer.issuer,
    aud: audience,
    sub: 'alice',
    client_id: 'billing',
    scope: 'fga.check fga.read',
    iat: clock.seconds,
    exp: clock.seconds + 600,
    ...more,
  });
  return {
    clock,
    issuer,
    other,
    canary,
    verifier,
    configs,
    claims,
    token: (more = {}, header = {}, key = keys.es) => signToken(key, claims(more), header),
    [Symbol.asyncDispose]: async () => {
      for (const server of [issuer, other, canary]) await server.stop();
    },
  };
}
