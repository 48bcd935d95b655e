// Random writes, and everything that a graph can be asked compared with what SQLite shows: while
// graphs are loaded, folded, given up for want of memory, and their stores deleted and made again.
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StoreId } from '../../src/model/ids.ts';
import type { TupleFilter } from '../../src/storage/datastore.ts';
import {
  type ManualClock,
  manualClock,
  modelRecord,
  nothing,
  rawTuple,
  storeId,
} from './fixtures.ts';
import { type BothWays, dumpOf, names, openBoth, relations, types } from './resident-world.ts';

const stores = [storeId(1), storeId(2), storeId(3)];

const tuples = fc
  .record({
    object: fc.tuple(fc.constantFrom(...types), fc.constantFrom(...names)),
    relation: fc.constantFrom('viewer', 'member'),
    subject: fc.tuple(
      fc.constantFrom(...types),
      fc.constantFrom(...names),
      fc.constantFrom(...relations),
    ),
    condition: fc.constantFrom(undefined, undefined, 'brief', 'weekday'),
    expires: fc.constantFrom(undefined, undefined, 1_000, 5_000),
  })
  .map(({ object, relation, subject, condition, expires }) => ({
    ...rawTuple(object, relation, subject),
    condition: condition && { name: condition, context: { of: subject[1] } },
    expires,
  }));

type RandomTuple = typeof tuples extends fc.Arbitrary<infer Made> ? Made : never;

type Step =
  | { readonly kind: 'write' | 'delete'; readonly tuples: readonly RandomTuple[] }
  | { readonly kind: 'deleteMatching'; readonly filter: TupleFilter }
  | { readonly kind: 'pass'; readonly ms: number; readonly collect: boolean }
  | { readonly kind: 'model'; readonly id: number }
  | { readonly kind: 'read' | 'wait' | 'deleteStore' | 'refused' | 'assertions' };

const filters = fc.record(
  {
    objectType: fc.constantFrom(...types),
    relation: fc.constantFrom('viewer', 'member'),
    subjectType: fc.constantFrom(...types),
  },
  { requiredKeys: ['objectType'] },
);
const written = fc.array(tuples, { minLength: 1, maxLength: 12 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), tuples: written }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), tuples: written }) },
  fc.record({ kind: fc.constant('deleteMatching' as const), filter: filters }),
  fc.record({
    kind: fc.constant('pass' as const),
    ms: fc.constantFrom(500, 3_000),
    // What has expired and was not collected may be written again, in one revision.
    collect: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('model' as const), id: fc.integer({ min: 1, max: 1e9 }) }),
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'wait' as const) }),
  },
  fc.record({
    kind: fc.constantFrom('deleteStore' as const, 'refused' as const, 'assertions' as const),
  }),
);

async function take(
  { datastore }: BothWays,
  clock: ManualClock,
  store: StoreId,
  step: Step,
): Promise<void> {
  switch (step.kind) {
    case 'write': {
      const all = new Map(step.tuples.map((each) => [keyOf(each), each]));
      const writes = [...all.values()].map(({ expires, ...tuple }) =>
        expires === undefined ? tuple : { ...tuple, expiresAt: clock.now() + expires },
      );
      await datastore.write(store, { ...nothing, writes, onDuplicate: 'replace' });
      return;
    }
    case 'delete': {
      const all = new Map(step.tuples.map((each) => [keyOf(each), each]));
      const deletes = [...all.values()];
      await datastore.write(store, { ...nothing, deletes, onMissing: 'ignore' });
      return;
    }
    case 'deleteMatching':
      await datastore.deleteTuples(store, { filter: step.filter, limit: 5, cursor: '' });
      return;
    case 'pass':
      clock.set(clock.now() + step.ms);
      if (step.collect) await datastore.collectExpired();
      return;
    case 'model':
      // The same id twice is refused, which changes nothing.
      await datastore.writeModel(store, modelRecord(step.id, types)).catch(() => undefined);
      return;
    case 'assertions':
      await datastore.writeAssertions(store, modelRecord(1).id, '[]');
      return;
    case 'refused': {
      // It has interned by then what it takes back.
      const writes = [
        rawTuple(['doc', 'never'], 'viewer', ['user', 'never']),
        rawTuple(['doc', '1'], 'viewer', ['user', '1']),
      ];
      const write = { ...nothing, writes };
      await datastore.write(store, { ...write, writes: writes.slice(1), onDuplicate: 'replace' });
      await expect(datastore.write(store, write)).rejects.toThrow('already exists');
      return;
    }
    case 'deleteStore':
      await datastore.deleteStore(store);
      return;
    case 'read':
      datastore.local.view(store, () => undefined);
      return;
    case 'wait':
      await datastore.graphs.settled();
  }
}

function keyOf({ object, relation, subject }: RandomTuple): string {
  return JSON.stringify([object, relation, subject]);
}

/** Whether both show the same. The graph is asked first: SQLite's answer would bring it up to date. */
function same({ datastore, stored }: BothWays, store: StoreId): void {
  const shown = datastore.local.view(store, dumpOf);
  expect(shown).toBe(stored(store, dumpOf));
}

const bounds = {
  /** Everything happens at the smallest sizes. */
  changesKept: 10,
  changesPerSlice: 3,
  changesAtOnce: 60,
  readsBeforeReturn: 2,
  loadsWaiting: 2,
};

test.each([
  ['room for all', 1024 * 1024],
  ['room for two', 50_000],
  ['room for none', 10_000],
])('whatever is written, a graph shows what SQLite shows: %s', async (_, graphBytesMax) => {
  const counts = { builds: 0, folds: 0, evictions: 0, answersFromMemory: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...stores), steps), {
        minLength: 40,
        maxLength: 80,
        size: 'max',
      }),
      async (sequence) => {
        const clock = manualClock();
        const both = openBoth({ clock, graphBytesMax, graphBounds: bounds });
        for (const [store, step] of sequence) {
          const done = take(both, clock, store, step);
          // In the midst of it too: what SQLite shows already, the graph shows.
          await setImmediate();
          same(both, store);
          await done;
          same(both, store);
        }
        await both.datastore.graphs.settled();
        for (const each of stores) same(both, each);
        const seen = both.datastore.graphs.counts;
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
          counts[name] += seen[name];
        }
        await both.datastore.close();
      },
    ),
    { numRuns: 10, seed: 7, endOnFailure: true },
  );
  // The test is worth nothing where none of it happened.
  if (graphBytesMax > 10_000) {
    expect(counts.builds).toBeGreaterThan(20);
    expect(counts.folds).toBeGreaterThan(10);
    expect(counts.answersFromMemory).toBeGreaterThan(200);
  } else {
    expect(counts.answersFromMemory).toBe(0);
  }
  if (graphBytesMax === 50_000) expect(counts.evictions).toBeGreaterThan(5);
});
