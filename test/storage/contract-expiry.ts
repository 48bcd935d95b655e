/** The contract of expiry: from its instant on a tuple is as if it were not there, collected or not. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { Tuple } from '../../src/model/tuple.ts';
import type { Datastore, TupleWrite } from '../../src/storage/datastore.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  allRows,
  changesOf,
  deleting,
  findTuple,
  formatChange,
  fullText,
  manualClock,
  type OpenDatastore,
  readAll,
  refusalOf,
  revisionOf,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second, third] = [storeId(1), storeId(2), storeId(3)];
const anne = 'doc:1#viewer@user:anne';
const bob = 'doc:1#viewer@user:bob';
const start = 10_000;
const end = 20_000;

function until(text: string, expiresAt: number, condition?: string): Tuple {
  return { ...tuple(text, condition), expiresAt };
}

export function expiryContract(open: OpenDatastore): void {
  describe('expiry', () => {
    test('a tuple shows its expiry, in reads, in the changelog and to the engine', async () => {
      const datastore = await open(manualClock(start));
      await datastore.write(
        first,
        writing(until(anne, end), until(bob, end, 'c'), tuple('doc:1#viewer@user:carl', 'c')),
      );
      const page = await datastore.readTuples(first, {}, { pageSize: 9, cursor: '' });
      const changes = await changesOf(datastore, first);
      for (const rows of [page.rows, changes]) {
        const shown = rows.map(({ tuple: each }) => [
          ...[each.subject.id, each.condition?.name, each.expiresAt],
        ]);
        expect(shown.toSorted()).toEqual([
          ['anne', undefined, end],
          ['bob', 'c', end],
          ['carl', 'c', undefined],
        ]);
      }
      datastore.local.view(first, (snapshot) => {
        const c = snapshot.symbol('c');
        const guards = [anne, bob, 'doc:1#viewer@user:carl'].map((text) =>
          snapshot.guard(findTuple(snapshot, text)),
        );
        expect(guards).toEqual([
          { condition: 0, context: {}, expiresAt: end },
          { condition: c, context: {}, expiresAt: end },
          { condition: c, context: {}, expiresAt: undefined },
        ]);
      });
    });

    /** Before the instant and at it, collected and not. */
    const moments: [name: string, now: number, collect: boolean, there: boolean][] = [
      ['a millisecond before', end - 1, false, true],
      ['a millisecond before, and collected', end - 1, true, true],
      ['at its instant', end, false, false],
      ['at its instant, and collected', end, true, false],
      ['later', end + 1, false, false],
    ];
    describe.each(moments)('%s', (_name, now, collect, there) => {
      async function arrive(): Promise<Datastore> {
        const clock = manualClock(start);
        const datastore = await open(clock);
        await Promise.all(
          [first, second, third].map((store) =>
            datastore.write(store, writing(until(anne, end), bob)),
          ),
        );
        clock.set(now);
        if (collect) await datastore.collectExpired();
        return datastore;
      }

      test('it is read, or not', async () => {
        const datastore = await arrive();
        const expected = there ? [anne, bob] : [bob];
        const { subject } = tuple(anne);
        const doc = { objectType: 'doc', objectId: '1' };
        expect((await readAll(datastore, first, {}, 1)).toSorted()).toEqual(expected);
        expect((await readAll(datastore, first, doc)).toSorted()).toEqual(expected);
        for (const filter of [
          { subject },
          { ...doc, subject },
          { ...doc, relation: 'viewer', subject },
        ]) {
          expect(await readAll(datastore, first, filter)).toEqual(there ? [anne] : []);
        }
      });

      test('it is written again as a new one, or is a duplicate', async () => {
        const datastore = await arrive();
        for (const [store, given] of [
          [first, tuple(anne)],
          [second, until(anne, end + 9_000)],
          [third, tuple(anne, 'c')],
        ] as const) {
          const ignoring = { ...writing(given), onDuplicate: 'ignore' } as const;
          if (there) expect(await refusalOf(datastore.write(store, ignoring))).toBe('aborted');
          const write = store === third && !there ? ignoring : writing(given);
          const code = await refusalOf(datastore.write(store, write));
          expect(code).toBe(there ? 'write_failed_due_to_invalid_input' : 'not refused');
          if (there) continue;
          expect((await readAll(datastore, store)).length).toBe(2);
          const log = await changesOf(datastore, store);
          expect(log.slice(2).map(({ operation, expired }) => [operation, expired])).toEqual([
            ['delete', true],
            ['write', false],
          ]);
        }
      });

      test('it is deleted, or is not there to delete', async () => {
        const datastore = await arrive();
        const code = await refusalOf(datastore.write(first, deleting(anne)));
        expect(code).toBe(there ? 'not refused' : 'write_failed_due_to_invalid_input');
        expect(await readAll(datastore, first)).toEqual([bob]);
        const { revision } = await datastore.write(second, {
          ...deleting(anne),
          onMissing: 'ignore',
        });
        expect(revision).toBe(there || collect ? 2 : 1);
      });

      test('a precondition sees it, or does not', async () => {
        const datastore = await arrive();
        const { subject } = tuple(anne);
        for (const filter of [{ subject }, { objectType: 'doc', objectId: '1', subject }]) {
          const write: TupleWrite = {
            ...writing(`doc:2#viewer@user:${Object.keys(filter).length}`),
            preconditions: [{ filter, must: 'exist' }],
          };
          const code = await refusalOf(datastore.write(first, write));
          expect(code).toBe(there ? 'not refused' : 'failed_precondition');
        }
      });

      test('a delete by filter counts it, or does not', async () => {
        const datastore = await arrive();
        const query = { filter: { objectType: 'doc' }, limit: 10, cursor: '' };
        expect((await datastore.deleteTuples(first, query)).deleted).toBe(there ? 2 : 1);
        expect(await readAll(datastore, first)).toEqual([]);
      });

      test('replacing it replaces, or writes it anew', async () => {
        const datastore = await arrive();
        await datastore.write(first, { ...writing(tuple(anne)), onDuplicate: 'replace' });
        const log = (await changesOf(datastore, first)).slice(2);
        expect(log.map(({ operation }) => operation)).toEqual(
          there ? ['write'] : ['delete', 'write'],
        );
        expect((await readAll(datastore, first)).toSorted()).toEqual([anne, bob]);
      });
    });

    test('an expiry can be replaced: a later one, an earlier one, none', async () => {
      const clock = manualClock(start);
      const datastore = await open(clock);
      await datastore.write(first, writing(until(anne, end)));
      const replace = (given: Tuple) =>
        revisionOf(datastore.write(first, { ...writing(given), onDuplicate: 'replace' }));
      const there = async () => (await readAll(datastore, first)).length === 1;
      expect(await replace(until(anne, end))).toBe(1);
      expect(await replace(until(anne, end + 100))).toBe(2);
      clock.set(end + 50);
      await datastore.collectExpired();
      expect(await there()).toBe(true);
      expect(await replace(until(anne, end + 60))).toBe(3);
      expect(await replace(tuple(anne))).toBe(4);
      clock.set(end + 1_000);
      await datastore.collectExpired();
      expect(await there()).toBe(true);
      expect(await datastore.head(first)).toBe(4);
    });

    test('a tuple that would be expired as it is written is refused', async () => {
      const datastore = await open(manualClock(start));
      for (const expiresAt of [start, start - 1, 1, 0, -1]) {
        const write = datastore.write(first, writing(bob, until(anne, expiresAt)));
        await expect(write).rejects.toMatchObject({
          code: 'validation_error',
          message: expect.stringContaining("must expire after it is written: user: 'user:anne'"),
        });
      }
      expect(await datastore.head(first)).toBe(0);
      expect(await revisionOf(datastore.write(first, writing(until(anne, start + 1))))).toBe(1);
      // As far away as a date can be.
      expect(await revisionOf(datastore.write(first, writing(until(bob, 8.64e15))))).toBe(2);
    });

    test('pages are whole, though rows between have expired', async () => {
      const clock = manualClock(start);
      const datastore = await open(clock);
      const texts = Array.from({ length: 100 }, (_, i) => `doc:${i % 7}#viewer@user:${i}`);
      await datastore.write(
        first,
        writing(...texts.map((text, i) => (i % 3 === 0 ? tuple(text) : until(text, end)))),
      );
      clock.set(end);
      const left = texts.filter((_, i) => i % 3 === 0).toSorted();
      for (const pageSize of [1, 2, 7, 100]) {
        for (const filter of [{}, { objectType: 'doc' }, { relation: 'viewer' }]) {
          const read = await readAll(datastore, first, filter, pageSize);
          expect(read.toSorted()).toEqual(left);
        }
      }
      const page = await datastore.readTuples(first, {}, { pageSize: 10, cursor: '' });
      expect(page.rows.length).toBe(10);
    });
  });

  describe('collecting', () => {
    test('an expired tuple is a delete in the changelog that nobody asked for', async () => {
      const clock = manualClock(start);
      const datastore = await open(clock);
      await datastore.write(first, writing(until(anne, end), until(bob, end + 1)));
      await datastore.write(second, writing(until(anne, end, 'c')));
      await datastore.collectExpired();
      expect([await datastore.head(first), await datastore.head(second)]).toEqual([1, 1]);
      clock.set(end);
      // Nothing is done before it is collected.
      expect([await datastore.head(first), await datastore.head(second)]).toEqual([1, 1]);
      await datastore.collectExpired();
      for (const store of [first, second]) {
        const last = (await changesOf(datastore, store)).at(-1);
        expect(last).toMatchObject({ operation: 'delete', expired: true, writtenAt: end });
        expect(last && formatChange(last)).toBe(`2 - ${anne}`);
        expect(last?.tuple.expiresAt).toBe(undefined);
      }
      expect(await readAll(datastore, first)).toEqual([bob]);
      // A change of one type is to be had by its type.
      expect((await changesOf(datastore, second, 'doc')).length).toBe(2);
      await datastore.collectExpired();
      expect(await datastore.head(first)).toBe(2);
    });

    test('it goes in steps, each a revision, while others write', async () => {
      const clock = manualClock(start);
      const datastore = await open(clock);
      const count = 2 * limits.collectedPerStepMax + 1;
      const texts = Array.from({ length: count }, (_, i) => `doc:${i}#viewer@user:anne`);
      await datastore.write(first, writing(...texts.map((text) => until(text, end)), bob));
      clock.set(end);
      const writes = Array.from({ length: 20 }, (_, i) =>
        datastore.write(first, writing(`doc:1#viewer@user:${i}`)),
      );
      await Promise.all([datastore.collectExpired(), datastore.collectExpired(), ...writes]);
      expect(await datastore.head(first)).toBe(1 + 20 + 3);
      expect((await readAll(datastore, first)).length).toBe(21);
      const log = await changesOf(datastore, first, '', 500);
      const sizes = Map.groupBy(
        log.filter(({ expired }) => expired),
        ({ revision }) => revision,
      );
      const step = limits.collectedPerStepMax;
      expect([...sizes.values()].map(({ length }) => length)).toEqual([step, step, 1]);
    });

    test('a store that was deleted is passed over', async () => {
      const clock = manualClock(start);
      const datastore = await open(clock);
      const texts = Array.from({ length: 3_000 }, (_, i) => `doc:${i}#viewer@user:anne`);
      await datastore.write(first, writing(...texts.map((text) => until(text, end))));
      await datastore.write(second, writing(until(anne, end)));
      await datastore.deleteStore(first);
      clock.set(end);
      await datastore.collectExpired();
      expect(await datastore.head(first)).toBe(0);
      expect(await datastore.head(second)).toBe(2);
    });

    test('random writes, times and collections agree with a plain model of them', async () => {
      for (let seed = 0; seed < 3; seed++) await compareWithModel(open, new RandomSource(seed));
    });
  });
}

