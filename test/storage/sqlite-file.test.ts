// What only a file can go through: reopening, foreign and newer files, no permission, no space, a
// writer that dies, a second process.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { formatTuple } from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { baseHostHere } from '../../src/storage/sqlite/base-host.ts';
import { openDatabase, openReadonly } from '../../src/storage/sqlite/database.ts';
import { createDatastore, openSqlite } from '../../src/storage/sqlite/open.ts';
import { createQueue, type WriterHost } from '../../src/storage/sqlite/queue.ts';
import { applicationId, migrations } from '../../src/storage/sqlite/schema.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { createReading } from '../../src/storage/sqlite/view.ts';
import { hostHere, hostInThread } from '../../src/storage/sqlite/writer-host.ts';
import { copyChangesByRow } from './changelog-by-row.ts';
import {
  allRows,
  changesOf,
  deleting,
  findTuple,
  formatChange,
  fullText,
  manualClock,
  modelId,
  modelRecord,
  nothing,
  readAll,
  refusalOf,
  revisionOf,
  revisions,
  storeId,
  temporaryFolder,
  tuple,
  writing,
} from './fixtures.ts';
import { tuplesByParts } from './tuples-by-parts.ts';

const [first, second] = [storeId(1), storeId(2)];
const clock = systemClock;
const anne = 'doc:1#viewer@user:anne';

function numbered(count: number, object = 'doc:big'): string[] {
  return Array.from({ length: count }, (_, i) => `${object}#viewer@user:${i}`);
}

/** A file in a folder of the test's own; found sound when the test ends, if there is one. */
function freshPath(): string {
  const path = join(temporaryFolder(), 'pemba.db');
  onTestFinished(() => {
    if (existsSync(path)) expect(verifyFile(path).problems).toEqual([]);
  });
  return path;
}

async function open(path: string): Promise<Datastore> {
  const datastore = await openSqlite({ path, clock });
  onTestFinished(() => datastore.close());
  return datastore;
}

describe('pages for which many tuples are looked at', () => {
  const every = limits.tuplesScannedAtOnce;

  test.each([every - 1, every, every + 1])('of %d tuples a page is read at once', async (count) => {
    const datastore = await open(freshPath());
    await datastore.write(first, writing(...numbered(count)));
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const query = { pageSize: 10, cursor: '' };
    const { rows, cursor } = await datastore.readTuples(first, { subjectType: 'doc' }, query);
    expect([rows, cursor]).toEqual([[], '']);
    expect(turned).toBe(count >= every);
  });

  test('have all that matches, wherever it is, and are of one revision', async () => {
    const datastore = await open(freshPath());
    const matching = [0, 1, every - 2, every - 1, every, every + 1, 2 * every - 1, 2 * every];
    const texts = Array.from({ length: 2 * every + 5 }, (_, i) =>
      matching.includes(i) ? `doc:${i}#editor@user:1` : `doc:${i}#viewer@user:1`,
    );
    const { revision } = await datastore.write(first, writing(...texts));
    const expected = texts.filter((text) => text.includes('editor'));
    const filter = { relation: 'editor' };
    for (const size of [1, 2, 3, 8, 100]) {
      expect(await readAll(datastore, first, filter, size)).toEqual(expected);
    }
    let done = false;
    const reading = datastore
      .readTuples(first, filter, { pageSize: 100, cursor: '' })
      .finally(() => {
        done = true;
      });
    const last = expected.at(-1) as string;
    const writes = datastore.write(first, {
      ...writing('doc:new#editor@user:1'),
      deletes: deleting(last).deletes,
    });
    const page = await reading;
    expect(done).toBe(true);
    expect(page.revision).toBe(revision);
    expect(page.rows.map((row) => formatTuple(row.tuple))).toEqual(expected);
    await writes;
    const after = await readAll(datastore, first, filter, 100);
    expect(after).toEqual([...expected.slice(0, -1), 'doc:new#editor@user:1']);
  });
});

