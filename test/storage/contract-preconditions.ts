/** The contract of preconditions, and of writes that replace. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { Tuple } from '../../src/model/tuple.ts';
import type { Precondition, TupleFilter, TupleWrite } from '../../src/storage/datastore.ts';
import {
  changesOf,
  formatChange,
  fullText,
  manualClock,
  type OpenDatastore,
  readAll,
  refusalOf,
  revisionOf,
  revisions,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const anne = 'doc:1#viewer@user:anne';
const bob = 'doc:1#viewer@user:bob';
const subjectOf = (text: string) => tuple(`doc:1#viewer@${text}`).subject;

function under(write: TupleWrite, ...preconditions: readonly Precondition[]): TupleWrite {
  return { ...write, preconditions };
}
const exists = (filter: TupleFilter): Precondition => ({ filter, must: 'exist' });
const absent = (filter: TupleFilter): Precondition => ({ filter, must: 'not_exist' });

export function preconditionsContract(open: OpenDatastore): void {
  describe('preconditions', () => {
    const doc1 = { objectType: 'doc', objectId: '1' } as const;
    const filters: [name: string, filter: TupleFilter, matches: boolean][] = [
      ['an object', doc1, true],
      ['an object that has none', { objectType: 'doc', objectId: '7' }, false],
      ['an object that was never named', { objectType: 'doc', objectId: 'none' }, false],
      ['a type', { objectType: 'folder' }, true],
      ['a type that has none', { objectType: 'user' }, false],
      ['a relation', { relation: 'owner' }, true],
      ['an object and a relation', { ...doc1, relation: 'viewer' }, true],
      ['an object and a relation that it lacks', { ...doc1, relation: 'owner' }, false],
      ['a subject', { subject: subjectOf('user:anne') }, true],
      ['a subject that is a userset', { subject: subjectOf('team:x#member') }, true],
      ['the object of a userset', { subject: subjectOf('team:x') }, false],
      ['a wildcard', { subject: subjectOf('user:*') }, false],
      ['an object and a subject', { ...doc1, subject: subjectOf('user:anne') }, true],
      ['an object and another subject', { ...doc1, subject: subjectOf('user:carl') }, false],
      ['a key', { ...doc1, relation: 'viewer', subject: subjectOf('user:anne') }, true],
      ['a key in part', { ...doc1, relation: 'editor', subject: subjectOf('user:anne') }, false],
      ['a type of subjects', { ...doc1, subjectType: 'team' }, true],
      ['a type of subjects that has none', { ...doc1, subjectType: 'doc' }, false],
      ['text that is not valid Unicode', { objectType: 'doc', objectId: '\ud800' }, false],
    ];
    test.each(filters)('%s', async (_name, filter, matches) => {
      const datastore = await open(manualClock());
      await datastore.write(
        first,
        writing(
          ...[anne, 'doc:1#viewer@team:x#member', 'doc:\ufffd#viewer@user:anne'],
          ...['folder:1#owner@user:carl', 'doc:1#editor@user:bob', 'doc:7#viewer@user:gone'],
        ),
      );
      await datastore.write(first, { ...writing(), deletes: [tuple('doc:7#viewer@user:gone')] });
      // What another store holds does not count.
      await datastore.write(second, writing('doc:none#viewer@user:anne', 'doc:1#owner@user:anne'));
      for (const must of ['exist', 'not_exist'] as const) {
        const holds = (must === 'exist') === matches;
        const write = under(writing(`doc:new#viewer@user:${must}`), { filter, must });
        const code = await refusalOf(datastore.write(first, write));
        expect(code, must).toBe(holds ? 'not refused' : 'failed_precondition');
      }
      expect(await datastore.head(first)).toBe(3);
    });

    test('one that does not hold is named, and leaves nothing', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const key = { ...doc1, relation: 'viewer', subject: subjectOf('user:anne') };
      const write = under(writing(bob), exists(key), absent(key));
      await expect(datastore.write(first, write)).rejects.toMatchObject({
        code: 'failed_precondition',
        message:
          'precondition 2 does not hold: there is a tuple with object `doc:1`, ' +
          'relation `viewer`, subject `user:anne`; nothing was written',
      });
      const fresh = under(writing(bob), exists({ objectType: 'folder', subjectType: 'team' }));
      await expect(datastore.write(second, fresh)).rejects.toThrow(
        'there is no tuple with object type `folder`, subject type `team`',
      );
      expect(await readAll(datastore, first)).toEqual([anne]);
      expect(await datastore.head(second)).toBe(0);
    });

    test('they are judged before the deletes and writes of their own write', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const swap = { ...writing(bob), deletes: [tuple(anne)] };
      const ofAnne = { ...doc1, subject: subjectOf('user:anne') };
      const ofBob = { ...doc1, subject: subjectOf('user:bob') };
      expect(
        await revisionOf(datastore.write(first, under(swap, exists(ofAnne), absent(ofBob)))),
      ).toBe(2);
      expect(await readAll(datastore, first)).toEqual([bob]);
    });

    test('of many that wait for the same absence one wins, within a group too', async () => {
      const datastore = await open(manualClock());
      const filter = { objectType: 'lock', objectId: '1' };
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          refusalOf(
            datastore.write(first, under(writing(`lock:1#holder@user:${i}`), absent(filter))),
          ),
        ),
      );
      expect(outcomes.filter((code) => code === 'not refused').length).toBe(1);
      expect(outcomes.filter((code) => code === 'failed_precondition').length).toBe(49);
      expect((await readAll(datastore, first)).length).toBe(1);
    });

    const most = limits.preconditionScanMax;
    test.each([
      [most - 1, 'not refused'],
      [most, 'not refused'],
      [most + 1, 'resource_exhausted'],
    ])('all of a write together look at %d tuples: %s', async (count, outcome) => {
      const clock = manualClock();
      const datastore = await open(clock);
      const expiresAt = clock.now() + 1_000;
      const texts = Array.from({ length: count - 5 }, (_, i) => `doc:1#viewer@user:${i}`);
      const others = Array.from({ length: 5 }, (_, i) => `doc:2#viewer@user:${i}`);
      const expiring = [...texts, ...others].map((text) => ({ ...tuple(text), expiresAt }));
      await datastore.write(first, writing(...expiring, 'doc:3#viewer@team:x'));
      // What is looked up takes one look at most, however many tuples there are.
      const lookups = ['1', '2'].map((objectId) =>
        absent({ objectType: 'doc', objectId, subjectType: 'team' }),
      );
      const bare = [exists({ objectType: 'doc', objectId: '1' })];
      const other = writing('doc:4#viewer@user:bob');
      expect(await refusalOf(datastore.write(first, under(other, ...lookups, ...bare)))).toBe(
        'not refused',
      );
      // Those that have expired, and are not collected yet, are looked at one by one.
      clock.set(expiresAt);
      const scans = ['1', '2'].map((objectId) => absent({ objectType: 'doc', objectId }));
      const looked = await refusalOf(datastore.write(first, under(writing(anne), ...scans)));
      expect(looked).toBe(outcome);
    });

    test('a write may have as many as the table says', async () => {
      const datastore = await open(manualClock());
      const many = Array.from({ length: limits.preconditionsPerWriteMax }, (_, i) =>
        absent({ objectType: 'doc', objectId: String(i) }),
      );
      expect(await revisionOf(datastore.write(first, under(writing(anne), ...many)))).toBe(1);
    });
  });

  describe('replacing', () => {
    const replacing = (...tuples: readonly (string | Tuple)[]): TupleWrite => ({
      ...writing(...tuples),
      onDuplicate: 'replace',
    });
    const stored = async (datastore: Awaited<ReturnType<OpenDatastore>>) =>
      (await datastore.readTuples(first, {}, { pageSize: 100, cursor: '' })).rows.map((row) =>
        fullText(row.tuple),
      );

    test('a tuple gets the condition that is given, or none', async () => {
      const clock = manualClock(5_000);
      const datastore = await open(clock);
      await datastore.write(first, writing(anne, bob));
      clock.set(6_000);
      const guarded = tuple(anne, 'weekday', { day: 1 });
      expect(await revisionOf(datastore.write(first, replacing(guarded)))).toBe(2);
      expect((await stored(datastore)).toSorted()).toEqual([fullText(guarded), bob].toSorted());
      const page = await datastore.readTuples(first, {}, { pageSize: 9, cursor: '' });
      const times = page.rows.map((row) => [row.tuple.subject.id, row.writtenAt]);
      expect(Object.fromEntries(times)).toEqual({ anne: 6_000, bob: 5_000 });
      expect(await revisionOf(datastore.write(first, replacing(anne)))).toBe(3);
      expect((await stored(datastore)).toSorted()).toEqual([anne, bob].toSorted());
      const changes = await changesOf(datastore, first);
      expect(changes.map(formatChange)).toEqual([
        ...[`1 + ${anne}`, `1 + ${bob}`, `2 + ${anne} (condition weekday)`, `3 + ${anne}`],
      ]);
    });

    test('one that is the same already takes no revision; one that is new is written', async () => {
      const datastore = await open(manualClock());
      const guarded = tuple(anne, 'c', { a: 1, b: [2] });
      await datastore.write(first, writing(guarded));
      const same = replacing(tuple(anne, 'c', { b: [2], a: 1 }));
      expect(await revisionOf(datastore.write(first, same))).toBe(1);
      expect(await revisionOf(datastore.write(first, replacing(guarded, bob)))).toBe(2);
      const changes = await changesOf(datastore, first);
      expect(changes.map(formatChange)).toEqual([`1 + ${anne} (condition c)`, `2 + ${bob}`]);
    });

    test('many at once each take a revision, and the last one stays', async () => {
      const datastore = await open(manualClock());
      const results = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          revisionOf(
            datastore.write(first, replacing(tuple(anne, 'c', { i }), tuple(bob, 'c', { i }))),
          ),
        ),
      );
      expect(results.toSorted((a, b) => a - b)).toEqual(revisions(60));
      const last = results.indexOf(60);
      const expected = [anne, bob].map((text) => fullText(tuple(text, 'c', { i: last })));
      expect((await stored(datastore)).toSorted()).toEqual(expected.toSorted());
    });
  });
}
