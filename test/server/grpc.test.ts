// The gRPC transport over handlers of the test's own: statuses, metadata, deadlines, hostile bytes.
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import {
  CheckRequestSchema,
  CheckResponseSchema,
  ReadResponseSchema,
  StreamedListObjectsResponseSchema,
  WriteResponseSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { Call } from '../../src/service/call.ts';
import { type Served, serve, serverStream, unary, wire } from './grpc-harness.ts';

const store = '01JABCDEFGHJKMNPQRSTVWXYZ0';
const question = {
  storeId: store,
  tupleKey: { user: 'user:anne', relation: 'viewer', object: 'document:1' },
};
const allowed = create(CheckResponseSchema, { allowed: true });

let served: Served;
afterEach(() => served.close());

const allowAll = unary(wire.check, () => allowed);

describe('answers', () => {
  test('a synchronous handler', async () => {
    served = await serve([
      unary(wire.check, (request) => {
        expect(request.tupleKey?.user).toBe('user:anne');
        return allowed;
      }),
    ]);
    const { message, status } = await served.client.call(wire.check, question);
    expect(status.code).toBe(0);
    expect(message?.allowed).toBe(true);
    expect(served.answered).toEqual([
      { method: 'openfga.v1.OpenFGAService/Check', refusal: undefined },
    ]);
  });

  test.each([0, 2])(
    '%i messages where there is one to send are none of the method',
    async (count) => {
      served = await serve([allowAll]);
      const code = await new Promise<number | undefined>((resolve) => {
        const bytes = Buffer.from(
          toBinary(CheckRequestSchema, create(CheckRequestSchema, question)),
        );
        const asIs = (message: Buffer) => message;
        const path = '/openfga.v1.OpenFGAService/Check';
        const call = served.client.client.makeClientStreamRequest(path, asIs, asIs, (error) =>
          resolve(error?.code),
        );
        for (let i = 0; i < count; i++) call.write(bytes);
        call.end();
      });
      expect(code).toBe(status.UNIMPLEMENTED);
      expect(served.answered).toEqual([]);
    },
  );

  test('a handler that waits', async () => {
    served = await serve([unary(wire.write, async () => create(WriteResponseSchema))]);
    expect((await served.client.call(wire.write, { storeId: store })).status.code).toBe(0);
  });

  test('a method that nobody serves', async () => {
    served = await serve([allowAll]);
    const { status } = await served.client.call(wire.write, { storeId: store });
    expect(status.code).toBe(12);
  });

  test('many at once on one connection, each its own', async () => {
    served = await serve([
      unary(wire.check, ({ tupleKey }) =>
        create(CheckResponseSchema, { allowed: Number(tupleKey?.user.slice(5)) % 3 === 0 }),
      ),
    ]);
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) =>
        served.client.call(wire.check, {
          tupleKey: { user: `user:${i}`, relation: 'viewer', object: 'document:1' },
        }),
      ),
    );
    expect(answers.every(({ message }, i) => message?.allowed === (i % 3 === 0))).toBe(true);
  });
});

