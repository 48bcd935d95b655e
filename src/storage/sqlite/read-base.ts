/** Reads a store whole into the base of a resident graph, from rows that are integers already. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { ModelId } from '../../model/ids.ts';
import { type Base, BaseBuilder } from '../resident/base.ts';
import { TooLarge } from '../resident/too-large.ts';
import { createEntityNames } from './entity-names.ts';
import { forwardIndex } from './schema.ts';
import type { StoreView } from './view.ts';

type TupleRow = [object: number, kind: number, subject: number, guard: number];

/** id, relation, subject_type, subject_relation */
type KindRow = [number, number, number, number];

/**
 * REQUIRES: the view's read transaction is open: the base is of its revision.
 * ENSURES: undefined for a store that would take more memory than this, before all of it is read.
 */
export function readBase(
  database: Database.Database,
  view: StoreView,
  bytesMax: number,
): Base | undefined {
  try {
    return readWhole(database, view, bytesMax);
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

function readWhole(
  database: Database.Database,
  { key, revision }: StoreView,
  bytesMax: number,
): Base {
  const builder = new BaseBuilder(
    {
      entities: numberOf(database, 'SELECT entities FROM store WHERE key = ?', key),
      tuples: numberOf(database, 'SELECT count(*) FROM tuple WHERE store = ?', key),
    },
    bytesMax,
  );
  const entities = createEntityNames(database).after(key, 0);
  for (const { id, type, name } of entities) builder.addEntity(id, type, name);
  const tuples = database
    .prepare<[number], TupleRow>(
      `SELECT object, kind, subject, guard
       FROM tuple INDEXED BY ${forwardIndex} WHERE store = ? ORDER BY object, kind, subject`,
    )
    .raw();
  const kinds = kindsOf(database, key);
  for (const [object, kind, subject, guard] of tuples.iterate(key)) {
    const [, relation, subjectType, subjectRelation] = kinds[kind - 1] ?? noKind;
    builder.addTuple(object, relation, subjectType, subjectRelation, subject, guard);
  }
  const latestModel = database
    .prepare<[number], ModelId>(
      'SELECT id FROM model WHERE store = ? ORDER BY revision DESC LIMIT 1',
    )
    .pluck()
    .get(key);
  const symbols = symbolsOf(database, key);
  const counted = numberOf(database, 'SELECT symbols FROM store WHERE key = ?', key);
  assert(symbols.length === counted, 'as many symbols as were counted');
  return builder.build({ incarnation: key, revision, latestModel, symbols });
}

/** Of a row that is not there; a type that is none is refused. */
const noKind: KindRow = [0, 0, 0, 0];

function kindsOf(database: Database.Database, key: number): KindRow[] {
  const rows = database
    .prepare<[number], KindRow>(
      'SELECT id, relation, subject_type, subject_relation FROM kind WHERE store = ? ORDER BY id',
    )
    .raw()
    .all(key);
  rows.forEach(([id], index) => {
    assert(id === index + 1, 'kinds are numbered without gaps');
  });
  return rows;
}

function symbolsOf(database: Database.Database, key: number): string[] {
  const rows = database
    .prepare<[number], [number, string]>('SELECT id, text FROM symbol WHERE store = ? ORDER BY id')
    .raw()
    .all(key);
  return rows.map(([id, text], index) => {
    assert(id === index + 1, 'symbols are numbered without gaps');
    return text;
  });
}

function numberOf(database: Database.Database, sql: string, key: number): number {
  return database.prepare<[number], number>(sql).pluck().get(key) ?? 0;
}
