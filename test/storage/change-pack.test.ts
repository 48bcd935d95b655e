// The changelog in packs: what goes in comes out, and a file of version 2 loses nothing by the packing.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import {
  ChangePacker,
  changesPerPack,
  deletedGuard,
  expiredGuard,
  type LoggedChange,
  unpackChanges,
} from '../../src/storage/sqlite/change-pack.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { applicationId, migrations } from '../../src/storage/sqlite/schema.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { copyChangesByRow } from './changelog-by-row.ts';
import { changesOf, storeId, temporaryFolder, tuple, writing } from './fixtures.ts';
import { toVersion3 } from './tuples-by-parts.ts';

const idMax = 2 ** 31 - 1;

function packed(changes: readonly LoggedChange[]): Buffer {
  const packer = new ChangePacker();
  for (const change of changes) packer.add(change, change.guard);
  expect(packer.count).toBe(changes.length);
  return packer.take();
}

function randomChange(random: RandomSource, id: () => number): LoggedChange {
  return {
    object: id(),
    objectType: random.between(1, 3),
    relation: random.between(1, 200),
    subject: id(),
    subjectRelation: random.between(0, 2),
    guard: random.pick([0, 0, 0, id(), deletedGuard, expiredGuard]),
  };
}

test('random changes come out as they went in', () => {
  const random = new RandomSource(1);
  const border = () => random.pick([1, 2, 63, 64, 127, 128, 2 ** 28, idMax - 1, idMax]);
  const near = () => random.between(1, 300);
  for (let round = 0; round < 200; round++) {
    const id = round % 2 === 0 ? border : near;
    const count = random.between(0, 60);
    const changes = Array.from({ length: count }, () => randomChange(random, id));
    expect(unpackChanges(packed(changes))).toEqual(changes);
  }
});

test('a packer that is taken from begins anew', () => {
  const packer = new ChangePacker();
  const change = randomChange(new RandomSource(2), () => 700);
  packer.add(change, change.guard);
  const first = packer.take();
  packer.add(change, change.guard);
  expect(packer.take()).toEqual(first);
});

test('tuples of a load take a few bytes each', () => {
  const changes = Array.from({ length: 1_000 }, (_, i) => ({
    ...{ objectType: 1, relation: 2, subjectRelation: 0, guard: 0 },
    object: 1_000_000 + i,
    subject: 3_000_000 + (i % 50),
  }));
  expect(packed(changes).length).toBeLessThan(4 * changes.length);
});

test.each([
  ['an unknown shape', [1]],
  ['an unknown kind of guard', [0, 1, 0, 1, 9, 2, 2]],
  ['a number that does not end', [0, 0x80, 0x80, 0x80, 0x80, 0x80, 1]],
  ['an end in the midst', [0, 1, 0, 1, 0, 2]],
])('%s is no pack', (_name, bytes) => {
  expect(() => unpackChanges(Uint8Array.from(bytes))).toThrow(/pack of changes/);
});

test('a revision of several packs is read in pages of any size', async () => {
  const datastore = await openSqlite({ path: ':memory:', clock: systemClock });
  onTestFinished(() => datastore.close());
  const store = storeId(1);
  const texts = Array.from({ length: 2 * changesPerPack + 10 }, (_, i) => `doc:${i}#viewer@user:a`);
  await datastore.write(store, writing(...texts));
  await datastore.write(store, writing('folder:1#viewer@user:a'));
  const all = await changesOf(datastore, store, '', 10_000);
  expect(all).toHaveLength(texts.length + 1);
  expect(await changesOf(datastore, store, '', 1_000)).toEqual(all);
  expect(await changesOf(datastore, store, '', changesPerPack)).toEqual(all);
  expect(await changesOf(datastore, store, 'folder', 1_000)).toEqual(all.slice(-1));
});

/** Rows that version 2 had for what the packs of a file hold. */
function toVersion2(path: string): void {
  toVersion3(path);
  const database = new Database(path);
  const [old] = /CREATE TABLE change \([^;]*;/.exec(String(migrations[0])) ?? [''];
  database.exec(`ALTER TABLE change RENAME TO packed; ${old}`);
  copyChangesByRow(database, 'packed', 'change');
  database.exec('DROP TABLE packed');
  database.pragma('user_version = 2');
  database.pragma(`application_id = ${applicationId}`);
  database.close();
}

test('a file of version 2 is migrated: the same changes, and sound', async () => {
  const path = join(temporaryFolder(), 'old.db');
  const open = () => openSqlite({ path, clock: systemClock });
  const [first, second] = [storeId(1), storeId(2)];
  const datastore = await open();
  for (const store of [first, second]) {
    const many = Array.from({ length: changesPerPack + 3 }, (_, i) => `doc:${i}#viewer@user:${i}`);
    await datastore.write(store, writing(...many));
    await datastore.write(store, writing(tuple('doc:x#viewer@user:a', 'weekday', { day: 1 })));
    await datastore.write(store, { ...writing(), deletes: [tuple('doc:5#viewer@user:5')] });
  }
  const changes = [await changesOf(datastore, first), await changesOf(datastore, second)];
  await datastore.close();
  const sound = verifyFile(path);
  expect(sound.problems).toEqual([]);

  toVersion2(path);
  expect(() => verifyFile(path)).toThrow('older version 2');
  const migrated = await open();
  expect([await changesOf(migrated, first), await changesOf(migrated, second)]).toEqual(changes);
  await migrated.close();
  expect(verifyFile(path)).toEqual(sound);
});
