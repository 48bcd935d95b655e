// The moments at which a graph could show too little, too much, or another store: between a commit
// and its acknowledgement, while it is built, folded, given up, and when something fails.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Place } from '../../src/storage/graphs.ts';
import type { BaseAnswer } from '../../src/storage/sqlite/base-host.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import {
  deleting,
  findTuple,
  manualClock,
  modelRecord,
  refusalOf,
  storeId,
  temporaryFolder,
  tuple,
  writing,
} from './fixtures.ts';
import { type BothWays, dumpOf, openBoth } from './resident-world.ts';

const [first, second, third] = [storeId(1), storeId(2), storeId(3)];
const anne = 'doc:1#viewer@user:A';
const bob = 'doc:1#viewer@user:a';
const clock = manualClock();

/** Opens when the test says so. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

function has({ local }: Pick<SqliteDatastore, 'local'>, text: string): boolean {
  return local.view(first, (snapshot) => findTuple(snapshot, text)) >= 0;
}

/** As it is after one read and what that has begun. */
async function readAndSettled({ datastore }: BothWays): Promise<Place | undefined> {
  datastore.local.view(first, () => undefined);
  await datastore.graphs.settled();
  return datastore.graphs.place(first);
}

function same({ datastore, stored }: BothWays): void {
  const shown = datastore.local.view(first, dumpOf);
  expect(shown).toBe(stored(first, dumpOf));
}

async function resident(both: BothWays): Promise<void> {
  await both.datastore.write(first, writing(anne));
  expect(await readAndSettled(both)).toMatchObject({ kind: 'memory', tuples: 1, revision: 1 });
}

describe('between a commit and its acknowledgement', () => {
  async function committedButNotSaid() {
    const { promise, open } = gate();
    let slow = false;
    const both = openBoth({
      clock,
      host: (host) => ({
        ...host,
        async run(group) {
          const outcomes = await host.run(group);
          if (slow) await promise;
          return outcomes;
        },
      }),
    });
    await resident(both);
    slow = true;
    return { both, open };
  }

  test('whoever saw it in storage sees it in memory', async () => {
    const { both, open } = await committedButNotSaid();
    const done = both.datastore.write(first, writing(bob));
    while (both.stored(first, ({ revision }) => revision) === 1) await setImmediate();
    // Nobody has seen it, and nobody was told.
    expect(has(both.datastore, bob)).toBe(false);
    const page = await both.datastore.readTuples(first, {}, { pageSize: 10, cursor: '' });
    expect(page.rows).toHaveLength(2);
    expect(has(both.datastore, bob)).toBe(true);
    open();
    await done;
    same(both);
  });

  test('the newest revision of the record can be reached at once', async () => {
    const { both, open } = await committedButNotSaid();
    const done = both.datastore.write(first, writing(bob));
    while ((await both.datastore.head(first)) === 1) await setImmediate();
    expect(await both.datastore.local.reach(first, 2, 0)).toBe(true);
    expect(both.datastore.local.view(first, ({ revision }) => revision)).toBe(2);
    open();
    await done;
  });

  test('a store that storage shows as deleted is not shown in memory', async () => {
    const { both, open } = await committedButNotSaid();
    const done = both.datastore.deleteStore(first);
    while (both.stored(first, ({ revision }) => revision) !== 0) await setImmediate();
    expect(await both.datastore.head(first)).toBe(0);
    expect(has(both.datastore, anne)).toBe(false);
    open();
    await done;
  });

  test('a writer that commits and then dies leaves nobody behind', async () => {
    let dies = false;
    const both = openBoth({
      clock,
      host: (host) => ({
        ...host,
        async run(group) {
          const outcomes = await host.run(group);
          if (dies) throw new Error('the thread is gone');
          return outcomes;
        },
      }),
    });
    await resident(both);
    dies = true;
    await expect(both.datastore.write(first, writing(bob))).rejects.toThrow('gone');
    expect(both.datastore.graphs.place(first)?.kind).toBe('memory');
    same(both);
    expect(has(both.datastore, bob)).toBe(true);
  });
});

