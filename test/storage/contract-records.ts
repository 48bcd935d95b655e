/** The contract of stores, models and assertions. */
import { describe, expect, test } from 'vitest';
import {
  allRows,
  changesOf,
  manualClock,
  modelId,
  modelRecord,
  type OpenDatastore,
  readAll,
  refusalOf,
  revisionOf,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second, third] = [storeId(1), storeId(2), storeId(3)];

export function recordsContract(open: OpenDatastore): void {
  describe('stores', () => {
    test('a store is read as it was created', async () => {
      const clock = manualClock(5_000);
      const datastore = await open(clock);
      const created = { id: first, name: 'docs', createdAt: 5_000, updatedAt: 5_000 };
      expect(await datastore.createStore({ id: first, name: 'docs' })).toEqual(created);
      clock.set(9_000);
      expect(await datastore.readStore(first)).toEqual(created);
      expect(await datastore.readStore(second)).toBeUndefined();
    });

    test('creating a store twice is refused', async () => {
      const datastore = await open(manualClock());
      await datastore.createStore({ id: first, name: 'docs' });
      const again = datastore.createStore({ id: first, name: 'other' });
      expect(await refusalOf(again)).toBe('already_exists');
      expect((await datastore.readStore(first))?.name).toBe('docs');
    });

    test('a store that was only written to has no record until it is created', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing('doc:1#viewer@user:anne'));
      expect(await datastore.readStore(first)).toBeUndefined();
      const query = { pageSize: 10, cursor: '', name: '' };
      expect((await datastore.listStores(query)).rows).toEqual([]);
      await datastore.createStore({ id: first, name: 'late' });
      expect((await datastore.readStore(first))?.name).toBe('late');
      expect(await readAll(datastore, first)).toEqual(['doc:1#viewer@user:anne']);
      expect(await datastore.head(first)).toBe(1);
    });

    test.each([1, 2, 3, 7])(
      'stores are listed by id, all or by name, in pages of %i',
      async (size) => {
        const datastore = await open(manualClock());
        for (const number of [4, 1, 3, 5, 2]) {
          const name = number % 2 === 0 ? 'even' : 'odd';
          await datastore.createStore({ id: storeId(number), name });
        }
        const list = (name: string) =>
          allRows(size, (query) => datastore.listStores({ ...query, name }));
        expect((await list('')).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map(storeId));
        expect((await list('even')).map(({ id }) => id)).toEqual([2, 4].map(storeId));
        expect(await list('Even')).toEqual([]);
      },
    );

    test('nothing of a deleted store can be read, and its id starts anew', async () => {
      const datastore = await open(manualClock());
      await datastore.createStore({ id: first, name: 'docs' });
      await datastore.write(first, writing('doc:1#viewer@user:anne'));
      await datastore.writeModel(first, modelRecord(1));
      await datastore.writeAssertions(first, modelId(1), '[]');
      const page = await datastore.readTuples(first, {}, { pageSize: 1, cursor: '' });
      expect(page.rows.length).toBe(1);

      await datastore.deleteStore(first);
      expect(await datastore.readStore(first)).toBeUndefined();
      expect(await readAll(datastore, first)).toEqual([]);
      expect(await changesOf(datastore, first)).toEqual([]);
      expect(await datastore.head(first)).toBe(0);
      expect(await datastore.readAssertions(first, modelId(1))).toBeUndefined();
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.revision).toBe(0);
        expect(snapshot.latestModelId()).toBeUndefined();
        expect(snapshot.model(modelId(1))).toBeUndefined();
        expect(snapshot.symbol('doc')).toBe(0);
      });

      expect(await revisionOf(datastore.write(first, writing('doc:2#viewer@user:bob')))).toBe(1);
      expect(await readAll(datastore, first)).toEqual(['doc:2#viewer@user:bob']);
    });

    test('deleting an unknown store is no error, and deletes no other', async () => {
      const datastore = await open(manualClock());
      await datastore.write(second, writing('doc:1#viewer@user:anne'));
      await datastore.deleteStore(first);
      await datastore.deleteStore(third);
      expect(await readAll(datastore, second)).toEqual(['doc:1#viewer@user:anne']);
    });

    test('a large store is deleted without touching its neighbours', async () => {
      const datastore = await open(manualClock());
      for (const store of [first, second, third]) {
        for (let block = 0; block < 20; block++) {
          const texts = Array.from({ length: 100 }, (_, i) => `doc:${block}-${i}#viewer@user:${i}`);
          await datastore.write(store, writing(...texts));
        }
      }
      const before = await readAll(datastore, third);
      await datastore.deleteStore(second);
      // Each write lets the deletion go on by a step.
      for (let i = 0; i < 30; i++) await datastore.write(first, writing(`doc:x#viewer@user:${i}`));
      expect(await readAll(datastore, second)).toEqual([]);
      expect(await readAll(datastore, third)).toEqual(before);
      expect((await readAll(datastore, first)).length).toBe(2_030);
    });
  });

  describe('models', () => {
    test('the newest model is the latest, and pages go from new to old', async () => {
      const datastore = await open(manualClock());
      // Ids do not say what is newest: the order of the writes does.
      for (const number of [3, 1, 2]) await datastore.writeModel(first, modelRecord(number));
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.latestModelId()).toBe(modelId(2));
        expect(snapshot.model(modelId(3))).toEqual(modelRecord(3));
        expect(snapshot.model(modelId(4))).toBeUndefined();
      });
      for (const size of [1, 2, 3, 10]) {
        const models = await allRows(size, (query) => datastore.listModels(first, query));
        expect(models).toEqual([modelRecord(2), modelRecord(1), modelRecord(3)]);
      }
    });

    test('a model takes a revision, and its names become symbols', async () => {
      const datastore = await open(manualClock());
      expect(await datastore.writeModel(first, modelRecord(1, ['user', 'doc', 'viewer']))).toBe(1);
      expect(await revisionOf(datastore.write(first, writing('doc:1#viewer@user:anne')))).toBe(2);
      datastore.local.view(first, (snapshot) => {
        const symbols = ['user', 'doc', 'viewer'].map((name) => snapshot.symbol(name));
        expect(symbols.every((symbol) => symbol > 0)).toBe(true);
        expect(new Set(symbols).size).toBe(3);
        expect(snapshot.symbol('editor')).toBe(0);
      });
    });

    test('the same id in one store is refused, in another it is another model', async () => {
      const datastore = await open(manualClock());
      await datastore.writeModel(first, modelRecord(1));
      const again = datastore.writeModel(first, modelRecord(1, ['other']));
      expect(await refusalOf(again)).toBe('already_exists');
      expect(await datastore.head(first)).toBe(1);
      await datastore.writeModel(second, modelRecord(1, ['team']));
      datastore.local.view(second, (snapshot) => {
        expect(snapshot.model(modelId(1))?.names).toEqual(['team']);
        expect(snapshot.symbol('user')).toBe(0);
      });
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.symbol('other')).toBe(0);
      });
    });

    test('a large model with any text comes back as it was', async () => {
      const datastore = await open(manualClock());
      const definition = JSON.stringify({ text: 'ß日本\u0000😀'.repeat(20_000) });
      const model = { ...modelRecord(1), definition };
      await datastore.writeModel(first, model);
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.model(modelId(1))?.definition === definition).toBe(true);
      });
    });
  });

  test('assertions are those that were written last, of their model and store', async () => {
    const datastore = await open(manualClock());
    expect(await datastore.writeAssertions(first, modelId(1), '[1]')).toBe(1);
    expect(await datastore.writeAssertions(first, modelId(1), '[2]')).toBe(2);
    expect(await datastore.writeAssertions(first, modelId(2), '[3]')).toBe(3);
    expect(await datastore.writeAssertions(second, modelId(1), '[4]')).toBe(1);
    expect(await datastore.readAssertions(first, modelId(1))).toBe('[2]');
    expect(await datastore.readAssertions(first, modelId(2))).toBe('[3]');
    expect(await datastore.readAssertions(second, modelId(1))).toBe('[4]');
    expect(await datastore.readAssertions(second, modelId(2))).toBeUndefined();
  });

  test('a store begins with any kind of write', async () => {
    const datastore = await open(manualClock());
    await datastore.writeModel(first, modelRecord(1));
    await datastore.write(second, writing(tuple('doc:1#viewer@user:anne', 'weekday')));
    await datastore.writeAssertions(third, modelId(1), '[]');
    for (const store of [first, second, third]) expect(await datastore.head(store)).toBe(1);
  });

  test('a closed datastore refuses, and says so', async () => {
    const datastore = await open(manualClock());
    await datastore.ready();
    await datastore.close();
    expect(await refusalOf(datastore.ready())).toBe('unavailable');
    expect(await refusalOf(datastore.readStore(first))).toBe('unavailable');
    const late = datastore.write(first, writing('doc:1#viewer@user:anne'));
    expect(await refusalOf(late)).toBe('unavailable');
    expect(() => datastore.local.view(first, () => 1)).toThrow('closed');
    await datastore.close();
  });
}
