/**
 * The one writer of a database: runs groups of commands, each group in one transaction (one fsync
 * for all), in which they fail or succeed one by one. Most often all succeed, so a group is tried
 * without savepoints, which copy every page that is changed; where one fails, it is begun anew with
 * a savepoint for each. Synchronous; it runs in the writer's thread, or in this one over `:memory:`.
 */
import type Database from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { ModelRecord, TupleImport } from '../datastore.ts';
import type { RevisionBoard } from '../resident/revision-board.ts';
import { createApplying, type TupleTarget } from './apply-tuples.ts';
import { createCollecting } from './collect.ts';
import { type Command, type Done, faultOf, type Group, type Outcome } from './command.ts';
import { createDeleting, type Deleted } from './delete-tuples.ts';
import { createNaming, type NamedEntity } from './entity-names.ts';
import { createDoneWrites, digestOf, digestOfImport, refuseBadKey } from './idempotency.ts';
import { createImporting } from './import-tuples.ts';
import { type Counters, createInterning, type KindKey } from './interner.ts';
import { createPurge } from './purge.ts';
import { endsTransaction, storageRefusal } from './storage-fault.ts';
import { prepareWriting } from './writer-statements.ts';

export interface Writer {
  /** ENSURES: what succeeded is committed. One outcome for each command, in their order. */
  run(group: Group): readonly Outcome[];
  /** Removes some rows of deleted stores. ENSURES: true while there are more. */
  purge(): boolean;
  /** Removes some of what has expired by now. */
  collect(at: number): Collected;
  /** Folds the WAL into the file and closes the connection. */
  close(): void;
}

export interface Collected {
  /** Those of which something was collected. */
  readonly stores: readonly StoreId[];
  readonly more: boolean;
  /** When the next will expire; undefined where nothing ever will. */
  readonly nextDue: number | undefined;
}

/**
 * What the writer remembers of a store between commands.
 * INVARIANT: equal to its row as the open transaction has it, or will have it when it is committed;
 * forgotten when that is rolled back.
 */
interface StoreState {
  readonly key: number;
  readonly name: string | null;
  readonly revision: number;
  readonly committedAt: number;
  readonly counters: Readonly<Counters>;
  readonly symbols: Map<string, number>;
  readonly kinds: Map<KindKey, number>;
}

/** What a command came to. Where nothing changed, everything it did is rolled back. */
interface Applied extends Done {
  readonly changed: boolean;
}

/** The work of a command on one store. ENSURES: whether it changed anything. */
type Change = (change: TupleTarget) => boolean;

const statesKept = 1_000;
/** Groups that have savepoints at once after one of which a command failed: the next may well, too. */
const carefulGroups = 50;
/** Symbols, and kinds, remembered per store; a model names a few dozen. */
const symbolsKept = 10_000;

