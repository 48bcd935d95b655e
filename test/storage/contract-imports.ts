/** The contract of imports: a block does what a write of the same tuples does. */
import { describe, expect, test } from 'vitest';
import { formatTuple, type Tuple } from '../../src/model/tuple.ts';
import type { Datastore, TupleImport, TupleWrite } from '../../src/storage/datastore.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { blockOf } from './block.ts';
import {
  changesOf,
  manualClock,
  nothing,
  type OpenDatastore,
  rawTuple,
  readAll,
  storeId,
  tuple,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];

function load(tuples: readonly Tuple[], more: Partial<TupleImport> = {}): TupleImport {
  return { block: blockOf(tuples), onDuplicate: 'error', ...more };
}

const named = (count: number, at = 0) =>
  Array.from({ length: count }, (_, i) => tuple(`doc:${i + at}#viewer@user:${(i + at) % 700}`));

/** What a write comes to, refusals too, in one text. */
async function outcome(done: Promise<{ revision: number }>): Promise<string> {
  return await done.then(
    ({ revision }) => `revision ${revision}`,
    (error: Error) => error.message,
  );
}

function randomTuples(random: RandomSource, now: number): Tuple[] {
  const tuples = Array.from({ length: random.between(1, 160) }, () => {
    const subject = random.pick(['user:', 'team:'] as const) + random.below(60);
    const userset = random.below(4) === 0 ? '#member' : '';
    const text = `doc:${random.below(30)}#${random.pick(['viewer', 'owner'])}@${subject}${userset}`;
    if (random.below(9) > 0) return tuple(text);
    const guarded = tuple(text, random.pick(['weekday', undefined]), { day: random.below(2) });
    return random.below(2) > 0 ? guarded : { ...guarded, expiresAt: now + random.between(1, 40) };
  });
  return [
    ...new Map(
      tuples.map((each) => [formatTuple({ ...each, condition: undefined }), each]),
    ).values(),
  ];
}

async function contentOf(datastore: Datastore, store: typeof first): Promise<unknown> {
  const changes = await changesOf(datastore, store, '', 997);
  const inRevision = changes.map((change) => JSON.stringify(change)).toSorted();
  return [(await readAll(datastore, store)).toSorted(), inRevision];
}

