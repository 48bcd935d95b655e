/** The contract of deleting by filter: round by round, and only what was there at the first one. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore, DeleteResult, TupleFilter } from '../../src/storage/datastore.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  changesOf,
  formatChange,
  manualClock,
  type OpenDatastore,
  readAll,
  refusalOf,
  replay,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const subjectOf = (text: string) => tuple(`doc:1#viewer@${text}`).subject;

const texts = [
  ...['doc:1#viewer@user:anne', 'doc:1#viewer@user:bob', 'doc:1#editor@user:anne'],
  ...['doc:1#viewer@team:x#member', 'doc:2#viewer@team:x', 'doc:2#viewer@user:*'],
  ...['folder:1#viewer@user:anne', 'folder:1#parent@folder:2', 'team:x#member@user:anne'],
];

/** Every round to the end. */
async function deleteAll(
  datastore: Datastore,
  filter: TupleFilter,
  limit: number,
  store: StoreId = first,
  between: () => Promise<unknown> = async () => undefined,
): Promise<number[]> {
  const rounds: number[] = [];
  let cursor = '';
  do {
    const round: DeleteResult = await datastore.deleteTuples(store, { filter, limit, cursor });
    rounds.push(round.deleted);
    if (round.deleted > limit || rounds.length > 1_000) throw new Error('a round out of bounds');
    if (round.revision > (await datastore.head(store))) throw new Error('a revision to come');
    ({ cursor } = round);
    await between();
  } while (cursor !== '');
  return rounds;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);

