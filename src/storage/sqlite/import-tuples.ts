/**
 * Applies a block of tuples inside the writer's savepoint. What a write does for each tuple is done
 * for all at once: texts are interned in their order, and rows go in by the order of their keys, so
 * that one page of an index after the other is filled, many rows with one statement.
 */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import type { Tuple } from '../../model/tuple.ts';
import type { TupleImport } from '../datastore.ts';
import { none, rowLength, type TupleBlock, tupleAt } from '../tuple-block.ts';
import { noGuard } from '../tuple-reader.ts';
import { overwrite, refusePast, type TupleTarget } from './apply-tuples.ts';
import type { Interner } from './interner.ts';
import type { Key } from './tuple-key.ts';
import { createRows, type TupleRows } from './tuple-rows.ts';

/** ENSURES: the number of changes; 0 means that the import takes no revision. */
export type ImportTuples = (target: TupleTarget, load: TupleImport) => number;

export function createImporting(database: Database.Database): ImportTuples {
  const changeRows = createRows(database);
  return (target, load) => importTuples(changeRows(target.store, target.revision), target, load);
}

interface Placed {
  readonly key: Key;
  /** Place of the tuple in the block. */
  readonly index: number;
}

function importTuples(
  rows: TupleRows,
  { at, interner }: TupleTarget,
  { block, onDuplicate }: TupleImport,
): number {
  const ids = block.entityIds.split('\n');
  const tupleOf = (index: number) => tupleAt(block, ids, index);
  const placed = keysOf(block, ids, interner);
  const unguarded = placed.filter(({ index }) => guardOf(block, index) === none);
  for (const there of rows.addMany(unguarded.map(({ key }) => key))) {
    const { key, index } = unguarded[there] as Placed;
    overwrite(rows, { tuple: tupleOf(index), key, guard: noGuard, at }, onDuplicate);
  }
  if (unguarded.length === placed.length) return rows.finish();
  for (const { key, index } of placed) {
    if (guardOf(block, index) !== none) addGuarded(rows, tupleOf(index), key);
  }
  return rows.finish();

  function addGuarded(into: TupleRows, tuple: Tuple, key: Key): void {
    refusePast(tuple, at);
    const guard = interner.guard(tuple);
    if (into.add(key, guard, tuple.expiresAt)) return;
    overwrite(into, { tuple, key, guard, at }, onDuplicate);
  }
}

function guardOf({ rows }: TupleBlock, index: number): number {
  return rows[index * rowLength + 4] as number;
}

/** In the order of the primary key. */
function keysOf(block: TupleBlock, ids: readonly string[], interner: Interner): Placed[] {
  const { rows, entityTypes } = block;
  const symbols = block.symbols.map((text) => interner.symbol(text));
  const types = Array.from(entityTypes, (place) => symbols[place] as number);
  const entities = interner.entities(types, ids);
  assert(entities.length === ids.length, 'every entity has its id');
  const placed: Placed[] = [];
  for (let at = 0; at < rows.length; at += rowLength) {
    const [object, subject] = [rows[at] as number, rows[at + 2] as number];
    const subjectRelation = rows[at + 3] as number;
    const key = {
      object: entities[object] as number,
      subject: entities[subject] as number,
      objectType: types[object] as number,
      relation: symbols[rows[at + 1] as number] as number,
      subjectType: types[subject] as number,
      subjectRelation: subjectRelation === none ? 0 : (symbols[subjectRelation] as number),
      kind: 0,
    };
    key.kind = interner.kind(key);
    placed.push({ key, index: at / rowLength });
  }
  return placed.sort((a, b) => compareKeys(a.key, b.key));
}

function compareKeys(a: Key, b: Key): number {
  return a.object - b.object || a.kind - b.kind || a.subject - b.subject;
}
