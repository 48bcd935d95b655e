// One small application on each real framework, on a real port: the same routes, the same rules.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import fastify, { type FastifyRequest } from 'fastify';
import { Hono } from 'hono';
import * as forExpress from '../../src/middleware/express.ts';
import * as forFastify from '../../src/middleware/fastify.ts';
import * as forHono from '../../src/middleware/hono.ts';
import type { Gate } from '../../src/middleware/permission.ts';

export interface Application extends AsyncDisposable {
  readonly url: string;
  /** Paths whose handlers were reached, in order: noted before anything in them can fail. */
  readonly reached: readonly string[];
}

export type Serve = (gate: Gate) => Promise<Application>;

/** Of the path: what the relation of a route is. */
const relations = {
  view: 'can_view',
  share: 'can_share',
  delete: 'can_delete',
  near: 'can_view_near',
} as const;

const place = (header: string | undefined) => JSON.parse(header ?? '{}');

async function onExpress(gate: Gate): Promise<Application> {
  const { requirePermission, grantOf } = forExpress;
  const reached: string[] = [];
  const app = express();
  for (const [path, relation] of Object.entries(relations)) {
    const permission = requirePermission<{ id: string }>(gate, {
      relation,
      object: ({ params }) => ({ type: 'document', id: params.id }),
      context: (request) => place(request.get('x-place')),
    });
    app.get(`/${path}/:id`, permission, (request, response) => {
      reached.push(request.url);
      response.json(grantOf(request));
    });
  }
  const whole = requirePermission<{ id: string }>(gate, {
    relation: 'can_view',
    object: ({ params }) => `document:${params.id}`,
  });
  app.get('/whole/:id', whole, (_request, response) => response.json({}));
  const broken = requirePermission(gate, { relation: 'can_view', object: fails });
  app.get('/broken', broken, (_request, response) => response.json({}));
  // What Express prints of an error that a handler throws.
  app.set('env', 'test');
  return await listening(createServer(app), reached);
}

async function onFastify(gate: Gate): Promise<Application> {
  const { requirePermission, grantOf } = forFastify;
  const reached: string[] = [];
  // As long as an id may be.
  const app = fastify({ routerOptions: { maxParamLength: 500 } });
  type WithId = FastifyRequest<{ Params: { id: string } }>;
  for (const [path, relation] of Object.entries(relations)) {
    const permission = requirePermission<WithId>(gate, {
      relation,
      object: ({ params }) => ({ type: 'document', id: params.id }),
      context: ({ headers }) => place(headers['x-place']?.toString()),
    });
    app.get<{ Params: { id: string } }>(
      `/${path}/:id`,
      { preHandler: permission },
      async (request) => {
        reached.push(request.url);
        return grantOf(request);
      },
    );
  }
  const whole = requirePermission<WithId>(gate, {
    relation: 'can_view',
    object: ({ params }) => `document:${params.id}`,
  });
  app.get<{ Params: { id: string } }>('/whole/:id', { onRequest: whole }, async () => ({}));
  const broken = requirePermission(gate, { relation: 'can_view', object: fails });
  app.get('/broken', { preHandler: broken }, async () => ({}));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, reached, [Symbol.asyncDispose]: () => app.close() };
}

async function onHono(gate: Gate): Promise<Application> {
  const { requirePermission, grantOf } = forHono;
  const reached: string[] = [];
  const app = new Hono();
  for (const [path, relation] of Object.entries(relations)) {
    const permission = requirePermission(gate, {
      relation,
      object: ({ req }) => ({ type: 'document', id: req.param('id') }),
      context: ({ req }) => place(req.header('x-place')),
    });
    app.get(`/${path}/:id`, permission, (context) => {
      reached.push(context.req.path);
      return context.json(grantOf(context));
    });
  }
  const whole = requirePermission(gate, {
    relation: 'can_view',
    object: ({ req }) => `document:${req.param('id')}`,
  });
  app.get('/whole/:id', whole, (context) => context.json({}));
  const broken = requirePermission(gate, { relation: 'can_view', object: fails });
  app.get('/broken', broken, (context) => context.json({}));
  app.onError((_error, context) => context.json({}, 500));
  return await listening(createAdaptorServer({ fetch: app.fetch }) as Server, reached);
}

function fails(): never {
  throw new Error('the application looked something up in vain');
}

async function listening(server: Server, reached: readonly string[]): Promise<Application> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${port}`, reached, [Symbol.asyncDispose]: close };
}

export const frameworks: readonly [name: string, serve: Serve][] = [
  ['Express', onExpress],
  ['Fastify', onFastify],
  ['Hono', onHono],
];
