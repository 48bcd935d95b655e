/** Pages of tuples of which some take long: those are read in slices, over one snapshot. */
import { setImmediate } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { FittingQuery, Page, TupleFilter, TupleRecord } from '../datastore.ts';
import type { Cursors } from './cursor.ts';
import type { Holding } from './hold.ts';
import { createTupleReads, type TupleReads } from './read-tuples.ts';
import { storageRefusal } from './storage-fault.ts';
import { createTexts } from './texts.ts';
import type { Reading } from './view.ts';

type ReadTuples = (
  store: StoreId,
  filter: TupleFilter,
  query: FittingQuery<TupleRecord>,
  now: number,
) => Promise<Page<TupleRecord>>;

/** Without connections of their own, in memory, all are read at once. */
export function createTupleScans(parts: {
  readonly reading: Reading;
  readonly tuples: TupleReads;
  readonly cursors: Cursors;
  readonly holding: Holding | undefined;
}): ReadTuples {
  const { reading, tuples, cursors, holding } = parts;
  return async (store, filter, query, now) => {
    const read = (isWhole: boolean) =>
      reading.inStore(store, (view) => {
        const scan = tuples.read(view, filter, query, now);
        let next = scan.next();
        while (next.done !== true && isWhole) next = scan.next();
        return next.done === true ? next.value : undefined;
      });
    const page = read(holding === undefined);
    if (page !== undefined) return page;
    assert(holding !== undefined, 'without it a page was read to its end');
    using borrowed = await holding.borrow(store, limits.revisionWaitMs);
    // What is read here must not be newer than what is read next in memory.
    reading.inStore(store, () => undefined);
    const { database, view } = borrowed;
    try {
      const own = createTupleReads(database, createTexts(database), cursors);
      const scan = own.read(view, filter, query, now);
      for (let next = scan.next(); ; next = scan.next()) {
        if (next.done === true) return next.value;
        await setImmediate();
      }
    } catch (error) {
      throw storageRefusal(error);
    }
  };
}
