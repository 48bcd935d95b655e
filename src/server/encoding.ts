/** Bytes and texts of responses. Those of frozen messages, which never change, are made once. */
import { type DescMessage, isMessage, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type BatchCheckResponse,
  BatchCheckResponseSchema,
  type BatchCheckSingleResult,
  BatchCheckSingleResultSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { allowedResult, BatchAnswer, deniedResult } from '../service/batch-answer.ts';
import { PackedObjects } from '../service/packed-objects.ts';
import { textOfPacked } from './packed-json.ts';

type Encode<Encoded> = (schema: DescMessage, message: Message) => Encoded;

/** REQUIRES: what `encode` returns is not changed by whoever asks for it. */
export function onceIfFrozen<Encoded extends object | string>(
  encode: Encode<Encoded>,
): Encode<Encoded> {
  const known = new WeakMap<Message, Encoded>();
  return (schema, message) => {
    if (!Object.isFrozen(message)) return encode(schema, message);
    let encoded = known.get(message);
    if (encoded === undefined) {
      encoded = encode(schema, message);
      known.set(message, encoded);
    }
    return encoded;
  };
}

export const encodeBinary = onceIfFrozen((schema, message) => {
  if (isMessage(message, BatchCheckResponseSchema)) return encodeBatch(message, 0);
  if (message instanceof PackedObjects) return message.bytes;
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
});

/** The same as a message on gRPC's wire: not compressed, and so many bytes. */
export const encodeFramed = onceIfFrozen((schema, message) => {
  if (isMessage(message, BatchCheckResponseSchema)) {
    return frame(encodeBatch(message, prefixBytes));
  }
  const parts = message instanceof PackedObjects ? message.parts : [encodeBinary(schema, message)];
  let length = prefixBytes;
  for (const part of parts) length += part.length;
  const framed = Buffer.allocUnsafe(length);
  let end = prefixBytes;
  for (const part of parts) end += part.copy(framed, end);
  return frame(framed);
});

const prefixBytes = 5;

/** REQUIRES: there is room for the prefix. */
function frame(framed: Buffer): Buffer {
  framed[0] = 0;
  framed.writeUInt32BE(framed.length - prefixBytes, 1);
  return framed;
}

/**
 * JSON texts, which `encode` makes, but for what has a shorter way. Those of a batch's results, most of
 * which are the same two, once.
 */
export function jsonTexts(encode: Encode<string>): Encode<string> {
  const texts = onceIfFrozen(encode);
  return (schema, message) => {
    if (isMessage(message, BatchCheckResponseSchema)) return batchText(message, texts);
    const packed = message instanceof PackedObjects ? textOfPacked(message) : undefined;
    return packed ?? texts(schema, message);
  };
}

/** As it is in JSON. */
const plain = /^[\w-]*$/;

function batchText(message: BatchCheckResponse, texts: Encode<string>): string {
  const { correlationIds, results } = rowsOf(message);
  const allowedText = texts(BatchCheckSingleResultSchema, allowedResult);
  const deniedText = texts(BatchCheckSingleResultSchema, deniedResult);
  let text = '';
  for (const [i, correlationId] of correlationIds.entries()) {
    const result = results[i] as BatchCheckSingleResult;
    let value: string;
    if (result === allowedResult) value = allowedText;
    else if (result === deniedResult) value = deniedText;
    else value = texts(BatchCheckSingleResultSchema, result);
    const name = plain.test(correlationId) ? `"${correlationId}"` : JSON.stringify(correlationId);
    text += `${text === '' ? '' : ','}${name}:${value}`;
  }
  // How nothing is spelled differs from one protocol to the other.
  return text === '' ? texts(BatchCheckResponseSchema, message) : `{"result":{${text}}}`;
}

/** The entries of the message's map, in the order in which the map has them. */
function rowsOf(message: BatchCheckResponse): Pick<BatchAnswer, 'correlationIds' | 'results'> {
  // An object has the keys that are numbers before all others.
  if (message instanceof BatchAnswer && !message.correlationIds.some(isNumber)) return message;
  const { result } = message;
  return { correlationIds: Object.keys(result), results: Object.values(result) };
}

function isNumber(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39 && /^\d+$/.test(key);
}

/** A field of bytes, 1 or 2: its number and wire type. */
const field1 = 0x0a;
const field2 = 0x12;

const allowedBytes = encodeBinary(BatchCheckSingleResultSchema, allowedResult);
const deniedBytes = encodeBinary(BatchCheckSingleResultSchema, deniedResult);

function resultBytes(result: BatchCheckSingleResult): Buffer {
  if (result === allowedResult) return allowedBytes;
  return result === deniedResult ? deniedBytes : encodeBinary(BatchCheckSingleResultSchema, result);
}

/** Of an entry, before and between its two texts. */
const entryHeadBytesMax = 3 * 6;

/**
 * A map from correlation ids to results, most of which are the same two, after so many bytes that are
 * left to the caller. ENSURES: as the library.
 */
function encodeBatch(message: BatchCheckResponse, before: number): Buffer {
  const { correlationIds, results } = rowsOf(message);
  const values = results.map(resultBytes);
  let most = before;
  for (let i = 0; i < values.length; i++) {
    const key = correlationIds[i] as string;
    most += entryHeadBytesMax + 3 * key.length + (values[i] as Buffer).length;
  }
  const bytes = Buffer.allocUnsafe(most);
  let at = before;
  for (let i = 0; i < values.length; i++) {
    at = putEntry(bytes, at, correlationIds[i] as string, values[i] as Buffer);
  }
  return bytes.subarray(0, at);
}

function putEntry(bytes: Buffer, start: number, key: string, value: Buffer): number {
  const keyBytes = isAscii(key) ? key.length : Buffer.byteLength(key);
  const size = 1 + lengthSize(keyBytes) + keyBytes + 1 + lengthSize(value.length) + value.length;
  let at = putLength(bytes, start, field1, size);
  at = putLength(bytes, at, field1, keyBytes);
  if (keyBytes === key.length) {
    for (let i = 0; i < keyBytes; i++) bytes[at++] = key.charCodeAt(i);
  } else {
    at += bytes.write(key, at, 'utf8');
  }
  at = putLength(bytes, at, field2, value.length);
  for (let i = 0; i < value.length; i++) bytes[at++] = value[i] as number;
  return at;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** Bytes of a length as a varint. */
function lengthSize(length: number): number {
  let size = 1;
  for (let rest = length; rest >= 0x80; rest >>>= 7) size++;
  return size;
}

function putLength(bytes: Buffer, start: number, field: number, length: number): number {
  let at = start;
  bytes[at++] = field;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
