/** Request bodies: read within the limit, unpacked, and parsed. Never more in memory than allowed. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { JsonValue } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';

/** The one refusal with a status of HTTP's own: 413. */
export class BodyTooLarge extends Refusal {
  constructor(bytesMax: number) {
    super(
      'exceeded_entity_limit',
      `the request body is larger than the ${bytesMax} bytes allowed; split the request`,
      { malformedRequest: true },
    );
  }
}

export function malformed(message: string, cause?: unknown): Refusal {
  return new Refusal('validation_error', message, { cause, malformedRequest: true });
}

/** ENSURES: at most `bytesMax` bytes, after decompression. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => receiveBody(request, bytesMax, resolve, reject));
}

/**
 * The same without a promise, which a check would pay for. ENSURES: calls one of the two, once: at once
 * when the last byte is there.
 */
export function receiveBody(
  request: IncomingMessage,
  bytesMax: number,
  done: (body: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') {
    receive(request, bytesMax, done, fail);
  } else if (encoding === 'gzip') {
    receive(request, bytesMax, (sent) => void unpack(sent, bytesMax).then(done, fail), fail);
  } else {
    fail(malformed(`content-encoding \`${encoding}\` is not understood; send gzip, or none`));
  }
}

const noBody = Buffer.alloc(0);

function receive(
  request: IncomingMessage,
  bytesMax: number,
  done: (body: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  // NaN where nobody said how much there is.
  const expected = Number(request.headers['content-length'] ?? Number.NaN);
  if (expected > bytesMax) {
    fail(new BodyTooLarge(bytesMax));
    return;
  }
  // Most bodies come in one piece.
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let bytes = 0;
  let isOver = false;
  const complete = () => {
    if (isOver) return;
    isOver = true;
    if (first === undefined) done(noBody);
    else done(rest === undefined ? first : Buffer.concat([first, ...rest]));
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isOver) return;
    if (bytes > bytesMax) {
      // The rest is received and dropped, so that the client gets to read the answer; the server's
      // `requestTimeout` ends the patience.
      first = undefined;
      rest = undefined;
      isOver = true;
      fail(new BodyTooLarge(bytesMax));
      return;
    }
    if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [chunk];
    else rest.push(chunk);
    // The end itself is told two turns later.
    if (bytes === expected) complete();
  });
  // Where nothing is to come, or nobody said how much.
  if (!(expected > 0)) request.on('end', complete);
  request.on('close', () => {
    // Every request closes in the end; most are whole by then.
    if (isOver || request.complete) return;
    isOver = true;
    fail(new Refusal('cancelled', 'the client went away'));
  });
}

const gunzipAsync = promisify(gunzip);

async function unpack(packed: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipAsync(packed, { maxOutputLength: bytesMax });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new BodyTooLarge(bytesMax);
    }
    throw malformed('the request body is no gzip, as its content-encoding says', cause);
  }
}

/** An empty body counts as `{}`. How deep it may nest is for the decoder of messages to say. */
export function parseJson(body: Buffer): JsonValue {
  if (body.length === 0) return {};
  // Bytes that are no UTF-8 would turn into U+FFFD, and different names into one.
  if (!isUtf8(body)) throw malformed('the request body is no UTF-8');
  const text = body.toString('utf8');
  try {
    // Only an escape can bring half a pair; looking at every string would be for nothing.
    const value = surrogateEscape.test(text) ? JSON.parse(text, wellFormed) : JSON.parse(text);
    return value as JsonValue;
  } catch (cause) {
    throw malformed(`the request body is no JSON: ${(cause as Error).message}`, cause);
  }
}

const surrogateEscape = /\\u[dD][89a-fA-F]/;

/** Half a surrogate pair is no text: it could be neither stored nor sent as UTF-8. */
function wellFormed(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) {
    throw new SyntaxError('half a surrogate pair in a string');
  }
  return value;
}
