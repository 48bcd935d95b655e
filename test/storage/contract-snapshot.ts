/** The contract of `local`: what the engine reads, as of one revision. */
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/storage/datastore.ts';
import { noTuple } from '../../src/storage/tuple-reader.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { lookalikes } from './contract-reads.ts';
import {
  deleting,
  drain,
  entityOf,
  findTuple,
  manualClock,
  modelId,
  modelRecord,
  type OpenDatastore,
  rawTuple,
  revisionOf,
  storeId,
  takenIds,
  tuple,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const anne = 'doc:1#viewer@user:anne';

export function snapshotContract(open: OpenDatastore): void {
  describe('snapshots', () => {
    test('ids are there and back, and 0 for what nobody wrote', async () => {
      const datastore = await open(manualClock());
      await datastore.write(
        first,
        writing(tuple(anne, 'weekday', { day: 1 }), 'doc:2#viewer@user:*'),
      );
      datastore.local.view(first, (snapshot) => {
        const doc = snapshot.symbol('doc');
        const object = snapshot.entity(doc, '1');
        expect(snapshot.entityRef(object)).toEqual({ type: 'doc', id: '1' });
        expect(snapshot.entityRef(entityOf(snapshot, 'user:*'))).toEqual({ type: 'user', id: '*' });
        const guard = findTuple(snapshot, anne);
        expect(snapshot.guard(guard)).toEqual({
          condition: snapshot.symbol('weekday'),
          context: { day: 1 },
        });
        expect(snapshot.symbol('none')).toBe(0);
        expect(snapshot.entity(doc, 'none')).toBe(0);
        expect(snapshot.entity(0, '1')).toBe(0);
        expect(snapshot.entity(snapshot.symbol('viewer'), '1')).toBe(0);
        expect(snapshot.find(object, snapshot.symbol('viewer'), 0, 0)).toBe(noTuple);
        expect(snapshot.find(-3, snapshot.symbol('viewer'), object, 0)).toBe(noTuple);
        expect(snapshot.subjects(0, 1, 1, 0, 0).end).toBe(0);
        expect(snapshot.objects(0, 0, 1, 1, 0).end).toBe(0);
      });
      datastore.local.view(second, (snapshot) => {
        expect(snapshot.revision).toBe(0);
        expect(snapshot.symbol('doc')).toBe(0);
      });
    });

    test('an object, its usersets and its wildcard are different subjects', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing('doc:1#viewer@team:x', 'doc:2#viewer@team:x#member'));
      await datastore.write(first, writing('doc:3#viewer@team:*', 'doc:4#viewer@team:x#owner'));
      datastore.local.view(first, (snapshot) => {
        const found = [1, 2, 3, 4].map((id) =>
          ['team:x', 'team:x#member', 'team:*', 'team:x#owner'].map(
            (subject) => findTuple(snapshot, `doc:${id}#viewer@${subject}`) !== noTuple,
          ),
        );
        expect(found).toEqual([
          [true, false, false, false],
          [false, true, false, false],
          [false, false, true, false],
          [false, false, false, true],
        ]);
        const run = (relation: string) => {
          const team = snapshot.symbol('team');
          const symbol = relation === '' ? 0 : snapshot.symbol(relation);
          const viewer = snapshot.symbol('viewer');
          const object = entityOf(snapshot, 'doc:2');
          return drain((after) => snapshot.subjects(object, viewer, team, symbol, after)).entities;
        };
        expect(run('')).toEqual([]);
        expect(run('member')).toEqual([entityOf(snapshot, 'team:x')]);
      });
    });

    test('ids are compared byte by byte', async () => {
      const datastore = await open(manualClock());
      const tuples = lookalikes.map((id) => rawTuple(['doc', id], `r${id}`, [`t${id}`, id]));
      await datastore.write(first, writing(...tuples));
      datastore.local.view(first, (snapshot) => {
        const doc = snapshot.symbol('doc');
        const ids = lookalikes.map((id) => snapshot.entity(doc, id));
        expect(new Set(ids).size).toBe(lookalikes.length);
        const many = Array.from({ length: 40 }, () => ids).flat();
        expect(snapshot.idsOf(many)).toEqual(many.map((id) => snapshot.entityRef(id).id));
        expect(snapshot.idsOf(ids)).toEqual(lookalikes);
        expect(takenIds(snapshot, many)).toEqual(snapshot.idsOf(many));
        expect(new Set(lookalikes.map((id) => snapshot.symbol(`r${id}`))).size).toBe(ids.length);
        for (const [at, id] of lookalikes.entries()) {
          expect(snapshot.entityRef(ids[at] as number)).toEqual({ type: 'doc', id });
          const subject = snapshot.entity(snapshot.symbol(`t${id}`), id);
          const granted = lookalikes.filter(
            (_, other) =>
              snapshot.find(ids[other] as number, snapshot.symbol(`r${id}`), subject, 0) !==
              noTuple,
          );
          expect(granted).toEqual([id]);
        }
      });
    });

    test.each([1, 127, 128, 129, 1_023, 1_024, 1_025, 1_151, 1_152, 1_153, 3_201])(
      'a range of %i is read whole, forwards and backwards',
      (count) => readsWhole(open, count),
    );

    test('what a range says, find says too', async () => {
      const datastore = await open(manualClock());
      const random = new RandomSource(3);
      const texts = new Set(
        Array.from({ length: 3_000 }, () => {
          const relation = random.pick(['', '', '#member', '#owner']);
          const object = `${random.pick(['doc', 'team'])}:${random.below(9)}`;
          return `${object}#${random.pick(['a', 'b'])}@${random.pick(['user', 'team'])}:${random.below(40)}${relation}`;
        }),
      );
      await datastore.write(first, writing(...texts));
      await datastore.write(second, writing(...[...texts].slice(0, 50)));
      datastore.local.view(first, (snapshot) => {
        const seen = new Set<string>();
        for (const type of ['doc', 'team']) {
          for (let id = 0; id < 9; id++) collect(snapshot, `${type}:${id}`, seen);
        }
        expect([...seen].toSorted()).toEqual([...texts].toSorted());
      });
    });

    test('one view is one revision, though writes go on', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const writes: Promise<unknown>[] = [];
      datastore.local.view(first, (snapshot) => {
        for (let i = 0; i < 20; i++) {
          writes.push(datastore.write(first, writing(`doc:1#viewer@user:${i}`)));
          expect(snapshot.revision).toBe(1);
          const viewer = snapshot.symbol('viewer');
          const user = snapshot.symbol('user');
          const object = entityOf(snapshot, 'doc:1');
          const { entities } = drain((after) => snapshot.subjects(object, viewer, user, 0, after));
          expect(entities.length).toBe(1);
        }
      });
      await Promise.all(writes);
      expect(await datastore.head(first)).toBe(21);
    });

    test('models are of the same revision as the tuples', async () => {
      const datastore = await open(manualClock());
      await datastore.writeModel(first, modelRecord(1));
      const later = datastore.writeModel(first, modelRecord(2));
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.latestModelId()).toBe(modelId(1));
      });
      await later;
      datastore.local.view(first, (snapshot) => {
        expect(snapshot.revision).toBe(2);
        expect(snapshot.latestModelId()).toBe(modelId(2));
      });
    });

    test('a view returns what its function does, and ends with it', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      const { view } = datastore.local;
      expect(view(first, () => 'value')).toBe('value');
      expect(() =>
        view(first, () => {
          throw new Error('from within');
        }),
      ).toThrow('from within');
      const escaped = view(first, (snapshot) => snapshot);
      expect(() => escaped.symbol('doc')).toThrow('view');
      expect(() => view(first, () => view(first, () => 1))).toThrow('within another');
      expect(() => view(first, async () => 1)).toThrow('synchronous');
      // None of these has left anything open.
      expect(await revisionOf(datastore.write(first, deleting(anne)))).toBe(2);
      expect(view(first, (snapshot) => findTuple(snapshot, anne))).toBe(noTuple);
    });
  });

  describe('reach', () => {
    test('a revision that is there is reached at once', async () => {
      const datastore = await open(manualClock());
      await datastore.write(first, writing(anne));
      expect(await datastore.local.reach(first, 0, 0)).toBe(true);
      expect(await datastore.local.reach(first, 1, 0)).toBe(true);
      expect(await datastore.local.reach(first, 2, 0)).toBe(false);
      expect(await datastore.local.reach(second, 1, 0)).toBe(false);
    });

    test('one that comes within the wait is reached, another is not', async () => {
      const datastore = await open(manualClock());
      const waiting = datastore.local.reach(first, 2, 50_000);
      const never = datastore.local.reach(first, 3, 30);
      await datastore.write(first, writing(anne));
      await datastore.write(first, deleting(anne));
      expect(await waiting).toBe(true);
      expect(await never).toBe(false);
    });
  });
}

