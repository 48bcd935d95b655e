/**
 * The storage contract, in its two roles. `Datastore` is the record: asynchronous, authoritative,
 * durable. `LocalReads` answers from this machine, synchronously, at one revision. One SQLite file
 * plays both; a follower of a remote record keeps its own local copy.
 *
 * Every write that commits takes the next revision of its store (1, 2, 3, …) and appears whole in
 * the changelog at that revision. A store comes into being with the first write under its id; only
 * `readStore` and `listStores` tell whether somebody created it by name.
 */
import type { ModelId, StoreId } from '../model/ids.ts';
import type { BareTuple, Tuple } from '../model/tuple.ts';
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
  readonly operation: 'write' | 'delete';
  readonly revision: Revision;
}

export interface TupleWrite {
  /** Applied before `writes`. */
  readonly deletes: readonly BareTuple[];
  readonly writes: readonly Tuple[];
  /** A tuple that exists already: refuse the whole write, or leave it as it is if it is identical. */
  readonly onDuplicate: 'error' | 'ignore';
  /** A tuple to delete that does not exist: refuse the whole write, or pass over it. */
  readonly onMissing: 'error' | 'ignore';
}

/** What a Read asks for: every part that is given must match. */
export interface TupleFilter {
  readonly objectType?: string;
  /** REQUIRES: `objectType`. */
  readonly objectId?: string;
  readonly relation?: string;
  readonly subject?: Tuple['subject'];
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

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** '' at the end. */
  readonly cursor: string;
  /** The revision at which the page was read; 0 where the rows belong to no store. */
  readonly revision: Revision;
}

export interface ChangeQuery extends PageQuery {
  /** Only changes of objects of this type; '' for all. The cursor is bound to it (error 2052). */
  readonly objectType: string;
  /** Only changes at or after this time (milliseconds since 1970), where there is no cursor. */
  readonly since: number | undefined;
}

export interface Datastore {
  readonly local: LocalReads;

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
   * Deletes, then writes, all or nothing. Refusals: `write_failed_due_to_invalid_input` when a tuple
   * to write exists or one to delete does not; `aborted` when `ignore` meets the same key with
   * another condition. A write that changes nothing takes no revision and returns the current one.
   * REQUIRES: no key occurs twice.
   */
  write(store: StoreId, write: TupleWrite): Promise<Revision>;

  /** In the order of the keys, the same on every page. */
  readTuples(store: StoreId, filter: TupleFilter, query: PageQuery): Promise<Page<TupleRecord>>;

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
