// `verify` finds every kind of damage that we know how to plant, and nothing in a sound file.
import { cpSync, existsSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { registerVerify } from '../../cli/verify.ts';
import { systemClock } from '../../src/base/clock.ts';
import {
  ChangePacker,
  changesPerPack,
  unpackChanges,
} from '../../src/storage/sqlite/change-pack.ts';
import { NamePacker, NameWalk } from '../../src/storage/sqlite/name-block.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import {
  deleting,
  modelId,
  modelRecord,
  storeId,
  temporaryFolder,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second, third] = [storeId(1), storeId(2), storeId(3)];

let soundPath: string;
const cleanups: (() => void)[] = [];

beforeAll(async () => {
  soundPath = await soundFile();
});
afterAll(() => {
  for (const clean of cleanups) clean();
});

/** Three stores with tuples, guards, usersets, deletes, models and assertions; one half purged. */
async function soundFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-verify-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'sound.db');
  const datastore = await openSqlite({ path, clock: systemClock });
  for (const store of [first, second]) {
    await datastore.createStore({ id: store, name: 'docs' });
    await datastore.writeModel(store, modelRecord(1, ['doc', 'user', 'viewer', 'idle']));
    await datastore.write(
      store,
      writing(
        'doc:1#viewer@user:anne',
        'doc:1#viewer@team:x#member',
        tuple('doc:2#viewer@user:bob', 'weekday', { day: 1 }),
        tuple('doc:3#viewer@user:bob', 'weekday', { day: 2 }),
        { ...tuple('doc:4#viewer@user:bob'), expiresAt: 4e12 },
      ),
    );
    await datastore.write(store, {
      ...writing({ ...tuple('doc:4#viewer@user:bob', 'weekday'), expiresAt: 4e12 }),
      onDuplicate: 'replace',
      idempotencyKey: 'retry',
    });
    await datastore.write(store, deleting('doc:1#viewer@user:anne'));
    await datastore.write(store, writing('doc:1#viewer@user:anne', 'folder:1#viewer@user:anne'));
    await datastore.write(store, deleting('folder:1#viewer@user:anne'));
    await datastore.writeAssertions(store, modelId(1), '[]');
  }
  for (let i = 0; i < 3; i++) {
    const texts = Array.from({ length: 1_000 }, (_, n) => `doc:${i}-${n}#viewer@user:${n}`);
    await datastore.write(third, writing(...texts));
  }
  const deleted = datastore.deleteStore(third);
  await datastore.close();
  await deleted;
  return path;
}

function copyOf(path: string): string {
  const copy = join(temporaryFolder(), 'copy.db');
  cpSync(path, copy);
  return copy;
}

function plant(path: string, statements: string): void {
  const database = new Database(path);
  database.function('retyped', (names, type) => retyped(names as Buffer, Number(type)));
  database.function('regarded', (pack, from, to) => regarded(pack as Buffer, from, to));
  database.exec(statements);
  database.close();
}

/** The pack, with one guard in place of another. */
function regarded(pack: Buffer, from: unknown, to: unknown): Buffer {
  const packer = new ChangePacker();
  for (const change of unpackChanges(pack)) {
    packer.add(change, change.guard === from ? Number(to) : change.guard);
  }
  return packer.take();
}

/** The block, with another type. */
function retyped(names: Buffer, type: number): Buffer {
  const [walk, packer] = [new NameWalk(names), new NamePacker()];
  while (walk.next()) packer.add(type, walk.name());
  return packer.take();
}

/** Takes the reverse index out of the schema, so that a change of the table does not reach it. */
function plantBehindIndex(path: string, statements: string): void {
  const unsafe = (work: (database: Database.Database) => void) => {
    const database = new Database(path);
    database.unsafeMode(true);
    database.pragma('writable_schema = ON');
    work(database);
    database.close();
  };
  const columns = 'type, name, tbl_name, rootpage, sql';
  let index: unknown[] = [];
  unsafe((database) => {
    const find = database.prepare(
      `SELECT ${columns} FROM sqlite_schema WHERE name = 'tuple_reverse'`,
    );
    index = find.raw().get() as unknown[];
    database.exec("DELETE FROM sqlite_schema WHERE name = 'tuple_reverse'");
  });
  unsafe((database) => database.exec(statements));
  unsafe((database) => {
    database.prepare(`INSERT INTO sqlite_schema (${columns}) VALUES (?, ?, ?, ?, ?)`).run(...index);
  });
}

const kindsOf = (path: string) => [...new Set(verifyFile(path).problems.map(({ kind }) => kind))];

test('a sound file has no problems, and is counted', () => {
  const before = copyOf(soundPath);
  const report = verifyFile(soundPath);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ version: 5, stores: 2, revisions: expect.any(Number) });
  expect(report.tuples).toBeGreaterThan(8);
  expect(verifyFile(before)).toEqual({ ...report, path: before });
});

