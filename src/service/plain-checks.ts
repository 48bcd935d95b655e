/**
 * Decodes the requests that nearly every call is: checks of ids and tuple keys alone, in ASCII. What
 * is out of the ordinary in any way (another field, a message twice, a text that is not ASCII, bytes
 * or JSON that are wrong) is not decoded here but left to the library, whose errors clients know.
 */
import type { DescMessage, JsonValue, Message } from '@bufbuild/protobuf';
import {
  type BatchCheckItem,
  type BatchCheckRequest,
  BatchCheckRequestSchema,
  type CheckRequest,
  CheckRequestSchema,
  type CheckRequestTupleKey,
} from '../gen/openfga/v1/openfga_service_pb.ts';

/** ENSURES: undefined, or what protobuf-es makes of the same bytes. */
export function decodePlain(schema: DescMessage, bytes: Buffer): Message | undefined {
  if (schema === CheckRequestSchema) return plainCheck(new Cursor(bytes));
  if (schema === BatchCheckRequestSchema) return plainBatch(new Cursor(bytes));
  return undefined;
}

/** ENSURES: undefined, or what protobuf-es makes of the same JSON. */
export function decodePlainJson(schema: DescMessage, json: JsonValue): Message | undefined {
  if (!isObject(json)) return undefined;
  if (schema === CheckRequestSchema) return plainCheckOfJson(json);
  if (schema === BatchCheckRequestSchema) return plainBatchOfJson(json);
  return undefined;
}

type JsonFields = { readonly [name: string]: JsonValue };

function plainCheckOfJson(json: JsonFields): CheckRequest | undefined {
  const request = checkOf('', undefined, '');
  for (const name in json) {
    const value = json[name] as JsonValue;
    if (name === 'tuple_key') {
      const key = plainKeyOfJson(value);
      if (key === undefined) return undefined;
      request.tupleKey = key;
    } else if (typeof value !== 'string') return undefined;
    else if (name === 'store_id') request.storeId = value;
    else if (name === 'authorization_model_id') request.authorizationModelId = value;
    else return undefined;
  }
  return request;
}

function plainBatchOfJson(json: JsonFields): BatchCheckRequest | undefined {
  const request = batchOf();
  for (const name in json) {
    const value = json[name] as JsonValue;
    if (name === 'checks') {
      if (!Array.isArray(value)) return undefined;
      for (const each of value) {
        const item = plainItemOfJson(each);
        if (item === undefined) return undefined;
        request.checks.push(item);
      }
    } else if (typeof value !== 'string') return undefined;
    else if (name === 'store_id') request.storeId = value;
    else if (name === 'authorization_model_id') request.authorizationModelId = value;
    else return undefined;
  }
  return request;
}

function plainItemOfJson(json: JsonValue): BatchCheckItem | undefined {
  if (!isObject(json)) return undefined;
  const item = itemOf();
  for (const name in json) {
    const value = json[name] as JsonValue;
    if (name === 'tuple_key') {
      const key = plainKeyOfJson(value);
      if (key === undefined) return undefined;
      item.tupleKey = key;
    } else if (name === 'correlation_id' && typeof value === 'string') item.correlationId = value;
    else return undefined;
  }
  return item;
}

function plainKeyOfJson(json: JsonValue): CheckRequestTupleKey | undefined {
  if (!isObject(json)) return undefined;
  const key = keyOf('', '', '');
  for (const name in json) {
    const value = json[name];
    if (typeof value !== 'string') return undefined;
    if (name === 'user' || name === 'relation' || name === 'object') key[name] = value;
    else return undefined;
  }
  return key;
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The tag bytes of fields that are texts or messages: the field's number, and wire type 2. */
const field1 = 0x0a;
const field2 = 0x12;
const field3 = 0x1a;
const field4 = 0x22;

function plainCheck(cursor: Cursor): CheckRequest | undefined {
  const request = checkOf('', undefined, '');
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    if (tag === field1) request.storeId = cursor.id(storeIds);
    else if (tag === field4) request.authorizationModelId = cursor.id(modelIds);
    else if (tag === field2 && request.tupleKey === undefined) request.tupleKey = plainKey(cursor);
    else return undefined;
    if (cursor.isOdd) return undefined;
  }
  return request;
}

function plainBatch(cursor: Cursor): BatchCheckRequest | undefined {
  const request = batchOf();
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    if (tag === field1) request.storeId = cursor.id(storeIds);
    else if (tag === field3) request.authorizationModelId = cursor.id(modelIds);
    else if (tag === field2) request.checks.push(plainItem(cursor));
    else return undefined;
    if (cursor.isOdd) return undefined;
  }
  return request;
}

