// The datastores of workers that share a file: each is one by the contract, and together they are
// one too, whichever of them is asked.
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import type { SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import { datastoreContract } from './contract.ts';
import { holdContract } from './contract-hold.ts';
import { manualClock, modelRecord, nothing, rawTuple, storeId, writing } from './fixtures.ts';
import { dumpOf, names, types } from './resident-world.ts';
import { openWorld } from './seat-world.ts';

const clock = systemClock;
const mebibyte = 1024 * 1024;

datastoreContract('a worker of a file', async (ofTest) => {
  const world = await openWorld({ clock: ofTest, graphBytesMax: mebibyte });
  return world.sit().datastore;
});
holdContract(
  async (ofTest) => (await openWorld({ clock: ofTest, graphBytesMax: 0 })).sit().datastore,
  { pooled: true },
);

const revisionAt = (datastore: Datastore, store: StoreId) =>
  datastore.local.view(store, ({ revision }) => revision);

/** Asks until memory answers. */
async function inMemory(datastore: SqliteDatastore, store: StoreId): Promise<void> {
  while (datastore.graphs.place(store)?.kind !== 'memory') {
    datastore.local.view(store, () => undefined);
    await datastore.graphs.settled();
  }
}

const first = storeId(1);
const tuple = (i: number) => rawTuple(['doc', `${i}`], 'viewer', ['user', 'anne']);

describe('a write that is acknowledged', () => {
  test.each([0, mebibyte])('is seen by all, with %d bytes for graphs', async (graphBytesMax) => {
    const { sit, hub } = await openWorld({ clock, graphBytesMax });
    const seats = [sit(), sit(), sit()].map(({ datastore }) => datastore);
    await seats[0]?.write(first, writing('doc:0#viewer@user:anne'));
    if (graphBytesMax > 0) for (const seat of seats) await inMemory(seat, first);
    for (let i = 1; i <= 60; i++) {
      const { revision } = await (seats[i % 3] as Datastore).write(first, {
        ...nothing,
        writes: [tuple(i)],
      });
      // Nothing has happened in between but the answer.
      for (const seat of seats) expect(revisionAt(seat, first)).toBe(revision);
    }
    const places = seats.map(({ graphs }) => graphs.place(first)?.kind);
    expect(places).toEqual(Array(3).fill(graphBytesMax > 0 ? 'memory' : undefined));
    expect(hub.bases.counts.builds).toBe(graphBytesMax > 0 ? 1 : 0);
  });

  test('is seen at once by one that was told nothing of it', async () => {
    const { sit } = await openWorld({ clock, graphBytesMax: mebibyte });
    const [one, other] = [sit().datastore, sit().datastore];
    await one.write(first, writing('doc:0#viewer@user:anne'));
    for (const seat of [one, other]) await inMemory(seat, first);
    const seen: number[] = [];
    // In the turn of the acknowledgement: what the hub has told the other may still be on its way.
    const written = one.write(first, { ...nothing, writes: [tuple(1)] }).then(({ revision }) => {
      seen.push(revision, revisionAt(other, first));
    });
    await written;
    expect(seen).toEqual([2, 2]);
  });

  test('and the deletion of a store, and the store that has its name after it', async () => {
    const { sit } = await openWorld({ clock, graphBytesMax: mebibyte });
    const [one, other] = [sit().datastore, sit().datastore];
    for (let round = 0; round < 3; round++) {
      await one.write(first, writing(...['a', 'b'].map((id) => `doc:${id}${round}#viewer@user:1`)));
      for (const seat of [one, other]) await inMemory(seat, first);
      const found = other.local.view(first, (snapshot) =>
        snapshot.entity(snapshot.symbol('doc'), `a${round}`),
      );
      expect(found).toBeGreaterThan(0);
      await one.deleteStore(first);
      expect(revisionAt(other, first)).toBe(0);
      expect(revisionAt(one, first)).toBe(0);
    }
  });
});

test('what one has shown, no other shows less of: revisions only grow, whoever is asked', async () => {
  const { sit } = await openWorld({ clock, graphBytesMax: mebibyte });
  const seats = [sit(), sit()].map(({ datastore }) => datastore) as [
    SqliteDatastore,
    SqliteDatastore,
  ];
  await seats[0].write(first, writing('doc:0#viewer@user:anne'));
  // One answers from memory, the other from storage, which shows a commit before anybody is told.
  await inMemory(seats[0], first);
  let writing_ = true;
  const writes = (async () => {
    for (let i = 1; i <= 300; i++) await seats[1].write(first, { ...nothing, writes: [tuple(i)] });
    writing_ = false;
  })();
  let last = 0;
  while (writing_) {
    for (const seat of seats) {
      const { revision } = await seat.readTuples(first, {}, { pageSize: 1, cursor: '' });
      expect(revision).toBeGreaterThanOrEqual(last);
      last = Math.max(revision, revisionAt(seats[0], first), revisionAt(seats[1], first));
      expect(revisionAt(seats[0], first)).toBeGreaterThanOrEqual(last);
    }
    await setImmediate();
  }
  await writes;
});

describe('memory', () => {
  test('of a base that all use is counted once, of a fold too', async () => {
    const { sit, hub } = await openWorld({
      clock,
      graphBytesMax: mebibyte,
      graphBounds: { changesKept: 100 },
    });
    const [one, other] = [sit().datastore, sit().datastore];
    const texts = Array.from({ length: 1_000 }, (_, i) => `doc:${i}#viewer@user:anne`);
    await one.write(first, writing(...texts));
    await inMemory(one, first);
    const bytesOfOne = await shownBytes(one);
    await inMemory(other, first);
    const bytesOfBoth = await shownBytes(other);
    expect(bytesOfBoth).toBeGreaterThan(bytesOfOne);
    expect(bytesOfBoth).toBeLessThan(bytesOfOne * 1.5);
    expect(await shownBytes(one)).toBe(bytesOfBoth);
    expect(hub.bases.bytes).toBe(bytesOfBoth);
    expect(hub.bases.counts).toEqual({ builds: 1, folds: 0, evictions: 0 });
    // A tenth of it is changed: each would fold, as it is read, and has what the first one folded.
    for (const seat of [one, other]) seat.local.view(first, () => undefined);
    await one.write(first, { ...nothing, deletes: texts.slice(0, 150).map((_, i) => tuple(i)) });
    for (const seat of [one, other]) {
      seat.local.view(first, () => undefined);
      await seat.graphs.settled();
    }
    expect(hub.bases.counts).toEqual({ builds: 1, folds: 1, evictions: 0 });
    const place = await other.graphs.shown(first);
    expect(place.places).toMatchObject([[first, { kind: 'memory', tuples: 850, changes: 0 }]]);
  });

  test('is bounded for all together: who was read last stays', async () => {
    const { sit, hub } = await openWorld({ clock, graphBytesMax: 70_000 });
    const [one, other] = [sit().datastore, sit().datastore];
    const stores = Array.from({ length: 6 }, (_, i) => storeId(i + 1));
    for (const store of stores) {
      await one.write(store, writing('doc:0#viewer@user:anne'));
      // The first store is read between the others, by the one that had it first.
      await inMemory(one, first);
      await inMemory(store === first ? one : other, store);
      expect(revisionAt(one, first)).toBe(1);
      // Whatever the workers had to say of their sizes has arrived.
      for (const seat of [one, other]) await shownBytes(seat);
      expect(hub.bases.bytes).toBeLessThanOrEqual(70_000);
    }
    expect(hub.bases.counts.evictions).toBeGreaterThan(0);
    expect(hub.bases.stores.memory).toBeLessThan(6);
    expect(one.graphs.place(first)?.kind).toBe('memory');
    const { places, bytes } = await other.graphs.shown(10);
    expect(bytes).toBe(hub.bases.bytes);
    const inMemoryNow = places.filter(([, place]) => place.kind === 'memory');
    expect(inMemoryNow).toHaveLength(hub.bases.stores.memory);
    expect(places.map(([store]) => store)).toContain(first);
    for (const store of stores) {
      expect(revisionAt(one, store)).toBe(1);
      expect(revisionAt(other, store)).toBe(1);
    }
  });

  test('of a worker that is gone is given back, and its bases with it', async () => {
    const { sit, hub } = await openWorld({ clock, graphBytesMax: mebibyte });
    const gone = sit();
    const { datastore } = sit();
    await datastore.write(first, writing('doc:0#viewer@user:anne'));
    await inMemory(gone.datastore, first);
    expect(hub.bases.stores.memory).toBe(1);
    const lost = gone.datastore.write(first, writing('doc:1#viewer@user:anne'));
    const refused = expect(lost).rejects.toThrow('closed');
    gone.seat.port.close();
    await refused;
    // The others write on, whether what it had begun was done or not.
    const { revision } = await datastore.write(first, writing('doc:2#viewer@user:anne'));
    expect(revisionAt(datastore, first)).toBe(revision);
    expect(hub.bases.stores.memory).toBe(0);
    expect(hub.bases.bytes).toBe(0);
  });
});

async function shownBytes({ graphs }: SqliteDatastore): Promise<number> {
  return (await graphs.shown(1)).bytes;
}

test('a continuation token of one is taken by the other', async () => {
  const { sit } = await openWorld({ clock, graphBytesMax: 0 });
  const [one, other] = [sit().datastore, sit().datastore];
  await one.write(first, writing('doc:0#viewer@user:anne', 'doc:1#viewer@user:anne'));
  const page = await one.readTuples(first, {}, { pageSize: 1, cursor: '' });
  const next = await other.readTuples(first, {}, { pageSize: 1, cursor: page.cursor });
  expect(next.rows[0]?.tuple.object.id).toBe('1');
  const cursor = one.cursors.encode(['list', first], [1]);
  expect(other.cursors.decode(['list', first], cursor)).toEqual([1]);
});

test('an idempotency key is one for all: the write is done once', async () => {
  const { sit } = await openWorld({ clock, graphBytesMax: 0 });
  const seats = [sit().datastore, sit().datastore];
  const write = { ...nothing, writes: [tuple(1)], idempotencyKey: 'once' };
  const done = await Promise.all(seats.map((seat) => seat.write(first, write)));
  expect(done.map(({ revision }) => revision)).toEqual([1, 1]);
  expect(done.filter(({ repeated }) => repeated)).toHaveLength(1);
});

const stores = [storeId(1), storeId(2), storeId(3)];
const someTuples = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom(...types), fc.constantFrom(...names), fc.constantFrom(...names))
    .map(([type, object, subject]) => rawTuple([type, object], 'viewer', ['user', subject])),
  { selector: (each) => JSON.stringify(each), minLength: 1, maxLength: 12 },
);
type Step =
  | { readonly kind: 'write' | 'delete'; readonly tuples: ReturnType<typeof rawTuple>[] }
  | { readonly kind: 'deleteStore' | 'model' | 'pass' | 'read' };
const someSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), tuples: someTuples }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), tuples: someTuples }) },
  fc.record({ kind: fc.constantFrom('deleteStore' as const, 'model' as const, 'pass' as const) }),
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
);

test.each([
  ['room for all', mebibyte],
  ['room for two', 50_000],
])('whatever any of them writes, all show the same: %s', async (_, graphBytesMax) => {
  const counts = { builds: 0, folds: 0, evictions: 0 };
  let fromMemory = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...stores), fc.nat(2), someSteps), {
        minLength: 60,
        maxLength: 90,
        size: 'max',
      }),
      async (sequence) => {
        const manual = manualClock();
        const bounds = { changesKept: 10, changesPerSlice: 3, changesAtOnce: 60 };
        const graphBounds = { ...bounds, readsBeforeReturn: 2, loadsWaiting: 2 };
        const world = await openWorld({ clock: manual, graphBytesMax, graphBounds });
        const seats = [world.sit(), world.sit(), world.sit()].map(({ datastore }) => datastore);
        let models = 0;
        for (const [store, by, step] of sequence) {
          const seat = seats[by] as SqliteDatastore;
          await take(seat, manual, store, step, () => modelRecord(++models, types));
          const shown = seats.map((each) => each.local.view(store, dumpOf));
          const stored = world.hub.datastore.local.view(store, dumpOf);
          expect(shown).toEqual(seats.map(() => stored));
        }
        for (const seat of seats) await seat.graphs.settled();
        expect(world.hub.bases.bytes).toBeLessThanOrEqual(graphBytesMax);
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
          counts[name] += world.hub.bases.counts[name];
        }
        for (const { graphs } of seats) fromMemory += graphs.counts.answersFromMemory;
        await world.close();
      },
    ),
    { numRuns: 6, seed: 11, endOnFailure: true },
  );
  // The test is worth nothing where none of it happened.
  expect(counts.builds).toBeGreaterThan(10);
  expect(counts.folds).toBeGreaterThan(1);
  expect(fromMemory).toBeGreaterThan(100);
  if (graphBytesMax === 50_000) expect(counts.evictions).toBeGreaterThan(3);
});

async function take(
  seat: SqliteDatastore,
  manual: ReturnType<typeof manualClock>,
  store: StoreId,
  step: Step,
  nextModel: () => ReturnType<typeof modelRecord>,
): Promise<void> {
  switch (step.kind) {
    case 'write': {
      const expiresAt = manual.now() + 2_000;
      const writes = step.tuples.map((each, i) => (i === 0 ? { ...each, expiresAt } : each));
      await seat.write(store, { ...nothing, writes, onDuplicate: 'replace' });
      return;
    }
    case 'delete':
      await seat.write(store, { ...nothing, deletes: step.tuples, onMissing: 'ignore' });
      return;
    case 'deleteStore':
      await seat.deleteStore(store);
      return;
    case 'model':
      await seat.writeModel(store, nextModel());
      return;
    case 'pass':
      manual.set(manual.now() + 1_000);
      await seat.collectExpired();
      return;
    case 'read':
      seat.local.view(store, () => undefined);
      await seat.graphs.settled();
  }
}
