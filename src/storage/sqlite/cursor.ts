/**
 * Page cursors: opaque, and authentic. A cursor carries where the page ended and a code over that,
 * its kind, its store and its query, made with a secret of the file. So one that was altered, cut,
 * or made for another query, store or file is refused, and never starts again at page 1.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { isJsonObject, type JsonValue } from '../../base/json.ts';

const codeBytes = 16;

/** What a cursor is bound to: a list, all parts of which must be equal. */
export type CursorQuery = readonly (string | number)[];

export interface Cursors {
  /** `mark` can be read back before the rest of the query is known: the type of a change query. */
  encode(query: CursorQuery, position: readonly (string | number)[], mark?: string): string;
  /** The position; undefined for the empty cursor. */
  decode(query: CursorQuery, cursor: string, mark?: string): readonly JsonValue[] | undefined;
}

export function createCursors(secret: Uint8Array): Cursors {
  function codeOf(query: CursorQuery, payload: Uint8Array): Buffer {
    const hmac = createHmac('sha256', secret);
    const bound = Buffer.from(JSON.stringify(query));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bound.length);
    return hmac.update(length).update(bound).update(payload).digest().subarray(0, codeBytes);
  }

  function encode(query: CursorQuery, position: readonly (string | number)[], mark = ''): string {
    const payload = Buffer.from(JSON.stringify({ mark, position }));
    return Buffer.concat([codeOf(query, payload), payload]).toString('base64url');
  }

  function decode(query: CursorQuery, cursor: string, mark = ''): readonly JsonValue[] | undefined {
    if (cursor === '') return undefined;
    const bytes = Buffer.from(cursor, 'base64url');
    // Decoding passes over what it does not know; only the one spelling of these bytes counts.
    if (bytes.length <= codeBytes || bytes.toString('base64url') !== cursor) throw invalid();
    const payload = bytes.subarray(codeBytes);
    if (!timingSafeEqual(bytes.subarray(0, codeBytes), codeOf(query, payload))) throw invalid();
    const content: JsonValue = JSON.parse(payload.toString());
    if (!isJsonObject(content) || !Array.isArray(content.position)) throw invalid();
    if (content.mark !== mark) {
      throw new Refusal(
        'query_string_type_continuation_token_mismatch',
        'the type of the request and that of its continuation token are not the same',
      );
    }
    return content.position;
  }

  return { encode, decode };
}

function invalid(): Refusal {
  return new Refusal(
    'invalid_continuation_token',
    'the continuation token is not one of this query; start again without one',
  );
}

/** Cursors that any process which opens the same file understands. */
export function cursorsOf(database: Database.Database) {
  const secret = database.prepare<[], Buffer>('SELECT secret FROM file').pluck().get();
  assert(secret !== undefined, 'a migrated file has its secret');
  return createCursors(secret);
}
