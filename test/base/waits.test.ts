/** Limits of time at their borders: the timers are the test's, and run only when it says so. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { withDeadlines } from '../../src/server/deadline.ts';
import { closeHttpGently, finishOrCut } from '../../src/server/shutdown.ts';
import { serve as serveGrpc, unary, wire } from '../server/grpc-harness.ts';
import { post, serve as serveHttp, store } from '../server/http-fixture.ts';
import { callOf, testClock } from '../service/harness.ts';
import { openToAll } from '../service/open-to-all.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything run that waits for nothing but its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a request', () => {
  const most = limits.requestTimeoutMs;

  test.each([most - 1, most, most + 1])('whose client gives it %d ms', async (ms) => {
    const clock = testClock();
    using http = await serveHttp({}, { clock, requestTimeoutMs: most });
    await post(http.url, `/stores/${store}/check`, {}, { 'connect-timeout-ms': String(ms) });
    expect(http.seen.call?.deadline).toBe(clock.monotonic() + Math.min(ms, most));
  });

  test('is answered until its time is over, and refused then', async () => {
    const clock = testClock();
    const [method] = withDeadlines(
      openToAll([unary(wire.write, () => new Promise<never>(() => {}))]),
      clock,
    );
    if (method?.kind !== 'unary') throw new Error('a unary method stays one');
    const call = callOf('Write', { deadline: clock.monotonic() + most });
    const refused = vi.fn();
    Promise.resolve(method.handle({} as never, call)).catch(({ code }) => refused(code));
    for (const [ms, times] of [
      [most - 1, 0],
      [1, 1],
      [1, 1],
    ] as const) {
      vi.advanceTimersByTime(ms);
      await turn();
      expect(refused).toHaveBeenCalledTimes(times);
    }
    expect(refused).toHaveBeenCalledWith('deadline_exceeded');
  });
});

test('open requests get so long at shutdown, and are cut then', async () => {
  const http = await serveHttp({ unary: () => new Promise(() => {}) });
  const close = closeHttpGently(http.server);
  const grpc = await serveGrpc([]);
  onTestFinished(() => grpc.client.close());
  const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const client = httpRequest(`${http.url}/stores/${store}/check`, options).end('{}');
  const [{ socket }] = await once(http.server, 'request');
  const cut = once(client, 'error');
  const ended = vi.fn();
  const listeners = { http: [{ server: http.server, close }], grpc: grpc.server };
  const finished = finishOrCut(listeners, limits.shutdownTimeoutMs).then(ended);
  vi.advanceTimersByTime(limits.shutdownTimeoutMs - 1);
  await turn();
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  await finished;
  expect(ended).toHaveBeenCalledWith(false);
  await cut;
});

test('a quiet gRPC connection is asked after so long whether anybody is there', async () => {
  const served = await serveGrpc([]);
  const session = connectHttp2(`http://${served.address}`);
  onTestFinished(async () => {
    session.destroy();
    await served.close();
  });
  await once(session, 'remoteSettings');
  const asked = vi.fn();
  session.on('ping', asked);
  vi.advanceTimersByTime(limits.idlePingMs - 1);
  await pong(session);
  expect(asked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  await pong(session);
  expect(asked).toHaveBeenCalledTimes(1);
});

/** Back once all that the server has sent before is here. */
function pong(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}
