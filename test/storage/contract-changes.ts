/** The contract of the changelog. */
import { describe, expect, test } from 'vitest';
import {
  changesOf,
  deleting,
  formatChange,
  fullText,
  manualClock,
  modelId,
  modelRecord,
  type OpenDatastore,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];

export function changesContract(open: OpenDatastore): void {
  describe('changes', () => {
    test('they come in commit order, with any page size', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing('doc:2#viewer@user:a', 'doc:1#viewer@user:a'));
      await datastore.writeModel(first, modelRecord(1));
      await datastore.write(second, writing('doc:9#viewer@user:z'));
      await datastore.write(first, {
        ...writing('folder:1#viewer@user:a'),
        deletes: [tuple('doc:2#viewer@user:a')],
      });
      await datastore.write(first, writing('doc:2#viewer@user:a'));
      const expected = [
        '1 + doc:2#viewer@user:a',
        '1 + doc:1#viewer@user:a',
        '3 - doc:2#viewer@user:a',
        '3 + folder:1#viewer@user:a',
        '4 + doc:2#viewer@user:a',
      ];
      for (const size of [1, 2, 3, 4, 5, 6]) {
        const changes = await changesOf(datastore, first, '', size);
        expect(changes.map(formatChange)).toEqual(expected);
        const docs = await changesOf(datastore, first, 'doc', size);
        expect(docs.map(formatChange)).toEqual(expected.filter((text) => text.includes('doc')));
        const folders = await changesOf(datastore, first, 'folder', size);
        expect(folders.map(formatChange)).toEqual([expected[3]]);
        expect(await changesOf(datastore, first, 'user', size)).toEqual([]);
        expect(await changesOf(datastore, first, 'none', size)).toEqual([]);
      }
    });

    test('a delete names its tuple without the condition that it had', async () => {
      const datastore = await open(manualClock());
      const guarded = tuple('doc:1#viewer@user:a', 'weekday', { day: 1 });
      await datastore.write(first, writing(guarded));
      await datastore.write(first, deleting(guarded));
      await datastore.write(first, writing(tuple('doc:1#viewer@user:a', 'weekday', { day: 2 })));
      const changes = await changesOf(datastore, first);
      expect(changes.map(({ tuple }) => fullText(tuple))).toEqual([
        'doc:1#viewer@user:a (condition weekday) {"day":1}',
        'doc:1#viewer@user:a',
        'doc:1#viewer@user:a (condition weekday) {"day":2}',
      ]);
    });

    test('the cursor is the own one at the end, and resumes with what comes later', async () => {
      const datastore = await open(manualClock());
      const read = (cursor: string) =>
        datastore.readChanges(first, { pageSize: 10, cursor, objectType: '', since: undefined });
      expect(await read('')).toEqual({ rows: [], cursor: '', revision: 0 });
      // A store with a model alone has no change of a tuple.
      await datastore.writeModel(first, modelRecord(1));
      expect(await read('')).toEqual({ rows: [], cursor: '', revision: 1 });
      await datastore.write(first, writing('doc:1#viewer@user:a'));
      const page = await read('');
      expect(page.rows.map(formatChange)).toEqual(['2 + doc:1#viewer@user:a']);
      expect(page.cursor).not.toBe('');
      expect(await read(page.cursor)).toEqual({ rows: [], cursor: page.cursor, revision: 2 });
      await datastore.writeAssertions(first, modelId(1), '[]');
      await datastore.write(first, writing('doc:2#viewer@user:a'));
      const later = await read(page.cursor);
      expect(later.rows.map(formatChange)).toEqual(['4 + doc:2#viewer@user:a']);
    });

    test('a reader that follows while others write misses nothing and sees nothing twice', async () => {
      const datastore = await open(manualClock());
      const seen: string[] = [];
      let cursor = '';
      const follow = async () => {
        while (seen.length < 300) {
          const query = { pageSize: 7, cursor, objectType: 'doc', since: undefined };
          const page = await datastore.readChanges(first, query);
          seen.push(...page.rows.map(formatChange));
          cursor = page.cursor;
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const write = async (writer: number) => {
        for (let i = 0; i < 60; i++) {
          await datastore.write(
            first,
            writing(`doc:${writer}-${i}#viewer@user:a`, `folder:${writer}-${i}#viewer@user:a`),
          );
        }
      };
      await Promise.all([follow(), ...[1, 2, 3, 4, 5].map(write)]);
      expect(seen).toEqual((await changesOf(datastore, first, 'doc')).map(formatChange));
      expect(new Set(seen).size).toBe(300);
    });

    test('since starts at the first change of that time, unless there is a cursor', async () => {
      const clock = manualClock();
      const datastore = await open(clock);
      for (let i = 1; i <= 9; i++) {
        clock.set(i * 100);
        await datastore.write(first, writing(`doc:${i}#viewer@user:a`));
      }
      const read = async (since: number, cursor = '') => {
        const query = { pageSize: 3, cursor, objectType: '', since };
        const page = await datastore.readChanges(first, query);
        return { ...page, revisions: page.rows.map(({ revision }) => revision) };
      };
      expect((await read(0)).revisions).toEqual([1, 2, 3]);
      expect((await read(100)).revisions).toEqual([1, 2, 3]);
      expect((await read(101)).revisions).toEqual([2, 3, 4]);
      expect((await read(500)).revisions).toEqual([5, 6, 7]);
      expect((await read(899)).revisions).toEqual([9]);
      expect((await read(900)).revisions).toEqual([9]);
      expect((await read(901)).revisions).toEqual([]);
      const { cursor } = await read(200);
      expect((await read(900, cursor)).revisions).toEqual([5, 6, 7]);
    });

    test('times never go backwards within a store, though the clock does', async () => {
      const clock = manualClock();
      const datastore = await open(clock);
      for (const now of [5_000, 3_000, 4_000, 6_000]) {
        clock.set(now);
        await datastore.write(first, writing(`doc:${now}#viewer@user:a`));
      }
      clock.set(100);
      await datastore.write(second, writing('doc:1#viewer@user:a'));
      const times = async (store: typeof first) =>
        (await changesOf(datastore, store)).map(({ writtenAt }) => writtenAt);
      expect(await times(first)).toEqual([5_000, 5_000, 5_000, 6_000]);
      expect(await times(second)).toEqual([100]);
    });
  });
}