/** `board` is where other threads look for what was committed. */
export function createWriter(database: Database.Database, board?: RevisionBoard): Writer {
  const statements = prepareWriting(database);
  const createInterner = createInterning(database);
  const applyTuples = createApplying(database);
  const importTuples = createImporting(database);
  const deleteTuples = createDeleting(database);
  const doneWrites = createDoneWrites(database);
  const collecting = createCollecting(database);
  const purge = createPurge(database);
  const addNames = createNaming(database);
  const states = new LRUCache<string, StoreState>({ max: statesKept });
  /** Revisions by store key, of the open transaction; undefined for a store that it deletes. */
  const uncommitted = new Map<number, number | undefined>();
  /** What the open transaction has still to save: a row a store, however many commands changed it. */
  const unsaved = new Map<StoreId, StoreState>();
  /** The same of entities: those that it made, by store key. */
  const unnamed = new Map<number, NamedEntity[]>();
  let careful = 0;
  let dataVersion = statements.dataVersion.get();

  function run(group: Group): readonly Outcome[] {
    try {
      const done = careful > 0 ? undefined : runAll(group);
      if (done !== undefined) return done;
      careful = Math.max(0, careful - 1);
      begin();
      const outcomes = group.commands.map((command) => runOne(command, group.at));
      commit();
      return outcomes;
    } catch (error) {
      abandon();
      const fault = faultOf(storageRefusal(error));
      return group.commands.map(() => ({ fault }));
    }
  }

  /** Without savepoints. ENSURES: undefined, and nothing done, where one of them changes nothing. */
  function runAll({ commands, at }: Group): readonly Outcome[] | undefined {
    const outcomes: Outcome[] = [];
    begin();
    for (const command of commands) {
      const outcome = attempt(command, at);
      if (outcome === undefined) {
        abandon();
        careful = carefulGroups;
        return undefined;
      }
      outcomes.push(outcome);
    }
    commit();
    return outcomes;
  }

  /** Throws what ends the whole group. ENSURES: undefined where it has to be undone. */
  function attempt(command: Command, at: number): Outcome | undefined {
    try {
      const { changed, ...done } = apply(command, at);
      return changed ? done : undefined;
    } catch (error) {
      if (endsTransaction(error) || !database.inTransaction) throw error;
      return undefined;
    }
  }

  function begin(): void {
    statements.begin.run();
    // Another process may write to the same file: then nothing that is remembered holds.
    const now = statements.dataVersion.get();
    if (now !== dataVersion) states.clear();
    dataVersion = now;
  }

  /** ENSURES: whoever answers from memory knows of it before anybody is told that it is done. */
  function commit(): void {
    for (const { key, revision, committedAt, counters } of unsaved.values()) {
      const { symbols, entities, guards, kinds } = counters;
      const counted = [symbols, entities, guards, kinds];
      statements.saveStore.run(revision, committedAt, ...counted, key);
    }
    unsaved.clear();
    for (const [key, entities] of unnamed) addNames(key, entities);
    unnamed.clear();
    statements.commit.run();
    for (const [key, revision] of uncommitted) {
      if (revision === undefined) board?.withdraw(key);
      else board?.publish(key, revision);
    }
    uncommitted.clear();
  }

  function abandon(): void {
    states.clear();
    unsaved.clear();
    unnamed.clear();
    uncommitted.clear();
    if (database.inTransaction) statements.rollback.run();
  }

  /** Throws only what ends the whole group. */
  function runOne(command: Command, at: number): Outcome {
    statements.savepoint.run();
    try {
      const { changed, ...done } = apply(command, at);
      if (!changed) statements.rollbackTo.run();
      statements.release.run();
      return done;
    } catch (error) {
      if (endsTransaction(error) || !database.inTransaction) throw error;
      statements.rollbackTo.run();
      statements.release.run();
      return { fault: faultOf(error) };
    }
  }

  function apply(command: Command, at: number): Applied {
    const { store } = command;
    switch (command.kind) {
      case 'createStore':
        return createStore(store, command.name, at);
      case 'deleteStore':
        return deleteStore(store);
      case 'writeTuples':
        return command.write.idempotencyKey === undefined
          ? change(store, at, (target) => applyTuples(target, command.write) > 0)
          : doOnce(store, at, {
              key: command.write.idempotencyKey,
              digest: digestOf(command.write),
              work: (target) => applyTuples(target, command.write) > 0,
            });
      case 'importTuples':
        return importBlock(store, command.load, at);
      case 'deleteTuples':
        return deleteMatching(command, at);
      case 'writeModel':
        return change(store, at, (target) => addModel(target, command.model));
      case 'writeAssertions':
        return change(store, at, ({ store: key, revision }) => {
          statements.putAssertions.run(key, command.model, revision, command.assertions);
          return true;
        });
    }
  }

  /** Runs one change of a store; only when it is done is anything of it remembered. */
  function change(store: StoreId, at: number, work: Change): Applied {
    const state = stateOf(store) ?? addStore(store, at);
    const counters = { ...state.counters };
    const interner = createInterner(state.key, state, counters);
    const revision = state.revision + 1;
    if (!work({ store: state.key, revision, at, interner })) {
      return { value: state.revision, changed: false };
    }
    const committedAt = Math.max(at, state.committedAt);
    statements.addRevision.run(state.key, revision, committedAt);
    const symbols = added(state.symbols, interner.learnt.symbols);
    const kinds = added(state.kinds, interner.learnt.kinds);
    const changed = { ...state, revision, committedAt, counters, symbols, kinds };
    states.set(store, changed);
    unsaved.set(store, changed);
    name(state.key, interner.made);
    uncommitted.set(state.key, revision);
    return { value: revision, changed: true };
  }

  function name(key: number, made: readonly NamedEntity[]): void {
    if (made.length === 0) return;
    const before = unnamed.get(key);
    if (before === undefined) unnamed.set(key, [...made]);
    else for (const entity of made) before.push(entity);
  }

  /** A key is remembered with its write, also where that changed nothing: a retry must not either. */
  function doOnce(
    store: StoreId,
    at: number,
    { key, digest, work }: { key: string; digest: Buffer; work: Change },
  ): Applied {
    refuseBadKey(key);
    const known = stateOf(store);
    const done = known && doneWrites.find({ store: known.key, key, digest, at });
    if (done !== undefined) return { value: done, repeated: true, changed: false };
    const applied = change(store, at, (target) => {
      const changed = work(target);
      const { store: own, revision } = target;
      doneWrites.remember({ store: own, key, digest, at }, changed ? revision : revision - 1);
      return changed;
    });
    return { ...applied, changed: true };
  }

  function importBlock(store: StoreId, load: TupleImport, at: number): Applied {
    const work: Change = (target) => importTuples(target, load) > 0;
    const { idempotencyKey: key } = load;
    if (key === undefined) return change(store, at, work);
    return doOnce(store, at, { key, digest: digestOfImport(load), work });
  }

  function deleteMatching(
    { store, filter, limit, from }: Extract<Command, { kind: 'deleteTuples' }>,
    at: number,
  ): Applied {
    const state = stateOf(store);
    const isOther = from !== undefined && from.store !== state?.key;
    let deleted: Deleted = { count: 0, next: undefined };
    if (state === undefined || isOther) {
      return { value: state?.revision ?? 0, deleted, changed: false };
    }
    const first = { store: state.key, upTo: state.revision, after: undefined };
    const applied = change(store, at, (target) => {
      deleted = deleteTuples(target, { filter, limit, from: from ?? first });
      return deleted.count > 0;
    });
    return { ...applied, deleted };
  }

  function collect(at: number): Collected {
    try {
      begin();
      let tuples = 0;
      const due = collecting.due(at);
      for (const [store, rows] of due) {
        tuples += rows.length;
        change(store, at, (target) => {
          collecting.collectTuples(target, rows);
          return true;
        });
      }
      const keys = collecting.collectKeys(at);
      const nextDue = collecting.nextDue();
      commit();
      const more = Math.max(tuples, keys) === limits.collectedPerStepMax;
      return { stores: [...due.keys()], more, nextDue };
    } catch (error) {
      abandon();
      throw storageRefusal(error);
    }
  }

  function addModel(target: Parameters<Change>[0], model: ModelRecord): boolean {
    const { store, revision, interner } = target;
    if (statements.hasModel.get(store, model.id) !== undefined) {
      throw new Refusal('already_exists', `the model \`${model.id}\` exists already`);
    }
    for (const name of model.names) interner.symbol(name);
    const names = JSON.stringify(model.names);
    const { id, schemaVersion, definition } = model;
    statements.addModel.run(store, revision, id, schemaVersion, definition, names);
    return true;
  }

  function createStore(store: StoreId, name: string, at: number): Applied {
    const state = stateOf(store) ?? addStore(store, at);
    if (state.name !== null) {
      throw new Refusal('already_exists', `the store \`${store}\` exists already`);
    }
    statements.nameStore.run(name, at, at, state.key);
    const named = { ...state, name };
    states.set(store, named);
    if (unsaved.has(store)) unsaved.set(store, named);
    return { value: at, changed: true };
  }

  function deleteStore(store: StoreId): Applied {
    const state = stateOf(store);
    if (state === undefined) return { value: 0, changed: false };
    statements.removeStore.run(state.key);
    statements.addPurge.run(state.key);
    states.delete(store);
    unsaved.delete(store);
    unnamed.delete(state.key);
    uncommitted.set(state.key, undefined);
    return { value: 0, changed: true };
  }

  function stateOf(store: StoreId): StoreState | undefined {
    const remembered = unsaved.get(store) ?? states.get(store);
    if (remembered !== undefined) return remembered;
    const row = statements.findStore.get(store);
    if (row === undefined) return undefined;
    const [key, name, revision, committedAt, symbols, entities, guards, kinds] = row;
    const counters = { symbols, entities, guards, kinds };
    const memory = { symbols: new Map(), kinds: new Map() };
    const state = { key, name, revision, committedAt, counters, ...memory };
    states.set(store, state);
    return state;
  }

  /** Not remembered yet: the command may still fail, and the row with it. */
  function addStore(store: StoreId, at: number): StoreState {
    const key = Number(statements.addStore.run(store, at, at).lastInsertRowid);
    assert(key > 0, 'store keys begin at 1');
    const counters = { symbols: 0, entities: 0, guards: 0, kinds: 0 };
    const memory = { symbols: new Map(), kinds: new Map() };
    return { key, name: null, revision: 0, committedAt: 0, counters, ...memory };
  }

  function close(): void {
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
  }

  return { run, purge, collect, close };
}

/** With what a command has learnt. All of it is forgotten where it is too much. */
function added<Key>(memory: Map<Key, number>, learnt: ReadonlyMap<Key, number>): Map<Key, number> {
  const kept = memory.size > symbolsKept ? new Map<Key, number>() : memory;
  for (const [key, id] of learnt) kept.set(key, id);
  return kept;
}