describe('reopening', () => {
  test('everything is there again, and goes on where it ended', async () => {
    const path = freshPath();
    const before = await openSqlite({ path, clock: manualClock(5_000) });
    await before.createStore({ id: first, name: 'docs' });
    await before.writeModel(first, modelRecord(1, ['doc', 'user']));
    await before.write(first, writing(tuple(anne, 'weekday', { day: 1 }), ...numbered(100)));
    await before.writeAssertions(first, modelId(1), '[1]');
    const list = { pageSize: 10, cursor: '', objectType: '', since: undefined };
    const { cursor } = await before.readChanges(first, list);
    const rows = await allRows(30, (query) => before.readTuples(first, {}, query));
    await before.close();
    expect(existsSync(`${path}-wal`)).toBe(false);

    const after = await open(path);
    expect((await after.readStore(first))?.createdAt).toBe(5_000);
    expect(await allRows(30, (query) => after.readTuples(first, {}, query))).toEqual(rows);
    expect(await after.readAssertions(first, modelId(1))).toBe('[1]');
    // Cursors outlive the process.
    const page = await after.readChanges(first, { ...list, cursor });
    expect(page.rows.map(formatChange)[0]).toBe('2 + doc:big#viewer@user:9');
    expect(await revisionOf(after.write(first, writing('doc:2#viewer@user:anne')))).toBe(4);
    after.local.view(first, (snapshot) => {
      expect(snapshot.latestModelId()).toBe(modelId(1));
      expect(findTuple(snapshot, anne)).toBe(1);
    });
  });

  test('what was accepted is written before it closes', async () => {
    const path = freshPath();
    const datastore = await open(path);
    const writes = numbered(50).map((text) => revisionOf(datastore.write(first, writing(text))));
    await datastore.close();
    expect((await Promise.all(writes)).toSorted((a, b) => a - b)).toEqual(revisions(50));
    expect(await readAll(await open(path), first)).toEqual(numbered(50));
  });

  test('an idempotency key, a delete by filter and an expiry go on after it', async () => {
    const path = freshPath();
    const start = 1_700_000_000_000;
    const later = manualClock(start);
    const before = await openSqlite({ path, clock: later });
    const keyed = { ...writing(...numbered(10)), idempotencyKey: 'key' };
    await before.write(first, keyed);
    await before.write(first, writing({ ...tuple(anne), expiresAt: start + 1 }));
    const filter = { objectType: 'doc', objectId: 'big' };
    const { cursor } = await before.deleteTuples(first, { filter, limit: 4, cursor: '' });
    await before.close();

    later.set(start + 1);
    const after = await openSqlite({ path, clock: later });
    onTestFinished(() => after.close());
    expect(await after.write(first, keyed)).toEqual({ revision: 1, repeated: true });
    await after.write(first, writing('doc:big#viewer@user:late'));
    expect(await after.deleteTuples(first, { filter, limit: 40, cursor })).toEqual({
      deleted: 6,
      cursor: '',
      revision: 5,
    });
    await after.collectExpired();
    const log = await changesOf(after, first);
    expect(log.at(-1)).toMatchObject({ operation: 'delete', expired: true, revision: 6 });
    expect(await readAll(after, first)).toEqual(['doc:big#viewer@user:late']);
  });

  test('a deleted store that was not emptied is emptied after it', async () => {
    const path = freshPath();
    const datastore = await open(path);
    for (let block = 0; block < 10; block++) {
      await datastore.write(first, writing(...numbered(1_000, `doc:${block}`)));
    }
    await datastore.write(second, writing(...numbered(1_000)));
    const deleted = datastore.deleteStore(first);
    await datastore.close();
    await deleted;
    const look = new Database(path, { readonly: true });
    onTestFinished(() => void look.close());
    const rows = (table: string) => look.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    expect(rows('purge')).toBe(1);
    expect(rows('tuple')).toBeGreaterThan(1_000);

    const again = await open(path);
    // A step is taken between writes; 10,000 tuples, changes and names are fewer than 100 steps.
    for (let i = 0; i < 100 && rows('purge') !== 0; i++) await again.ready();
    expect(rows('purge')).toBe(0);
    for (const table of ['tuple', 'change', 'entity_by_name', 'entity_by_id'])
      expect(rows(table)).toBeLessThan(1_010);
    expect((await readAll(again, second, {}, 1_000)).length).toBe(1_000);
  });
});

