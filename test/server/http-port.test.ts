// What the HTTP port has beside the methods: health, browsers, and limits on connections.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { post, serve, store } from './http-fixture.ts';

const check = `/stores/${store}/check`;

describe('health', () => {
  test('is serving while the process lives', async () => {
    using http = await serve({}, { ready: () => Promise.reject(new Error('no')) });
    const response = await fetch(`${http.url}/healthz?service=x`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'SERVING' }]);
  });

  test('tells apart when it is ready', async () => {
    let ready = false;
    using http = await serve(
      {},
      { ready: () => (ready ? Promise.resolve([]) : Promise.reject(new Error('secret'))) },
    );
    const before = await fetch(`${http.url}/readyz`);
    expect([before.status, await before.json()]).toEqual([503, { status: 'NOT_SERVING' }]);
    ready = true;
    const after = await fetch(`${http.url}/readyz`);
    expect([after.status, await after.json()]).toEqual([200, { status: 'SERVING' }]);
  });
});

describe('a page in a browser', () => {
  const app = 'https://app.example.com';
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: app,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  };

  test.each([
    [['*'], '*'],
    [[app], app],
    [['https://other.example.com', app], app],
  ])('may call where %o are allowed', async (corsOrigins, allowed) => {
    using http = await serve({}, { corsOrigins });
    const asked = await fetch(http.url + check, preflight);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(allowed);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(http.seen.request).toBeUndefined();

    for (const path of [check, '/openfga.v1.OpenFGAService/Check', '/nope', '/healthz']) {
      const { headers } = await post(http.url, path, {}, { origin: app });
      expect(headers.get('access-control-allow-origin')).toBe(allowed);
      expect(headers.get('access-control-expose-headers')).toContain('pemba-consistency-token');
      expect(headers.get('vary')).toBe(allowed === '*' ? null : 'Origin');
    }
  });

  test.each([[[]], [['https://other.example.com']]])(
    'may not call where %o are allowed',
    async (corsOrigins) => {
      using http = await serve({}, { corsOrigins });
      const asked = await fetch(http.url + check, preflight);
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
      // A "simple" request needs no preflight: it must not reach a handler either.
      for (const path of [check, '/openfga.v1.OpenFGAService/Check']) {
        const response = await post(http.url, path, {}, { origin: app });
        expect(response.status).toBe(403);
        expect(await response.json()).toMatchObject({ code: 'forbidden' });
      }
      expect(http.seen.request).toBeUndefined();
    },
  );

  test('of this very origin may call', async () => {
    using http = await serve();
    expect((await post(http.url, check, {}, { origin: http.url })).status).toBe(200);
  });
});

describe('a connection', () => {
  test('has limits on how slowly it may send', async () => {
    using http = await serve();
    expect(http.server.headersTimeout).toBe(limits.httpHeadersTimeoutMs);
    expect(http.server.requestTimeout).toBe(limits.httpRequestTimeoutMs);
  });

  test('says how long an idle connection is kept', async () => {
    using http = await serve();
    expect(http.server.keepAliveTimeout).toBe(limits.httpKeepAliveMs);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const request = get(`${http.url}/healthz`, { agent });
    const [response] = await once(request, 'response');
    expect(response.resume().headers['keep-alive']).toBe(
      `timeout=${limits.httpKeepAliveMs / 1_000}`,
    );
  });

  test.each([
    [
      'headers that are too large',
      `GET /stores HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(limits.headersBytesMax)}\r\n\r\n`,
      431,
    ],
    ['what is no HTTP', 'HELLO\r\n\r\n', 400],
    [
      'a length and chunks',
      `POST ${check} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      400,
    ],
  ])('with %s is refused', async (_what, text, status) => {
    using http = await serve();
    const socket = connect(Number(new URL(http.url).port), '127.0.0.1');
    socket.once('error', () => {});
    socket.write(text);
    const [answer] = await socket.take(1).toArray();
    expect(String(answer)).toContain(`HTTP/1.1 ${status}`);
    expect(http.seen.request).toBeUndefined();
  });

  test('serves the next request after a refused body', async () => {
    using http = await serve();
    for (let i = 0; i < 3; i++) {
      expect((await post(http.url, check, 'x'.repeat(200_000))).status).toBe(413);
      expect((await post(http.url, check, {})).status).toBe(200);
    }
  });
});