test('it verifies while a server writes', async () => {
  const path = copyOf(soundPath);
  const datastore = await openSqlite({ path, clock: systemClock });
  onTestFinished(() => datastore.close());
  const writes = Array.from({ length: 20 }, (_, i) =>
    datastore.write(first, writing(`doc:${i}#viewer@user:new`)),
  );
  expect(verifyFile(path).problems).toEqual([]);
  await Promise.all(writes);
  expect(verifyFile(path).problems).toEqual([]);
});

describe('planted faults', () => {
  const store = `(SELECT key FROM store WHERE id = '${first}')`;
  const faults: [name: string, sql: string, kind: string][] = [
    ['a tuple too many', tupleOf('object, iif(kind = 1, 2, 1), subject'), 'changelog'],
    ['a tuple lost', `DELETE FROM tuple WHERE store = ${store} AND guard = 1`, 'changelog'],
    [
      'another guard',
      `UPDATE tuple SET guard = 2 WHERE store = ${store} AND guard = 1`,
      'changelog',
    ],
    [
      'another revision',
      `UPDATE tuple SET revision = 4 WHERE store = ${store} AND guard = 1`,
      'changelog',
    ],
    ['a change lost', `DELETE FROM change WHERE store = ${store} AND revision = 3`, 'changelog'],
    [
      'a delete too many',
      `UPDATE change SET pack = regarded(pack, 2, -1) WHERE store = ${store}`,
      'changelog',
    ],
    [
      'a hole in a revision',
      `UPDATE change SET position = ${changesPerPack} WHERE store = ${store} AND revision = 3`,
      'changelog',
    ],
    [
      'a pack within another',
      `UPDATE change SET position = 9 WHERE store = ${store} AND revision = 3`,
      'changelog',
    ],
    ['a pack that was cut', `UPDATE change SET ${cut('pack')} WHERE store = ${store}`, 'changelog'],
    [
      'a pack that is miscounted',
      `UPDATE change SET count = count + 1 WHERE store = ${store} AND revision = 3`,
      'changelog',
    ],
    [
      'a type of a revision lost',
      `DELETE FROM change_type WHERE store = ${store} AND revision = 3`,
      'changelog',
    ],
    [
      'a type of a revision too many',
      `INSERT INTO change_type VALUES (${store}, 1, 1)`,
      'changelog',
    ],
    ['an entity lost', `DELETE FROM entity_by_name WHERE store = ${store} AND id = 2`, 'interning'],
    ['names lost', `DELETE FROM entity_by_id WHERE store = ${store}`, 'reference'],
    ['names cut', `UPDATE entity_by_id SET ${cut('names')} WHERE store = ${store}`, 'interning'],
    ['names of other ids', `UPDATE entity_by_id SET first = 2 WHERE store = ${store}`, 'interning'],
    [
      'another name',
      `UPDATE entity_by_name SET name = 'other' WHERE store = ${store} AND id = 2`,
      'interning',
    ],
    [
      'another type by its id',
      `UPDATE entity_by_id SET names = retyped(names, 4) WHERE store = ${store}`,
      'reference',
    ],
    ['a symbol lost', `DELETE FROM symbol WHERE store = ${store} AND text = 'viewer'`, 'reference'],
    [
      'a kind lost',
      `DELETE FROM kind WHERE store = ${store} AND id = (SELECT max(kind) FROM tuple)`,
      'reference',
    ],
    [
      'a kind of another relation',
      `UPDATE kind SET relation = 1 WHERE store = ${store} AND id = 1`,
      'changelog',
    ],
    [
      'a kind of another type',
      `UPDATE kind SET object_type = 99 WHERE store = ${store} AND id = 1`,
      'reference',
    ],
    ['a kind skipped', `UPDATE store SET kinds = kinds + 1 WHERE id = '${first}'`, 'interning'],
    ['a guard lost', `DELETE FROM guard WHERE store = ${store} AND id = 1`, 'reference'],
    [
      'a revision lost',
      `DELETE FROM revision WHERE store = ${store} AND revision = 2`,
      'reference',
    ],
    [
      'an entity of another type',
      `UPDATE entity_by_name SET type = 4 WHERE store = ${store} AND id = 1`,
      'interning',
    ],
    [
      'an id skipped',
      `UPDATE store SET entities = entities + 1 WHERE id = '${first}'`,
      'interning',
    ],
    [
      'a context that is no object',
      `UPDATE guard SET context = '[1]' WHERE store = ${store} AND id = 1`,
      'interning',
    ],
    [
      'a context that is no JSON',
      `UPDATE guard SET context = '{' WHERE store = ${store} AND id = 1`,
      'interning',
    ],
    [
      'a name that a model needs',
      `UPDATE symbol SET text = 'other' WHERE store = ${store} AND text = 'idle'`,
      'interning',
    ],
    ['a revision too many', `INSERT INTO revision VALUES (${store}, 99, 9e15)`, 'revision'],
    ['a store that is behind', `UPDATE store SET revision = 3 WHERE id = '${first}'`, 'revision'],
    [
      'time going backwards',
      `UPDATE revision SET committed_at = 1 WHERE store = ${store} AND revision = 3`,
      'time',
    ],
    ['a store of another time', `UPDATE store SET committed_at = 1 WHERE id = '${first}'`, 'time'],
    ['an expiry lost', `DELETE FROM expiry WHERE store = ${store}`, 'expiry'],
    ['another expiry', `UPDATE expiry SET expires_at = 5 WHERE store = ${store}`, 'expiry'],
    [
      'an expiry of no tuple',
      `INSERT INTO expiry SELECT store, object + 1, kind, subject, expires_at
       FROM expiry WHERE store = ${store}`,
      'expiry',
    ],
    [
      'an expiry before its time',
      `UPDATE change SET pack = regarded(pack, -1, -2) WHERE store = ${store}`,
      'expiry',
    ],
    [
      'a guard without condition or expiry',
      `UPDATE guard SET condition = 0 WHERE store = ${store} AND id = 1`,
      'interning',
    ],
    [
      'a write of a tuple as it is',
      `UPDATE change SET pack = regarded(pack, 4, 3) WHERE store = ${store}`,
      'changelog',
    ],
    [
      'a key of a revision that is not there',
      `UPDATE idempotency SET revision = 99 WHERE store = ${store}`,
      'reference',
    ],
    ['rows of no store', `DELETE FROM store WHERE id = '${first}'`, 'ownership'],
    ['rows of a store that was purged', 'DELETE FROM purge', 'ownership'],
  ];
  test.each(faults)('%s', (_name, sql, kind) => {
    const path = copyOf(soundPath);
    plant(path, sql);
    expect(kindsOf(path)).toContain(kind);
    // The store beside it is not accused.
    for (const problem of verifyFile(path).problems) expect(problem.store).not.toBe(second);
  });

  test.each([
    ['a tuple that only the primary key has', tupleOf('object, kind + 1, subject')],
    ['a tuple that only the reverse index has', 'DELETE FROM tuple WHERE guard = 1'],
    ['indexes that differ in a guard', 'UPDATE tuple SET guard = 2 WHERE guard = 1'],
  ])('%s', (_name, sql) => {
    const path = copyOf(soundPath);
    plantBehindIndex(path, sql);
    expect(kindsOf(path)).toEqual(['damage']);
  });

  test('pages cut off', () => {
    const path = copyOf(soundPath);
    truncateSync(path, 40_960);
    expect(kindsOf(path)).toEqual(['damage']);
  });

  function cut(column: string): string {
    return `${column} = substr(${column}, 1, length(${column}) - 1)`;
  }

  function tupleOf(key: string): string {
    return `INSERT INTO tuple (store, object, kind, subject, guard, revision)
      SELECT store, ${key}, guard, revision FROM tuple
      WHERE store = (SELECT key FROM store WHERE id = '${first}') AND guard = 1`;
  }
});

