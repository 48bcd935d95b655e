// Names in blocks: what goes in comes out, and a file of version 4 keeps every name.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Snapshot } from '../../src/storage/datastore.ts';
import { NamePacker, NameWalk, namesPerBlock } from '../../src/storage/sqlite/name-block.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { migrations } from '../../src/storage/sqlite/schema.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  allRows,
  changesOf,
  deleting,
  fullText,
  storeId,
  temporaryFolder,
  writing,
} from './fixtures.ts';
import { toVersion4 } from './names-by-row.ts';

type Name = readonly [type: number, name: string];

function packed(names: readonly Name[]): Buffer[] {
  const packer = new NamePacker();
  const blocks: Buffer[] = [];
  for (const [type, name] of names) {
    if (packer.add(type, name)) continue;
    blocks.push(packer.take());
    expect(packer.add(type, name)).toBe(true);
  }
  return [...blocks, packer.take()];
}

function unpacked(block: Buffer): Name[] {
  const walk = new NameWalk(block);
  const names: Name[] = [];
  while (walk.next()) names.push([walk.type, walk.name()]);
  return names;
}

/** Texts that share parts of a character, that are empty, long, or begin as the one before does. */
function randomName(random: RandomSource): Name {
  const stem = random.pick([
    '',
    'd',
    'doc-',
    'é',
    'è',
    '\u{10000}',
    '\u{10001}',
    '\u0000',
    'e\u0301',
  ]);
  const long = random.pick([0, 0, 0, 1, 60, 300, 2_000]);
  const type = random.pick([1, 2, 2, 2, 127, 128, 2 ** 31 - 1]);
  return [type, `${stem}${random.between(1, 30)}${'x'.repeat(long)}`];
}

test('random names come out as they went in', () => {
  const random = new RandomSource(1);
  for (let round = 0; round < 200; round++) {
    const names = Array.from({ length: random.between(0, 150) }, () => randomName(random));
    const blocks = packed(names);
    expect(blocks.flatMap(unpacked)).toEqual(names);
    for (const block of blocks) expect(unpacked(block).length).toBeLessThanOrEqual(namesPerBlock);
  }
});

test('a block that is gone on with is what it would have been at once', () => {
  const random = new RandomSource(2);
  for (let round = 0; round < 100; round++) {
    const names = Array.from({ length: random.between(1, 60) }, () => randomName(random));
    const [whole = Buffer.alloc(0)] = packed(names);
    const count = unpacked(whole).length;
    const packer = new NamePacker();
    for (let at = 0; at < count; at++) {
      if (random.between(0, 3) === 0) packer.goOn(packer.take());
      expect(packer.add(...(names[at] as Name))).toBe(true);
      expect(packer.count).toBe(at + 1);
    }
    expect(packer.take()).toEqual(whole);
  }
});

test('names of a load take a few bytes each, and a block of long ones stays within a page', () => {
  const names = Array.from({ length: 6_000 }, (_, i) => `doc-${i}`).sort();
  const bytes = packed(names.map((name) => [1, name])).reduce((sum, { length }) => sum + length, 0);
  expect(bytes).toBeLessThan(4 * names.length);
  const long = Array.from({ length: 90 }, (_, i) => [1, `${i}${'x'.repeat(40)}`] as const);
  for (const block of packed(long)) expect(block.length).toBeLessThan(1_000);
});

test.each([
  ['a name that shares more than there is', [2, 1, 97]],
  ['a name without a type', [0, 1, 97]],
  ['a name that is cut', [1, 1, 9, 97]],
  ['a number that does not end', [1, 0x80, 0x80, 0x80, 0x80, 0x80, 1]],
  ['an end in the midst', [1, 1]],
])('%s is no block', (_name, bytes) => {
  expect(() => unpacked(Buffer.from(bytes))).toThrow(/block of names/);
});

const [first, second, gone] = [storeId(1), storeId(2), storeId(3)];
/** More than a block, of two types, written at once and one by one. */
const many = Array.from({ length: 100 }, (_, i) => `doc:${i}#viewer@user:${i}`);
const single = Array.from({ length: 30 }, (_, i) => `doc:n${i}#viewer@group:é${i}#member`);

async function makeFile(path: string): Promise<void> {
  const datastore = await openSqlite({ path, clock: systemClock });
  await datastore.write(first, writing(...many));
  for (const text of single) {
    // Names of two stores in one transaction.
    await Promise.all([first, second].map((store) => datastore.write(store, writing(text))));
  }
  await datastore.write(gone, writing(...many));
  await datastore.close();
}

async function shownBy(path: string): Promise<unknown> {
  const datastore = await openSqlite({ path, clock: systemClock });
  const shown: unknown[] = [];
  for (const store of [first, second]) {
    const rows = await allRows(7, (query) => datastore.readTuples(store, {}, query));
    shown.push(rows.map(({ tuple }) => fullText(tuple)));
    shown.push(await changesOf(datastore, store));
    shown.push(datastore.local.view(store, namesIn));
  }
  await datastore.close();
  return shown;
}

/** Every entity by its name, and back. */
function namesIn(snapshot: Snapshot): unknown[] {
  const texts = [...many, ...single].flatMap((text) => text.split('#')[0] ?? []);
  return texts.map((text) => {
    const [type = '', id = ''] = text.split(':');
    const entity = snapshot.entity(snapshot.symbol(type), id);
    if (entity !== 0) expect(snapshot.entityRef(entity)).toEqual({ type, id });
    return entity;
  });
}

test('a file of version 4 keeps every name and every change', async () => {
  const path = join(temporaryFolder(), 'old.db');
  await makeFile(path);
  const shown = await shownBy(path);
  const sound = verifyFile(path);
  expect(sound.problems).toEqual([]);

  toVersion4(path);
  expect(() => verifyFile(path)).toThrow('older version 4');
  expect(await shownBy(path)).toEqual(shown);
  expect(verifyFile(path)).toEqual(sound);
  expect(sound.version).toBe(migrations.length);
});

test('what it has is found, deleted and added to as before', async () => {
  const path = join(temporaryFolder(), 'old.db');
  await makeFile(path);
  toVersion4(path);
  // The rows of a store that was deleted, and is not purged, are half gone.
  const database = new Database(path);
  database.exec(`INSERT INTO purge SELECT key FROM store WHERE id = '${gone}';
    DELETE FROM store WHERE id = '${gone}';
    DELETE FROM entity WHERE id % 2 = 0 AND store IN (SELECT store FROM purge)`);
  database.close();

  const datastore = await openSqlite({ path, clock: systemClock });
  const head = await datastore.head(first);
  const again = { ...writing(...many, ...single), onDuplicate: 'ignore' } as const;
  expect((await datastore.write(first, again)).revision).toBe(head);
  await datastore.write(first, deleting(...many));
  await datastore.write(first, writing('doc:new#viewer@user:new', ...many));
  await datastore.ready();
  await datastore.close();
  expect(verifyFile(path).problems).toEqual([]);
});

test('a file that lacks a name is not brought forward', async () => {
  const path = join(temporaryFolder(), 'old.db');
  await makeFile(path);
  toVersion4(path);
  const database = new Database(path);
  database.exec('DELETE FROM entity WHERE store = 1 AND id = 5');
  database.close();
  await expect(openSqlite({ path, clock: systemClock })).rejects.toThrow('it is damaged');
  const after = new Database(path, { readonly: true });
  expect(after.pragma('user_version', { simple: true })).toBe(4);
  after.close();
});
