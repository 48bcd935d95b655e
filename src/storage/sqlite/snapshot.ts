/** The snapshot that the engine walks: a `TupleReader` over one read transaction. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { JsonValue } from '../../base/json.ts';
import type { ModelId } from '../../model/ids.ts';
import type { ModelRecord, Snapshot } from '../datastore.ts';
import { noGuard, noTuple, type Run } from '../tuple-reader.ts';
import { forwardIndex, reverseIndex } from './schema.ts';
import type { Texts } from './texts.ts';
import type { StoreView } from './view.ts';

/**
 * Length of the first run of a range and of those after it. Most ranges are short or decided early;
 * those that go on are worth longer runs.
 */
export const firstRunLength = 128;
export const nextRunLength = 1_024;

/**
 * The plus before a parameter keeps SQLite from planning the statement anew at every use: with
 * ORDER BY or LIMIT it would, for the bare parameter's value might suit another plan (measured:
 * 1.2 µs instead of 10).
 */
const subjectsAre = 'store = +? AND object = +? AND kind = +? AND subject > +?';
const objectsAre = 'store = +? AND subject = +? AND kind = +? AND object > +?';

/** A range in both forms: ids, negative where guarded, so that a row costs no object; and guards. */
function prepareRange(database: Database.Database, column: 'subject' | 'object') {
  const [where, index] =
    column === 'subject' ? [subjectsAre, forwardIndex] : [objectsAre, reverseIndex];
  const rest = `FROM tuple INDEXED BY ${index} WHERE ${where} ORDER BY ${column} LIMIT +?`;
  const signed = `iif(guard = ${noGuard}, ${column}, -${column})`;
  return {
    ids: database.prepare<number[], number>(`SELECT ${signed} ${rest}`).pluck(),
    guards: database.prepare<number[], number>(`SELECT guard ${rest}`).pluck(),
  };
}

function prepareSnapshots(database: Database.Database) {
  return {
    find: database
      .prepare<number[], number>(
        'SELECT guard FROM tuple WHERE store = ? AND object = ? AND kind = ? AND subject = ?',
      )
      .pluck(),
    subjects: prepareRange(database, 'subject'),
    objects: prepareRange(database, 'object'),
    latestModelId: database
      .prepare<[number], ModelId>(
        'SELECT id FROM model WHERE store = +? ORDER BY revision DESC LIMIT 1',
      )
      .pluck(),
    model: database
      .prepare<[number, string], [string, string, string]>(
        'SELECT schema_version, definition, names FROM model WHERE store = ? AND id = ?',
      )
      .raw(),
  };
}

type SnapshotStatements = ReturnType<typeof prepareSnapshots>;
type RangeStatements = SnapshotStatements['subjects'];

export interface OpenSnapshot {
  readonly snapshot: Snapshot;
  /** After it, every question is a bug of the asker. */
  close(): void;
}

export type OpenSnapshots = (view: StoreView) => OpenSnapshot;

export function createSnapshots(database: Database.Database, texts: Texts): OpenSnapshots {
  const statements = prepareSnapshots(database);
  return (view) => openSnapshot(statements, texts, view);
}

function openSnapshot(statements: SnapshotStatements, texts: Texts, view: StoreView): OpenSnapshot {
  const store = view.key;
  let open = true;
  // The kind of a tuple has the types of its entities.
  const types = new Map<number, number>();

  function alive(): void {
    assert(open, 'a snapshot is used only within its view');
  }

  function typeOf(entity: number): number {
    let type = types.get(entity);
    if (type === undefined) {
      type = texts.entityType(store, entity);
      types.set(entity, type);
    }
    return type;
  }

  function learn({ entities, end }: Run, type: number): void {
    if (end > firstRunLength) return;
    for (let at = 0; at < end; at++) types.set(entities[at] as number, type);
  }

  const snapshot: Snapshot = {
    revision: view.revision,
    store,

    /** The database does not say: any write may have been one of these tuples. */
    lastChange() {
      alive();
      return view.revision;
    },

    symbol(text) {
      alive();
      return texts.symbol(store, text);
    },

    entity(type, id) {
      alive();
      const entity = texts.entity(store, type, id);
      if (entity !== 0) types.set(entity, type);
      return entity;
    },

    entityRef(entity) {
      alive();
      return texts.entityRef(store, entity);
    },

    idsOf(entities) {
      alive();
      return entities.map((entity) => texts.entityRef(store, entity).id);
    },

    guard(guard) {
      alive();
      return texts.guard(store, guard);
    },

    find(object, relation, subject, subjectRelation) {
      alive();
      if (object <= 0 || relation <= 0 || subject <= 0 || subjectRelation < 0) return noTuple;
      const parts = [typeOf(object), relation, typeOf(subject), subjectRelation] as const;
      const kind = texts.kind(store, ...parts);
      return statements.find.get(store, object, kind, subject) ?? noTuple;
    },

    subjects(object, relation, subjectType, subjectRelation, after) {
      alive();
      if (object <= 0 || relation <= 0 || subjectType <= 0 || subjectRelation < 0) return emptyRun;
      const kind = texts.kind(store, typeOf(object), relation, subjectType, subjectRelation);
      if (kind === 0) return emptyRun;
      const run = readRun(statements.subjects, [store, object, kind], after);
      learn(run, subjectType);
      return run;
    },

    objects(subject, subjectRelation, relation, objectType, after) {
      alive();
      if (subject <= 0 || subjectRelation < 0 || relation <= 0 || objectType <= 0) return emptyRun;
      const kind = texts.kind(store, objectType, relation, typeOf(subject), subjectRelation);
      if (kind === 0) return emptyRun;
      const run = readRun(statements.objects, [store, subject, kind], after);
      learn(run, objectType);
      return run;
    },

    latestModelId() {
      alive();
      return statements.latestModelId.get(store);
    },

    model(id) {
      alive();
      const row = statements.model.get(store, id);
      return row === undefined ? undefined : modelRecord(id, ...row);
    },
  };

  return {
    snapshot,
    close() {
      open = false;
    },
  };
}

const emptyRun: Run = { entities: [], guards: undefined, start: 0, end: 0, next: 0 };

function readRun(range: RangeStatements, prefix: readonly number[], after: number): Run {
  const length = after === 0 ? firstRunLength : nextRunLength;
  // One more than is handed out tells whether there is more.
  const entities = range.ids.all(...prefix, after, length + 1);
  const end = Math.min(entities.length, length);
  let guarded = false;
  for (let i = 0; i < entities.length; i++) {
    const id = entities[i] as number;
    if (id >= 0) continue;
    entities[i] = -id;
    guarded = true;
  }
  const guards = guarded ? range.guards.all(...prefix, after, length) : undefined;
  const next = entities.length > length ? (entities[length - 1] as number) : 0;
  return { entities, guards, start: 0, end, next };
}

export function modelRecord(
  id: ModelId,
  schemaVersion: string,
  definition: string,
  names: string,
): ModelRecord {
  const list: JsonValue = JSON.parse(names);
  assert(Array.isArray(list), 'stored names are a list');
  return { id, schemaVersion, definition, names: list.map(String) };
}
