// An issuer's documents on a real port of this machine, as good or as hostile as a test wants it.
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (response: ServerResponse) => void;

export const documentOf =
  (value: unknown, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

export class KeyServer {
  /** Paths asked for, in order. */
  readonly requests: string[] = [];
  keys: readonly object[] = [];
  /** What a path answers instead of what it should. */
  readonly answers = new Map<string, Answer>();
  readonly #path: string;
  #server: Server;
  #port = 0;

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer(this.#serve);
  }

  static async open(path = ''): Promise<KeyServer> {
    const server = new KeyServer(path);
    await server.start();
    return server;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#port}${this.#path}`;
  }

  get jwksPath(): string {
    return `${this.#path}/jwks`;
  }

  get discoveryPath(): string {
    return `${this.#path}/.well-known/openid-configuration`;
  }

  /** How often the keys were asked for. */
  get fetches(): number {
    return this.requests.filter((path) => path === this.jwksPath).length;
  }

  get discovery(): object {
    return { issuer: this.issuer, jwks_uri: `http://127.0.0.1:${this.#port}${this.jwksPath}` };
  }

  /** Again on the same port after `stop`. */
  async start(): Promise<void> {
    this.#server = createServer(this.#serve);
    await new Promise<void>((done) => this.#server.listen(this.#port, '127.0.0.1', done));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve: RequestListener = ({ url = '' }, response) => {
    this.requests.push(url);
    const answer = this.answers.get(url);
    if (answer !== undefined) answer(response);
    else if (url === this.jwksPath) documentOf({ keys: this.keys })(response);
    else if (url === this.discoveryPath) documentOf(this.discovery)(response);
    else documentOf({}, 404)(response);
  };
}