test.each([false, true])(
  'what is collected is seen, whether the writer dies of it: %s',
  async (dies) => {
    const now = manualClock();
    let end = false;
    const both = openBoth({
      clock: now,
      host: (host) => ({
        ...host,
        async collect(at) {
          const collected = await host.collect(at);
          if (end) throw new Error('the thread is gone');
          return collected;
        },
      }),
    });
    await resident(both);
    await both.datastore.write(first, writing({ ...tuple(bob), expiresAt: now.now() + 10 }));
    now.set(now.now() + 20);
    end = dies;
    const collected = both.datastore.collectExpired();
    if (dies) await expect(collected).rejects.toThrow('gone');
    else await collected;
    // Not by what SQLite shows: that is asked after it.
    expect(both.datastore.local.view(first, ({ revision }) => revision)).toBe(3);
    expect(both.datastore.graphs.place(first)?.kind).toBe('memory');
    same(both);
  },
);

test('a tuple that had expired and is written again, in one revision, is there', async () => {
  const now = manualClock();
  const both = openBoth({ clock: now });
  await resident(both);
  const brief = { ...tuple(bob), expiresAt: now.now() + 10 };
  await both.datastore.write(first, writing(brief));
  now.set(now.now() + 20);
  await both.datastore.write(first, writing(bob));
  expect(has(both.datastore, bob)).toBe(true);
  same(both);
});

describe('while a base is built', () => {
  /** The next base is read at once and handed over when the gate opens. */
  function slowly() {
    const gates: ReturnType<typeof gate>[] = [];
    const both = openBoth({
      clock,
      graphBounds: { changesKept: 3, changesPerSlice: 2, loadsWaiting: 2 },
      bases: (bases) => ({
        ...bases,
        async build(store, bytesMax) {
          const answer = await bases.build(store, bytesMax);
          const closed = gate();
          gates.push(closed);
          await closed.promise;
          return answer;
        },
      }),
    });
    const built = async () => {
      while (gates.length === 0) await setImmediate();
      return gates.shift() as ReturnType<typeof gate>;
    };
    return { both, built };
  }

  test('what is written meanwhile is in it', async () => {
    const { both, built } = slowly();
    await both.datastore.write(first, writing(anne));
    has(both.datastore, anne);
    const base = await built();
    for (let i = 0; i < 9; i++) {
      await both.datastore.write(first, i % 2 === 0 ? writing(bob) : deleting(bob));
      await both.datastore.writeModel(first, modelRecord(i + 1));
    }
    expect(both.datastore.graphs.place(first)).toEqual({ kind: 'loading' });
    base.open();
    await both.datastore.graphs.settled();
    expect(both.datastore.graphs.place(first)).toMatchObject({ kind: 'memory', revision: 19 });
    same(both);
  });

  test('a store deleted and made again meanwhile is not taken for the other one', async () => {
    const { both, built } = slowly();
    await both.datastore.write(first, writing(anne));
    has(both.datastore, anne);
    const base = await built();
    await both.datastore.deleteStore(first);
    await both.datastore.write(first, writing(bob));
    base.open();
    await both.datastore.graphs.settled();
    expect(both.datastore.graphs.place(first)).toBeUndefined();
    same(both);
    expect([has(both.datastore, anne), has(both.datastore, bob)]).toEqual([false, true]);
  });

  test('a fold of a store deleted meanwhile comes to nothing', async () => {
    const { both, built } = slowly();
    await both.datastore.write(first, writing(anne));
    has(both.datastore, anne);
    (await built()).open();
    await both.datastore.graphs.settled();
    for (const text of [bob, 'doc:A#viewer@user:1', 'doc:A#viewer@user:A', 'doc:A#viewer@user:a']) {
      await both.datastore.write(first, writing(text));
      same(both);
    }
    const base = await built();
    // The old graph goes on answering, and taking in what is written.
    await both.datastore.write(first, deleting(anne));
    expect(both.datastore.graphs.place(first)).toMatchObject({ kind: 'memory', changes: 5 });
    same(both);
    await both.datastore.deleteStore(first);
    await both.datastore.write(first, writing(anne));
    base.open();
    await both.datastore.graphs.settled();
    expect(both.datastore.graphs.counts.folds).toBe(0);
    same(both);
  });

  test('only so many wait, and a store that does not exist is never looked for', async () => {
    const { both, built } = slowly();
    const { local, graphs } = both.datastore;
    for (const store of [first, second, third]) await both.datastore.write(store, writing(anne));
    for (let i = 0; i < 20; i++) local.view(storeId(100 + i), () => undefined);
    for (const store of [first, second, third]) local.view(store, () => undefined);
    expect(graphs.storesIn).toEqual({ memory: 0, loading: 2, storage: 0 });
    (await built()).open();
    (await built()).open();
    await graphs.settled();
    local.view(third, () => undefined);
    (await built()).open();
    await graphs.settled();
    expect(graphs.storesIn).toEqual({ memory: 3, loading: 0, storage: 0 });
  });
});