describe('statuses', () => {
  const refusals: [refusal: Refusal, code: number][] = [
    [new Refusal('validation_error', 'no'), 2000],
    [new Refusal('invalid_tuple', 'no'), 2027],
    [new Refusal('validation_error', 'no', { malformedRequest: true }), 3],
    [new Refusal('aborted', 'no'), 10],
    [new Refusal('store_id_not_found', 'no'), 5002],
    [new Refusal('unimplemented', 'no'), 12],
    [new Refusal('unavailable', 'no'), 14],
  ];
  test.each(refusals)('%o goes out as %i', async (refusal, code) => {
    served = await serve([
      unary(wire.check, () => {
        throw refusal;
      }),
      unary(wire.write, () => Promise.reject(refusal)),
    ]);
    for (const method of [wire.check, wire.write]) {
      const { status, message } = await served.client.call(method, question);
      expect([status.code, status.details, message]).toEqual([code, 'no', undefined]);
    }
  });

  test.each(['backtick `ü` 日本 %0A', 'line\nbreak', 'lone \ud800 surrogate', ''])(
    'the message %j arrives',
    async (text) => {
      served = await serve([
        unary(wire.check, () => {
          throw new Refusal('validation_error', text);
        }),
      ]);
      const { status } = await served.client.call(wire.check, question);
      expect(status.code).toBe(2000);
      expect(status.details).toBe(text.toWellFormed());
    },
  );

  test('a bug answers internal with the request id and nothing of the error', async () => {
    served = await serve([
      unary(wire.check, () => {
        throw new TypeError('secret of the house');
      }),
    ]);
    const { status } = await served.client.call(wire.check, question, {
      headers: { 'x-request-id': 'request-7' },
    });
    expect(status.code).toBe(4000);
    expect(status.details).toContain('request-7');
    expect(status.details).not.toContain('secret');
    expect(served.answered[0]?.refusal?.cause).toBeInstanceOf(TypeError);
  });
});