export function importsContract(open: OpenDatastore): void {
  describe('imports', () => {
    test('random blocks do what writes do, and are refused as they are', async () => {
      const clock = manualClock();
      const datastore = await open(clock);
      const random = new RandomSource(11);
      const outcomes = new Set<string>();
      for (let round = 0; round < 60; round++) {
        const writes = randomTuples(random, clock.now());
        const onDuplicate = random.pick(['error', 'ignore', 'replace'] as const);
        const write: TupleWrite = { ...nothing, writes, onDuplicate };
        const imported = await outcome(
          datastore.importTuples(first, load(writes, { onDuplicate })),
        );
        const written = await outcome(datastore.write(second, write));
        // A refusal names the first tuple in its own order.
        const kind = (text: string) => text.replace(/( or expiry)?: user: '.*/, '');
        expect(kind(imported)).toBe(kind(written));
        outcomes.add(kind(imported).replace(/\d+/g, 'n'));
        if (random.below(3) === 0) clock.set(clock.now() + 20);
      }
      expect(await contentOf(datastore, first)).toEqual(await contentOf(datastore, second));
      // Done, refused as a duplicate, refused as one with another guard.
      expect(outcomes.size).toBe(3);
    });

    test('many blocks, of names that are new, known and between others', async () => {
      const datastore = await open(manualClock());
      const all = named(6_000).sort((a, b) =>
        (a.object.id.at(-1) ?? '').localeCompare(b.object.id.at(-1) ?? ''),
      );
      for (let at = 0; at < all.length; at += 1_500) {
        await datastore.importTuples(first, load(all.slice(at, at + 1_500)));
      }
      await datastore.importTuples(first, load(named(500, 5_900), { onDuplicate: 'ignore' }));
      const expected = named(6_400).map(formatTuple).toSorted();
      expect((await readAll(datastore, first, {}, 1_000)).toSorted()).toEqual(expected);
      expect(await datastore.head(first)).toBe(5);
    });

    test('names are told apart byte by byte, and ordered so', async () => {
      const datastore = await open(manualClock());
      const ids = [
        'a',
        'A',
        'é',
        'e\u0301',
        '\uffee',
        '\u{1f600}',
        '\u{10000}',
        '\ud7ff',
        'a ',
        '0',
        '00',
        '1',
      ];
      const tuples = ids.map((id) => rawTuple(['doc', id], 'viewer', ['user', id]));
      for (let round = 0; round < 3; round++) {
        await datastore.importTuples(first, load(tuples.slice(round * 4, round * 4 + 4)));
      }
      await datastore.importTuples(first, load(tuples, { onDuplicate: 'ignore' }));
      expect(await datastore.head(first)).toBe(3);
      const rows = await readAll(datastore, first);
      expect(rows.toSorted()).toEqual(tuples.map(formatTuple).toSorted());
    });

    test('a tuple that would be expired as it is written is refused', async () => {
      const clock = manualClock();
      const datastore = await open(clock);
      const late = { ...tuple('doc:1#viewer@user:a'), expiresAt: clock.now() };
      const refused = datastore.importTuples(first, load([...named(3), late]));
      await expect(refused).rejects.toThrow('must expire after it is written');
      expect(await datastore.head(first)).toBe(0);
    });

    test('a block is refused whole', async () => {
      const datastore = await open(manualClock());
      await datastore.importTuples(first, load(named(3)));
      await expect(datastore.importTuples(first, load(named(200, 2)))).rejects.toThrow('doc:2');
      expect(await readAll(datastore, first)).toHaveLength(3);
      expect(await datastore.head(first)).toBe(1);
    });

    test('a chunk that is sent again is no second write', async () => {
      const datastore = await open(manualClock());
      const chunk = load(named(100), { idempotencyKey: 'load/1' });
      expect(await datastore.importTuples(first, chunk)).toEqual({ revision: 1, repeated: false });
      expect(await datastore.importTuples(first, chunk)).toEqual({ revision: 1, repeated: true });
      const others = [
        load(named(99), { idempotencyKey: 'load/1' }),
        load(named(100, 1), { idempotencyKey: 'load/1' }),
        load(named(100), { idempotencyKey: 'load/1', onDuplicate: 'ignore' }),
      ];
      for (const other of others) {
        await expect(datastore.importTuples(first, other)).rejects.toThrow('another write');
      }
      expect(await datastore.head(first)).toBe(1);
    });

    test('imports and writes at the same time are all there', async () => {
      const datastore = await open(manualClock());
      const imports = Array.from({ length: 5 }, (_, i) =>
        datastore.importTuples(first, load(named(300, i * 300))),
      );
      const writes = Array.from({ length: 20 }, (_, i) =>
        datastore.write(first, { ...nothing, writes: [tuple(`doc:${i}#owner@user:o`)] }),
      );
      await Promise.all([...imports, ...writes]);
      expect(await readAll(datastore, first, {}, 1_000)).toHaveLength(1_520);
      expect(await datastore.head(first)).toBe(25);
    });
  });

  describe('held tuples', () => {
    test('pages are of one revision, or refused', async () => {
      const datastore = await open(manualClock());
      await datastore.importTuples(first, load(named(30)));
      using held = await datastore.holdTuples(first, 1_000);
      const page = held.read({}, { pageSize: 20, cursor: '' });
      await datastore.importTuples(first, load(named(30, 30)));
      if (datastore.local.canHold) {
        const rest = held.read({}, { pageSize: 20, cursor: page.cursor });
        expect([page.rows.length, rest.rows.length, rest.revision]).toEqual([20, 10, 1]);
      } else {
        expect(() => held.read({}, { pageSize: 20, cursor: page.cursor })).toThrow('try again');
      }
    });
  });
}
