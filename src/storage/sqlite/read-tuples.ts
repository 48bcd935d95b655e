/** Pages of tuples by filter, each read from where the last one ended. */
import type Database from 'better-sqlite3';
import type { Page, PageQuery, TupleFilter, TupleRecord } from '../datastore.ts';
import type { CursorQuery, Cursors } from './cursor.ts';
import type { Texts } from './texts.ts';
import {
  type Column,
  filterParts,
  isLive,
  type Range,
  rangeKey,
  rangeOf,
  rangeSql,
  rangeValues,
  rowColumns,
  valuesOf,
  wantedIds,
} from './tuple-range.ts';
import type { StoreView } from './view.ts';

/** object, relation, subject_type, subject_relation, subject, object_type, guard, committed_at */
type Row = [number, number, number, number, number, number, number, number];

export function createTupleReads(database: Database.Database, texts: Texts, cursors: Cursors) {
  const statements = new Map<string, Database.Statement<number[], Row>>();

  /** One statement for each shape of query; there are a few dozen at most. */
  function statementOf(range: Range) {
    const key = rangeKey(range);
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], Row>(sqlOf(range)).raw();
      statements.set(key, statement);
    }
    return statement;
  }

  /** The tuples that have not expired by `now`. */
  function read(
    view: StoreView,
    filter: TupleFilter,
    query: PageQuery,
    now: number,
  ): Page<TupleRecord> {
    const bound: CursorQuery = ['tuples', view.id, view.key, JSON.stringify(filterParts(filter))];
    const position = cursors.decode(bound, query.cursor)?.map(Number);
    const empty = { rows: [], cursor: '', revision: view.revision };
    const wanted = wantedIds(idsOf(texts, view.key), filter);
    if (wanted === undefined) return empty;

    const range = rangeOf(wanted);
    const { free, rest } = range;
    // A single tuple has no second page.
    if (free.length === 0 && position !== undefined) return empty;
    const rows = statementOf(range).all(
      ...rangeValues(view.key, wanted, range, position),
      ...valuesOf(wanted, rest),
      now,
      query.pageSize + 1,
    );
    const page = rows.slice(0, query.pageSize);
    const last = page.at(-1);
    const more = rows.length > query.pageSize && last !== undefined;
    return {
      rows: page.map((row) => tupleRecord(texts, view.key, row)),
      cursor: more
        ? cursors.encode(
            bound,
            free.map((column) => columnOf(last, column)),
          )
        : '',
      revision: view.revision,
    };
  }

  return { read };
}

function sqlOf(range: Range): string {
  const { from, where, orderBy, restIs } = rangeSql(range);
  return `SELECT ${rowColumns.map((name) => `tuple.${name}`).join(', ')}, tuple.guard,
      revision.committed_at
    FROM ${from}
    CROSS JOIN revision ON revision.store = tuple.store AND revision.revision = tuple.revision
    WHERE ${where} AND ${restIs} AND ${isLive}
    ORDER BY ${orderBy} LIMIT +?`;
}

function idsOf(texts: Texts, store: number) {
  return {
    symbol: (text: string) => texts.symbol(store, text),
    entity: (type: number, name: string) => texts.entity(store, type, name),
  };
}

function columnOf(row: Row, column: Column): number {
  return row[rowColumns.indexOf(column)] as number;
}

function tupleRecord(texts: Texts, store: number, row: Row): TupleRecord {
  const [object, relation, , subjectRelation, subject, , guard, writtenAt] = row;
  const tuple = texts.tuple(store, { object, relation, subject, subjectRelation, guard });
  return { tuple, writtenAt };
}
