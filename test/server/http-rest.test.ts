// REST in and out: paths, queries and bodies into requests, responses and refusals into JSON.
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import {
  OpenFGAService,
  ReadChangesRequestSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { type Fixture, post, requestBytesMax, serve, store } from './http-fixture.ts';

const check = `/stores/${store}/check`;
const tuple = { user: 'user:anne', relation: 'viewer', object: 'document:1' };

const seenMethod = ({ seen }: Fixture) =>
  seen.call?.method.replace('openfga.v1.OpenFGAService/', '');
const seenJson = ({ seen }: Fixture) => {
  const name = seen.request?.$typeName.replace('openfga.v1.', '').replace('Request', '');
  const schema = OpenFGAService.methods.find((method) => method.name === name)!.input;
  return toJson(schema, seen.request as never);
};

describe('a request', () => {
  test.each([
    ['Read', 'POST', `/stores/${store}/read`],
    ['Write', 'POST', `/stores/${store}/write`],
    ['Check', 'POST', `/stores/${store}/check`],
    ['BatchCheck', 'POST', `/stores/${store}/batch-check`],
    ['Expand', 'POST', `/stores/${store}/expand`],
    ['ReadAuthorizationModels', 'GET', `/stores/${store}/authorization-models`],
    ['ReadAuthorizationModel', 'GET', `/stores/${store}/authorization-models/x`],
    ['WriteAuthorizationModel', 'POST', `/stores/${store}/authorization-models`],
    ['WriteAssertions', 'PUT', `/stores/${store}/assertions/x`],
    ['ReadAssertions', 'GET', `/stores/${store}/assertions/x`],
    ['ReadChanges', 'GET', `/stores/${store}/changes`],
    ['CreateStore', 'POST', '/stores'],
    ['UpdateStore', 'PATCH', `/stores/${store}`],
    ['DeleteStore', 'DELETE', `/stores/${store}`],
    ['GetStore', 'GET', `/stores/${store}`],
    ['ListStores', 'GET', '/stores'],
    ['StreamedListObjects', 'POST', `/stores/${store}/streamed-list-objects`],
    ['ListObjects', 'POST', `/stores/${store}/list-objects`],
    ['ListUsers', 'POST', `/stores/${store}/list-users`],
  ])('%s is %s %s', async (name, verb, path) => {
    using http = await serve();
    const response = await fetch(http.url + path, { method: verb });
    expect(seenMethod(http)).toBe(name);
    const created = ['CreateStore', 'WriteAuthorizationModel'].includes(name);
    const gone = ['DeleteStore', 'WriteAssertions'].includes(name);
    expect(response.status).toBe(created ? 201 : gone ? 204 : 200);
    if (gone) expect(await response.text()).toBe('');
  });

  test('carries fields of the body in both spellings, and ignores what it does not know', async () => {
    using http = await serve();
    const child = [
      { computedUserset: { relation: 'a' } },
      { computed_userset: { relation: 'b' } },
      { tuple_to_userset: { tupleset: { relation: 'c' }, computed_userset: { relation: 'd' } } },
    ];
    await post(http.url, `/stores/${store}/authorization-models`, {
      schema_version: '1.1',
      nonsense: { deep: [1] },
      type_definitions: [{ type: 'doc', metadata: null, relations: { r: { union: { child } } } }],
    });
    expect(seenJson(http)).toEqual({
      store_id: store,
      schema_version: '1.1',
      type_definitions: [
        {
          type: 'doc',
          relations: {
            r: {
              union: {
                child: [
                  { computedUserset: { relation: 'a' } },
                  { computedUserset: { relation: 'b' } },
                  {
                    tupleToUserset: {
                      tupleset: { relation: 'c' },
                      computedUserset: { relation: 'd' },
                    },
                  },
                ],
              },
            },
          },
        },
      ],
    });
  });

  test('has its store from the path, whatever the body says', async () => {
    using http = await serve();
    await post(http.url, check, { store_id: 'other', tuple_key: tuple });
    expect(seenJson(http)).toEqual({ store_id: store, tuple_key: tuple });
  });

  test('has percent-encoded text in its path decoded, slashes too', async () => {
    using http = await serve();
    await fetch(`${http.url}/stores/a%2Fb%20%C3%A9`);
    expect(seenJson(http)).toEqual({ store_id: 'a/b é' });
  });

  test.each([
    ['GET', `/stores/%ff`],
    ['GET', `/stores/%`],
  ])('with a path that is no UTF-8 is refused: %s %s', async (_verb, path) => {
    using http = await serve();
    const response = await fetch(http.url + path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_error' });
  });

  test('is what its verb and its path say, whatever was asked before', async () => {
    using http = await serve();
    const asked: [verb: string, path: string, method: string][] = [
      ['GET', '/stores', 'ListStores'],
      ['POST', '/stores', 'CreateStore'],
      ['GET', `/stores/${store}`, 'GetStore'],
      ['GET', '/stores/other', 'GetStore'],
      ['GET', '/stores/other/changes', 'ReadChanges'],
    ];
    for (const [i, [verb, path, method]] of [...asked, ...asked.toReversed()].entries()) {
      const response = await fetch(http.url + path, { method: verb });
      expect(response.ok, `${i}: ${verb} ${path}`).toBe(true);
      expect(http.seen.call?.method).toBe(`openfga.v1.OpenFGAService/${method}`);
      const [, , id] = path.split('/');
      if (id !== undefined) expect(seenJson(http)).toMatchObject({ store_id: id });
    }
  });

  test('without a body has its defaults', async () => {
    using http = await serve();
    expect((await fetch(http.url + check, { method: 'POST' })).status).toBe(200);
    expect(seenJson(http)).toEqual({ store_id: store });
  });

  test.each([
    ['?page_size=10&continuation_token=abc&name=shop', 10, 'abc', 'shop'],
    ['?name=a%20%26%20b&nonsense=1&tuple_key.user=x', undefined, '', 'a & b'],
    ['', undefined, '', ''],
  ])('takes fields from the query %s', async (query, pageSize, continuationToken, name) => {
    using http = await serve();
    expect((await fetch(`${http.url}/stores${query}`)).status).toBe(200);
    const { $typeName: _, ...fields } = http.seen.request as Record<string, unknown> & {
      $typeName: string;
    };
    expect(fields).toEqual({
      continuationToken,
      name,
      ...(pageSize === undefined ? {} : { pageSize }),
    });
  });

  test('takes a time from the query', async () => {
    using http = await serve();
    await fetch(`${http.url}/stores/${store}/changes?start_time=2024-01-02T03:04:05%2B01:00`);
    expect(toJson(ReadChangesRequestSchema, http.seen.request as never)).toEqual({
      store_id: store,
      start_time: '2024-01-02T02:04:05Z',
    });
  });

  test.each([
    '?page_size=ten',
    '?page_size=',
    '?page_size=1.5',
    '?page_size=99999999999',
    '?page_size=1&page_size=2',
    '?name.x=1',
  ])('with the query %s is refused', async (query) => {
    using http = await serve();
    const response = await fetch(`${http.url}/stores${query}`);
    expect(await response.json()).toMatchObject({ code: 'validation_error' });
    expect(response.status).toBe(400);
    expect(http.seen.request).toBeUndefined();
  });

  test.each([
    ['no JSON', '{"tuple_key":'],
    ['two values', '{}{}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"x"'],
    ['a number for text', '{"tuple_key":{"user":5}}'],
    ['text for a message', '{"tuple_key":"x"}'],
    ['text for a flag', '{"trace":"true"}'],
    ['a list for a context', '{"context":[]}'],
    ['half a surrogate pair', '{"tuple_key":{"user":"user:\\ud800"}}'],
    ['half a surrogate pair in a context', '{"context":{"a":["\\udc00"]}}'],
    ['half a surrogate pair in a key of a context', '{"context":{"\\udc00":1}}'],
    ['bytes that are no UTF-8', Buffer.from('7b2261223a22ff227d', 'hex')],
    [
      'a context 100,000 lists deep',
      `{"context":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`,
    ],
    ['a model 10,000 rewrites deep', `{"context":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
    ['gzip that is none', '{}', { 'content-encoding': 'gzip' }],
    ['an unknown encoding', '{}', { 'content-encoding': 'br' }],
  ])('whose body is %s is refused', async (_what, body, headers: object = {}) => {
    using http = await serve();
    const response = await post(http.url, check, body, { ...headers });
    expect(await response.json()).toMatchObject({ code: 'validation_error' });
    expect(response.status).toBe(400);
    expect(http.seen.request).toBeUndefined();
  });

  test('may have unknown fields of any depth', async () => {
    using http = await serve();
    const body = `{"unknown":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect((await post(http.url, check, body)).status).toBe(200);
  });

  test('cannot reach a prototype', async () => {
    using http = await serve();
    const body =
      '{"__proto__":{"polluted":1},"context":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}';
    expect((await post(http.url, check, body)).status).toBe(200);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const { context } = http.seen.request as unknown as { context: Record<string, unknown> };
    expect(Object.keys(context).sort()).toEqual(['__proto__', 'constructor']);
    expect(context.polluted).toBeUndefined();
    expect((await fetch(`${http.url}/stores?__proto__.polluted=1&constructor=1`)).status).toBe(200);
  });

  test('may be packed', async () => {
    using http = await serve();
    const body = gzipSync(JSON.stringify({ tuple_key: tuple }));
    await post(http.url, check, body, { 'content-encoding': 'gzip' });
    expect(seenJson(http)).toEqual({ store_id: store, tuple_key: tuple });
  });

  describe('that is too large', () => {
    const large = JSON.stringify({ tuple_key: tuple, unknown: 'x'.repeat(requestBytesMax) });

    test('is refused by its length', async () => {
      using http = await serve();
      await refused(await post(http.url, check, large));
    });
    test('is refused before it comes', async () => {
      using http = await serve();
      const socket = connect(Number(new URL(http.url).port), '127.0.0.1');
      socket.write(`POST ${check} HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n`);
      const [answer] = await socket.take(1).toArray();
      expect(String(answer)).toContain('HTTP/1.1 413');
      socket.destroy();
    });
    test('is refused without a length', async () => {
      using http = await serve();
      const body = new Blob([large]).stream();
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
      await refused(await fetch(http.url + check, init));
    });
    test('is refused unpacked', async () => {
      using http = await serve();
      const body = gzipSync(large);
      expect(body.length).toBeLessThan(1_000);
      await refused(await post(http.url, check, body, { 'content-encoding': 'gzip' }));
    });
    test('is taken at the limit', async () => {
      using http = await serve();
      const fill = '{"unknown":""}';
      const body = fill.replace('""', `"${'x'.repeat(requestBytesMax - fill.length)}"`);
      expect(body).toHaveLength(requestBytesMax);
      expect((await post(http.url, check, body)).status).toBe(200);
    });

    async function refused(response: Response) {
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ code: 'exceeded_entity_limit' });
    }
  });

  test('that ends too early is dropped', async () => {
    const refusals: unknown[] = [];
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    using http = await serve(
      {},
      {
        observer: {
          answered: (_call, _started, _request, refusal) => {
            refusals.push(refusal?.code);
            resolve();
          },
        },
      },
    );
    const socket = connect(Number(new URL(http.url).port), '127.0.0.1');
    socket.write(`POST ${check} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"tuple`);
    socket.once('error', () => {});
    await new Promise((done) => http.server.once('request', done));
    socket.destroy();
    await answered;
    expect(refusals).toEqual(['cancelled']);
    expect(http.seen.request).toBeUndefined();
  });
});

describe('an answer', () => {
  test('writes what is empty', async () => {
    using http = await serve();
    const read = await post(http.url, `/stores/${store}/read`, {});
    expect(await read.json()).toEqual({ tuples: [], continuation_token: '' });
    expect(await (await post(http.url, check, {})).json()).toEqual({
      allowed: false,
      resolution: '',
    });
    expect(await (await post(http.url, `/stores/${store}/write`, {})).json()).toEqual({});
    expect(await (await post(http.url, `/stores/${store}/expand`, {})).json()).toEqual({
      tree: null,
    });
  });

  test('writes messages that are not set as null, but not a choice that was not taken', async () => {
    const user = (name: string) => ({ key: { user: `user:${name}` } });
    using http = await serve({ unary: () => ({ tuples: [user('a'), {}] }) });
    const read = await post(http.url, `/stores/${store}/read`, {});
    expect(await read.json()).toEqual({
      tuples: [
        { key: { user: 'user:a', relation: '', object: '', condition: null }, timestamp: null },
        { key: null, timestamp: null },
      ],
      continuation_token: '',
    });
  });

  test('spells rewrites and trees in camel case, all else in snake case', async () => {
    const this_ = { userset: { case: 'this', value: {} } } as const;
    const computed = {
      userset: { case: 'computedUserset', value: { relation: 'owner' } },
    } as const;
    const relations = {
      viewer: { userset: { case: 'union', value: { child: [this_, computed] } } },
    } as const;
    using http = await serve({
      unary: () => ({ authorizationModel: { typeDefinitions: [{ type: 'doc', relations }] } }),
    });
    const response = await fetch(`${http.url}/stores/${store}/authorization-models/x`);
    expect(await response.json()).toEqual({
      authorization_model: {
        id: '',
        schema_version: '',
        conditions: {},
        type_definitions: [
          {
            type: 'doc',
            metadata: null,
            relations: {
              viewer: {
                union: {
                  child: [{ this: {} }, { computedUserset: { object: '', relation: 'owner' } }],
                },
              },
            },
          },
        ],
      },
    });
  });

  test('says how long it took, and carries the headers of the handler', async () => {
    using http = await serve({
      unary: (_request, call) => {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        call.responseHeaders['pemba-consistency-token'] = 't';
        return {};
      },
    });
    const { headers } = await post(http.url, check, {}, { 'pemba-consistency-token': 'sent' });
    expect(headers.get('openfga-authorization-model-id')).toBe('m');
    expect(headers.get('pemba-consistency-token')).toBe('t');
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('fga-query-duration-ms')).toMatch(/^\d+$/);
    expect(http.seen.call?.consistencyToken).toBe('sent');
  });

  test.each([
    ['sane-id.1', true],
    ['a b', false],
    ['x'.repeat(200), false],
    ['"quoted"', false],
  ])('echoes the request id %s: %s', async (id, echoed) => {
    using http = await serve();
    const { headers } = await post(http.url, check, {}, { 'x-request-id': id });
    expect(headers.get('x-request-id') === id).toBe(echoed);
    expect(headers.get('x-request-id')).toBe(http.seen.call?.requestId);
    if (!echoed) expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([
    ['type_not_found', 400, 'type_not_found'],
    ['authorization_model_not_found', 400, 'authorization_model_not_found'],
    ['store_id_not_found', 404, 'store_id_not_found'],
    ['bearer_token_missing', 401, 'bearer_token_missing'],
    ['throttled_timeout_error', 422, 'throttled_timeout_error'],
    ['deadline_exceeded', 500, 'deadline_exceeded'],
    ['aborted', 409, 'Aborted'],
  ] as const)('to a refusal %s has the status %i', async (code, status, shown) => {
    using http = await serve({
      unary: (_request, call) => {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        throw new Refusal(code, 'why, and what to do');
      },
    });
    const response = await post(http.url, check, {});
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ code: shown, message: 'why, and what to do' });
    expect(response.headers.get('openfga-authorization-model-id')).toBe('m');
  });

  test('to a bug names the request and nothing else', async () => {
    using http = await serve({
      unary: async () => {
        throw new TypeError('secret');
      },
    });
    const response = await post(http.url, check, {}, { 'x-request-id': 'id-1' });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text).code).toBe('internal_error');
    expect(text).toContain('id-1');
    expect(text).not.toContain('secret');
  });

  test.each([
    ['GET', '/'],
    ['GET', '/stores/x/y/z'],
    ['POST', `/stores/${store}/nope`],
    ['GET', `${check}/`],
    ['POST', '/openfga.v1.OpenFGAService/Nope'],
    ['GET', '/STORES'],
  ])('to the unknown %s %s is undefined_endpoint', async (verb, path) => {
    using http = await serve();
    const response = await fetch(http.url + path, { method: verb });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'undefined_endpoint' });
  });

  test('to a known path with another verb is unimplemented, and says which there are', async () => {
    using http = await serve();
    const response = await fetch(`${http.url}/stores/${store}`, { method: 'PUT' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'unimplemented' });
    expect(response.headers.get('allow')).toBe('PATCH, DELETE, GET');
  });
});

test('a request without a handler is observed', async () => {
  const codes: unknown[] = [];
  const observer = {
    answered: (call: { method: string }, _ms: number, _request: unknown, refusal?: Refusal) => {
      codes.push([call.method, refusal?.code]);
    },
  };
  using http = await serve({}, { observer });
  await post(http.url, check, '{');
  expect(codes).toEqual([['openfga.v1.OpenFGAService/Check', 'validation_error']]);
});
