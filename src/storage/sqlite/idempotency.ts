/**
 * Idempotency keys: which writes were done already. A key is remembered in the transaction of its
 * write, with a digest of all that the write says, so that a retry is told from another write.
 */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
import { canonicalJson, type JsonValue } from '../../base/json.ts';
import { limits } from '../../base/limits.ts';
import type { BareTuple, Tuple } from '../../model/tuple.ts';
import type { TupleImport, TupleWrite } from '../datastore.ts';
import { filterParts } from './tuple-range.ts';

export interface KeyedWrite {
  readonly store: number;
  readonly key: string;
  readonly digest: Buffer;
  readonly at: number;
}

export interface DoneWrites {
  /** The revision of the write that was done under the key. Refusal where it is another write. */
  find(write: KeyedWrite): number | undefined;
  remember(write: KeyedWrite, revision: number): void;
}

export function createDoneWrites(database: Database.Database): DoneWrites {
  const find = database
    .prepare<[number, string, number], [Buffer, number]>(
      'SELECT digest, revision FROM idempotency WHERE store = ? AND key = ? AND written_at > ?',
    )
    .raw();
  const put = database.prepare(
    `INSERT OR REPLACE INTO idempotency (store, key, digest, revision, written_at)
     VALUES (?, ?, ?, ?, ?)`,
  );
  return {
    find({ store, key, digest, at }) {
      const row = find.get(store, key, forgottenBy(at));
      if (row === undefined) return undefined;
      if (!digest.equals(row[0])) throw otherWrite(key);
      return row[1];
    },
    remember({ store, key, digest, at }, revision) {
      put.run(store, key, digest, revision, at);
    },
  };
}

/** Keys of writes up to this time are forgotten, whether their rows are gone yet or not. */
export function forgottenBy(at: number): number {
  return at - limits.idempotencyKeptMs;
}

/**
 * Of all that a write says but its key. Injective: JSON tells texts and lists apart, and every part has
 * its place. Lists count in their order.
 */
export function digestOf(write: TupleWrite): Buffer {
  const { deletes, writes, preconditions = [], onDuplicate, onMissing } = write;
  const said: JsonValue = [
    preconditions.map(({ filter, must }) => [filterParts(filter), must]),
    deletes.map(keyParts),
    writes.map(tupleParts),
    onDuplicate,
    onMissing,
  ];
  return createHash('sha256').update(canonicalJson(said)).digest();
}

/** The same of an import: of what its arrays hold, in their order. */
export function digestOfImport({ block, onDuplicate }: TupleImport): Buffer {
  const { symbols, entityTypes, entityIds, rows, guards } = block;
  const guarded = guards.map(({ condition, expiresAt }) => [
    condition === undefined ? null : [condition.name, condition.context],
    expiresAt ?? null,
  ]);
  const said: JsonValue = [[...symbols], entityIds, guarded, onDuplicate];
  const hash = createHash('sha256').update(canonicalJson(said));
  for (const array of [entityTypes, rows]) {
    hash
      .update(`\n${array.length}\n`)
      .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return hash.digest();
}

function keyParts({ object, relation, subject }: BareTuple): JsonValue {
  return [object.type, object.id, relation, subject.type, subject.id, subject.relation];
}

function tupleParts(tuple: Tuple): JsonValue {
  const { condition, expiresAt } = tuple;
  const guard = condition === undefined ? null : [condition.name, condition.context];
  return [keyParts(tuple), guard, expiresAt ?? null];
}

/** Two keys with lone surrogates would become one in UTF-8. */
export function refuseBadKey(key: string): void {
  if (key.isWellFormed()) return;
  throw new Refusal('validation_error', 'the idempotency key is not valid Unicode');
}

function otherWrite(key: string): Refusal {
  return new Refusal(
    'validation_error',
    `the idempotency key \`${key}\` belongs to another write: a retry must say exactly what the first one said, and a new write needs a key of its own`,
  );
}
