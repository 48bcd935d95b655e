/** The contract of page cursors: opaque, of one query and one store, and never page 1 by mistake. */
import { describe, expect, test } from 'vitest';
import type { Datastore } from '../../src/storage/datastore.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  manualClock,
  modelRecord,
  type OpenDatastore,
  refusalOf,
  storeId,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const texts = Array.from({ length: 6 }, (_, i) => `doc:${i % 2}#viewer@user:${i}`);

type Read = (datastore: Datastore, cursor: string) => Promise<{ cursor: string }>;
const ofChanges =
  (store: typeof first, objectType: string): Read =>
  (datastore, cursor) =>
    datastore.readChanges(store, { pageSize: 2, cursor, objectType, since: undefined });

const reads: Record<string, Read> = {
  tuples: (datastore, cursor) => datastore.readTuples(first, {}, { pageSize: 2, cursor }),
  'tuples of a type': (datastore, cursor) =>
    datastore.readTuples(first, { objectType: 'doc' }, { pageSize: 2, cursor }),
  'tuples of an object': (datastore, cursor) =>
    datastore.readTuples(first, { objectType: 'doc', objectId: '1' }, { pageSize: 2, cursor }),
  'tuples of another store': (datastore, cursor) =>
    datastore.readTuples(second, {}, { pageSize: 2, cursor }),
  changes: ofChanges(first, ''),
  'changes of another store': ofChanges(second, ''),
  models: (datastore, cursor) => datastore.listModels(first, { pageSize: 2, cursor }),
  stores: (datastore, cursor) => datastore.listStores({ pageSize: 1, cursor, name: '' }),
  'stores by name': (datastore, cursor) =>
    datastore.listStores({ pageSize: 1, cursor, name: 'same' }),
};

async function filled(open: OpenDatastore): Promise<Datastore> {
  const datastore = await open(manualClock());
  for (const store of [first, second]) {
    await datastore.createStore({ id: store, name: 'same' });
    await datastore.write(store, writing(...texts));
    for (const number of [1, 2, 3]) await datastore.writeModel(store, modelRecord(number));
  }
  return datastore;
}

export function cursorContract(open: OpenDatastore): void {
  describe('cursors', () => {
    test('they are URL-safe, and no longer than the wire allows', async () => {
      const datastore = await filled(open);
      for (const read of Object.values(reads)) {
        const { cursor } = await read(datastore, '');
        expect(cursor).toMatch(/^[A-Za-z0-9-_]+={0,2}$/);
        expect(cursor.length).toBeLessThan(1_024);
      }
    });

    test('each is of its own query and store alone', async () => {
      const datastore = await filled(open);
      for (const [made, make] of Object.entries(reads)) {
        const { cursor } = await make(datastore, '');
        for (const [used, use] of Object.entries(reads)) {
          const code = await refusalOf(use(datastore, cursor));
          const expected = made === used ? 'not refused' : 'invalid_continuation_token';
          expect(code, `${made} used for ${used}`).toBe(expected);
        }
      }
    });

    test('a cursor of changes of one type is not one of another type', async () => {
      const datastore = await filled(open);
      const { cursor } = await ofChanges(first, 'doc')(datastore, '');
      for (const type of ['', 'user', 'Doc', 'doc|', 'none']) {
        const other = ofChanges(first, type)(datastore, cursor);
        expect(await refusalOf(other)).toBe('query_string_type_continuation_token_mismatch');
      }
      const elsewhere = ofChanges(second, 'doc')(datastore, cursor);
      expect(await refusalOf(elsewhere)).toBe('invalid_continuation_token');
      expect(await refusalOf(ofChanges(first, 'doc')(datastore, cursor))).toBe('not refused');
    });

    test('of a deleted store none is good for the one that takes its id', async () => {
      const datastore = await filled(open);
      const { cursor } = await ofChanges(first, '')(datastore, '');
      await datastore.deleteStore(first);
      await datastore.write(first, writing(...texts));
      const again = ofChanges(first, '')(datastore, cursor);
      expect(await refusalOf(again)).toBe('invalid_continuation_token');
    });

    test('of another datastore none is good, though all in it is the same', async () => {
      const [one, other] = [await filled(open), await filled(open)];
      for (const read of Object.values(reads)) {
        const { cursor } = await read(one, '');
        expect(await refusalOf(read(other, cursor))).toBe('invalid_continuation_token');
      }
    });

    test('a cursor that was altered, cut or made up is refused', async () => {
      const datastore = await filled(open);
      const random = new RandomSource(7);
      const alphabet =
        'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \u0000é';
      for (const read of Object.values(reads)) {
        const { cursor } = await read(datastore, '');
        const bad = new Set([
          '=',
          'A',
          '0',
          ' ',
          '1|doc',
          'eyJ1bGlkIjoiMSJ9',
          `${cursor}=`,
          `${cursor}A`,
        ]);
        for (let at = 0; at < cursor.length; at++) {
          bad.add(cursor.slice(0, at)).add(cursor.slice(at + 1));
          for (const letter of [random.pick([...alphabet]), 'A', '_']) {
            bad.add(cursor.slice(0, at) + letter + cursor.slice(at + 1));
          }
        }
        bad.delete('');
        bad.delete(cursor);
        for (const text of bad) {
          const code = await refusalOf(read(datastore, text));
          expect(code, JSON.stringify(text)).toBe('invalid_continuation_token');
        }
      }
    });
  });
}
