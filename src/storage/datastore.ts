/**
 * The storage contract, in its two roles. `Datastore` is the record: asynchronous, authoritative,
 * durable. `LocalReads` answers from this machine, synchronously, at one revision. One SQLite file
 * plays both; a follower of a remote record keeps its own local copy.
 *
 * Every write that commits takes the next revision of its store (1, 2, 3, …) and appears whole in
 * the changelog at that revision. A store comes into being with the first write under its id; only
 * `readStore` and `listStores` tell whether somebody created it by name.
 *
 * From the instant at which a tuple expires it does not exist for any method, by the datastore's
 * clock, whether it was collected yet or not. Snapshots alone show it until then, with its expiry.
 */
import type { JsonValue } from '../base/json.ts';
import type { ModelId, StoreId } from '../model/ids.ts';
import type { BareTuple, Tuple } from '../model/tuple.ts';
import type { TupleBlock } from './tuple-block.ts';
import type { TupleReader } from './tuple-reader.ts';

/** Position in a store's order of writes; 0 before the first. */
export type Revision = number;

export interface StoreRecord {
  readonly id: StoreId;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A model as it was written. `definition` is its JSON text in the wire's form; storage never reads it. */
export interface ModelRecord {
  readonly id: ModelId;
  readonly schemaVersion: string;
  readonly definition: string;
  /** Type, relation and condition names of the model: the store interns them with the model. */
  readonly names: readonly string[];
}

export interface TupleRecord {
  readonly tuple: Tuple;
  /** When it was written, in milliseconds since 1970. */
  readonly writtenAt: number;
}

export interface ChangeRecord extends TupleRecord {
  /** A tuple that is written again while it is there has a new condition or expiry from then on. */
  readonly operation: 'write' | 'delete';
  /** Of a delete: whether nobody asked for it, but the tuple had expired. */
  readonly expired: boolean;
  readonly revision: Revision;
}

export interface TupleWrite {
  /** Judged before anything is changed. */
  readonly preconditions?: readonly Precondition[];
  /** Applied before `writes`. */
  readonly deletes: readonly BareTuple[];
  readonly writes: readonly Tuple[];
  /**
   * A tuple that exists already: refuse the whole write, leave it as it is if it is identical, or
   * give it the condition and the expiry of this one.
   */
  readonly onDuplicate: 'error' | 'ignore' | 'replace';
  /** A tuple to delete that does not exist: refuse the whole write, or pass over it. */
  readonly onMissing: 'error' | 'ignore';
  /**
   * A write with a key that succeeded is not done again: within `limits.idempotencyKeptMs` the same
   * write with the same key changes nothing, and returns what the first one did.
   */
  readonly idempotencyKey?: string;
}

/** A chunk of a bulk load. Each part is as in a write. */
export interface TupleImport {
  readonly block: TupleBlock;
  readonly onDuplicate: TupleWrite['onDuplicate'];
  readonly idempotencyKey?: string;
}

/** Whether any tuple matches. REQUIRES: the filter names an object or a subject: a look-up, no scan. */
export interface Precondition {
  readonly filter: TupleFilter;
  readonly must: 'exist' | 'not_exist';
}

export interface WriteResult {
  readonly revision: Revision;
  /** Whether it was done before, under the same idempotency key, and the revision is that one's. */
  readonly repeated: boolean;
}

/** What tuples are asked for: every part that is given must match. */
export interface TupleFilter {
  readonly objectType?: string;
  /** REQUIRES: `objectType`. */
  readonly objectId?: string;
  readonly relation?: string;
  readonly subject?: Tuple['subject'];
  /** Subjects of this type, usersets and the wildcard included. REQUIRES: no `subject`. */
  readonly subjectType?: string;
}

/**
 * A round of deleting by filter. The cursor of the first round is empty; each round returns that of
 * the next. Only tuples that were written before the first round are deleted, so that the rounds come to
 * an end though others go on writing.
 */
export interface DeleteQuery {
  readonly filter: TupleFilter;
  /** Tuples to delete in this round, in one transaction. */
  readonly limit: number;
  readonly cursor: string;
}

export interface DeleteResult {
  /** May be 0 before the end: a round looks at a bounded number of tuples. */
  readonly deleted: number;
  /** '' when there is nothing left. */
  readonly cursor: string;
  readonly revision: Revision;
}

/**
 * A page in a fixed order. `cursor` is opaque to everyone but the datastore that made it; an empty
 * one starts at the beginning. A cursor that is not of this query or this store is refused with
 * `invalid_continuation_token`.
 */
export interface PageQuery {
  readonly pageSize: number;
  readonly cursor: string;
}

/** A page that may end early. */
export interface FittingQuery<Row> extends PageQuery {
  /** Whether there is room for the next row as well; asked of each, in order. The first one fits. */
  readonly fits?: (row: Row) => boolean;
}

/** The first rows, as far as they fit. */
export function fitting<Row>(rows: Iterable<Row>, fits: (row: Row) => boolean = () => true): Row[] {
  const page: Row[] = [];
  for (const row of rows) {
    if (!fits(row) && page.length > 0) break;
    page.push(row);
  }
  return page;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** '' at the end. */
  readonly cursor: string;
  /** The revision at which the page was read; 0 where the rows belong to no store. */
  readonly revision: Revision;
}

export interface ChangeQuery extends FittingQuery<ChangeRecord> {
  /** Only changes of objects of this type; '' for all. The cursor is bound to it (error 2052). */
  readonly objectType: string;
  /** Only changes at or after this time (milliseconds since 1970), where there is no cursor. */
  readonly since: number | undefined;
}

/** Makes cursors authentic: whoever has no secret of the record cannot make or alter one. */
export interface Cursors {
  /** A cursor at this position, bound to a query: a list, all parts of which must be equal. */
  encode(query: readonly (string | number)[], position: readonly (string | number)[]): string;
  /**
   * The position; undefined for the empty cursor. ENSURES: what `encode` did not make for this query
   * is refused with `invalid_continuation_token`.
   */
  decode(query: readonly (string | number)[], cursor: string): readonly JsonValue[] | undefined;
}

export interface Datastore {
  readonly local: LocalReads;

