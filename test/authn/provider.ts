// A real OpenID provider on this machine: people sign in with a browser that is a script, services
// with a secret; its access tokens are JWTs for Pemba, with the groups of whom they are about.
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Configuration, Provider } from 'oidc-provider';
import type { TestKey } from './signing.ts';
import { audience } from './world.ts';

const redirectUri = 'http://127.0.0.1/callback';
const service = { id: 'billing', secret: 'the secret of the service' };

export interface ProviderOptions {
  /** The API that access tokens are for. */
  readonly audience?: string;
  readonly scope?: string;
  /** What the access tokens of an account say besides. */
  readonly claimsOf?: (account: string) => object;
}

const defaults = {
  audience,
  scope: 'fga.check',
  claimsOf: () => ({}),
} satisfies ProviderOptions;

const configuration = (
  keys: readonly TestKey[],
  groups: readonly string[],
  { audience, scope, claimsOf }: Required<ProviderOptions>,
): Configuration => ({
  jwks: {
    keys: keys.map(({ kid, algorithm, privateKey }) => ({
      ...privateKey.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    })),
  } as NonNullable<Configuration['jwks']>,
  clients: [
    {
      client_id: 'web',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      application_type: 'native',
      id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: service.id,
      client_secret: service.secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  cookies: { keys: ['a key for the cookies of tests'] },
  scopes: ['openid', scope],
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_context, token) => ({
    groups: [...groups],
    ...('accountId' in token && claimsOf(token.accountId)),
  }),
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience,
        scope,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  pkce: { required: () => true },
  // Named, or the provider prints that it would like them to be.
  ttl: {
    AccessToken: 600,
    ClientCredentials: 600,
    Grant: 600,
    IdToken: 600,
    Interaction: 600,
    Session: 600,
  },
});

export class TestProvider {
  readonly issuer: string;
  readonly #server: Server;
  readonly #groups: readonly string[];
  readonly #options: Required<ProviderOptions>;
  readonly #port: number;
  #provider: Provider;

  private constructor(
    server: Server,
    keys: readonly TestKey[],
    groups: readonly string[],
    options: ProviderOptions,
  ) {
    this.#server = server;
    this.#options = { ...defaults, ...options };
    this.#groups = groups;
    this.#port = (server.address() as AddressInfo).port;
    this.issuer = `http://127.0.0.1:${this.#port}`;
    this.#provider = this.#made(keys);
    server.on('request', (request, response) => this.#provider.callback()(request, response));
  }

  static async open(
    keys: readonly TestKey[],
    groups: readonly string[] = [],
    options: ProviderOptions = {},
  ): Promise<TestProvider> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new TestProvider(server, keys, groups, options);
  }

  /** Signs with the first of these from now on, and lists them all. Forgets who is signed in. */
  rotate(keys: readonly TestKey[]): void {
    this.#provider = this.#made(keys);
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(this.#port, '127.0.0.1', done));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
  }

  /** The access token of a service. */
  async serviceToken(): Promise<string> {
    const form = { grant_type: 'client_credentials', ...this.#asked() };
    const secret = `${service.id}:${encodeURIComponent(service.secret)}`;
    const authorization = `Basic ${Buffer.from(secret).toString('base64')}`;
    return (await this.#tokens(form, { authorization })).access_token;
  }

  /** Authorization code with PKCE, as a browser and a web application do it together. */
  async signIn(login: string): Promise<{ access_token: string; id_token: string }> {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: `openid ${this.#options.scope}`,
      resource: this.#options.audience,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const browser = new Browser();
    const page = await browser.follow(`${this.issuer}/auth?${query}`);
    const consent = await browser.submit(page, { prompt: 'login', login, password: 'any' });
    const done = await browser.submit(consent, { prompt: 'consent' });
    const code = new URL(done).searchParams.get('code') ?? '';
    const form = {
      grant_type: 'authorization_code',
      client_id: 'web',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      resource: this.#options.audience,
    };
    return await this.#tokens(form);
  }

  #asked(): { scope: string; resource: string } {
    const { scope, audience } = this.#options;
    return { scope, resource: audience };
  }

  async #tokens(form: Record<string, string>, headers: Record<string, string> = {}) {
    const body = new URLSearchParams(form);
    const response = await fetch(`${this.issuer}/token`, { method: 'POST', body, headers });
    const answer = (await response.json()) as Record<string, string>;
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer as { access_token: string; id_token: string };
  }

  #made(keys: readonly TestKey[]): Provider {
    return new Provider(this.issuer, configuration(keys, this.#groups, this.#options));
  }
}

/** Cookies and redirects, no more. */
class Browser {
  readonly #cookies = new Map<string, string>();

  submit(url: string, form: Record<string, string>): Promise<string> {
    return this.follow(url, { method: 'POST', body: new URLSearchParams(form) });
  }

  /** Where the redirects end: a page, or the application that is not there. */
  async follow(url: string, init: RequestInit = {}): Promise<string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
      return url;
    }
    const next = new URL(location, url).href;
    return next.startsWith(redirectUri) ? next : this.follow(next);
  }
}
