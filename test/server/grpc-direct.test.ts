/** Calls that are answered on their HTTP/2 streams: header for header what the library answers. */
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import {
  CheckRequestSchema,
  CheckResponseSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { Call } from '../../src/service/call.ts';
import { type Served, serve, unary, wire } from './grpc-harness.ts';

// The library complains of headers that it drops.
setLogVerbosity(logVerbosity.NONE);

const path = '/openfga.v1.OpenFGAService/Check';
const bytesMax = 2_000;
/** Longer than a timer can be: left to the library, for which it is a timeout of two weeks. */
const leftToTheLibrary = { 'grpc-timeout': '99999999S' };

const answers = [true, false].map((allowed) =>
  Object.freeze(create(CheckResponseSchema, { allowed })),
);

/** What becomes of a check is in the name of its user. */
function handle(user: string, call: Call) {
  const { consistencyToken, credentials } = call;
  const { authorization, subjectToken, address } = credentials;
  call.responseHeaders['x-heard'] = JSON.stringify([
    [consistencyToken, authorization, subjectToken, address, call.deadline > 0],
  ]);
  call.responseHeaders['pemba-consistency-token'] = 'token';
  if (user.startsWith('refused')) throw new Refusal('type_not_found', `\`${user}\` ü ${user}`);
  if (user.startsWith('bug')) throw new Error('a bug');
  if (user.startsWith('new')) return create(CheckResponseSchema, { resolution: user });
  return answers[user.length % 2] as (typeof answers)[0];
}

let served: Served;
let session: ClientHttp2Session;

beforeEach(async () => {
  served = await serve(
    [
      unary(wire.check, ({ tupleKey }, call) => {
        const user = tupleKey?.user ?? '';
        return user.startsWith('later')
          ? Promise.resolve().then(() => handle(user.slice(5), call))
          : handle(user, call);
      }),
    ],
    { requestBytesMax: bytesMax },
  );
  session = connect(`http://${served.address}`);
});

afterEach(async () => {
  session.close();
  await served.close();
});

interface Reply {
  readonly headers: IncomingHttpHeaders;
  /** Names and values in the order in which they came. */
  readonly raw: readonly string[];
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: string;
}

/** Sends the pieces one frame each. */
function send(pieces: readonly Buffer[], headers: OutgoingHttpHeaders): Promise<Reply> {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  });
  for (const piece of pieces) stream.write(piece);
  stream.end();
  return new Promise((resolve, reject) => {
    let head: IncomingHttpHeaders = {};
    let raw: readonly string[] = [];
    let trailers: IncomingHttpHeaders | undefined;
    const body: Buffer[] = [];
    stream.on('response', (received, _flags, rawHeaders?: readonly string[]) => {
      const { date: _date, ...rest } = received;
      head = rest;
      raw = rawHeaders ?? [];
    });
    stream.on('trailers', (received) => {
      trailers = { ...received };
    });
    stream.on('data', (part: Buffer) => body.push(part));
    stream.on('close', () =>
      resolve({ headers: head, raw, trailers, body: Buffer.concat(body).toString('hex') }),
    );
    stream.on('error', reject);
  });
}

function checkBytes(user: string): Buffer {
  const tupleKey = { user, relation: 'viewer', object: 'document:1' };
  return Buffer.from(toBinary(CheckRequestSchema, create(CheckRequestSchema, { tupleKey })));
}

