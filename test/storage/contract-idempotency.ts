/** The contract of idempotency keys: a write that is retried is done once. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { TupleWrite } from '../../src/storage/datastore.ts';
import {
  changesOf,
  deleting,
  manualClock,
  nothing,
  type OpenDatastore,
  readAll,
  refusalOf,
  storeId,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const anne = 'doc:1#viewer@user:anne';
const bob = 'doc:1#viewer@user:bob';
const done = (revision: number) => ({ revision, repeated: false });
const repeat = (revision: number) => ({ revision, repeated: true });

function keyed(write: TupleWrite, idempotencyKey = 'key'): TupleWrite {
  return { ...write, idempotencyKey };
}

export function idempotencyContract(open: OpenDatastore): void {
  describe('idempotency keys', () => {
    test('a retry changes nothing, and returns what the first one did', async () => {
      const datastore = await open(manualClock());
      expect(await datastore.write(first, keyed(writing(anne)))).toEqual(done(1));
      expect(await datastore.write(first, writing(bob))).toEqual(done(2));
      expect(await datastore.write(first, keyed(writing(anne)))).toEqual(repeat(1));
      // It would do something by now, or could not be done.
      await datastore.write(first, deleting(anne));
      expect(await datastore.write(first, keyed(writing(anne)))).toEqual(repeat(1));
      expect(await readAll(datastore, first)).toEqual([bob]);
      expect(await datastore.head(first)).toBe(3);
    });

    test('retries that share a group with the first one', async () => {
      const datastore = await open(manualClock());
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          datastore.write(first, keyed(writing(`doc:${i % 3}#viewer@user:a`), `key ${i % 3}`)),
        ),
      );
      expect(results.filter(({ repeated }) => !repeated).map(({ revision }) => revision)).toEqual([
        1, 2, 3,
      ]);
      for (const [i, { revision }] of results.entries()) expect(revision).toBe(1 + (i % 3));
      expect((await changesOf(datastore, first)).length).toBe(3);
    });

    const original: TupleWrite = {
      writes: [{ ...tuple(anne, 'c', { a: 1 }), expiresAt: 2e12 }, tuple(bob)],
      deletes: [tuple('doc:9#viewer@user:x')],
      onDuplicate: 'replace',
      onMissing: 'ignore',
      preconditions: [{ filter: { objectType: 'doc', objectId: '8' }, must: 'not_exist' }],
    };
    const [w1, w2] = original.writes as [TupleWrite['writes'][0], TupleWrite['writes'][0]];
    const others: [name: string, other: TupleWrite][] = [
      ['another tuple', { ...original, writes: [w1, tuple('doc:1#viewer@user:carl')] }],
      ['one tuple less', { ...original, writes: [w1] }],
      ['another order', { ...original, writes: [w2, w1] }],
      ['a delete that was a write', { ...original, writes: [w1], deletes: [w2] }],
      ['another condition', { ...original, writes: [{ ...w1, condition: undefined }, w2] }],
      [
        'another context',
        { ...original, writes: [{ ...w1, condition: { name: 'c', context: { a: '1' } } }, w2] },
      ],
      ['another expiry', { ...original, writes: [{ ...w1, expiresAt: 2e12 + 1 }, w2] }],
      ['no expiry', { ...original, writes: [{ ...w1, expiresAt: undefined }, w2] }],
      ['another choice for duplicates', { ...original, onDuplicate: 'ignore' }],
      ['another choice for what is missing', { ...original, onMissing: 'error' }],
      ['no precondition', { ...original, preconditions: [] }],
      [
        'another precondition',
        {
          ...original,
          preconditions: [{ filter: { objectType: 'doc', objectId: '8' }, must: 'exist' }],
        },
      ],
      [
        'a precondition on another part',
        {
          ...original,
          preconditions: [{ filter: { objectType: 'doc', relation: '8' }, must: 'not_exist' }],
        },
      ],
      ['names that run into one another', { ...original, deletes: [tuple('doc:9#viewe@ruser:x')] }],
    ];
    test.each(others)('%s is another write', async (_name, other) => {
      const datastore = await open(manualClock());
      expect(await datastore.write(first, keyed(original))).toEqual(done(1));
      await expect(datastore.write(first, keyed(other))).rejects.toMatchObject({
        code: 'validation_error',
        message: expect.stringContaining('the idempotency key `key` belongs to another write'),
      });
      expect(await datastore.head(first)).toBe(1);
      // Fields in another order are the same write.
      const { writes, ...rest } = original;
      expect(await datastore.write(first, keyed({ ...rest, writes }))).toEqual(repeat(1));
    });

    test('a key is of its store; without a key nothing is a retry', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, keyed(writing(anne)));
      expect(await datastore.write(second, keyed(writing(bob, anne)))).toEqual(done(1));
      expect(await refusalOf(datastore.write(first, writing(anne)))).toBe(
        'write_failed_due_to_invalid_input',
      );
      await datastore.deleteStore(first);
      expect(await datastore.write(first, keyed(writing(bob)))).toEqual(done(1));
    });

    test('a write that was refused leaves no key', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const refused = [
        keyed(writing(bob, anne)),
        { ...keyed(writing(bob)), preconditions: [{ filter: { objectType: 'x' }, must: 'exist' }] },
      ] as const;
      for (const write of refused) {
        expect(await refusalOf(datastore.write(first, write))).not.toBe('not refused');
      }
      // Another write may have the key, also in the group of the one that fails.
      const group = [refused[0], keyed(writing(bob)), keyed(writing(bob))];
      const outcomes = await Promise.all(
        group.map((write) => datastore.write(first, write).catch((error) => error.code)),
      );
      expect(outcomes).toEqual(['write_failed_due_to_invalid_input', done(2), repeat(2)]);
    });

    test('a write that changed nothing is not done later either', async () => {
      const datastore = await open(manualClock());
      const missing = keyed({ ...deleting(anne), onMissing: 'ignore' });
      expect(await datastore.write(first, missing)).toEqual(done(0));
      expect(await datastore.write(first, missing)).toEqual(repeat(0));
      expect(await datastore.readStore(first)).toBe(undefined);
      await datastore.write(first, writing(anne));
      expect(await datastore.write(first, missing)).toEqual(repeat(0));
      expect(await datastore.write(first, keyed(nothing, 'other'))).toEqual(done(1));
      expect(await readAll(datastore, first)).toEqual([anne]);
      expect(await datastore.head(first)).toBe(1);
    });

    test('a key is remembered for its time, and forgotten to the millisecond', async () => {
      const start = 1_700_000_000_000;
      const clock = manualClock(start);
      const datastore = await open(clock);
      await datastore.write(first, keyed(writing(anne)));
      await datastore.write(first, keyed(writing(bob), 'collected'));
      for (const collect of [false, true]) {
        clock.set(start + limits.idempotencyKeptMs - 1);
        if (collect) await datastore.collectExpired();
        expect(await datastore.write(first, keyed(writing(anne)))).toEqual(repeat(1));
      }
      clock.set(start + limits.idempotencyKeptMs);
      // Forgotten before it is collected, and known again under its new write.
      const again = keyed(deleting(anne));
      expect(await datastore.write(first, again)).toEqual(done(3));
      await datastore.collectExpired();
      expect(await datastore.write(first, again)).toEqual(repeat(3));
      expect(await datastore.write(first, keyed(deleting(bob), 'collected'))).toEqual(done(4));
      expect(await datastore.head(first)).toBe(4);
    });

    test('keys that differ in a character differ; one that is no Unicode is refused', async () => {
      const datastore = await open(manualClock());
      const keys = ['k', 'K', 'k ', '', '\u00e9', 'e\u0301', '\ufffd', 'k'.repeat(256)];
      for (const [i, key] of keys.entries()) {
        const write = keyed(writing(`doc:${i}#viewer@user:a`), key);
        expect(await datastore.write(first, write)).toEqual(done(i + 1));
        expect(await datastore.write(first, write)).toEqual(repeat(i + 1));
      }
      const bad = keyed(writing(anne), '\ud800');
      expect(await refusalOf(datastore.write(first, bad))).toBe('validation_error');
    });
  });
}