/** Longer than one page of storage, than several runs and chunks, than what 16 bits number. */
const longRange = 65_537;

/** For the readers alone: who writes, and in which thread, says nothing of it. */
export function longRangeContract(open: OpenDatastore): void {
  test(`a range of ${longRange} is read whole, forwards and backwards`, () =>
    readsWhole(open, longRange));
}

async function readsWhole(open: OpenDatastore, count: number): Promise<void> {
  const datastore = await open(manualClock());
  const numbers = Array.from({ length: count }, (_, i) => i);
  const guarded = (i: number) => (i % 7 === 3 ? 'weekday' : undefined);
  for (let start = 0; start < count; start += 10_000) {
    const block = numbers.slice(start, start + 10_000);
    await datastore.write(
      first,
      writing(
        ...block.map((i) => tuple(`doc:star#viewer@user:${i}`, guarded(i))),
        ...block.map((i) => tuple(`doc:${i}#owner@user:star`, guarded(i))),
      ),
    );
  }
  // Neighbours on all sides of the ranges.
  await datastore.write(first, writing('doc:star#owner@user:1', 'doc:star#viewer@bot:1'));
  await datastore.write(first, writing('doc:star#viewer@user:1#self', 'doc:0#viewer@user:star'));
  await datastore.write(first, writing('folder:1#owner@user:star', 'doc:1#owner@user:star#self'));
  datastore.local.view(first, (snapshot) => {
    const [doc, user, viewer, owner] = ['doc', 'user', 'viewer', 'owner'].map((text) =>
      snapshot.symbol(text),
    ) as [number, number, number, number];
    const object = entityOf(snapshot, 'doc:star');
    const subject = entityOf(snapshot, 'user:star');
    const down = drain((after) => snapshot.subjects(object, viewer, user, 0, after));
    const up = drain((after) => snapshot.objects(subject, 0, owner, doc, after));
    expectRange(
      down,
      numbers.map((i) => snapshot.entity(user, `${i}`)),
    );
    expectRange(
      up,
      numbers.map((i) => snapshot.entity(doc, `${i}`)),
    );
    const guard = findTuple(snapshot, 'doc:star#viewer@user:3');
    for (const { guards } of [down, up]) {
      expect(guards.every((one, i) => one === (guarded(i) === undefined ? 0 : guard))).toBe(true);
    }
    // The last one is a member too.
    expect(findTuple(snapshot, `doc:star#viewer@user:${count - 1}`)).not.toBe(noTuple);
  });
}

