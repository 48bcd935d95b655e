/** Pages of tuples of which some take long: those are read in slices, over one snapshot. */
import { setImmediate } from 'node:timers/promises';
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
    if (holding === undefined) {
      return reading.inStore(store, (view) => tuples.readAtOnce(view, filter, query, now));
    }
    const page = reading.inStore(store, (view) => {
      const first = tuples.read(view, filter, query, now).next();
      return first.done === true ? first.value : undefined;
    });
    if (page !== undefined) return page;
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