/** Of no meaning when the cursor `isOdd`; so `plainKey`. */
function plainItem(cursor: Cursor): BatchCheckItem {
  const item = itemOf();
  const outer = cursor.enter();
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    if (tag === field4) item.correlationId = cursor.name();
    else if (tag === field1 && item.tupleKey === undefined) item.tupleKey = plainKey(cursor);
    else cursor.giveUp();
  }
  cursor.leave(outer);
  return item;
}

function plainKey(cursor: Cursor): CheckRequestTupleKey {
  const key = keyOf('', '', '');
  const outer = cursor.enter();
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    if (tag === field1) key.user = cursor.name();
    else if (tag === field2) key.relation = cursor.name();
    else if (tag === field3) key.object = cursor.name();
    else cursor.giveUp();
  }
  cursor.leave(outer);
  return key;
}

function checkOf(
  storeId: string,
  tupleKey: CheckRequestTupleKey | undefined,
  authorizationModelId: string,
): CheckRequest {
  return {
    $typeName: 'openfga.v1.CheckRequest',
    storeId,
    tupleKey,
    authorizationModelId,
    trace: false,
    consistency: 0,
  };
}

function batchOf(): BatchCheckRequest {
  return {
    $typeName: 'openfga.v1.BatchCheckRequest',
    storeId: '',
    checks: [],
    authorizationModelId: '',
    consistency: 0,
  };
}

/** Its key is not there until it is set: so the library has it. */
function itemOf(): BatchCheckItem {
  return { $typeName: 'openfga.v1.BatchCheckItem', correlationId: '' };
}

function keyOf(user: string, relation: string, object: string): CheckRequestTupleKey {
  return { $typeName: 'openfga.v1.CheckRequestTupleKey', user, relation, object };
}

/** Larger messages are not made into one text: a name cut out of it keeps all of it in memory. */
const oneTextMax = 16_384;

/** Nearly every message names the same: that text is there already. */
const storeIds = { last: '' };
const modelIds = { last: '' };
const idLengthMax = 64;

/** Reads fields one after another. INVARIANT: at the end for good as soon as anything is odd. */
class Cursor {
  isOdd = false;
  private readonly bytes: Buffer;
  /** All of the bytes, to cut names out of; undefined where they are too many. */
  private readonly whole: string | undefined;
  private at = 0;
  private end: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.whole = bytes.length <= oneTextMax ? bytes.toString('latin1') : undefined;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  giveUp(): void {
    this.isOdd = true;
    this.at = this.end;
  }

  /** REQUIRES: not at the end. */
  byte(): number {
    return this.bytes[this.at++] as number;
  }

  /** Of a name that the message alone is about. */
  name(): string {
    const start = this.skipText();
    if (this.isOdd) return '';
    return this.whole?.slice(start, this.at) ?? this.bytes.toString('latin1', start, this.at);
  }

  /** Of an id, which others may remember: it keeps nothing else in memory. */
  id(ids: { last: string }): string {
    const start = this.skipText();
    if (this.isOdd) return '';
    if (this.whole?.slice(start, this.at) === ids.last) return ids.last;
    const id = this.bytes.toString('latin1', start, this.at);
    if (id.length <= idLengthMax) ids.last = id;
    return id;
  }

  /** Returns where the text begins, which ends where the cursor stands then. */
  private skipText(): number {
    const start = this.skipLength();
    for (let i = start; i < this.at; i++) {
      if ((this.bytes[i] as number) >= 0x80) this.giveUp();
    }
    return start;
  }

  /** Into a message, up to its end. Returns the end of the one around it. */
  enter(): number {
    const outer = this.end;
    const start = this.skipLength();
    if (!this.isOdd) {
      this.end = this.at;
      this.at = start;
    }
    return outer;
  }

  leave(outer: number): void {
    this.end = outer;
    if (this.isOdd) this.at = outer;
  }

  /** Past a length and what it measures. Returns where that begins. */
  private skipLength(): number {
    const start = this.at;
    const low = start < this.end ? this.byte() : 0x80;
    let length = low;
    if (low >= 0x80) {
      const high = this.at < this.end ? this.byte() : 0x80;
      // What is longer than 14 bits can tell is out of the ordinary.
      if (high >= 0x80) this.giveUp();
      length = (low & 0x7f) | (high << 7);
    }
    const begin = this.at;
    this.at += length;
    if (this.at > this.end) this.giveUp();
    return begin;
  }
}
