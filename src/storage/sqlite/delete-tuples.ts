/** One round of deleting by filter: a bounded walk along the range of the filter. */
import type Database from 'better-sqlite3';
import { limits } from '../../base/limits.ts';
import type { TupleFilter } from '../datastore.ts';
import type { TupleTarget } from './apply-tuples.ts';
import { deletedGuard } from './change-pack.ts';
import { isDue, never } from './schema.ts';
import type { Key } from './tuple-key.ts';
import {
  placeIn,
  type Range,
  rangeKey,
  rangeOf,
  rangeSql,
  rangeValues,
  rowColumns,
  rowSql,
  type Wanted,
  wantedIds,
} from './tuple-range.ts';
import { createRows, type TupleRows } from './tuple-rows.ts';

/** Where the next round goes on. */
export interface DeletePosition {
  /** Key of the store: its ids mean nothing in another one. */
  readonly store: number;
  /** Tuples of later revisions stay. */
  readonly upTo: number;
  readonly after: readonly number[] | undefined;
}

export interface Deleted {
  readonly count: number;
  /** undefined at the end. */
  readonly next: DeletePosition | undefined;
}

export interface DeleteRound {
  readonly filter: TupleFilter;
  readonly limit: number;
  readonly from: DeletePosition;
}

export type DeleteTuples = (target: TupleTarget, round: DeleteRound) => Deleted;

/** The columns of `rowColumns`, then guard, revision and expires_at. */
type Row = number[];

/** Rows that are read at once. */
const rowsAtOnce = 1_000;

export function createDeleting(database: Database.Database): DeleteTuples {
  const changeRows = createRows(database);
  const statements = new Map<string, Database.Statement<number[], Row>>();

  function statementOf(range: Range) {
    const key = rangeKey(range);
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], Row>(sqlOf(range)).raw();
      statements.set(key, statement);
    }
    return statement;
  }

  return (target, { filter, limit, from }) => {
    const wanted = wantedIds(target.interner.found, filter);
    if (wanted === undefined) return { count: 0, next: undefined };
    const range = rangeOf(wanted);
    const scan = statementOf(range);
    const rows = changeRows(target.store, target.revision);
    const round: Round = { target, wanted, range, rows, limit, from };
    const after = walk(round, scan);
    const next = after === undefined ? undefined : { ...from, after };
    return { count: rows.finish(), next };
  };
}

interface Round {
  readonly target: TupleTarget;
  readonly wanted: Wanted;
  readonly range: Range;
  readonly rows: TupleRows;
  readonly limit: number;
  readonly from: DeletePosition;
}

/** Where it came to; undefined at the end of the range. */
function walk(
  { target, wanted, range, rows, limit, from }: Round,
  scan: Database.Statement<number[], Row>,
): readonly number[] | undefined {
  let { after } = from;
  let deleted = 0;
  for (let scanned = 0; scanned < limits.deleteScanMax; scanned += rowsAtOnce) {
    const found = scan.all(...rangeValues(target.store, wanted, range, after), rowsAtOnce);
    for (const row of found) {
      if (deleted === limit) return after;
      after = placeIn(range, row);
      if (!isMeant(row, { target, wanted, range, from })) continue;
      remove(rows, row);
      deleted++;
    }
    if (found.length < rowsAtOnce) return undefined;
  }
  return after;
}

function isMeant(
  row: Row,
  { target, wanted, range, from }: Pick<Round, 'target' | 'wanted' | 'range' | 'from'>,
): boolean {
  const [revision, expiresAt] = row.slice(rowColumns.length + 1) as [number, number];
  if (revision > from.upTo || isDue(expiresAt, target.at)) return false;
  return range.rest.every((column) => columnOf(row, column) === wanted.get(column));
}

function remove(rows: TupleRows, row: Row): void {
  const key: Key = {
    object: columnOf(row, 'object'),
    objectType: columnOf(row, 'object_type'),
    relation: columnOf(row, 'relation'),
    subject: columnOf(row, 'subject'),
    subjectType: columnOf(row, 'subject_type'),
    subjectRelation: columnOf(row, 'subject_relation'),
    kind: columnOf(row, 'kind'),
  };
  if (!rows.removeUnguarded(key)) rows.remove(key, deletedGuard);
}

function columnOf(row: Row, column: (typeof rowColumns)[number]): number {
  return row[rowColumns.indexOf(column)] as number;
}

function sqlOf(range: Range): string {
  const { from, where, orderBy } = rangeSql(range);
  return `SELECT ${rowSql}, tuple.guard, tuple.revision,
      iif(tuple.guard = 0, ${never}, (SELECT expires_at FROM guard
        WHERE guard.store = tuple.store AND guard.id = tuple.guard))
    FROM ${from} WHERE ${where} ORDER BY ${orderBy} LIMIT +?`;
}
