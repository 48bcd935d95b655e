// When expired tuples are collected: by themselves, and with no work and nobody kept awake before.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import {
  changesOf,
  deleting,
  manualClock,
  storeId,
  temporaryFolder,
  tuple,
  writing,
} from './fixtures.ts';

const first = storeId(1);
const start = 1_700_000_000_000;
const until = (text: string, expiresAt: number) => ({ ...tuple(text), expiresAt });

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

async function opened() {
  const clock = manualClock(start);
  const datastore = await openSqlite({ path: ':memory:', clock });
  onTestFinished(() => datastore.close());
  /** Both clocks go on, and whatever was begun by it is done. */
  const pass = async (ms: number) => {
    clock.set(clock.now() + ms);
    vi.advanceTimersByTime(ms);
    for (let i = 0; i < 3; i++) await datastore.ready();
  };
  return { datastore, pass };
}

test('a tuple is collected soon after it expires, and the next one after it', async () => {
  const { datastore, pass } = await opened();
  await datastore.write(first, writing(until('doc:1#viewer@user:b', start + 60_000)));
  await datastore.write(first, writing(until('doc:1#viewer@user:a', start + 5_000)));
  expect(vi.getTimerCount()).toBe(1);
  await pass(4_999);
  expect(await datastore.head(first)).toBe(2);
  await pass(1);
  expect(await datastore.head(first)).toBe(3);
  await pass(55_000);
  const log = (await changesOf(datastore, first)).filter(({ expired }) => expired);
  expect(log.map((change) => [change.tuple.subject.id, change.revision])).toEqual([
    ['a', 3],
    ['b', 4],
  ]);
  // Nothing is left to wait for.
  expect(vi.getTimerCount()).toBe(0);
});

test('many that expire one after another are collected together', async () => {
  const { datastore, pass } = await opened();
  const texts = Array.from({ length: 100 }, (_, i) => `doc:${i}#viewer@user:a`);
  const tuples = texts.map((text, i) => until(text, start + 5_000 + i));
  await datastore.write(first, writing(...tuples));
  await pass(5_000);
  await pass(limits.collectPauseMs);
  expect(await datastore.head(first)).toBe(3);
  expect((await changesOf(datastore, first, '', 500)).length).toBe(200);
});

test('nothing waits where nothing will expire', async () => {
  const { datastore } = await opened();
  await datastore.write(first, writing('doc:1#viewer@user:a'));
  await datastore.write(first, deleting('doc:1#viewer@user:a'));
  expect(vi.getTimerCount()).toBe(0);
  await datastore.write(first, writing(until('doc:1#viewer@user:a', 8.64e15)));
  expect(vi.getTimerCount()).toBe(1);
  await datastore.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a tuple that is still to expire does not keep the process alive', () => {
  vi.useRealTimers();
  const module = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;
  const folder = temporaryFolder();
  const script = `
    import { openSqlite } from '${module('storage/sqlite/open.ts')}';
    import { systemClock as clock } from '${module('base/clock.ts')}';
    const datastore = await openSqlite({ path: ${JSON.stringify(join(folder, 'alive.db'))}, clock });
    const write = ${JSON.stringify(writing(until('doc:1#viewer@user:a', 4e12)))};
    console.log((await datastore.write('${first}', write)).revision);`;
  writeFileSync(join(folder, 'alive.mjs'), script);
  const run = spawnSync(process.execPath, [join(folder, 'alive.mjs')], { timeout: 20_000 });
  expect([String(run.stderr), String(run.stdout), run.signal]).toEqual(['', '1\n', null]);
});
