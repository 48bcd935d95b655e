// Streams, deadlines and callers who go away.
import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import type { StreamedListObjectsRequest } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { Call } from '../../src/service/call.ts';
import { post, serve, store } from './http-fixture.ts';

const path = `/stores/${store}/streamed-list-objects`;
const linesOf = async (response: Response) =>
  (await response.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe('a stream', () => {
  test('is a line of JSON a message', async () => {
    using http = await serve({
      stream: async function* (_request, call) {
        call.responseHeaders['openfga-authorization-model-id'] = 'm';
        yield { object: 'document:1' };
        yield { object: 'document:2' };
      },
    });
    const response = await post(http.url, path, { type: 'document' });
    expect(response.status).toBe(200);
    expect(response.headers.get('openfga-authorization-model-id')).toBe('m');
    expect(await linesOf(response)).toEqual([
      { result: { object: 'document:1' } },
      { result: { object: 'document:2' } },
    ]);
  });

  test('that is cut says so in a trailer, or in its headers where there is time', async () => {
    using http = await serve({
      stream: async function* (request, call) {
        if ((request as StreamedListObjectsRequest).type === 'document') {
          yield { object: 'document:1' };
        }
        call.responseHeaders['pemba-truncated'] = 'true';
      },
    });
    const none = await post(http.url, path, { type: 'folder' });
    expect(none.headers.get('pemba-truncated')).toBe('true');
    // The platform's fetch hides trailers.
    const trailers = await new Promise((resolve, reject) => {
      const request = httpRequest(`${http.url}${path}`, { method: 'POST' }, (response) => {
        response.resume().on('end', () => resolve({ ...response.trailers }));
        expect(response.headers).toMatchObject({ trailer: 'pemba-truncated' });
      });
      request.on('error', reject).end('{"type":"document"}');
    });
    expect(trailers).toEqual({ 'pemba-truncated': 'true' });
  });

  test('may be empty', async () => {
    using http = await serve();
    const response = await post(http.url, path, {});
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('that fails before its first message has the status of the failure', async () => {
    using http = await serve({
      // biome-ignore lint/correctness/useYield: it fails before it can.
      stream: async function* () {
        throw new Refusal('type_not_found', 'no such type');
      },
    });
    const response = await post(http.url, path, {});
    expect(response.status).toBe(400);
    expect(await linesOf(response)).toEqual([
      { error: { code: 3, message: 'no such type', details: [] } },
    ]);
  });

  test('that fails later says so in its last line', async () => {
    using http = await serve({
      stream: async function* () {
        yield { object: 'document:1' };
        throw new TypeError('secret');
      },
    });
    const response = await post(http.url, path, {}, { 'x-request-id': 'id-1' });
    expect(response.status).toBe(200);
    const [first, last] = await linesOf(response);
    expect(first).toEqual({ result: { object: 'document:1' } });
    expect(last.error.code).toBe(13);
    expect(last.error.message).toContain('id-1');
    expect(last.error.message).not.toContain('secret');
  });

  test('whose request is malformed is refused like any other', async () => {
    using http = await serve();
    const response = await post(http.url, path, '{');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_error' });
  });

  test('ends when its deadline passes', async () => {
    const { promise: never } = Promise.withResolvers<void>();
    using http = await serve({
      stream: async function* (_request, call) {
        yield { object: 'document:1' };
        await Promise.race([never, aborted(call.signal)]);
        yield { object: 'document:2' };
      },
    });
    const lines = await linesOf(await post(http.url, path, {}, { 'connect-timeout-ms': '50' }));
    expect(lines.at(-1).error.code).toBe(13);
  });

  test('stops when its reader goes away', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    using http = await serve({
      stream: async function* () {
        try {
          for (let i = 0; ; i++) {
            yield { object: `document:${i}` };
            await new Promise((next) => setImmediate(next));
          }
        } finally {
          resolve();
        }
      },
    });
    const request = httpRequest(http.url + path, { method: 'POST' });
    request.once('response', (response) => response.once('data', () => request.destroy()));
    request.once('error', () => {});
    request.end('{}');
    await ended;
  });
});

describe('a deadline', () => {
  test.each([
    [{}, 3_000],
    [{ 'connect-timeout-ms': '500' }, 500],
    [{ 'connect-timeout-ms': '99999' }, 3_000],
    [{ 'connect-timeout-ms': 'soon' }, 3_000],
  ])('with the headers %o is %i ms away', async (headers, expected) => {
    const clock = { now: () => 0, monotonic: () => 1_000 };
    using http = await serve({}, { clock });
    await post(http.url, `/stores/${store}/check`, {}, { ...headers });
    expect(http.seen.call!.deadline).toBe(1_000 + expected);
  });

  test('aborts the signal', async () => {
    using http = await serve({
      unary: async (_request, call) => {
        await aborted(call.signal);
        return { allowed: true };
      },
    });
    const headers = { 'connect-timeout-ms': '20' };
    const response = await post(http.url, `/stores/${store}/check`, {}, headers);
    expect(await response.json()).toMatchObject({ allowed: true });
  });
});

test('the signal is aborted when the caller goes away', async () => {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const unary = async (_request: unknown, call: Call) => {
    enter();
    await aborted(call.signal);
    leave();
    return {};
  };
  // No deadline comes before the caller's leaving.
  using http = await serve({ unary }, { requestTimeoutMs: 1_000_000 });
  const aborter = new AbortController();
  const init = { method: 'POST', signal: aborter.signal };
  const answer = fetch(`${http.url}/stores/${store}/check`, init).catch(() => 'aborted');
  await entered;
  aborter.abort();
  await left;
  expect(await answer).toBe('aborted');
});

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve());
  });
}
