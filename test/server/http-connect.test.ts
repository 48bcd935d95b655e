// Connect and gRPC-Web, by the real clients.
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  type ConnectTransportOptions,
  compressionGzip,
  createConnectTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import {
  type Fixture,
  type Handlers,
  post,
  requestBytesMax,
  serve,
  store,
} from './http-fixture.ts';

type Make = (baseUrl: string) => Transport;
const packed = {
  httpVersion: '1.1' as const,
  sendCompression: compressionGzip,
  acceptCompression: [compressionGzip],
  compressMinBytes: 0,
} satisfies Partial<ConnectTransportOptions>;
const transports: [name: string, make: Make][] = [
  ['Connect JSON', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  [
    'Connect binary',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  [
    'Connect binary, packed',
    (baseUrl) => createConnectTransport({ baseUrl, ...packed, useBinaryFormat: true }),
  ],
  [
    'gRPC-Web binary',
    (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  [
    'gRPC-Web JSON',
    (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ],
];

const tupleKey = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
const request = { storeId: store, tupleKey, context: { a: [1, null, 'x'] } };

const noFailure = () => expect.unreachable('the call did not fail');

describe.each(transports)('%s', (_name, make) => {
  const start = async (handlers: Handlers) => {
    const http = await serve(handlers);
    const client = createClient(OpenFGAService, make(http.url));
    return { http, client, [Symbol.dispose]: () => (http as Fixture)[Symbol.dispose]() };
  };

  test('answers a call', async () => {
    using it = await start({
      unary: (_request, call) => {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        return { allowed: true };
      },
    });
    let headers = new Headers();
    const answer = await it.client.check(request, {
      headers: { 'x-request-id': 'id-1', 'pemba-consistency-token': 'sent' },
      onHeader: (each) => {
        headers = each;
      },
    });
    expect(answer.allowed).toBe(true);
    expect(it.http.seen.request).toMatchObject(request);
    expect(it.http.seen.call).toMatchObject({
      method: 'openfga.v1.OpenFGAService/Check',
      requestId: 'id-1',
      consistencyToken: 'sent',
    });
    expect(headers.get('openfga-authorization-model-id')).toBe('m');
    expect(headers.get('x-request-id')).toBe('id-1');
  });

  test.each([
    ['type_not_found', Code.InvalidArgument, 'type_not_found'],
    ['store_id_not_found', Code.NotFound, 'store_id_not_found'],
    ['bearer_token_missing', Code.Unauthenticated, 'bearer_token_missing'],
    ['aborted', Code.Aborted, 'Aborted'],
    ['unavailable', Code.Unavailable, 'unavailable'],
    ['internal_error', Code.Internal, 'internal_error'],
  ] as const)('tells a refusal %s', async (code, connectCode, name) => {
    using it = await start({
      unary: (_request, call) => {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        throw new Refusal(code, 'why: é');
      },
    });
    const error = await it.client.check(request).then(noFailure, ConnectError.from);
    expect([error.code, error.rawMessage]).toEqual([connectCode, 'why: é']);
    expect(error.metadata.get('pemba-error-code')).toBe(name);
    expect(error.metadata.get('openfga-authorization-model-id')).toBe('m');
  });

  test('hides a bug', async () => {
    using it = await start({
      unary: async () => {
        throw new TypeError('secret');
      },
    });
    const error = await it.client.check(request).then(noFailure, ConnectError.from);
    expect(error.code).toBe(Code.Internal);
    expect(error.message).not.toContain('secret');
  });

  test('refuses a message that is too large', async () => {
    using it = await start({});
    const large = { ...request, authorizationModelId: 'x'.repeat(requestBytesMax) };
    const error = await it.client.check(large).then(noFailure, ConnectError.from);
    expect([Code.InvalidArgument, Code.ResourceExhausted]).toContain(error.code);
    expect(it.http.seen.request).toBeUndefined();
  });

  test('streams', async () => {
    using it = await start({
      stream: async function* (_request, call) {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        yield { object: 'document:1' };
        yield { object: 'document:2' };
        throw new Refusal('throttled_timeout_error', 'enough');
      },
    });
    const objects: string[] = [];
    let headers = new Headers();
    const stream = it.client.streamedListObjects(
      { storeId: store },
      {
        onHeader: (each) => {
          headers = each;
        },
      },
    );
    const error = await (async () => {
      for await (const { object } of stream) objects.push(object);
    })().then(noFailure, ConnectError.from);
    expect(objects).toEqual(['document:1', 'document:2']);
    expect(headers.get('openfga-authorization-model-id')).toBe('m');
    expect([error.code, error.metadata.get('pemba-error-code')]).toEqual([
      Code.ResourceExhausted,
      'throttled_timeout_error',
    ]);
  });

  test('a stream that is cut says so in its trailers', async () => {
    using it = await start({
      stream: async function* (_request, call) {
        yield { object: 'document:1' };
        call.responseHeaders['pemba-truncated'] = 'true';
      },
    });
    let trailers = new Headers();
    const onTrailer = (each: Headers) => {
      trailers = each;
    };
    const stream = it.client.streamedListObjects({ storeId: store }, { onTrailer });
    for await (const { object } of stream) expect(object).toBe('document:1');
    expect(trailers.get('pemba-truncated')).toBe('true');
  });

  test('passes a deadline on', async () => {
    const clock = { now: () => 0, monotonic: () => 1_000 };
    using http = await serve({}, { clock });
    const client = createClient(OpenFGAService, make(http.url));
    await client.check(request, { timeoutMs: 2_000 });
    const { deadline } = http.seen.call!;
    expect(deadline).toBeGreaterThan(1_000);
    expect(deadline).toBeLessThanOrEqual(3_000);
  });
});

describe('plain Connect', () => {
  const path = '/openfga.v1.OpenFGAService/Check';

  test.each([
    ['application/json', '{'],
    ['application/json', '{"tuple_key":1}'],
    ['application/json', `{"context":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`],
    ['application/proto', Buffer.from('0aff', 'hex')],
    ['application/proto', Buffer.from('0a02fffe', 'hex')],
  ])('refuses a body that is no message: %s', async (type, body) => {
    const codes: unknown[] = [];
    using http = await serve(
      {},
      { observer: { answered: (_call, _ms, _request, refusal) => codes.push(refusal?.code) } },
    );
    const response = await post(http.url, path, body, { 'content-type': type });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_argument' });
    expect(response.headers.get('pemba-error-code')).toBe('validation_error');
    expect(codes).toEqual(['validation_error']);
    expect(http.seen.request).toBeUndefined();
  });

  test('leaves an unknown encoding to the library', async () => {
    using http = await serve();
    const response = await post(http.url, path, '{}', { 'content-encoding': 'br' });
    expect(await response.json()).toMatchObject({ code: 'unimplemented' });
  });

  test.each([
    ['GET', 'application/json', 405],
    ['POST', 'text/plain', 415],
    ['POST', 'application/grpc', 415],
  ])('leaves %s of %s to the library: %i', async (method, type, status) => {
    using http = await serve();
    const response = await fetch(http.url + path, { method, headers: { 'content-type': type } });
    expect(response.status).toBe(status);
  });
});
