/** Pages of the changelog, in commit order. */
import type Database from 'better-sqlite3';
import type { ChangeQuery, ChangeRecord, Page } from '../datastore.ts';
import { noGuard } from '../tuple-reader.ts';
import type { CursorQuery, Cursors } from './cursor.ts';
import { deletedGuard, expiredGuard } from './schema.ts';
import type { Texts } from './texts.ts';
import type { StoreView } from './view.ts';

/** revision, position, object, relation, subject, subject_relation, guard, committed_at */
type Row = [number, number, number, number, number, number, number, number];

const columns = `change.revision, change.position, change.object, change.relation,
  change.subject, change.subject_relation, change.guard, revision.committed_at`;
const withTime = `CROSS JOIN revision
  ON revision.store = change.store AND revision.revision = change.revision`;
// Parameters have a plus for the reason given in snapshot.ts.
const after = '(change.revision, change.position) > (+?, +?)';
const inOrder = 'ORDER BY change.revision, change.position LIMIT +?';

export function createChangeReads(database: Database.Database, texts: Texts, cursors: Cursors) {
  const ofAll = database
    .prepare<number[], Row>(
      `SELECT ${columns} FROM change ${withTime} WHERE change.store = +? AND ${after} ${inOrder}`,
    )
    .raw();
  const ofType = database
    .prepare<number[], Row>(
      `SELECT ${columns} FROM change_type
       CROSS JOIN change ON change.store = change_type.store
         AND change.revision = change_type.revision AND change.object_type = change_type.object_type
       ${withTime}
       WHERE change_type.store = +? AND change_type.object_type = +? AND change_type.revision >= +?
         AND ${after}
       ORDER BY change_type.revision, change.position LIMIT +?`,
    )
    .raw();
  const committedAt = database
    .prepare<[number, number], number>(
      'SELECT committed_at FROM revision WHERE store = ? AND revision = ?',
    )
    .pluck();

  function read(view: StoreView, query: ChangeQuery): Page<ChangeRecord> {
    const bound: CursorQuery = ['changes', view.id, view.key];
    const position = cursors.decode(bound, query.cursor, query.objectType)?.map(Number);
    const [revision = 0, place = 0] = position ?? [revisionBefore(view, query.since), maximum];
    const rows = readRows(view.key, query, revision, place);
    const last = rows.at(-1);
    return {
      rows: rows.map((row) => changeRecord(texts, view.key, row)),
      cursor:
        last === undefined
          ? query.cursor
          : cursors.encode(bound, [last[0], last[1]], query.objectType),
      revision: view.revision,
    };
  }

  function readRows(store: number, query: ChangeQuery, revision: number, place: number): Row[] {
    if (query.objectType === '') return ofAll.all(store, revision, place, query.pageSize);
    const type = texts.symbol(store, query.objectType);
    return type === 0 ? [] : ofType.all(store, type, revision, revision, place, query.pageSize);
  }

  /** The newest revision before `since`. Times never go backwards, so it is found by halving. */
  function revisionBefore(view: StoreView, since: number | undefined): number {
    if (since === undefined) return 0;
    let before = 0;
    let notBefore = view.revision + 1;
    while (notBefore - before > 1) {
      const middle = Math.floor((before + notBefore) / 2);
      const at = committedAt.get(view.key, middle);
      if (at !== undefined && at >= since) notBefore = middle;
      else before = middle;
    }
    return before;
  }

  return { read };
}

/** After every position of a revision. */
const maximum = Number.MAX_SAFE_INTEGER;

function changeRecord(texts: Texts, store: number, row: Row): ChangeRecord {
  const [revision, , object, relation, subject, subjectRelation, logged, writtenAt] = row;
  const expired = logged === expiredGuard;
  const deleted = expired || logged === deletedGuard;
  const guard = deleted ? noGuard : logged;
  return {
    tuple: texts.tuple(store, { object, relation, subject, subjectRelation, guard }),
    writtenAt,
    operation: deleted ? 'delete' : 'write',
    expired,
    revision,
  };
}