function expectRange(range: { entities: number[] }, expected: number[]): void {
  const ascending = expected.toSorted((a, b) => a - b);
  // Compared as text: a difference in 65,537 numbers is not worth printing as a diff.
  expect(range.entities.join() === ascending.join()).toBe(true);
}

/** Adds every tuple of an object that ranges and `find` agree on. */
function collect(snapshot: Snapshot, object: string, seen: Set<string>): void {
  const entity = entityOf(snapshot, object);
  for (const relation of ['a', 'b']) {
    for (const type of ['user', 'team']) {
      for (const suffix of ['', 'member', 'owner']) {
        const symbol = snapshot.symbol(relation);
        const kind = snapshot.symbol(type);
        const userset = suffix === '' ? 0 : snapshot.symbol(suffix);
        const { entities } = drain((after) =>
          snapshot.subjects(entity, symbol, kind, userset, after),
        );
        for (const subject of entities) {
          const { id } = snapshot.entityRef(subject);
          expect(snapshot.find(entity, symbol, subject, userset)).toBe(0);
          const objects = drain((after) =>
            snapshot.objects(
              subject,
              userset,
              symbol,
              snapshot.symbol(object.split(':')[0] ?? ''),
              after,
            ),
          );
          expect(objects.entities).toContain(entity);
          seen.add(`${object}#${relation}@${type}:${id}${suffix === '' ? '' : `#${suffix}`}`);
        }
      }
    }
  }
}