test('a write that changes nothing leaves no row behind', async () => {
  const path = freshPath();
  const datastore = await open(path);
  const idle = { ...nothing, deletes: [tuple(anne)], onMissing: 'ignore' } as const;
  expect(await revisionOf(datastore.write(first, idle))).toBe(0);
  const refused = datastore.write(second, { ...writing(anne), deletes: [tuple(anne)] });
  expect(await refusalOf(refused)).toBe('write_failed_due_to_invalid_input');
  const look = new Database(path, { readonly: true });
  for (const table of ['store', 'revision', 'symbol', 'entity_by_name', 'entity_by_id', 'change']) {
    expect(look.prepare(`SELECT count(*) FROM ${table}`).pluck().get()).toBe(0);
  }
  look.close();
});

describe('files that are refused', () => {
  const refusals: [name: string, make: (path: string) => void, says: string][] = [
    [
      'text',
      (path) => writeFileSync(path, 'name,role\nanne,viewer\n'.repeat(200)),
      'not a database',
    ],
    ['a few bytes', (path) => writeFileSync(path, 'hello'), 'not a database'],
    [
      'the database of another program',
      (path) => sql(path, 'CREATE TABLE song (title TEXT)'),
      'another program',
    ],
    [
      'an empty database that another program has marked',
      (path) => sql(path, 'PRAGMA application_id = 7'),
      'another program',
    ],
    [
      'one of a newer version',
      (path) => {
        openDatabase(path).close();
        sql(path, `PRAGMA user_version = ${migrations.length + 1}`);
      },
      'newer',
    ],
  ];
  test.each(refusals)('%s', async (_name, make, says) => {
    const path = join(temporaryFolder(), 'file.db');
    make(path);
    const before = readFileSync(path);
    await expect(openSqlite({ path, clock })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(says),
    });
    // Nothing was left beside it, and nothing of it was touched.
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(() => verifyFile(path)).toThrow(says);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('an empty file is ours to use, but has nothing to verify', async () => {
    const path = freshPath();
    writeFileSync(path, '');
    expect(() => verifyFile(path)).toThrow('empty');
    const datastore = await open(path);
    expect(await revisionOf(datastore.write(first, writing(anne)))).toBe(1);
  });

  test('a folder that does not exist, and a folder itself', async () => {
    const folder = temporaryFolder();
    const missing = openSqlite({ path: join(folder, 'none', 'file.db'), clock });
    await expect(missing).rejects.toThrow('folder');
    expect(await refusalOf(openSqlite({ path: folder, clock }))).toBe('failed_precondition');
    expect(() => verifyFile(join(folder, 'none.db'))).toThrow('cannot be opened');
  });

  test('a file that may not be written to', async () => {
    const path = freshPath();
    const datastore = await openSqlite({ path, clock });
    await datastore.write(first, writing(anne));
    await datastore.close();
    chmodSync(path, 0o444);
    asNobody(join(path, '..'), () => {
      expect(() => openDatabase(path)).toThrow(/cannot be (written to|opened)/);
    });
    chmodSync(path, 0o644);
    expect(await readAll(await open(path), first)).toEqual([anne]);
  });
});

describe('migrations', () => {
  test('a fresh file is stamped, and its durability is what was asked for', () => {
    const path = freshPath();
    const database = openDatabase(path);
    const pragma = (name: string) => database.pragma(name, { simple: true });
    expect(pragma('application_id')).toBe(applicationId);
    expect(pragma('user_version')).toBe(migrations.length);
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    database.close();
  });

  test('every text column is compared byte by byte', () => {
    const database = openDatabase(':memory:');
    const schema = database.prepare('SELECT group_concat(sql) FROM sqlite_schema').pluck().get();
    expect(String(schema)).not.toMatch(/collate|nocase/i);
    database.close();
  });

  test('a file of the first version keeps all that it has', async () => {
    const folder = temporaryFolder();
    const newer = join(folder, 'newer.db');
    const made = await openSqlite({ path: newer, clock });
    await made.createStore({ id: first, name: 'docs' });
    await made.write(first, writing(anne, tuple('doc:2#viewer@user:anne', 'weekday', { day: 1 })));
    await made.write(first, deleting(anne));
    await made.close();
    const path = join(folder, 'first.db');
    copyAsFirstVersion(newer, path);
    expect(() => verifyFile(path)).toThrow('older version 1');

    const datastore = await open(path);
    expect(verifyFile(path)).toMatchObject({ version: migrations.length, problems: [] });
    const page = await datastore.readTuples(first, {}, { pageSize: 9, cursor: '' });
    expect(page.rows.map((row) => fullText(row.tuple))).toEqual([
      'doc:2#viewer@user:anne (condition weekday) {"day":1}',
    ]);
    // The guard that it has is the one that the same condition gets.
    const again = tuple('doc:2#viewer@user:anne', 'weekday', { day: 1 });
    const same = { ...writing(again), onDuplicate: 'ignore' } as const;
    expect(await revisionOf(datastore.write(first, same))).toBe(2);
    const expiring = { ...tuple(anne), expiresAt: clock.now() + 1e9 };
    expect(await revisionOf(datastore.write(first, writing(expiring)))).toBe(3);
    expect(verifyFile(path).problems).toEqual([]);
  });

  test('a file of an older version is not verified, but brought forward first', () => {
    const path = join(temporaryFolder(), 'old.db');
    openDatabase(path).close();
    sql(path, 'PRAGMA user_version = 0');
    expect(() => openReadonly(path)).toThrow();
  });
});

/** The same rows in the tables of the first version. */
function copyAsFirstVersion(newer: string, path: string): void {
  const database = new Database(path);
  database.exec(migrations[0] as string);
  const tables = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all()
    .filter((name) => !name.startsWith('sqlite_') && name !== 'change');
  database.exec(`ATTACH '${newer}' AS newer`);
  const rowsOf = new Map([
    ['tuple', tuplesByParts('newer')],
    ['entity', 'newer.entity_by_name'],
  ]);
  for (const table of tables) {
    const columns = database
      .prepare<[], string>(`SELECT name FROM pragma_table_info('${table}')`)
      .pluck()
      .all();
    const rows = rowsOf.get(table) ?? `newer.${table}`;
    database.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM ${rows}`);
  }
  copyChangesByRow(database, 'newer.change', 'main.change');
  database.pragma(`application_id = ${applicationId}`);
  database.pragma('user_version = 1');
  database.close();
}

/** A datastore whose writer is one of the test's. */
function overHost(database: ReturnType<typeof openDatabase>, host: WriterHost) {
  const reading = createReading(database);
  return createDatastore(
    {
      database,
      reading,
      bases: baseHostHere(database, reading),
      writing: (audience) => createQueue(host, clock, audience),
    },
    { clock },
  );
}

describe('no space', () => {
  test('writes are refused while the disk is full, and go on when it is not', async () => {
    const path = freshPath();
    const reading = openDatabase(path);
    const writer = openDatabase(path);
    const datastore = overHost(reading, hostHere(writer));
    onTestFinished(() => datastore.close());
    await datastore.write(first, writing(anne));
    const pages = Number(writer.pragma('page_count', { simple: true }));
    writer.pragma(`max_page_count = ${pages + 20}`);

    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        refusalOf(datastore.write(first, writing(...numbered(100, `doc:${i}`)))),
      ),
    );
    expect(outcomes).toContain('resource_exhausted');
    const kept = outcomes.filter((code) => code === 'not refused').length;
    expect(await datastore.head(first)).toBe(1 + kept);
    expect((await readAll(datastore, first, {}, 1_000)).length).toBe(1 + kept * 100);
    expect(await readAll(datastore, first, { objectType: 'doc', objectId: '1' })).toContain(anne);
    // Still full, and still answering.
    const more = datastore.write(first, writing(...numbered(5_000, 'doc:more')));
    expect(await refusalOf(more)).toBe('resource_exhausted');
    await datastore.ready();

    writer.pragma('max_page_count = 1000000');
    expect(await revisionOf(datastore.write(first, writing(...numbered(5_000, 'doc:more'))))).toBe(
      2 + kept,
    );
    const log = await changesOf(datastore, first, '', 1_000);
    expect(log.length).toBe(1 + kept * 100 + 5_000);
  });

  test('a group that fails at its end fails whole, and what it interned is forgotten', async () => {
    const path = freshPath();
    const writer = openDatabase(path);
    const datastore = overHost(openDatabase(path), hostHere(writer));
    onTestFinished(() => datastore.close());
    await datastore.write(first, writing(anne));
    const pages = Number(writer.pragma('page_count', { simple: true }));
    writer.pragma(`max_page_count = ${pages + 3}`);
    // The first of the group fits and is done with when the last one finds no room.
    const group = [
      datastore.write(second, writing('folder:1#owner@user:bob')),
      datastore.write(first, writing(...numbered(1_500))),
    ];
    expect(await Promise.all(group.map(refusalOf))).toEqual([
      'resource_exhausted',
      'resource_exhausted',
    ]);
    expect(await datastore.head(second)).toBe(0);
    writer.pragma('max_page_count = 1000000');
    // Another order of names, so that a remembered id would be another's.
    await datastore.write(second, writing('doc:9#viewer@team:x', 'folder:1#owner@user:bob'));
    expect((await readAll(datastore, second)).toSorted()).toEqual([
      'doc:9#viewer@team:x',
      'folder:1#owner@user:bob',
    ]);
  });

  test('a disk that fails refuses writes, keeps what it had, and answers reads', () => {
    const path = freshPath();
    const child = new URL('full-disk.ts', import.meta.url).pathname;
    // No file of the child may grow past 256 KiB: the log of writes ahead is the first that would.
    const run = spawnSync('sh', [
      '-c',
      `ulimit -f 512; exec "$0" "$1" "$2"`,
      process.execPath,
      child,
      path,
    ]);
    expect(String(run.stderr)).toBe('');
    const { codes, head, tuples } = JSON.parse(String(run.stdout));
    expect(codes).toEqual({ written: expect.any(Number), unavailable: expect.any(Number) });
    expect(codes.written + codes.unavailable).toBe(40);
    expect([head, tuples]).toEqual([codes.written, codes.written * 100]);
    expect(verifyFile(path)).toMatchObject({ problems: [], tuples });
  });
});

describe('the writer', () => {
  /** The real writer, and a count of what it is given. */
  async function openCounted(): Promise<{ datastore: Datastore; groups: readonly number[] }> {
    const path = freshPath();
    const groups: number[] = [];
    const thread = await hostInThread(path);
    const counted: WriterHost = {
      ...thread,
      run(group) {
        groups.push(group.commands.length);
        return thread.run(group);
      },
    };
    const datastore = overHost(openDatabase(path), counted);
    onTestFinished(() => datastore.close());
    return { datastore, groups };
  }

  test('writes that arrive together share transactions', async () => {
    const { datastore, groups } = await openCounted();
    await Promise.all(numbered(500).map((text) => datastore.write(first, writing(text))));
    expect(groups.reduce((sum, length) => sum + length, 0)).toBe(500);
    expect(groups.length).toBeLessThan(5);
  });

  test.each([
    [limits.tuplesPerGroupMax - 1, [2]],
    [limits.tuplesPerGroupMax, [1, 1]],
    [limits.tuplesPerGroupMax + 1, [1, 1]],
  ])('after %d tuples, one more write goes into these groups: %j', async (count, expected) => {
    const { datastore, groups } = await openCounted();
    const large = datastore.write(first, writing(...numbered(count)));
    await Promise.all([large, datastore.write(first, writing(anne))]);
    expect(groups).toEqual(expected);
  });

  test('more writes than may wait are refused at once, the others are written', async () => {
    const datastore = await open(':memory:');
    const outcomes = await Promise.all(
      Array.from({ length: limits.writesWaitingMax + 50 }, (_, i) =>
        refusalOf(datastore.write(first, writing(`doc:${i}#viewer@user:anne`))),
      ),
    );
    expect(outcomes.indexOf('resource_exhausted')).toBe(limits.writesWaitingMax);
    expect(await datastore.head(first)).toBe(limits.writesWaitingMax);
    expect(await revisionOf(datastore.write(first, writing('folder:1#viewer@user:x')))).toBe(
      limits.writesWaitingMax + 1,
    );
  });

  test('that dies fails the writes that wait for it; reads go on', async () => {
    const path = freshPath();
    const thread = await hostInThread(path);
    const datastore = overHost(openDatabase(path), thread);
    onTestFinished(() => datastore.close());
    await datastore.write(first, writing(anne));
    const waiting = numbered(100).map((text) => refusalOf(datastore.write(first, writing(text))));
    await thread.worker.terminate();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['unavailable']));
    expect(await refusalOf(datastore.write(first, writing('doc:2#viewer@user:x')))).toBe(
      'unavailable',
    );
    expect(await refusalOf(datastore.ready())).toBe('unavailable');
    expect(await readAll(datastore, first)).toContain(anne);
    await datastore.close();
  });

  test('of two on one file each sees what the other has written', async () => {
    const path = freshPath();
    const [one, other] = [await open(path), await open(path)];
    await one.write(first, writing(...numbered(10, 'doc:a')));
    const reached = other.local.reach(first, 2, 50_000);
    await other.write(first, writing(...numbered(10, 'folder:b')));
    expect(await reached).toBe(true);
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (i % 2 === 0 ? one : other).write(
          i % 3 === 0 ? second : first,
          writing(tuple(`t${i % 7}:${i}#r${i % 5}@user:${i % 11}`, i % 4 === 0 ? 'c' : undefined)),
        ),
      ),
    );
    for (const store of [first, second]) {
      expect(await one.head(store)).toBe(await other.head(store));
      const texts = await Promise.all(
        [one, other].map(async (datastore) => {
          const rows = await allRows(50, (query) => datastore.readTuples(store, {}, query));
          return rows.map((row) => fullText(row.tuple));
        }),
      );
      expect(texts[0]).toEqual(texts[1]);
    }
    expect(await one.head(first)).toBe(42);
    expect(await one.head(second)).toBe(20);
  });

  test('the log of writes ahead is folded in, and does not grow without end', async () => {
    const path = freshPath();
    const datastore = await open(path);
    // Each touches some hundred pages; together they would be twice as much.
    for (let block = 0; block < 250; block++) {
      await datastore.write(first, writing(...numbered(300, `doc:${block}`)));
    }
    expect(statSync(`${path}-wal`).size).toBeLessThan(40 * 1024 * 1024);
  });
});

function sql(path: string, text: string): void {
  const database = new Database(path);
  database.exec(text);
  database.close();
}

/** Root may write to anything: run as somebody else where we are root. */
function asNobody(folder: string, work: () => void): void {
  chmodSync(folder, 0o555);
  const root = process.geteuid?.() === 0;
  try {
    if (root) process.seteuid?.(65_534);
    work();
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(folder, 0o755);
  }
}
