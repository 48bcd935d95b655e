/** Pages of tuples by filter, each read from where the last one ended. */
import type Database from 'better-sqlite3';
import { limits } from '../../base/limits.ts';
import {
  type FittingQuery,
  fitting,
  type Page,
  type TupleFilter,
  type TupleRecord,
} from '../datastore.ts';
import type { CursorQuery, Cursors } from './cursor.ts';
import type { Texts } from './texts.ts';
import {
  filterParts,
  isLive,
  placeIn,
  type Range,
  rangeKey,
  rangeOf,
  rangeSql,
  rangeValues,
  rowSql,
  valuesOf,
  wantedIds,
} from './tuple-range.ts';
import type { StoreView } from './view.ts';

/** The columns of `rowColumns`, then guard and committed_at. */
type Row = [number, number, number, number, number, number, number, number, number];

export type TupleReads = ReturnType<typeof createTupleReads>;

export function createTupleReads(database: Database.Database, texts: Texts, cursors: Cursors) {
  const statements = new Map<string, Database.Statement<number[], Row>>();
  const ends = new Map<string, Database.Statement<number[], number[]>>();

  /** One statement for each shape of query; there are a few dozen at most. */
  function statementOf(range: Range, ends: boolean) {
    const key = `${rangeKey(range)}:${ends}`;
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], Row>(sqlOf(range, ends)).raw();
      statements.set(key, statement);
    }
    return statement;
  }

  function endStatementOf(range: Range) {
    const key = rangeKey(range);
    let statement = ends.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], number[]>(endSqlOf(range)).raw();
      ends.set(key, statement);
    }
    return statement;
  }

  /**
   * The tuples that have not expired by `now`. Yields where it may be interrupted: where it looks at
   * many of which few match.
   */
  function* read(
    view: StoreView,
    filter: TupleFilter,
    query: FittingQuery<TupleRecord>,
    now: number,
  ): Generator<undefined, Page<TupleRecord>, void> {
    const bound: CursorQuery = [
      'tuples by kind',
      view.id,
      view.key,
      JSON.stringify(filterParts(filter)),
    ];
    const position = cursors.decode(bound, query.cursor)?.map(Number);
    const empty = { rows: [], cursor: '', revision: view.revision };
    const wanted = wantedIds(idsOf(texts, view.key), filter);
    if (wanted === undefined) return empty;

    const range = rangeOf(wanted);
    const rows: Row[] = [];
    for (let after = position; ; ) {
      const values = rangeValues(view.key, wanted, range, after);
      const end = isSparse(range)
        ? endStatementOf(range).get(...values, limits.tuplesScannedAtOnce - 1)
        : undefined;
      const found = statementOf(range, end !== undefined).all(
        ...values,
        ...(end ?? []),
        ...valuesOf(wanted, range.rest),
        now,
        query.pageSize + 1 - rows.length,
      );
      for (const row of found) rows.push(row);
      if (end === undefined || rows.length > query.pageSize) break;
      after = end;
      yield undefined;
    }
    const records = rows.slice(0, query.pageSize).values();
    const page = fitting(
      records.map((row) => tupleRecord(texts, view.key, row)),
      query.fits,
    );
    const last = rows[page.length - 1];
    const more = rows.length > page.length && last !== undefined;
    const place = more ? placeIn(range, last) : [];
    return {
      rows: page,
      cursor: more ? cursors.encode(bound, place) : '',
      revision: view.revision,
    };
  }

  /** As `read`, without an interruption. */
  function readAtOnce(...asked: Parameters<typeof read>): Page<TupleRecord> {
    const scan = read(...asked);
    for (;;) {
      const next = scan.next();
      if (next.done === true) return next.value;
    }
  }

  return { read, readAtOnce };
}

/** Whether tuples of the range may fail the filter: then many may have to be looked at for a page. */
function isSparse({ rest }: Range): boolean {
  return rest.length > 0;
}

/** With `ends`, up to a position too: its parameters come after those of the range. */
function sqlOf(range: Range, ends: boolean): string {
  const { from, where, orderBy, restIs, upTo } = rangeSql(range);
  return `SELECT ${rowSql}, tuple.guard, revision.committed_at
    FROM ${from}
    CROSS JOIN revision ON revision.store = tuple.store AND revision.revision = tuple.revision
    WHERE ${where}${ends ? ` AND ${upTo}` : ''} AND ${restIs} AND ${isLive}
    ORDER BY ${orderBy} LIMIT +?`;
}

/** The place of the tuple so many places on. */
function endSqlOf(range: Range): string {
  const { from, where, orderBy } = rangeSql(range);
  const columns = range.free.map((name) => `tuple.${name}`).join(', ');
  return `SELECT ${columns} FROM ${from} WHERE ${where} ORDER BY ${orderBy} LIMIT 1 OFFSET +?`;
}

function idsOf(texts: Texts, store: number) {
  return {
    symbol: (text: string) => texts.symbol(store, text),
    entity: (type: number, name: string) => texts.entity(store, type, name),
  };
}

function tupleRecord(texts: Texts, store: number, row: Row): TupleRecord {
  const [object, , subject, , relation, , subjectRelation, guard, writtenAt] = row;
  const tuple = texts.tuple(store, { object, relation, subject, subjectRelation, guard });
  return { tuple, writtenAt };
}