/** What is there by the words of the contract: a map from keys to tuples. */
async function compareWithModel(open: OpenDatastore, random: RandomSource): Promise<void> {
  const clock = manualClock(start);
  const datastore = await open(clock);
  const model = new Map<string, Tuple>();
  let now = start;
  const isThere = (key: string) => {
    const found = model.get(key);
    return found !== undefined && (found.expiresAt === undefined || found.expiresAt > now);
  };
  for (let step = 0; step < 80; step++) {
    now += random.below(4);
    clock.set(now);
    const key = `doc:${random.below(3)}#viewer@user:${random.below(4)}`;
    const given: Tuple = {
      ...tuple(key, random.chance(0.3) ? 'c' : undefined, {}),
      ...(random.chance(0.6) ? { expiresAt: now + random.between(1, 12) } : {}),
    };
    const there = isThere(key);
    switch (random.below(4)) {
      case 0: {
        const code = await refusalOf(datastore.write(first, writing(given)));
        expect(code).toBe(there ? 'write_failed_due_to_invalid_input' : 'not refused');
        if (!there) model.set(key, given);
        break;
      }
      case 1:
        await datastore.write(first, { ...writing(given), onDuplicate: 'replace' });
        model.set(key, given);
        break;
      case 2: {
        const code = await refusalOf(datastore.write(first, deleting(key)));
        expect(code).toBe(there ? 'not refused' : 'write_failed_due_to_invalid_input');
        model.delete(key);
        break;
      }
      default:
        if (random.chance(0.5)) await datastore.collectExpired();
    }
    const rows = await allRows(2, (query) => datastore.readTuples(first, {}, query));
    const expected = [...model].filter(([each]) => isThere(each)).map(([, each]) => each);
    expect(rows.map((row) => textOf(row.tuple)).toSorted()).toEqual(
      expected.map(textOf).toSorted(),
    );
  }
}

function textOf(given: Tuple): string {
  return `${fullText(given)} until ${given.expiresAt ?? 'for ever'}`;
}
