/** Pages of the changelog, in commit order. */
import type Database from 'better-sqlite3';
import { type ChangeQuery, type ChangeRecord, fitting, type Page } from '../datastore.ts';
import { noGuard } from '../tuple-reader.ts';
import {
  changesPerPack,
  deletedGuard,
  expiredGuard,
  type LoggedChange,
  unpackChanges,
} from './change-pack.ts';
import type { CursorQuery, Cursors } from './cursor.ts';

import type { Texts } from './texts.ts';
import type { StoreView } from './view.ts';

/** revision, position of the pack's first change, pack, committed_at */
type PackRow = [number, number, Buffer, number];

interface Row {
  readonly revision: number;
  readonly position: number;
  readonly committedAt: number;
  readonly change: LoggedChange;
}

const columns = 'change.revision, change.position, change.pack, revision.committed_at';
const withTime = `CROSS JOIN revision
  ON revision.store = change.store AND revision.revision = change.revision`;
// Parameters have a plus for the reason given in snapshot.ts.
const from = '(change.revision, change.position) >= (+?, +?)';
const inOrder = 'ORDER BY change.revision, change.position';

export function createChangeReads(database: Database.Database, texts: Texts, cursors: Cursors) {
  const ofAll = database
    .prepare<number[], PackRow>(
      `SELECT ${columns} FROM change ${withTime} WHERE change.store = +? AND ${from} ${inOrder}`,
    )
    .raw();
  const ofType = database
    .prepare<number[], PackRow>(
      `SELECT ${columns} FROM change_type
       CROSS JOIN change ON change.store = change_type.store
         AND change.revision = change_type.revision
       ${withTime}
       WHERE change_type.store = +? AND change_type.object_type = +? AND change_type.revision >= +?
         AND ${from}
       ORDER BY change_type.revision, change.position`,
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
    const page = fitting(
      rows.values().map((row) => changeRecord(texts, view.key, row)),
      query.fits,
    );
    const last = rows[page.length - 1];
    return {
      rows: page,
      cursor:
        last === undefined
          ? query.cursor
          : cursors.encode(bound, [last.revision, last.position], query.objectType),
      revision: view.revision,
    };
  }

  /** Those after this place in the revision, and of later ones. */
  function readRows(store: number, query: ChangeQuery, revision: number, place: number): Row[] {
    const first = place === maximum ? maximum : place - (place % changesPerPack);
    const type = query.objectType === '' ? undefined : texts.symbol(store, query.objectType);
    if (type === 0) return [];
    const packs =
      type === undefined
        ? ofAll.iterate(store, revision, first)
        : ofType.iterate(store, type, revision, revision, first);
    const rows: Row[] = [];
    for (const [packed, start, pack, committedAt] of packs) {
      for (const [index, change] of unpackChanges(pack).entries()) {
        const row = { revision: packed, position: start + index, committedAt, change };
        if (packed === revision && row.position <= place) continue;
        if (type !== undefined && change.objectType !== type) continue;
        rows.push(row);
        if (rows.length === query.pageSize) return rows;
      }
    }
    return rows;
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
  const { revision, committedAt, change } = row;
  const expired = change.guard === expiredGuard;
  const deleted = expired || change.guard === deletedGuard;
  return {
    tuple: texts.tuple(store, { ...change, guard: deleted ? noGuard : change.guard }),
    writtenAt: committedAt,
    operation: deleted ? 'delete' : 'write',
    expired,
    revision,
  };
}
