/** The contract of `readTuples`: filters, pages, order, isolation, and ids byte by byte. */
import { describe, expect, test } from 'vitest';
import { formatTuple, type Tuple } from '../../src/model/tuple.ts';
import type { TupleFilter } from '../../src/storage/datastore.ts';
import {
  allRows,
  deleting,
  manualClock,
  type OpenDatastore,
  rawTuple,
  readAll,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second, third] = [storeId(1), storeId(2), storeId(3)];

const subject = (type: string, id: string, relation = '') => ({ type, id, relation });

/** Objects, relations, subjects and usersets in every combination of a few. */
const grid: readonly Tuple[] = ['doc:1', 'doc:2', 'folder:1'].flatMap((object) =>
  ['viewer', 'editor'].flatMap((relation) =>
    ['user:1', 'user:2', 'user:*', 'team:1', 'team:1#member', 'team:1#owner'].map((user) =>
      tuple(`${object}#${relation}@${user}`),
    ),
  ),
);

const filters: readonly TupleFilter[] = [
  {},
  { objectType: 'doc' },
  { relation: 'viewer' },
  { objectType: 'doc', relation: 'editor' },
  { objectType: 'doc', objectId: '1' },
  { objectType: 'doc', objectId: '1', relation: 'viewer' },
  { objectType: 'doc', objectId: '1', subject: subject('user', '1') },
  { objectType: 'doc', objectId: '1', subject: subject('team', '1', 'member') },
  { objectType: 'doc', objectId: '1', relation: 'viewer', subject: subject('user', '2') },
  { objectType: 'doc', objectId: '1', relation: 'viewer', subject: subject('team', '1', 'owner') },
  { objectType: 'doc', subject: subject('user', '1') },
  { objectType: 'doc', subject: subject('user', '*') },
  { objectType: 'doc', subject: subject('team', '1') },
  { objectType: 'doc', subject: subject('team', '1', 'member') },
  { objectType: 'folder', relation: 'viewer', subject: subject('user', '2') },
  { subject: subject('team', '1', 'owner') },
  { relation: 'editor', subject: subject('user', '1') },
  { objectType: 'doc', objectId: 'none' },
  { objectType: 'none' },
  { objectType: 'none', objectId: '1' },
  { relation: 'none' },
  { objectType: 'doc', objectId: '1', relation: 'none' },
  { objectType: 'doc', subject: subject('user', 'none') },
  { objectType: 'doc', subject: subject('none', '1') },
  { objectType: 'doc', subject: subject('team', '1', 'none') },
  { objectType: 'doc', objectId: '1', subject: subject('team', '1', 'none') },
];

function matches(filter: TupleFilter, { object, relation, subject }: Tuple): boolean {
  const wanted = filter.subject;
  return (
    (filter.objectType === undefined || filter.objectType === object.type) &&
    (filter.objectId === undefined || filter.objectId === object.id) &&
    (filter.relation === undefined || filter.relation === relation) &&
    (wanted === undefined ||
      (wanted.type === subject.type &&
        wanted.id === subject.id &&
        wanted.relation === subject.relation))
  );
}

/** Texts that sloppier comparisons take for equal to one another. */
export const lookalikes = [
  'anne',
  'Anne',
  'ANNE',
  'anne.',
  'a\u00e9',
  'ae\u0301',
  'stra\u00dfe',
  'strasse',
  'STRASSE',
  'a\u200bb',
  'ab',
  'a\u00a0b',
  'a b',
  'a b ',
  ' a b',
  'a%',
  'a_',
  "a'b",
  'a"b',
  'a|b',
  'a:b',
  'a#b',
  'a@b',
  '0',
  '00',
  '0.0',
  '1e0',
  '-1',
  '😀',
  '\uff5e',
  'a\u0000',
  'a\u0000b',
  '__proto__',
  'constructor',
  'null',
];