describe('pemba verify', () => {
  async function run(...args: string[]): Promise<{ output: string; exit: unknown }> {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const program = new Command().exitOverride();
      registerVerify(program);
      await program.parseAsync(['node', 'pemba', 'verify', ...args]);
      return { output: write.mock.calls.join(''), exit: process.exitCode };
    } finally {
      write.mockRestore();
      process.exitCode = undefined;
    }
  }

  test('says that a file is sound, and ends with 0', async () => {
    const { output, exit } = await run(soundPath);
    expect(output).toContain('sound');
    expect(output).toContain('2 stores');
    expect(exit ?? 0).toBe(0);
  });

  test('names what is wrong, and ends with 1', async () => {
    const path = copyOf(soundPath);
    plant(path, 'DELETE FROM tuple WHERE guard = 1');
    const plain = await run(path);
    expect(plain.exit).toBe(1);
    expect(plain.output).toContain(first);
    const json = await run(path, '--json');
    expect(json.exit).toBe(1);
    expect(JSON.parse(json.output).problems[0]).toMatchObject({ kind: 'changelog', store: first });
  });

  test('refuses what is not there, and makes nothing', async () => {
    const path = join(temporaryFolder(), 'none.db');
    await expect(run(path)).rejects.toMatchObject({ exit: 'input' });
    expect(existsSync(path)).toBe(false);
  });
});
