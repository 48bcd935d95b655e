// The migration to version 4: a file of version 3 keeps every tuple, its guard, its time and its expiry.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { TupleFilter } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { migrations } from '../../src/storage/sqlite/schema.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import {
  allRows,
  changesOf,
  deleting,
  findTuple,
  fullText,
  manualClock,
  revisions,
  storeId,
  temporaryFolder,
  tuple,
  writing,
} from './fixtures.ts';
import { toVersion3, tuplesByParts } from './tuples-by-parts.ts';

const [first, second, gone] = [storeId(1), storeId(2), storeId(3)];
const clock = manualClock();
const soon = clock.now() + 1_000;

/** The same names stand in other relations, of other types, and in another order in each store. */
const texts = [
  'doc:1#viewer@user:anne',
  'doc:1#viewer@group:anne#member',
  'doc:1#viewer@group:anne',
  'doc:1#member@group:anne#viewer',
  'doc:1#editor@user:anne',
  'folder:1#viewer@user:*',
  'group:anne#member@user:anne',
  'group:anne#member@group:1#member',
];

async function makeFile(path: string): Promise<void> {
  const datastore = await openSqlite({ path, clock });
  for (const store of [first, second, gone]) {
    const given = store === second ? texts.toReversed() : texts;
    for (const text of given) await datastore.write(store, writing(text));
    await datastore.write(store, writing(tuple('doc:2#viewer@user:bob', 'weekday', { day: 1 })));
    await datastore.write(store, writing({ ...tuple('doc:2#viewer@user:carl'), expiresAt: soon }));
    // Kinds that no tuple has any more.
    await datastore.write(store, writing('team:1#owner@user:anne', 'team:1#owner@team:1#owner'));
    await datastore.write(store, deleting('team:1#owner@team:1#owner', 'doc:1#editor@user:anne'));
  }
  await datastore.close();
}

async function shownBy(path: string): Promise<unknown> {
  const datastore = await openSqlite({ path, clock });
  const filters: TupleFilter[] = [
    {},
    { objectType: 'doc', objectId: '1' },
    { objectType: 'doc', objectId: '1', relation: 'viewer' },
    { relation: 'viewer', subject: { type: 'user', id: 'anne', relation: '' } },
    { objectType: 'group', subjectType: 'group' },
  ];
  const shown = [];
  for (const store of [first, second]) {
    const read = filters.map(async (filter) => {
      const rows = await allRows(3, (query) => datastore.readTuples(store, filter, query));
      return rows.map((row) => `${fullText(row.tuple)} ${row.writtenAt}`).toSorted();
    });
    const found = datastore.local.view(store, (snapshot) =>
      texts.map((text) => findTuple(snapshot, text)),
    );
    shown.push(await Promise.all(read), found, await changesOf(datastore, store));
  }
  await datastore.close();
  return shown;
}

function partsOf(path: string, rows: string): unknown[] {
  const database = new Database(path, { readonly: true });
  const order = 'ORDER BY store, object, relation, subject_type, subject_relation, subject';
  const found = database.prepare(`SELECT * FROM ${rows} ${order}`).raw().all();
  database.close();
  return found;
}

test('a file of version 3 keeps all that it has', async () => {
  const path = join(temporaryFolder(), 'old.db');
  await makeFile(path);
  const shown = await shownBy(path);
  const parts = partsOf(path, tuplesByParts('main'));
  expect(parts).toHaveLength(3 * (texts.length + 2));

  toVersion3(path);
  expect(() => verifyFile(path)).toThrow('older version 3');
  expect(partsOf(path, 'tuple')).toEqual(parts);

  expect(await shownBy(path)).toEqual(shown);
  expect(partsOf(path, tuplesByParts('main'))).toEqual(parts);
  expect(verifyFile(path)).toMatchObject({ version: migrations.length, problems: [] });
});

test('what it has is written, deleted and collected as before', async () => {
  const path = join(temporaryFolder(), 'old.db');
  await makeFile(path);
  // The rows of a store that was deleted, and is not purged, are half gone.
  const database = new Database(path);
  database.exec(`INSERT INTO purge SELECT key FROM store WHERE id = '${gone}';
    DELETE FROM store WHERE id = '${gone}'; DELETE FROM symbol WHERE store = 3`);
  database.close();
  toVersion3(path);

  const datastore = await openSqlite({ path, clock });
  const head = await datastore.head(first);
  const again = { ...writing(...texts.slice(0, 2)), onDuplicate: 'ignore' } as const;
  expect((await datastore.write(first, again)).revision).toBe(head);
  await datastore.write(first, deleting('doc:1#viewer@group:anne#member'));
  await datastore.write(first, writing('doc:1#editor@user:anne', 'team:1#owner@team:1#owner'));
  clock.set(soon + 1_000);
  await datastore.collectExpired();
  const changes = await changesOf(datastore, first);
  expect(changes.at(-1)).toMatchObject({ expired: true, operation: 'delete' });
  expect([...new Set(changes.map(({ revision }) => revision))]).toEqual(revisions(head + 3));
  await datastore.close();
  expect(verifyFile(path).problems).toEqual([]);
});