  /** For lists that are pages of an answer, not of what is stored. The same for all who share it. */
  readonly cursors: Cursors;

  createStore(store: { id: StoreId; name: string }): Promise<StoreRecord>;
  readStore(store: StoreId): Promise<StoreRecord | undefined>;
  /** In the order of their ids. `name` '' lists all, else those of exactly this name. */
  listStores(query: PageQuery & { name: string }): Promise<Page<StoreRecord>>;
  /** ENSURES: nothing of the store can be read any more. Deleting an unknown store is no error. */
  deleteStore(store: StoreId): Promise<void>;

  /** ENSURES: the model is the latest of its store. */
  writeModel(store: StoreId, model: ModelRecord): Promise<Revision>;
  /** Newest first. */
  listModels(store: StoreId, query: PageQuery): Promise<Page<ModelRecord>>;

  /**
   * Deletes, then writes, all or nothing. Refusals: `failed_precondition` when a precondition does
   * not hold; `write_failed_due_to_invalid_input` when a tuple to write exists or one to delete does
   * not; `aborted` when `ignore` meets the same key with another condition or expiry;
   * `validation_error` when a tuple would be expired as it is written, or the idempotency key belongs
   * to another write. A write that changes nothing takes no revision and returns the current one.
   * REQUIRES: no key occurs twice.
   */
  write(store: StoreId, write: TupleWrite): Promise<WriteResult>;

  /**
   * Writes the tuples of a block, all or nothing, as `write` would, faster. In the changelog they stand in
   * the order of their keys.
   */
  importTuples(store: StoreId, load: TupleImport): Promise<WriteResult>;

  /**
   * Deletes tuples that match, in the order of the keys. Refusal `invalid_continuation_token` for a
   * cursor that is not of this filter and store.
   */
  deleteTuples(store: StoreId, query: DeleteQuery): Promise<DeleteResult>;

  /**
   * Deletes what has expired by now, tuples and idempotency keys. It is done from time to time by
   * itself, and makes no difference to any read but that of the changelog.
   */
  collectExpired(): Promise<void>;

  /** Those that have not expired, in the order of the keys, the same on every page. */
  readTuples(
    store: StoreId,
    filter: TupleFilter,
    query: FittingQuery<TupleRecord>,
  ): Promise<Page<TupleRecord>>;

  /**
   * Holds the newest revision of the store, to read tuples from page by page, as `readTuples` does.
   * It is one of the snapshots of `LocalReads.hold`. A datastore in memory holds nothing: there a
   * page of another revision is refused with `aborted`.
   */
  holdTuples(store: StoreId, waitMs: number): Promise<HeldTuples>;

  /**
   * In commit order. The cursor resumes after the last row; at the end it is the query's own, or ''
   * where the store has no change at all.
   */
  readChanges(store: StoreId, query: ChangeQuery): Promise<Page<ChangeRecord>>;

  /** `assertions` is JSON text; storage never reads it. Replaces those of the model. */
  writeAssertions(store: StoreId, model: ModelId, assertions: string): Promise<Revision>;
  readAssertions(store: StoreId, model: ModelId): Promise<string | undefined>;

  /** The newest revision that the record has acknowledged. */
  head(store: StoreId): Promise<Revision>;

  /** Refusal `unavailable` when the record cannot be reached or cannot be written. */
  ready(): Promise<void>;

  /** Finishes what was accepted, then lets go of the files. */
  close(): Promise<void>;
}

/** All of one store at one revision, tuples and models alike. */
export interface Snapshot extends TupleReader {
  readonly revision: Revision;
  latestModelId(): ModelId | undefined;
  model(id: ModelId): ModelRecord | undefined;
}

/** One revision of a store, kept while others write. Let go of it soon: it keeps the disk from reuse. */
export interface HeldSnapshot extends Disposable {
  /**
   * Runs `read` over the revision that is held, the same each time. ENSURES: errors of storage are
   * refusals, as in `LocalReads.view`. REQUIRES: `read` is synchronous, and the snapshot not let go.
   */
  view<Result>(read: (snapshot: Snapshot) => Result): Result;
}

/** The same for pages of tuples. */
export interface HeldTuples extends Disposable {
  read(filter: TupleFilter, query: PageQuery): Page<TupleRecord>;
}

export interface LocalReads {
  /**
   * Runs `read` over the newest local revision of the store. The snapshot is dead once it returns.
   * REQUIRES: `read` is synchronous.
   */
  view<Result>(store: StoreId, read: (snapshot: Snapshot) => Result): Result;

  /** Whether `hold` can be asked; a database in memory has one connection, and it must not wait. */
  readonly canHold: boolean;

  /**
   * Holds the newest local revision of the store. There are `limits.heldSnapshotsMax` to be had;
   * `resource_exhausted` when none came free within the wait. REQUIRES: `canHold`.
   */
  hold(store: StoreId, waitMs: number): Promise<HeldSnapshot>;

  /** Resolves to true once the local revision is at least this one, to false after the wait. */
  reach(store: StoreId, revision: Revision, waitMs: number): Promise<boolean>;
}
