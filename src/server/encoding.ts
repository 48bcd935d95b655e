/** Bytes and texts of responses. Those of frozen messages, which never change, are made once. */
import { type DescMessage, isMessage, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type BatchCheckResponse,
  BatchCheckResponseSchema,
  BatchCheckSingleResultSchema,
  type ListObjectsResponse,
  ListObjectsResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';

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
  if (isMessage(message, BatchCheckResponseSchema)) return encodeBatch(message);
  if (isMessage(message, ListObjectsResponseSchema)) return encodeObjects(message);
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
});

/** The same as a message on gRPC's wire: not compressed, and so many bytes. */
export const encodeFramed = onceIfFrozen((schema, message) => {
  const bytes = encodeBinary(schema, message);
  const framed = Buffer.allocUnsafe(5 + bytes.length);
  framed[0] = 0;
  framed.writeUInt32BE(bytes.length, 1);
  bytes.copy(framed, 5);
  return framed;
});

/** JSON texts, which `encode` makes. Those of a batch's results, most of which are the same two, once. */
export function jsonTexts(encode: Encode<string>): Encode<string> {
  const texts = onceIfFrozen(encode);
  return (schema, message) =>
    isMessage(message, BatchCheckResponseSchema)
      ? batchText(message, texts)
      : texts(schema, message);
}

/** As it is in JSON. */
const plain = /^[\w-]*$/;

function batchText(message: BatchCheckResponse, texts: Encode<string>): string {
  const { result } = message;
  let text = '';
  for (const correlationId of Object.keys(result)) {
    const value = texts(BatchCheckSingleResultSchema, result[correlationId]!);
    const name = plain.test(correlationId) ? `"${correlationId}"` : JSON.stringify(correlationId);
    text += `${text === '' ? '' : ','}${name}:${value}`;
  }
  // How nothing is spelled differs from one protocol to the other.
  return text === '' ? texts(BatchCheckResponseSchema, message) : `{"result":{${text}}}`;
}

/** A field of bytes, 1 or 2: its number and wire type. */
const field1 = 0x0a;
const field2 = 0x12;

/** A map from correlation ids to results, most of which are the same two. ENSURES: as the library. */
function encodeBatch({ result }: BatchCheckResponse): Buffer {
  const parts: Buffer[] = [];
  for (const correlationId of Object.keys(result)) {
    const value = encodeBinary(BatchCheckSingleResultSchema, result[correlationId]!);
    const keyBytes = Buffer.byteLength(correlationId);
    const size = 1 + lengthSize(keyBytes) + keyBytes + 1 + lengthSize(value.length) + value.length;
    const entry = Buffer.allocUnsafe(1 + lengthSize(size) + size);
    let at = putLength(entry, 0, field1, size);
    at = putLength(entry, at, field1, keyBytes);
    at += entry.write(correlationId, at, 'utf8');
    at = putLength(entry, at, field2, value.length);
    value.copy(entry, at);
    parts.push(entry);
  }
  return Buffer.concat(parts);
}

/** Of what stands before a text. */
const headBytesMax = 6;

/** Names alone, made into bytes together: one by one takes longer. ENSURES: as the library. */
function encodeObjects({ objects }: ListObjectsResponse): Buffer {
  const texts = objects.join('');
  const all = Buffer.from(texts, 'utf8');
  // Of two surrogates that only meet here, the library would make two characters.
  if (all.length !== texts.length) return Buffer.concat(objects.map(encodeObject));
  const bytes = Buffer.allocUnsafe(all.length + headBytesMax * objects.length);
  let at = 0;
  let from = 0;
  for (const { length } of objects) {
    at = putLength(bytes, at, field1, length);
    for (const end = from + length; from < end; from++) bytes[at++] = all[from] as number;
  }
  return bytes.subarray(0, at);
}

function encodeObject(object: string): Buffer {
  const size = Buffer.byteLength(object);
  const bytes = Buffer.allocUnsafe(1 + lengthSize(size) + size);
  bytes.write(object, putLength(bytes, 0, field1, size), 'utf8');
  return bytes;
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