function framed(message: Buffer, length = message.length, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** Whether a refusal is not the library's, which names the status first. */
function isDirect({ raw }: Reply): boolean {
  return raw.indexOf('grpc-status') > raw.indexOf('content-type');
}

const user = fc
  .tuple(
    fc.constantFrom('', 'later'),
    fc.constantFrom('', 'refused', 'bug', 'new'),
    fc.string({ maxLength: 5 }),
  )
  .map((parts) => parts.join(''));
const message = fc.oneof(
  { weight: 6, arbitrary: user.map(checkBytes) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(bytesMax)) },
);
const frame = fc.oneof(
  { weight: 8, arbitrary: message.map((bytes) => framed(bytes)) },
  { weight: 1, arbitrary: message.map((bytes) => framed(bytes, bytes.length, 1)) },
  // Of a length that is none of its own, or too long.
  {
    weight: 1,
    arbitrary: fc
      .tuple(message, fc.constantFrom(0, 1, 3, bytesMax, bytesMax + 1, 2 ** 32 - 1))
      .map(([bytes, length]) => framed(bytes, length)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)) },
);
const body = fc.oneof(
  { weight: 4, arbitrary: frame },
  { weight: 1, arbitrary: fc.array(frame, { maxLength: 3 }).map((list) => Buffer.concat(list)) },
);
const split = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.nat(40), { maxLength: 3 }) },
);
const value = fc.oneof(
  fc.constant(undefined),
  fc.string({ maxLength: 8 }).map((text) => text.trim()),
  fc.constantFrom('Bearer key', 'ünseen', 'a, b'),
);
const headers = fc.record({
  'pemba-consistency-token': value,
  'pemba-subject-token': value,
  authorization: value,
  'user-agent': value,
});

function piecesOf(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
}

function given(all: Readonly<Record<string, string | undefined>>): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, value]],
    ),
  );
}

test('any call is answered as the library answers it', async () => {
  const direct = { taken: 0, calls: 0 };
  const property = fc.asyncProperty(body, split, headers, async (bytes, at, all) => {
    const pieces = piecesOf(bytes, at);
    const own = { 'x-request-id': 'id', ...given(all) };
    const answered = async (more: OutgoingHttpHeaders) => {
      const before = served.answered.length;
      const reply = await send(pieces, { ...own, ...more });
      return { reply, observed: served.answered.slice(before) };
    };
    const here = await answered({});
    const there = await answered(leftToTheLibrary);
    expect({ ...here.reply, raw: [] }).toEqual({ ...there.reply, raw: [] });
    // Where a second message is too large, the library answers that, and may still ask the handler.
    if (here.reply.headers['grpc-status'] !== '8') {
      expect(here.observed.map(({ refusal }) => refusal?.message)).toEqual(
        there.observed.map(({ refusal }) => refusal?.message),
      );
    }
    expect(isDirect(there.reply)).toBe(false);
    // Of refusals alone it can be told who gave them.
    if (!here.reply.raw.includes('grpc-status')) return;
    direct.calls++;
    if (isDirect(here.reply)) direct.taken++;
  });
  await fc.assert(property, { seed: 1, numRuns: 1_000 });
  expect(direct.calls).toBeGreaterThan(100);
  expect(direct.taken).toBeGreaterThan(direct.calls / 2);
});

describe('left to the library', () => {
  const refused = [framed(checkBytes('refused'))];
  test.each<[what: string, headers: OutgoingHttpHeaders, direct: boolean]>([
    ['nothing of a usual call', {}, true],
    ['nothing of one with a timeout', { 'grpc-timeout': '5000m' }, true],
    ['nothing of one that says that it is not compressed', { 'grpc-encoding': 'identity' }, true],
    ['what may be compressed', { 'grpc-encoding': 'gzip' }, false],
    ['a timeout of another form', { 'grpc-timeout': '5000 m' }, false],
    ['a credential that is no header', { authorization: 'ünseen' }, false],
  ])('%s', async (_what, headers, direct) => {
    expect(isDirect(await send(refused, headers))).toBe(direct);
  });
});

test('a request whose end never comes is answered at its deadline', async () => {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' },
    'grpc-timeout': '10m',
  });
  stream.write(framed(checkBytes('anne')).subarray(0, 9));
  const code = await new Promise((resolve) => {
    stream.on('response', (headers) => resolve(headers['grpc-status']));
  });
  expect(code).toBe('4');
  stream.close();
});
