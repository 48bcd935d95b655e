/** Ends the listeners: open requests finish, within a time; what is left then is cut. */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { GrpcServer } from './grpc.ts';

/**
 * Prepares an HTTP server for its end. Node closes the connections that are idle at that moment;
 * the others would stay open for a next request long after their answer.
 * ENSURES: the returned function resolves once the last answer is out and no connection is open.
 */
export function closeHttpGently(server: HttpServer): () => Promise<void> {
  // By connection, as most have many requests, and each listener of a request costs a part of a check.
  const newest = new Map<Socket, ServerResponse | undefined>();
  let closing = false;
  server.on('connection', (socket) => {
    newest.set(socket, undefined);
    socket.once('close', () => newest.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    if (closing) endAfterAnswer(response);
    newest.set(socket, response);
  });
  return () => {
    closing = true;
    for (const response of newest.values()) {
      if (response !== undefined && !response.writableFinished) endAfterAnswer(response);
    }
    return new Promise((resolve) => {
      // The callback's error says that it never listened, which is closed enough.
      server.close(() => resolve());
    });
  };
}

function endAfterAnswer(response: ServerResponse): void {
  if (response.headersSent) response.once('finish', () => response.socket?.end());
  // Also tells the client.
  else response.shouldKeepAlive = false;
}

export interface Listeners {
  readonly http: readonly { readonly server: HttpServer; readonly close: () => Promise<void> }[];
  readonly grpc: GrpcServer;
}

/** Resolves to false where the time did not do. ENSURES: nothing listens, no connection is open. */
export async function finishOrCut({ http, grpc }: Listeners, timeoutMs: number): Promise<boolean> {
  const finished = Promise.all([
    ...http.map(({ close }) => close()),
    new Promise((resolve) => grpc.sockets.close(resolve)),
    grpc.close(),
  ]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const inTime = await Promise.race([finished.then(() => true), late]);
  clearTimeout(timer);
  if (!inTime) {
    for (const { server } of http) server.closeAllConnections();
    grpc.destroy();
    await finished;
  }
  return inTime;
}

/** A second call waits for what the first one does. */
export function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
