/** Builders with defaults for tests of storage: stores, tuples, pages, a clock, a folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { Refusal } from '../../src/base/errors.ts';
import { canonicalJson, type JsonObject } from '../../src/base/json.ts';
import type { ModelId, StoreId } from '../../src/model/ids.ts';
import { formatTuple, parseObject, parseSubject, type Tuple } from '../../src/model/tuple.ts';
import type {
  ChangeRecord,
  Datastore,
  ModelRecord,
  Page,
  Revision,
  Snapshot,
  TupleFilter,
  TupleRecord,
  TupleWrite,
  WriteResult,
} from '../../src/storage/datastore.ts';
import type { Run, TupleReader } from '../../src/storage/tuple-reader.ts';

/** A datastore that is closed when the test ends. */
export type OpenDatastore = (clock: Clock) => Promise<Datastore>;

export function storeId(number: number): StoreId {
  return `01STZRE${String(number).padStart(19, '0')}` as StoreId;
}

export function modelId(number: number): ModelId {
  return `01MZDEK${String(number).padStart(19, '0')}` as ModelId;
}

export function modelRecord(number: number, names: readonly string[] = ['user']): ModelRecord {
  return { id: modelId(number), schemaVersion: '1.1', definition: `{"number":${number}}`, names };
}

/** `type:id#relation@subject`, with its condition's name and context where it has one. */
export function tuple(text: string, condition?: string, context: JsonObject = {}): Tuple {
  const [left = '', right = ''] = text.split('@');
  const hash = left.lastIndexOf('#');
  const object = parseObject(left.slice(0, hash));
  const subject = parseSubject(right);
  if (object === undefined || subject === undefined) throw new Error(`no tuple: ${text}`);
  return {
    object,
    relation: left.slice(hash + 1),
    subject,
    condition: condition === undefined ? undefined : { name: condition, context },
  };
}

/** Parts as they are, for ids that have no spelling. */
export function rawTuple(
  object: readonly [string, string],
  relation: string,
  subject: readonly [string, string, string?],
): Tuple {
  return {
    object: { type: object[0], id: object[1] },
    relation,
    subject: { type: subject[0], id: subject[1], relation: subject[2] ?? '' },
    condition: undefined,
  };
}

export function writing(...tuples: readonly (string | Tuple)[]): TupleWrite {
  return { ...nothing, writes: tuples.map(asTuple) };
}

export function deleting(...tuples: readonly (string | Tuple)[]): TupleWrite {
  return { ...nothing, deletes: tuples.map(asTuple) };
}

export const nothing: TupleWrite = {
  writes: [],
  deletes: [],
  onDuplicate: 'error',
  onMissing: 'error',
};

function asTuple(given: string | Tuple): Tuple {
  return typeof given === 'string' ? tuple(given) : given;
}

/** All rows, read in pages of this size. */
export async function allRows<Row>(
  pageSize: number,
  read: (query: { pageSize: number; cursor: string }) => Promise<Page<Row>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = '';
  do {
    const page = await read({ pageSize, cursor });
    if (page.rows.length > pageSize) throw new Error('a page is longer than was asked for');
    if (cursor !== '' && page.cursor === cursor) throw new Error('a cursor leads to itself');
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== '');
  return rows;
}

export async function readAll(
  datastore: Datastore,
  store: StoreId,
  filter: TupleFilter = {},
  pageSize = 50,
): Promise<string[]> {
  const rows: TupleRecord[] = await allRows(pageSize, (query) =>
    datastore.readTuples(store, filter, query),
  );
  return rows.map((row) => formatTuple(row.tuple));
}

/** The whole changelog, read in pages of this size. */
export async function changesOf(
  datastore: Datastore,
  store: StoreId,
  objectType = '',
  pageSize = 50,
): Promise<ChangeRecord[]> {
  const rows: ChangeRecord[] = [];
  let cursor = '';
  while (true) {
    const query = { pageSize, cursor, objectType, since: undefined };
    const page = await datastore.readChanges(store, query);
    if (page.rows.length === 0) return rows;
    if (page.cursor === cursor) throw new Error('a cursor leads to itself');
    rows.push(...page.rows);
    cursor = page.cursor;
  }
}

export function formatChange({ operation, tuple, revision }: ChangeRecord): string {
  return `${revision} ${operation === 'write' ? '+' : '-'} ${formatTuple(tuple)}`;
}

/** A tuple with all of its condition. */
export function fullText(given: Tuple): string {
  const { condition } = given;
  return condition === undefined
    ? formatTuple(given)
    : `${formatTuple(given)} ${canonicalJson(condition.context)}`;
}

/** The tuples, as full texts, that a changelog comes to. */
export function replay(changes: readonly ChangeRecord[]): string[] {
  const tuples = new Map<string, string>();
  for (const { operation, tuple } of changes) {
    const key = formatTuple({ ...tuple, condition: undefined });
    if (operation === 'write') tuples.set(key, fullText(tuple));
    else tuples.delete(key);
  }
  return [...tuples.values()];
}

/** Every entity of a range, run by run. */
export function drain(read: (after: number) => Run): { entities: number[]; guards: number[] } {
  const entities: number[] = [];
  const guards: number[] = [];
  let after = 0;
  do {
    const run = read(after);
    for (let i = run.start; i < run.end; i++) {
      entities.push(run.entities[i] as number);
      guards.push(run.guards === undefined ? 0 : (run.guards[i] as number));
    }
    after = run.next;
  } while (after !== 0);
  return { entities, guards };
}

/** Ids of `type:id`, looked up in a snapshot. */
export function entityOf(snapshot: Snapshot, text: string): number {
  const object = parseObject(text);
  if (object === undefined) throw new Error(`no object: ${text}`);
  return snapshot.entity(snapshot.symbol(object.type), object.id);
}

/** `find` by text. */
export function findTuple(snapshot: Snapshot, text: string): number {
  const { object, relation, subject } = tuple(text);
  return snapshot.find(
    entityOf(snapshot, `${object.type}:${object.id}`),
    snapshot.symbol(relation),
    entityOf(snapshot, `${subject.type}:${subject.id}`),
    subject.relation === '' ? 0 : snapshot.symbol(subject.relation),
  );
}

/** The revision of a write that was not a repeat. */
export async function revisionOf(write: Promise<WriteResult>): Promise<Revision> {
  const { revision, repeated } = await write;
  if (repeated) throw new Error('the write was done before');
  return revision;
}

/** The code of the refusal that a promise ends with. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'not refused';
}

export interface ManualClock extends Clock {
  set(now: number): void;
}

export function manualClock(start = 1_700_000_000_000): ManualClock {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    set(value) {
      now = value;
    },
  };
}

/** What a reader hands over as bytes, as texts; its texts where it has no bytes. */
export function takenIds(reader: TupleReader, entities: readonly number[]): string[] {
  if (reader.takeIds === undefined) return reader.idsOf(entities);
  const taken: string[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  reader.takeIds(entities, ({ buffer, byteOffset }, starts, lengths, count) => {
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(buffer, byteOffset + starts[i]!, lengths[i]);
      // A decoder takes no memory that is shared.
      taken.push(decoder.decode(Uint8Array.from(bytes)));
    }
  });
  return taken;
}

/** A folder of the test's own, removed when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-storage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function revisions(count: number): Revision[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