export function deletesContract(open: OpenDatastore): void {
  describe('deleting by filter', () => {
    const filters: [name: string, filter: TupleFilter, left: (text: string) => boolean][] = [
      ['everything', {}, () => false],
      ['a type', { objectType: 'doc' }, (text) => !text.startsWith('doc:')],
      ['an object', { objectType: 'doc', objectId: '1' }, (text) => !text.startsWith('doc:1#')],
      ['a relation', { relation: 'viewer' }, (text) => !text.includes('#viewer@')],
      ['a subject', { subject: subjectOf('user:anne') }, (text) => !text.endsWith('@user:anne')],
      [
        'a userset',
        { subject: subjectOf('team:x#member') },
        (text) => !text.endsWith('@team:x#member'),
      ],
      ['a type of subjects', { subjectType: 'team' }, (text) => !text.includes('@team:')],
      [
        'a type and a type of subjects',
        { objectType: 'folder', subjectType: 'user' },
        (text) => text !== 'folder:1#viewer@user:anne',
      ],
      [
        'an object and a subject',
        { objectType: 'doc', objectId: '1', subject: subjectOf('user:anne') },
        (text) => !(text.startsWith('doc:1#') && text.endsWith('@user:anne')),
      ],
      [
        'a key',
        { objectType: 'doc', objectId: '1', relation: 'editor', subject: subjectOf('user:anne') },
        (text) => text !== 'doc:1#editor@user:anne',
      ],
      ['a text that nobody wrote', { objectType: 'none' }, () => true],
    ];
    test.each(filters)('by %s, whatever the size of a round', async (_name, filter, left) => {
      const datastore = await open(manualClock());
      await datastore.write(second, writing(...texts));
      for (const limit of [1, 2, 3, 100]) {
        const store = storeId(10 + limit);
        await datastore.write(store, writing(...texts));
        // The same that a Read shows.
        const shown = await readAll(datastore, store, filter);
        expect(shown.toSorted()).toEqual(texts.filter((text) => !left(text)).toSorted());
        const rounds = await deleteAll(datastore, filter, limit, store);
        expect(sum(rounds)).toBe(shown.length);
        expect((await readAll(datastore, store)).toSorted()).toEqual(texts.filter(left).toSorted());
        const log = await changesOf(datastore, store);
        expect(replay(log).toSorted()).toEqual(texts.filter(left).toSorted());
        expect(log.filter(({ expired }) => expired)).toEqual([]);
      }
      expect((await readAll(datastore, second)).length).toBe(texts.length);
    });

    test('a round that deletes nothing takes no revision and makes no store', async () => {
      const datastore = await open(manualClock());
      const query = { filter: {}, limit: 10, cursor: '' };
      expect(await datastore.deleteTuples(first, query)).toEqual({
        deleted: 0,
        cursor: '',
        revision: 0,
      });
      await datastore.write(first, writing(...texts));
      const nobody = { ...query, filter: { subject: subjectOf('user:nobody') } };
      expect((await datastore.deleteTuples(first, nobody)).revision).toBe(1);
      expect(await datastore.deleteTuples(first, query)).toEqual({
        deleted: texts.length,
        cursor: '',
        revision: 2,
      });
    });

    test('it comes to an end though others go on writing, and leaves what they wrote', async () => {
      const datastore = await open(manualClock());
      const old = Array.from({ length: 60 }, (_, i) => `doc:${i}#viewer@user:anne`);
      await datastore.write(first, writing(...old.map((text) => tuple(text))));
      let written = 0;
      const fresh: string[] = [];
      const rounds = await deleteAll(datastore, { objectType: 'doc' }, 7, first, async () => {
        const batch = Array.from({ length: 10 }, () => `doc:${written++}#viewer@user:late`);
        // One that was deleted comes back, and one that was not yet is replaced.
        const back = tuple('doc:0#viewer@user:anne', 'c', { written });
        const kept = tuple('doc:59#viewer@user:anne', 'c', { written });
        fresh.push(...batch);
        await datastore.write(first, {
          ...writing(...batch, back, kept),
          onDuplicate: 'replace',
        });
      });
      expect(sum(rounds)).toBe(59);
      const left = await readAll(datastore, first, {}, 500);
      const expected = [...fresh, 'doc:0#viewer@user:anne', 'doc:59#viewer@user:anne'];
      expect(left.map((text) => text.split(' ')[0]).toSorted()).toEqual(expected.toSorted());
    });

    test('a round looks at a bounded number of tuples, and goes on after them', async () => {
      const datastore = await open(manualClock());
      const count = limits.deleteScanMax + 1_500;
      const many = Array.from({ length: count }, (_, i) => `doc:${i}#viewer@user:anne`);
      await datastore.write(first, writing(...many, 'zone:1#owner@user:anne'));
      const rounds = await deleteAll(datastore, { relation: 'owner' }, 10);
      expect(rounds).toEqual([0, 1]);
      expect((await readAll(datastore, first, { relation: 'owner' })).length).toBe(0);
    });

    test('a round deletes as many as the table allows', async () => {
      const datastore = await open(manualClock());
      const count = limits.deletedPerRoundMax + 1;
      const many = Array.from({ length: count }, (_, i) => `doc:${i}#viewer@user:anne`);
      await datastore.write(first, writing(...many));
      const rounds = await deleteAll(datastore, { objectType: 'doc' }, limits.deletedPerRoundMax);
      expect(rounds).toEqual([limits.deletedPerRoundMax, 1]);
    });

    test('guarded and expiring tuples are deleted as others are', async () => {
      const datastore = await open(manualClock(1_000));
      const guarded = tuple('doc:1#viewer@user:anne', 'c', { a: 1 });
      const expiring = { ...tuple('doc:1#viewer@user:bob'), expiresAt: 5_000 };
      await datastore.write(first, writing(guarded, expiring, 'doc:1#viewer@user:carl'));
      expect(await deleteAll(datastore, { objectType: 'doc' }, 2)).toEqual([2, 1]);
      const deletes = (await changesOf(datastore, first)).slice(3).map(formatChange);
      expect(deletes.map((text) => text.slice(4)).toSorted()).toEqual(
        ['anne', 'bob', 'carl'].map((name) => `doc:1#viewer@user:${name}`),
      );
      expect(await deleteAll(datastore, { objectType: 'doc' }, 2)).toEqual([0]);
    });

    test('random filters delete exactly what a Read shows', async () => {
      const random = new RandomSource(31);
      const datastore = await open(manualClock());
      for (let round = 0; round < 40; round++) {
        const store = storeId(10 + round);
        const all = new Set(
          Array.from(
            { length: 60 },
            () =>
              `${random.pick(['doc', 'folder'])}:${random.below(4)}#${random.pick(['viewer', 'owner'])}` +
              `@${random.pick(['user:1', 'user:2', 'user:*', 'team:1#member', 'team:1#lead'])}`,
          ),
        );
        await datastore.write(store, writing(...all));
        const filter: TupleFilter = {
          ...(random.chance(0.5) ? { objectType: random.pick(['doc', 'folder']) } : {}),
          ...(random.chance(0.5) ? { relation: random.pick(['viewer', 'owner']) } : {}),
          ...(random.chance(0.5)
            ? { subject: subjectOf(random.pick(['user:1', 'user:*', 'team:1#lead'])) }
            : random.chance(0.5)
              ? { subjectType: random.pick(['user', 'team']) }
              : {}),
        };
        const meant = new Set(await readAll(datastore, store, filter));
        const rounds = await deleteAll(datastore, filter, random.between(4, 20), store);
        expect(sum(rounds)).toBe(meant.size);
        expect((await readAll(datastore, store)).toSorted()).toEqual(
          [...all].filter((text) => !meant.has(text)).toSorted(),
        );
      }
    });
  });

  describe('cursors of deletes', () => {
    const filter: TupleFilter = { objectType: 'doc' };
    async function begun(): Promise<{ datastore: Datastore; cursor: string }> {
      const datastore = await open(manualClock());
      for (const store of [first, second]) await datastore.write(store, writing(...texts));
      const { cursor } = await datastore.deleteTuples(first, { filter, limit: 1, cursor: '' });
      return { datastore, cursor };
    }
    const code = (datastore: Datastore, store: StoreId, given: TupleFilter, cursor: string) =>
      refusalOf(datastore.deleteTuples(store, { filter: given, limit: 1, cursor }));

    test('each is of its own filter and store', async () => {
      const { datastore, cursor } = await begun();
      const before = await readAll(datastore, first);
      for (const other of [
        {},
        { objectType: 'folder' },
        { objectType: 'doc', objectId: '1' },
        { objectType: 'doc', relation: 'viewer' },
        { objectType: 'doc', subjectType: 'user' },
        { subjectType: 'doc' },
      ]) {
        expect(await code(datastore, first, other, cursor)).toBe('invalid_continuation_token');
      }
      expect(await code(datastore, second, filter, cursor)).toBe('invalid_continuation_token');
      const page = await datastore.readTuples(first, filter, { pageSize: 1, cursor: '' });
      expect(await code(datastore, first, filter, page.cursor)).toBe('invalid_continuation_token');
      expect(await readAll(datastore, first)).toEqual(before);
      expect(await code(datastore, first, filter, cursor)).toBe('not refused');
    });

    test('one with any byte changed, cut or added is refused', async () => {
      const { datastore, cursor } = await begun();
      const before = await readAll(datastore, first);
      for (let i = 0; i < cursor.length; i++) {
        const changed = cursor[i] === 'A' ? 'B' : 'A';
        const wrong = [
          `${cursor.slice(0, i)}${changed}${cursor.slice(i + 1)}`,
          cursor.slice(0, i),
          `${cursor.slice(0, i)}A${cursor.slice(i)}`,
        ].filter((text) => text !== '' && text !== cursor);
        for (const text of wrong) {
          expect(await code(datastore, first, filter, text)).toBe('invalid_continuation_token');
        }
      }
      expect(await readAll(datastore, first)).toEqual(before);
    });

    test('one of a store that was made anew is refused', async () => {
      const { datastore, cursor } = await begun();
      await datastore.deleteStore(first);
      await datastore.write(first, writing(...texts));
      expect(await code(datastore, first, filter, cursor)).toBe('invalid_continuation_token');
      expect((await readAll(datastore, first)).length).toBe(texts.length);
    });
  });
}