describe('metadata', () => {
  test('request id and consistency token reach the handler and come back', async () => {
    let seen: Call | undefined;
    served = await serve([
      unary(wire.check, (_request, call) => {
        seen = call;
        call.responseHeaders['pemba-consistency-token'] = 'token-8';
        call.responseHeaders['pemba-truncated'] = 'true';
        call.responseHeaders['openfga-authorization-model-id'] = 'model-9';
        return allowed;
      }),
    ]);
    const { headers, status } = await served.client.call(wire.check, question, {
      headers: { 'x-request-id': 'request-7', 'pemba-consistency-token': 'token-6' },
    });
    expect([seen?.requestId, seen?.consistencyToken, seen?.method]).toEqual([
      'request-7',
      'token-6',
      'openfga.v1.OpenFGAService/Check',
    ]);
    expect(headers.getMap()).toMatchObject({
      'x-request-id': 'request-7',
      'pemba-consistency-token': 'token-8',
      'openfga-authorization-model-id': 'model-9',
    });
    expect(status.metadata.get('pemba-consistency-token')).toEqual(['token-8']);
    expect(status.metadata.get('pemba-truncated')).toEqual(['true']);
  });

  test.each(['', 'with space', 'x'.repeat(129)])('the request id %j is replaced', async (id) => {
    served = await serve([allowAll]);
    const { headers } = await served.client.call(wire.check, question, {
      headers: { 'x-request-id': id },
    });
    expect(headers.get('x-request-id')[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('headers of a refusal arrive with its status', async () => {
    served = await serve([
      unary(wire.check, (_request, call) => {
        call.responseHeaders['openfga-authorization-model-id'] = 'model-9';
        throw new Refusal('invalid_tuple', 'no');
      }),
    ]);
    const { status } = await served.client.call(wire.check, question);
    expect(status.metadata.get('openfga-authorization-model-id')).toEqual(['model-9']);
  });
});

describe('deadlines', () => {
  test('the server gives up first: the wire number', async () => {
    served = await serve([unary(wire.write, () => new Promise<never>(() => {}))], {
      requestTimeoutMs: 50,
    });
    const { status } = await served.client.call(wire.write, { storeId: store });
    expect(status.code).toBe(4004);
    expect(served.answered[0]?.refusal?.code).toBe('deadline_exceeded');
  });

  test('the server gives up first: the handler is told', async () => {
    const aborted = Promise.withResolvers<void>();
    served = await serve(
      [
        unary(wire.write, async (_request, call) => {
          await new Promise((resolve) => setImmediate(resolve));
          call.signal?.addEventListener('abort', () => aborted.resolve());
          return new Promise<never>(() => {});
        }),
      ],
      { requestTimeoutMs: 50 },
    );
    expect((await served.client.call(wire.write, { storeId: store })).status.code).toBe(4004);
    await aborted.promise;
  });

  test('the client asks for less: the handler is told', async () => {
    let call: Call | undefined;
    const aborted = Promise.withResolvers<void>();
    served = await serve([
      unary(wire.write, (_request, given) => {
        call = given;
        given.signal?.addEventListener('abort', () => aborted.resolve());
        return new Promise<never>(() => {});
      }),
    ]);
    const before = performance.now();
    const { status } = await served.client.call(wire.write, { storeId: store }, { timeoutMs: 60 });
    expect([4, 4004]).toContain(status.code);
    expect((call as Call).deadline - before).toBeLessThan(10_000);
    await aborted.promise;
  });

  test('a client that goes away aborts the handler', async () => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    served = await serve([
      unary(wire.write, (_request, call) => {
        call.signal?.addEventListener('abort', () => aborted.resolve());
        started.resolve();
        return new Promise<never>(() => {});
      }),
    ]);
    const { status } = await served.client.call(
      wire.write,
      { storeId: store },
      { cancelled: started.promise },
    );
    expect(status.code).toBe(1);
    await aborted.promise;
  });
});

describe('hostile bytes', () => {
  const malformed: [what: string, bytes: Uint8Array][] = [
    ['noise', Buffer.from('ffffffffffffffffffffff', 'hex')],
    ['a string that is no UTF-8', Buffer.from([0x0a, 0x02, 0xc3, 0x28])],
    ['a string cut short', Buffer.from([0x0a, 0x7f, 0x41])],
    ['a group that never ends', Buffer.from([0x0b])],
    ['field number 0', Buffer.from([0x00, 0x01])],
    ['a length of 2 GiB', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
    ['a Struct of 100,000 levels', deepContext(100_000)],
  ];
  test.each(malformed)('%s is InvalidArgument, and the server lives', async (_what, bytes) => {
    served = await serve([allowAll], { requestBytesMax: 4_194_304 });
    const { status } = await served.client.callRaw(wire.check, bytes);
    expect(status.code).toBe(3);
    expect(status.details).toContain('openfga.v1.CheckRequest');
    expect(served.answered[0]?.refusal?.code).toBe('validation_error');
    expect((await served.client.call(wire.check, question)).status.code).toBe(0);
  });

  test('a Struct of 20 levels is an ordinary context', async () => {
    served = await serve([allowAll]);
    expect((await served.client.callRaw(wire.check, deepContext(20))).status.code).toBe(0);
  });

  test('no bytes at all are the empty message', async () => {
    served = await serve([allowAll]);
    expect((await served.client.callRaw(wire.check, new Uint8Array())).status.code).toBe(0);
  });

  test('unknown fields are passed over', async () => {
    served = await serve([allowAll]);
    const unknown = Buffer.from([0xfa, 0x7f, 0x03, 0x61, 0x62, 0x63]);
    expect((await served.client.callRaw(wire.check, unknown)).status.code).toBe(0);
  });

  test('a message over the limit is refused', async () => {
    served = await serve([allowAll], { requestBytesMax: 1_000 });
    const { status: refused } = await served.client.call(wire.check, {
      storeId: 'x'.repeat(1_001),
    });
    expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await served.client.call(wire.check, question)).status.code).toBe(0);
  });
});

describe('hostile connections', () => {
  test.each([
    ['noise', Buffer.from('00ff10deadbeef'.repeat(50), 'hex')],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    [
      'a preface and a broken frame',
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff', 'latin1'),
    ],
    ['nothing', Buffer.alloc(0)],
  ])('%s: the server lives', async (_what, bytes) => {
    served = await serve([allowAll]);
    const socket = connect(Number(served.address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    expect((await served.client.call(wire.check, question)).status.code).toBe(0);
    socket.resetAndDestroy();
    expect((await served.client.call(wire.check, question)).status.code).toBe(0);
  });

  test('calls that are reset as soon as they are made: the server lives', async () => {
    served = await serve([allowAll]);
    const session = connectHttp2(`http://${served.address}`);
    session.on('error', () => {});
    const closed = new Promise((resolve) => session.once('close', resolve));
    const path = '/openfga.v1.OpenFGAService/Check';
    for (let i = 0; i < 5_000 && !session.destroyed; i++) {
      const stream = session.request({ ':method': 'POST', ':path': path });
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    session.destroy();
    await closed;
    expect((await served.client.call(wire.check, question)).status.code).toBe(0);
  });
});

describe('server streams', () => {
  const listed = (count: number) =>
    serverStream(wire.streamedListObjects, async function* (_request, call) {
      call.responseHeaders['pemba-consistency-token'] = 'token-8';
      for (let i = 0; i < count; i++) {
        yield create(StreamedListObjectsResponseSchema, { object: `document:${i}` });
      }
    });

  test.each([0, 1, 5_000])('%i messages arrive in order', async (count) => {
    served = await serve([listed(count)]);
    const { messages, headers, status } = await served.client.stream(wire.streamedListObjects, {});
    expect(status.code).toBe(0);
    expect(messages.map((message) => (message as { object: string }).object)).toEqual(
      Array.from({ length: count }, (_, i) => `document:${i}`),
    );
    expect(headers.get('pemba-consistency-token')).toEqual(['token-8']);
    expect(status.metadata.get('pemba-consistency-token')).toEqual(['token-8']);
  });

  test('a list that is cut after its first message says so in a trailer', async () => {
    served = await serve([
      serverStream(wire.streamedListObjects, async function* (_request, call) {
        yield create(StreamedListObjectsResponseSchema, { object: 'document:1' });
        call.responseHeaders['pemba-truncated'] = 'true';
      }),
    ]);
    const { headers, status } = await served.client.stream(wire.streamedListObjects, {});
    expect(headers.get('pemba-truncated')).toEqual([]);
    expect(status.code).toBe(0);
    expect(status.metadata.get('pemba-truncated')).toEqual(['true']);
  });

  test('a refusal after the first message', async () => {
    served = await serve([
      serverStream(wire.streamedListObjects, async function* () {
        yield create(StreamedListObjectsResponseSchema, { object: 'document:1' });
        throw new Refusal('validation_error', 'no more');
      }),
    ]);
    const { messages, status } = await served.client.stream(wire.streamedListObjects, {});
    expect([messages.length, status.code, status.details]).toEqual([1, 2000, 'no more']);
  });

  test('an endless stream ends at its deadline', async () => {
    served = await serve(
      [
        serverStream(wire.streamedListObjects, async function* () {
          for (;;) {
            yield create(StreamedListObjectsResponseSchema, { object: 'document:1' });
            await new Promise((resolve) => setImmediate(resolve));
          }
        }),
      ],
      { requestTimeoutMs: 50 },
    );
    const { messages, status } = await served.client.stream(wire.streamedListObjects, {});
    expect(messages.length).toBeGreaterThan(0);
    expect(status.code).toBe(4004);
    expect(served.answered[0]?.refusal?.code).toBe('cancelled');
  });
});

test('an answer that does not encode is an error, and the server lives', async () => {
  served = await serve([
    unary(wire.read, () => create(ReadResponseSchema, { tuples: [7 as never] })),
    allowAll,
  ]);
  const { status } = await served.client.call(wire.read, {});
  expect(status.code).toBe(13);
  expect((await served.client.call(wire.check, question)).status.code).toBe(0);
});

/** A CheckRequest whose context nests this many messages: a list in a list in a list. */
function deepContext(levels: number): Uint8Array {
  const chunks: Buffer[] = [];
  let length = 0;
  const wrap = (field: number) => {
    const head = Buffer.from([(field << 3) | 2, ...varint(length)]);
    chunks.push(head);
    length += head.length;
  };
  for (let level = 0; level < levels; level += 2) {
    // Value.list_value, then ListValue.values.
    wrap(6);
    wrap(1);
  }
  // The entry's value, Struct.fields, CheckRequest.context.
  wrap(2);
  wrap(1);
  wrap(6);
  return Buffer.concat(chunks.reverse());
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
