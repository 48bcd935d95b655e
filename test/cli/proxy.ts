/** Stands between the CLI and a real server, to see the writes pass and to strike between two of them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Whether it is a server of OpenFGA's wire alone: it has no path of `pemba.v1`'s tuples. */
  stock: boolean;
  /** Called after a round of deleting by filter has been done and before its answer goes back. */
  afterDelete: (round: number) => unknown;
  /** Writes that came by. */
  writes: number;
  /** Called before a write goes on to the server; it does not go on if this returns true. */
  beforeWrite: (write: number) => boolean;
  /** Called when a write has been done and before its answer goes back. */
  afterWrite: (write: number) => void;
}

export async function startProxy(target: string): Promise<Proxy> {
  let rounds = 0;
  const server = createServer(async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk);
    if (proxy.stock && request.url?.includes('/tuples/')) {
      response.writeHead(404).end('{"code":"undefined_endpoint","message":"Not Found"}');
      return;
    }
    const isWrite = request.url?.endsWith('/write') === true;
    if (isWrite && proxy.beforeWrite(++proxy.writes)) return;
    const answer = await fetch(target + request.url, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
    });
    const text = await answer.text();
    if (isWrite) proxy.afterWrite(proxy.writes);
    if (request.url?.endsWith('/tuples/delete')) proxy.afterDelete(++rounds);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stock: false,
    afterDelete: () => {},
    writes: 0,
    beforeWrite: () => false,
    afterWrite: () => {},
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