test('a graph that is written and never read is given up, and is back with the next reader', async () => {
  const both = openBoth({ clock, graphBounds: { changesKept: 10 } });
  const { graphs } = both.datastore;
  await resident(both);
  for (let i = 0; i < 11; i++) {
    expect(graphs.place(first)?.kind).toBe('memory');
    await both.datastore.write(first, writing(`doc:${i + 2}#viewer@user:A`));
  }
  expect(graphs.place(first)).toBeUndefined();
  expect(graphs.counts).toMatchObject({ folds: 0, builds: 1, evictions: 0 });
  same(both);
  expect(await readAndSettled(both)).toMatchObject({ kind: 'memory', tuples: 12, changes: 0 });
  same(both);
});

describe('what cannot be had', () => {
  test('a base that fails leaves the store to SQLite, and is tried again after twice the reads', async () => {
    const faults: unknown[] = [];
    let builds = 0;
    const both = openBoth({
      clock,
      graphBounds: { readsBeforeReturn: 3 },
      onFault: (error) => faults.push(error),
      bases: (bases) => ({
        ...bases,
        async build(): Promise<BaseAnswer> {
          builds++;
          throw new Error('no base');
        },
      }),
    });
    await both.datastore.write(first, writing(anne));
    const seen: number[] = [];
    for (let reads = 0; reads < 14; reads++) {
      expect(has(both.datastore, anne)).toBe(true);
      await both.datastore.graphs.settled();
      seen.push(builds);
    }
    expect(seen).toEqual([1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
    expect(both.datastore.graphs.place(first)).toEqual({ kind: 'storage', reason: 'failed' });
    expect(faults).toHaveLength(3);
  });

  test('a graph that cannot take a commit in answers no more', async () => {
    const faults: unknown[] = [];
    const both = openBoth({ clock, onFault: (error) => faults.push(error) });
    await resident(both);
    // Damage: an id that nobody gave.
    both.database.exec(
      "INSERT INTO entity_by_id (store, first, names) VALUES (1, 99, x'01010161')",
    );
    await both.datastore.write(first, writing(bob));
    expect(faults).toHaveLength(1);
    expect(both.datastore.graphs.place(first)).toEqual({ kind: 'storage', reason: 'failed' });
    same(both);
  });

  test('a store that is too large stays with SQLite and says so', async () => {
    const both = openBoth({ clock, graphBytesMax: 100 });
    await both.datastore.write(first, writing(anne));
    expect(await readAndSettled(both)).toEqual({ kind: 'storage', reason: 'too large' });
    same(both);
    await both.datastore.deleteStore(first);
    expect(both.datastore.graphs.place(first)).toBeUndefined();
  });

  test('one that grows too large is given up at the write that makes it so', async () => {
    const both = openBoth({ clock, graphBytesMax: 21_000 });
    await resident(both);
    let writes = 0;
    while (both.datastore.graphs.place(first)?.kind === 'memory') {
      await both.datastore.write(first, writing(`doc:${++writes + 1}#viewer@user:A`));
      same(both);
      expect(both.datastore.graphs.bytes).toBeLessThanOrEqual(21_000);
    }
    expect(writes).toBeGreaterThan(1);
    expect(both.datastore.graphs.place(first)).toEqual({ kind: 'storage', reason: 'too large' });
  });

  test('of two that fit only alone, the one used last stays', async () => {
    const both = openBoth({ clock, graphBytesMax: 30_000, graphBounds: { readsBeforeReturn: 2 } });
    const { graphs, local } = both.datastore;
    await resident(both);
    await both.datastore.write(second, writing(anne));
    local.view(second, () => undefined);
    await graphs.settled();
    expect(graphs.place(first)).toEqual({ kind: 'storage', reason: 'gave way' });
    expect(graphs.place(second)?.kind).toBe('memory');
    expect(graphs.counts.evictions).toBe(1);
    same(both);
    await readAndSettled(both);
    expect(graphs.place(first)?.kind).toBe('memory');
  });
});

test('a store that does not exist is not looked for when it is held either', async () => {
  const path = join(temporaryFolder(), 'pemba.db');
  const datastore = await openSqlite({ path, clock, graphBytesMax: 2 ** 20 });
  onTestFinished(() => datastore.close());
  (await datastore.local.hold(first, 0))[Symbol.dispose]();
  expect(datastore.graphs.storesIn.loading).toBe(0);
  await datastore.write(first, writing(anne));
  (await datastore.local.hold(first, 0))[Symbol.dispose]();
  expect(datastore.graphs.storesIn.loading).toBe(1);
});

describe('over a file', () => {
  async function openFile(graphBounds = {}) {
    const path = join(temporaryFolder(), 'pemba.db');
    const options = { path, clock, graphBytesMax: 2 ** 20, graphBounds };
    const datastore = await openSqlite({
      ...options,
      onFault(error) {
        throw error;
      },
    });
    onTestFinished(() => datastore.close());
    await datastore.write(first, writing(anne, tuple('doc:A#viewer@user:A', 'brief', { x: 1 })));
    datastore.local.view(first, () => undefined);
    await datastore.graphs.settled();
    return datastore;
  }

  test('what is held stays as it was while it is written, folded and given up', async () => {
    const datastore = await openFile({ changesKept: 2 });
    const held = [];
    for (let i = 0; i < 12; i++) {
      const snapshot = await datastore.local.hold(first, 0);
      onTestFinished(() => snapshot[Symbol.dispose]());
      held.push([snapshot, snapshot.view(dumpOf)] as const);
      await datastore.write(first, i % 2 === 0 ? deleting(anne) : writing(anne));
      has(datastore, anne);
      await datastore.write(first, writing(`doc:1#member@user:${i}`, `group:${i}#member@user:A`));
      has(datastore, anne);
      await datastore.writeModel(first, modelRecord(i + 1));
      for (const [each, as] of held) expect(each.view(dumpOf)).toBe(as);
      if (i % 3 === 0) await datastore.graphs.settled();
    }
    expect(datastore.graphs.counts.folds).toBeGreaterThan(2);
    expect(new Set(held.map(([, as]) => as)).size).toBe(12);
  });

  test('of a store that is deleted nothing more is shown, whoever holds it', async () => {
    const datastore = await openFile();
    using held = await datastore.local.hold(first, 0);
    expect(datastore.graphs.place(first)?.kind).toBe('memory');
    await datastore.deleteStore(first);
    expect(datastore.graphs.place(first)).toBeUndefined();
    expect(() => held.view(() => 1)).toThrow('deleted while it was read');
    await datastore.write(first, writing(bob));
    expect(() => held.view(() => 1)).toThrow('deleted while it was read');
    expect([has(datastore, anne), has(datastore, bob)]).toEqual([false, true]);
  });

  test('a datastore can be closed while graphs are loaded and folded', async () => {
    for (let turns = 0; turns < 6; turns++) {
      const datastore = await openFile({ changesKept: 1 });
      const writes = Array.from({ length: 5 }, (_, i) =>
        refusalOf(datastore.write(first, writing(`doc:1#member@user:${i}`))),
      );
      await datastore.write(second, writing(anne));
      datastore.local.view(second, () => undefined);
      for (let i = 0; i < turns; i++) await setImmediate();
      await datastore.close();
      expect(new Set(await Promise.all(writes))).toEqual(new Set(['not refused']));
      expect(() => has(datastore, anne)).toThrow('closed');
    }
  });
});
