/** An HTTP server over handlers that a test writes itself: what is tested is the transport. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, type DescMessage, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { systemClock } from '../../src/base/clock.ts';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { createHttpServer } from '../../src/server/http.ts';
import type { HttpOptions } from '../../src/server/http-options.ts';
import type { Call, Method } from '../../src/service/call.ts';
import { openToAll } from '../service/open-to-all.ts';

type Init = MessageInitShape<DescMessage> | Record<string, unknown>;

export interface Handlers {
  /** Answers every unary method; the empty response if it returns nothing. */
  unary?: (request: Message, call: Call) => Init | undefined | Promise<Init | undefined>;
  stream?: (request: Message, call: Call) => AsyncIterable<Init>;
}

export interface Fixture extends Disposable {
  readonly url: string;
  readonly server: Server;
  /** What the handlers were given last. */
  readonly seen: { request: Message | undefined; call: Call | undefined };
}

export const requestBytesMax = 100_000;

export async function serve(
  handlers: Handlers = {},
  more: Partial<HttpOptions> = {},
): Promise<Fixture> {
  const seen: Fixture['seen'] = { request: undefined, call: undefined };
  const server = createHttpServer({
    methods: openToAll(
      OpenFGAService.methods.map((descriptor) => methodOf(descriptor, handlers, seen)),
    ),
    clock: systemClock,
    requestTimeoutMs: 3_000,
    requestBytesMax,
    corsOrigins: [],
    ready: async () => [],
    ...more,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    seen,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function methodOf(
  descriptor: (typeof OpenFGAService.methods)[number],
  { unary, stream }: Handlers,
  seen: Fixture['seen'],
): Method {
  const answer = (init: Init | undefined) =>
    create(descriptor.output as DescMessage, (init ?? {}) as MessageInitShape<DescMessage>);
  const note = (request: Message, call: Call) => Object.assign(seen, { request, call });
  if (descriptor.methodKind === 'server_streaming') {
    return {
      descriptor,
      kind: 'server_streaming',
      async *handle(request, call) {
        note(request, call);
        for await (const init of stream?.(request, call) ?? []) yield answer(init);
      },
    };
  }
  return {
    descriptor,
    kind: 'unary',
    handle: (request, call) => {
      note(request, call);
      const init = unary?.(request, call);
      return init instanceof Promise ? init.then(answer) : answer(init as Init | undefined);
    },
  };
}

export const store = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

export function post(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return fetch(`${url}${path}`, {
    method: 'POST',
    body: text as string,
    headers: { 'content-type': 'application/json', ...headers },
  });
}
