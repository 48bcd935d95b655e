/** The HTTP port: REST, Connect and gRPC-Web for the same methods, and health. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { toRefusal } from '../service/status.ts';
import { createConnectHandler } from './connect.ts';
import { applyCors } from './cors.ts';
import { HttpCall } from './http-call.ts';
import type { HttpOptions } from './http-options.ts';
import { answerRest, refuse } from './rest.ts';
import { Routes } from './routes.ts';

/** A server that does not listen yet. */
export function createHttpServer(options: HttpOptions): Server {
  const routes = new Routes(options.methods);
  const connect = createConnectHandler(options);
  const origins = new Set(options.corsOrigins);
  const server = createServer(
    {
      // A second `authorization` must not be dropped: two that differ are no credential.
      joinDuplicateHeaders: true,
      maxHeaderSize: limits.headersBytesMax,
      // Against clients that hold a connection by sending slowly.
      headersTimeout: limits.httpHeadersTimeoutMs,
      requestTimeout: limits.httpRequestTimeoutMs,
      keepAliveTimeout: limits.httpKeepAliveMs,
      connectionsCheckingInterval: limits.httpHeadersTimeoutMs / 2,
    },
    (request, response) => {
      const { path, query } = splitUrl(request.url as string);
      if (request.headers.origin !== undefined) {
        const verdict = applyCors(origins, request, response);
        if (verdict === 'refused') {
          refuseOutright(request, response, forbiddenOrigin(request));
          return;
        }
        if (verdict === 'preflight') {
          response.writeHead(204).end();
          return;
        }
      }
      if (connect.has(path)) connect.answer(path, request, response);
      else route(path, query, request, response);
    },
  );
  return server;

  function route(path: string, query: string, request: IncomingMessage, response: ServerResponse) {
    try {
      const match = routes.find(request.method as string, path);
      if (match?.route !== undefined) {
        answerRest(match.route, match.values, query, request, response, options);
      } else if (match !== undefined) {
        response.setHeader('allow', match.verbs.join(', '));
        refuseOutright(request, response, wrongVerb(request, path, match.verbs));
      } else if (path === '/healthz') {
        health(response, true, []);
      } else if (path === '/readyz') {
        options.ready().then(
          (degraded) => health(response, true, degraded),
          () => health(response, false, []),
        );
      } else {
        refuseOutright(request, response, noSuchPath(request, path));
      }
    } catch (error) {
      refuseOutright(request, response, error);
    }
  }

  function refuseOutright(request: IncomingMessage, response: ServerResponse, error: unknown) {
    const call = new HttpCall('', request, response, options);
    refuse(response, call, toRefusal(error, call.requestId));
  }
}

function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: '' }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** In gRPC's words, as the wire's clients expect of a health check. */
function health(response: ServerResponse, serving: boolean, degraded: readonly string[]): void {
  const body = JSON.stringify({
    status: serving ? 'SERVING' : 'NOT_SERVING',
    ...(degraded.length > 0 && { degraded }),
  });
  response.writeHead(serving ? 200 : 503, { 'content-type': 'application/json' }).end(body);
}

/** The wire answers 404, not 405, to a path that exists for other verbs. */
function wrongVerb(request: IncomingMessage, path: string, verbs: readonly string[]): Refusal {
  const message = `\`${shown(path)}\` does not take ${request.method}; it takes ${verbs.join(', ')}`;
  return new Refusal('unimplemented', message);
}

function noSuchPath(request: IncomingMessage, path: string): Refusal {
  return new Refusal('undefined_endpoint', `there is no \`${request.method} ${shown(path)}\``);
}

function forbiddenOrigin(request: IncomingMessage): Refusal {
  const origin = shown(request.headers.origin as string);
  return new Refusal('forbidden', `pages of \`${origin}\` may not call; allow the origin for CORS`);
}

function shown(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
