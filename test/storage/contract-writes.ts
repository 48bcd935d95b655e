/** The contract of `write`: all or nothing, one by one, in revisions without a gap. */
import { describe, expect, test } from 'vitest';
import type { TupleWrite } from '../../src/storage/datastore.ts';
import { noTuple } from '../../src/storage/tuple-reader.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  allRows,
  changesOf,
  deleting,
  findTuple,
  formatChange,
  fullText,
  manualClock,
  nothing,
  type OpenDatastore,
  rawTuple,
  readAll,
  refusalOf,
  replay,
  revisionOf,
  revisions,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const anne = 'doc:1#viewer@user:anne';
const bob = 'doc:1#viewer@user:bob';

export function writesContract(open: OpenDatastore): void {
  describe('writes', () => {
    test('a write that was acknowledged is there for every read', async () => {
      const datastore = await open(manualClock());
      expect(await revisionOf(datastore.write(first, writing(anne, bob)))).toBe(1);
      expect(await datastore.head(first)).toBe(1);
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.revision).toBe(1);
        expect(findTuple(snapshot, anne)).toBe(0);
      });
      expect(await revisionOf(datastore.write(first, deleting(anne)))).toBe(2);
      datastore.local.view(first, (snapshot) => {
        expect(findTuple(snapshot, anne)).toBe(noTuple);
        expect(findTuple(snapshot, bob)).toBe(0);
      });
    });

    test('a tuple that exists is refused in the words that clients match on', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing('doc:1#viewer@team:x#member'));
      await expect(
        datastore.write(first, writing('doc:1#viewer@team:x#member')),
      ).rejects.toMatchObject({
        code: 'write_failed_due_to_invalid_input',
        message:
          "cannot write a tuple which already exists: user: 'team:x#member', relation: 'viewer', " +
          "object: 'doc:1': tuple to be written already existed or the tuple to be deleted did not exist",
      });
      await expect(datastore.write(first, deleting(anne))).rejects.toMatchObject({
        code: 'write_failed_due_to_invalid_input',
        message:
          "cannot delete a tuple which does not exist: user: 'user:anne', relation: 'viewer', " +
          "object: 'doc:1': tuple to be written already existed or the tuple to be deleted did not exist",
      });
    });

    test('a condition does not make another key', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(tuple(anne, 'weekday')));
      const again = datastore.write(first, writing(tuple(anne)));
      expect(await refusalOf(again)).toBe('write_failed_due_to_invalid_input');
      expect(await revisionOf(datastore.write(first, deleting(anne)))).toBe(2);
      expect(await readAll(datastore, first)).toEqual([]);
    });

    const duplicates: [name: string, stored: TupleWrite, given: TupleWrite, code: string][] = [
      ['no condition', writing(anne), writing(anne), 'not refused'],
      [
        'equal conditions, fields in any order',
        writing(tuple(anne, 'c', { a: 1, b: [{ x: null, y: 2 }] })),
        writing(tuple(anne, 'c', { b: [{ y: 2, x: null }], a: 1 })),
        'not refused',
      ],
      ['another condition', writing(tuple(anne, 'c')), writing(tuple(anne, 'd')), 'aborted'],
      [
        'another context',
        writing(tuple(anne, 'c')),
        writing(tuple(anne, 'c', { a: 1 })),
        'aborted',
      ],
      ['a condition more', writing(anne), writing(tuple(anne, 'c')), 'aborted'],
      ['a condition less', writing(tuple(anne, 'c')), writing(anne), 'aborted'],
    ];
    test.each(duplicates)('ignoring duplicates: %s', async (_name, stored, given, code) => {
      const datastore = await open(manualClock());
      await datastore.write(first, stored);
      const before = await changesOf(datastore, first);
      const write = datastore.write(first, { ...given, onDuplicate: 'ignore' });
      expect(await refusalOf(write)).toBe(code);
      expect(await changesOf(datastore, first)).toEqual(before);
      expect(await datastore.head(first)).toBe(1);
    });

    test('a write that changes nothing takes no revision and makes no store', async () => {
      const datastore = await open(manualClock());
      const missing = { ...deleting(anne), onMissing: 'ignore' } as const;
      expect(await revisionOf(datastore.write(first, missing))).toBe(0);
      expect(await revisionOf(datastore.write(first, nothing))).toBe(0);
      await datastore.write(first, writing(bob));
      expect(await revisionOf(datastore.write(first, missing))).toBe(1);
      expect(
        await revisionOf(datastore.write(first, { ...writing(bob), onDuplicate: 'ignore' })),
      ).toBe(1);
      // What is new in the same write counts.
      expect(
        await revisionOf(datastore.write(first, { ...writing(bob, anne), onDuplicate: 'ignore' })),
      ).toBe(2);
      const last = (await changesOf(datastore, first)).at(-1);
      expect(last === undefined ? '' : formatChange(last)).toBe(`2 + ${anne}`);
    });

    test('a refused write leaves nothing, wherever in it the fault is', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const faults: TupleWrite[] = [
        writing('doc:7#viewer@user:new', anne),
        writing(anne, 'doc:7#viewer@user:new'),
        {
          ...writing('doc:7#viewer@user:new', tuple('doc:8#viewer@user:a', 'fresh')),
          ...{ deletes: [tuple(bob)] },
        },
        { ...deleting(anne, bob), writes: [tuple('doc:7#viewer@user:new')] },
        { ...writing('doc:7#viewer@user:new', tuple(anne, 'c')), onDuplicate: 'ignore' },
      ];
      for (const fault of faults) {
        expect(await refusalOf(datastore.write(first, fault))).not.toBe('not refused');
        expect(await readAll(datastore, first)).toEqual([anne]);
        expect(await datastore.head(first)).toBe(1);
        datastore.local.view(first, (snapshot) => {
          expect(snapshot.entity(snapshot.symbol('user'), 'new')).toBe(0);
          expect(snapshot.symbol('fresh')).toBe(0);
        });
      }
      // An id that a refused write had taken is free for the next one.
      await datastore.write(first, writing('folder:7#owner@user:new'));
      expect(await readAll(datastore, first)).toEqual([anne, 'folder:7#owner@user:new']);
    });

    test('deletes come before writes, in the write and in the log', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const both = { ...writing(bob), deletes: [tuple(anne)] };
      expect(await revisionOf(datastore.write(first, both))).toBe(2);
      const changes = await changesOf(datastore, first);
      expect(changes.map(formatChange)).toEqual([`1 + ${anne}`, `2 - ${anne}`, `2 + ${bob}`]);
    });

    test('text that is not valid Unicode is refused, not stored as something else', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(rawTuple(['doc', '\ufffd'], 'viewer', ['user', 'a'])));
      for (const bad of [
        rawTuple(['doc', '\ud800'], 'viewer', ['user', 'a']),
        rawTuple(['doc', '1'], 'viewer', ['user', 'x\udc00']),
        rawTuple(['doc', '1'], 'vi\ud800ewer', ['user', 'a']),
      ]) {
        expect(await refusalOf(datastore.write(first, writing(bad)))).toBe('invalid_write_input');
        expect(await refusalOf(datastore.write(first, deleting(bad)))).toBe('invalid_write_input');
      }
      datastore.local.view(first, (snapshot) => {
        const doc = snapshot.symbol('doc');
        expect(snapshot.entity(doc, '\ufffd')).toBeGreaterThan(0);
        expect(snapshot.entity(doc, '\ud800')).toBe(0);
      });
    });

    test('a write of any size is stored whole', async () => {
      const datastore = await open(manualClock());
      let expected = 0;
      for (const size of [1, 99, 100, 101, 999, 5_001]) {
        const texts = Array.from({ length: size }, (_, i) => `doc:${size}-${i}#viewer@user:${i}`);
        await datastore.write(first, writing(...texts));
        expected += size;
        expect((await readAll(datastore, first, {}, 1_000)).length).toBe(expected);
        expect((await changesOf(datastore, first, '', 1_000)).length).toBe(expected);
      }
    });
  });

  describe('concurrent writes', () => {
    test('each takes a revision of its own, and every acknowledged one is visible', async () => {
      const datastore = await open(manualClock());
      const acknowledged = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const revision = await revisionOf(
            datastore.write(first, writing(`doc:${i}#viewer@user:${i}`)),
          );
          datastore.local.view(first, (snapshot) => {
            expect(snapshot.revision).toBeGreaterThanOrEqual(revision);
            expect(findTuple(snapshot, `doc:${i}#viewer@user:${i}`)).toBe(0);
          });
          return revision;
        }),
      );
      expect(acknowledged.toSorted((a, b) => a - b)).toEqual(revisions(200));
      const logged = (await changesOf(datastore, first)).map(({ revision }) => revision);
      expect(logged).toEqual(revisions(200));
    });

    test('they fail or succeed one by one', async () => {
      const datastore = await open(manualClock());
      // Every third repeats its neighbour, every fifth deletes what is not there.
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, (_, i) => {
          if (i % 5 === 4) return refusalOf(datastore.write(first, deleting(`doc:no#x@user:${i}`)));
          const id = i % 3 === 2 ? i - 1 : i;
          return refusalOf(datastore.write(first, writing(`doc:${id}#viewer@user:fresh-${id}`)));
        }),
      );
      const kept = outcomes.filter((code) => code === 'not refused').length;
      const faults = new Set(outcomes.filter((code) => code !== 'not refused'));
      expect([...faults]).toEqual(['write_failed_due_to_invalid_input']);
      expect(await datastore.head(first)).toBe(kept);
      expect((await readAll(datastore, first)).length).toBe(kept);
      expect(kept).toBeGreaterThan(100);
    });

    test('of many that write the same tuple one wins', async () => {
      const datastore = await open(manualClock());
      const same = Array.from({ length: 50 }, () =>
        refusalOf(datastore.write(first, writing(anne))),
      );
      const won = (await Promise.all(same)).filter((code) => code === 'not refused');
      expect(won.length).toBe(1);
      const ignoring = { ...writing(bob), onDuplicate: 'ignore' } as const;
      const idle = await Promise.all(
        Array.from({ length: 50 }, () => revisionOf(datastore.write(first, ignoring))),
      );
      expect(new Set(idle)).toEqual(new Set([2]));
    });

    test('random writes over stores leave exactly what the log replays', async () => {
      const datastore = await open(manualClock());
      const random = new RandomSource(20);
      const writes = Array.from({ length: 600 }, () => randomWrite(random));
      await Promise.all(
        writes.map((write, i) => refusalOf(datastore.write(i % 2 === 0 ? first : second, write))),
      );
      for (const store of [first, second]) {
        const log = await changesOf(datastore, store);
        const stored = await allRows(50, (query) => datastore.readTuples(store, {}, query));
        const texts = stored.map((row) => fullText(row.tuple));
        expect(texts.toSorted()).toEqual(replay(log).toSorted());
        expect([...new Set(log.map(({ revision }) => revision))]).toEqual(
          revisions(await datastore.head(store)),
        );
      }
    });
  });
}

function randomWrite(random: RandomSource): TupleWrite {
  const keys = random.shuffled(Array.from({ length: 24 }, (_, i) => i)).slice(0, 4);
  const tuples = keys.map((key) =>
    tuple(
      `doc:${key % 6}#${key % 2 === 0 ? 'viewer' : 'editor'}@user:${key}`,
      random.chance(0.3) ? 'weekday' : undefined,
      { day: random.below(2) },
    ),
  );
  const split = random.below(5);
  return {
    writes: tuples.slice(split),
    deletes: tuples.slice(0, split),
    onDuplicate: random.chance(0.7) ? 'ignore' : 'error',
    onMissing: random.chance(0.7) ? 'ignore' : 'error',
  };
}
