/** Stores, models and assertions, read. */
import type Database from 'better-sqlite3';
import type { ModelId, StoreId } from '../../model/ids.ts';
import type { ModelRecord, Page, PageQuery, StoreRecord } from '../datastore.ts';
import type { CursorQuery, Cursors } from './cursor.ts';
import { modelRecord } from './snapshot.ts';
import type { StoreView } from './view.ts';

type StoreRow = [StoreId, string, number, number];
type ModelRow = [number, ModelId, string, string, string];

const storeColumns = 'id, name, created_at, updated_at';

export function createRecordReads(database: Database.Database, cursors: Cursors) {
  const readStore = database
    .prepare<[string], StoreRow>(
      `SELECT ${storeColumns} FROM store WHERE id = ? AND name IS NOT NULL`,
    )
    .raw();
  const listAll = database
    .prepare<[string, number], StoreRow>(
      `SELECT ${storeColumns} FROM store WHERE id > ? AND name IS NOT NULL ORDER BY id LIMIT ?`,
    )
    .raw();
  const listNamed = database
    .prepare<[string, string, number], StoreRow>(
      `SELECT ${storeColumns} FROM store WHERE name = ? AND id > ? ORDER BY id LIMIT ?`,
    )
    .raw();
  const listModels = database
    .prepare<number[], ModelRow>(
      `SELECT revision, id, schema_version, definition, names FROM model
       WHERE store = ? AND revision < ? ORDER BY revision DESC LIMIT ?`,
    )
    .raw();
  const readAssertions = database
    .prepare<[number, string], string>(
      'SELECT assertions FROM assertion WHERE store = ? AND model = ?',
    )
    .pluck();

  function store(id: StoreId): StoreRecord | undefined {
    const row = readStore.get(id);
    return row === undefined ? undefined : storeRecord(row);
  }

  function stores(query: PageQuery & { name: string }): Page<StoreRecord> {
    const bound: CursorQuery = ['stores', query.name];
    const after = String(cursors.decode(bound, query.cursor)?.[0] ?? '');
    const limit = query.pageSize + 1;
    const rows =
      query.name === '' ? listAll.all(after, limit) : listNamed.all(query.name, after, limit);
    const page = rows.slice(0, query.pageSize).map(storeRecord);
    const last = page.at(-1);
    const more = rows.length > query.pageSize && last !== undefined;
    return { rows: page, cursor: more ? cursors.encode(bound, [last.id]) : '', revision: 0 };
  }

  function models(view: StoreView, query: PageQuery): Page<ModelRecord> {
    const bound: CursorQuery = ['models', view.id, view.key];
    const position = cursors.decode(bound, query.cursor)?.[0];
    const before = position === undefined ? Number.MAX_SAFE_INTEGER : Number(position);
    const rows = listModels.all(view.key, before, query.pageSize + 1);
    const page = rows.slice(0, query.pageSize);
    const last = page.at(-1);
    const more = rows.length > query.pageSize && last !== undefined;
    return {
      rows: page.map(([, ...parts]) => modelRecord(...parts)),
      cursor: more ? cursors.encode(bound, [last[0]]) : '',
      revision: view.revision,
    };
  }

  function assertions(view: StoreView, model: ModelId): string | undefined {
    return readAssertions.get(view.key, model);
  }

  return { store, stores, models, assertions };
}

function storeRecord([id, name, createdAt, updatedAt]: StoreRow): StoreRecord {
  return { id, name, createdAt, updatedAt };
}
