/** The contract of held snapshots: one revision over many turns of the event loop. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { Datastore, HeldSnapshot } from '../../src/storage/datastore.ts';
import { noTuple } from '../../src/storage/tuple-reader.ts';
import {
  deleting,
  findTuple,
  manualClock,
  modelId,
  modelRecord,
  type OpenDatastore,
  refusalOf,
  storeId,
  writing,
} from './fixtures.ts';

const [first, second] = [storeId(1), storeId(2)];
const anne = 'doc:1#viewer@user:anne';

/** Longer than any test waits for it. */
const long = 50_000;

/** `pooled`: whether there are only so many snapshots to be had at once. */
export function holdContract(open: OpenDatastore, { pooled }: { readonly pooled: boolean }): void {
  describe('held snapshots', () => {
    async function openHolding(): Promise<Datastore> {
      const datastore = await open(manualClock());
      expect(datastore.local.canHold).toBe(true);
      return datastore;
    }

    test('a snapshot is of one revision in every slice, though writes go on', async () => {
      const datastore = await openHolding();
      await datastore.write(first, writing(anne));
      await datastore.writeModel(first, modelRecord(1));
      {
        using held = await datastore.local.hold(first, long);
        for (let i = 0; i < 5; i++) {
          await datastore.write(first, i % 2 === 0 ? deleting(anne) : writing(anne));
          await datastore.writeModel(first, modelRecord(i + 2));
          await setImmediate();
          const seen = held.view((snapshot) => ({
            revision: snapshot.revision,
            found: findTuple(snapshot, anne) !== noTuple,
            model: snapshot.latestModelId(),
          }));
          expect(seen).toEqual({ revision: 2, found: true, model: modelId(1) });
          // The newest revision is to be had all the while.
          expect(datastore.local.view(first, ({ revision }) => revision)).toBe(4 + 2 * i);
        }
      }
      using after = await datastore.local.hold(first, long);
      expect(after.view(({ revision }) => revision)).toBe(12);
    });

    test('two snapshots are of the revisions at which they were taken', async () => {
      const datastore = await openHolding();
      using none = await datastore.local.hold(first, long);
      await datastore.write(first, writing(anne));
      using one = await datastore.local.hold(first, long);
      using other = await datastore.local.hold(second, long);
      const revisions = [none, one, other].map((held) => held.view(({ revision }) => revision));
      expect(revisions).toEqual([0, 1, 0]);
    });

    test('it returns what is read, and is let go of once', async () => {
      const datastore = await openHolding();
      const held = await datastore.local.hold(first, long);
      expect(held.view(() => 'value')).toBe('value');
      const fail = () => {
        throw new Error('from within');
      };
      expect(() => held.view(fail)).toThrow('from within');
      expect(() => held.view(async () => 1)).toThrow('synchronous');
      const escaped = held.view((snapshot) => snapshot);
      held[Symbol.dispose]();
      held[Symbol.dispose]();
      expect(() => held.view(() => 1)).toThrow('let go');
      expect(() => escaped.symbol('doc')).toThrow('view');
    });

    test.runIf(pooled)(
      'there are so many to be had; the next in line gets one that is let go of',
      async () => {
        const datastore = await openHolding();
        const all: HeldSnapshot[] = [];
        for (let i = 0; i < limits.heldSnapshotsMax; i++) {
          all.push(await datastore.local.hold(first, long));
        }
        expect(await refusalOf(datastore.local.hold(first, 0))).toBe('resource_exhausted');
        const waiting = datastore.local.hold(first, long);
        await datastore.write(first, writing(anne));
        all.pop()?.[Symbol.dispose]();
        const next = await waiting;
        // Of the revision at which it was had, not of the one at which it was asked for.
        expect(next.view(({ revision }) => revision)).toBe(1);
        for (const held of [...all, next]) held[Symbol.dispose]();
        // All are free again, however often they are used.
        for (let i = 0; i < 3 * limits.heldSnapshotsMax; i++) {
          using held = await datastore.local.hold(first, 0);
          expect(held.view(({ revision }) => revision)).toBe(1);
        }
      },
    );

    test('one that is held when the datastore closes is read to its end', async () => {
      const datastore = await openHolding();
      await datastore.write(first, writing(anne));
      const taken = [];
      for (let i = 0; i < limits.heldSnapshotsMax; i++) {
        taken.push(await datastore.local.hold(first, long));
      }
      const waiting = refusalOf(datastore.local.hold(first, long));
      await datastore.close();
      expect(await waiting).toBe(pooled ? 'unavailable' : 'not refused');
      expect(await refusalOf(datastore.local.hold(first, long))).toBe('unavailable');
      for (const held of taken) {
        expect(held.view((snapshot) => findTuple(snapshot, anne))).not.toBe(noTuple);
        held[Symbol.dispose]();
      }
    });
  });
}