export function readsContract(open: OpenDatastore): void {
  describe('reading tuples', () => {
    test('every filter gives what it matches, in pages of any size, in one order', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(...grid));
      // The same ids in the stores beside it, fewer and more.
      await datastore.write(second, writing(...grid.slice(0, 20)));
      await datastore.write(third, writing(...grid, 'doc:3#viewer@user:1'));
      for (const filter of filters) {
        const expected = grid.filter((one) => matches(filter, one)).map(formatTuple);
        const whole = await readAll(datastore, first, filter, 100);
        expect(whole.toSorted(), JSON.stringify(filter)).toEqual(expected.toSorted());
        for (const size of [1, 2, 3, 7, 35, 36, 37]) {
          expect(await readAll(datastore, first, filter, size)).toEqual(whole);
        }
        const other = grid.slice(0, 20).filter((one) => matches(filter, one));
        const found = await readAll(datastore, second, filter, 3);
        expect(found.toSorted()).toEqual(other.map(formatTuple).toSorted());
      }
    });

    test('a page says at which revision it was read, and when its tuples were written', async () => {
      const clock = manualClock(1_000);
      const datastore = await open(clock);
      await datastore.write(first, writing('doc:1#viewer@user:anne'));
      clock.set(2_000);
      await datastore.write(first, writing('doc:1#viewer@user:bob'));
      const page = await datastore.readTuples(first, {}, { pageSize: 10, cursor: '' });
      expect(page.revision).toBe(2);
      expect(page.cursor).toBe('');
      expect(page.rows.map(({ writtenAt }) => writtenAt)).toEqual([1_000, 2_000]);
    });

    test('a page ends before the row that does not fit, but has one', async () => {
      const datastore = await open(manualClock());
      const texts = Array.from({ length: 9 }, (_, i) => `doc:1#viewer@user:${i}`);
      await datastore.write(first, writing(...texts));
      for (const room of [0, 1, 2, 8, 9, 10]) {
        const fits = () => {
          let left = room;
          return () => left-- > 0;
        };
        const rows = Math.max(1, room);
        const tuples = (cursor: string) =>
          datastore.readTuples(first, {}, { pageSize: 100, cursor, fits: fits() });
        const page = await tuples('');
        expect(page.rows.map((row) => formatTuple(row.tuple))).toEqual(texts.slice(0, rows));
        expect(page.cursor === '').toBe(room >= 9);
        const next = page.cursor === '' ? [] : (await tuples(page.cursor)).rows;
        expect(next.map((row) => formatTuple(row.tuple))).toEqual(texts.slice(rows, 2 * rows));
        const changes = (cursor: string) => {
          const query = { pageSize: 100, cursor, objectType: '', since: undefined };
          return datastore.readChanges(first, { ...query, fits: fits() });
        };
        const log = await changes('');
        expect(log.rows.map((row) => formatTuple(row.tuple))).toEqual(texts.slice(0, rows));
        const later = await changes(log.cursor);
        expect(later.rows.map((row) => formatTuple(row.tuple))).toEqual(
          texts.slice(rows, 2 * rows),
        );
      }
    });

    test('conditions come back as they were stored', async () => {
      const datastore = await open(manualClock());
      const context = { list: [1, 2.5, null, 'ß'], deep: { '': true }, ['__proto__']: 'own' };
      const written = tuple('doc:1#viewer@user:anne', 'weekday', context);
      await datastore.write(first, writing(written, tuple('doc:1#viewer@user:bob', 'weekday')));
      const rows = await allRows(1, (query) => datastore.readTuples(first, {}, query));
      expect(rows.map((row) => row.tuple)).toEqual([
        written,
        tuple('doc:1#viewer@user:bob', 'weekday'),
      ]);
      expect(Object.keys(rows[0]?.tuple.condition?.context ?? {}).toSorted()).toEqual([
        '__proto__',
        'deep',
        'list',
      ]);
    });

    test('pages go on where they ended, whatever is written between them', async () => {
      const datastore = await open(manualClock());
      const texts = Array.from({ length: 9 }, (_, i) => `doc:1#viewer@user:${i}`);
      await datastore.write(first, writing(...texts));
      const filter = { objectType: 'doc', objectId: '1' };
      const start = await datastore.readTuples(first, filter, { pageSize: 3, cursor: '' });
      // The row that the page ended with goes, and so does the next; another one comes behind.
      await datastore.write(first, deleting(texts[2] as string, texts[3] as string));
      await datastore.write(first, writing('doc:1#viewer@user:later'));
      const rest = await allRows(3, (query) =>
        datastore.readTuples(first, filter, { ...query, cursor: query.cursor || start.cursor }),
      );
      expect(rest.map((row) => formatTuple(row.tuple))).toEqual([
        ...texts.slice(4),
        'doc:1#viewer@user:later',
      ]);
    });

    test('ids are compared byte by byte', async () => {
      const datastore = await open(manualClock());
      const asObjects = lookalikes.map((id) => rawTuple(['doc', id], 'viewer', ['user', 'x']));
      const asSubjects = lookalikes.map((id) => rawTuple(['doc', 'x'], 'viewer', ['user', id]));
      const asNames = lookalikes.map((name) =>
        rawTuple([`t${name}`, '1'], `r${name}`, ['user', 'x']),
      );
      await datastore.write(first, writing(...asObjects, ...asSubjects, ...asNames));
      for (const id of lookalikes) {
        const ofObject = await readAll(datastore, first, { objectType: 'doc', objectId: id });
        expect(ofObject).toEqual([`doc:${id}#viewer@user:x`]);
        const ofSubject = await readAll(datastore, first, {
          objectType: 'doc',
          subject: subject('user', id),
        });
        expect(ofSubject).toEqual([`doc:x#viewer@user:${id}`]);
        expect(await readAll(datastore, first, { objectType: `t${id}` })).toEqual([
          `t${id}:1#r${id}@user:x`,
        ]);
        expect(await readAll(datastore, first, { relation: `r${id}` })).toEqual([
          `t${id}:1#r${id}@user:x`,
        ]);
      }
    });

    test('reading what nobody wrote writes nothing', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing('doc:1#viewer@user:anne'));
      for (let i = 0; i < 100; i++) {
        await readAll(datastore, first, { objectType: `t${i}`, objectId: `${i}` });
        await readAll(datastore, first, { subject: subject('user', `stranger-${i}`) });
        datastore.local.view(first, (snapshot) => {
          expect(snapshot.symbol(`t${i}`)).toBe(0);
          expect(snapshot.entity(snapshot.symbol('user'), `stranger-${i}`)).toBe(0);
        });
      }
      expect(await datastore.head(first)).toBe(1);
      await datastore.write(first, writing('doc:1#viewer@user:next'));
      datastore.local.view(first, (snapshot) => {
        // The next entity has the next id: no read has taken one.
        expect(snapshot.entity(snapshot.symbol('user'), 'next')).toBe(3);
      });
    });
  });
}
