/**
 * Loads a world into a new file, durably, by the fastest way that there is for many tuples: large
 * writes, several at a time. The time includes making the tuples.
 */
import { statSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { Pemba } from '../../src/index.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { parseObject, parseSubject, type Tuple } from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import type { LoadFigures, LoadRequest } from '../load.ts';
import type { TupleText } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import { answer } from './remote.ts';

const perWrite = limits.tuplesPerLargeWriteMax;
const writesAtOnce = 8;

answer(async ({ world, path }: LoadRequest) => {
  const made = worldOf(world);
  const datastore = await openSqlite({ path, clock: systemClock });
  const pemba = new Pemba(datastore);
  const store = await pemba.createStore('bench');
  const model = await store.writeModel(made.model);
  const load = await bulkLoad(datastore, store.id as StoreId, {
    tuples: made.tuples(),
    expected: world.size,
  });
  await pemba.close();
  return { store: store.id, model, load: { ...load, bytes: statSync(path).size } };
});

/** The one place to change when there is a faster way in. */
async function bulkLoad(
  datastore: Datastore,
  store: StoreId,
  { tuples, expected }: { readonly tuples: Iterable<TupleText>; readonly expected: number },
): Promise<Omit<LoadFigures, 'bytes'>> {
  const source = tuples[Symbol.iterator]();
  let count = 0;
  let earlyBytes = 0;
  let peakBytes = 0;
  const nextBatch = (): Tuple[] => {
    const batch: Tuple[] = [];
    while (batch.length < perWrite) {
      const next = source.next();
      if (next.done === true) break;
      batch.push(tupleOf(next.value));
    }
    return batch;
  };
  const writer = async () => {
    for (let writes = nextBatch(); writes.length > 0; writes = nextBatch()) {
      const policy = { onDuplicate: 'error', onMissing: 'error' } as const;
      await datastore.write(store, { deletes: [], writes, ...policy });
      count += writes.length;
      const { rss } = process.memoryUsage();
      if (earlyBytes === 0 || count < expected / 10) earlyBytes = rss;
      peakBytes = Math.max(peakBytes, rss);
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: writesAtOnce }, writer));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { tuples: count, seconds, cpuMicros: user + system, earlyBytes, peakBytes };
}

function tupleOf({ object, relation, subject, condition }: TupleText): Tuple {
  const [parsed, by] = [parseObject(object), parseSubject(subject)];
  if (parsed === undefined || by === undefined) throw new Error(`${object} ${subject}: no tuple`);
  return { object: parsed, relation, subject: by, condition };
}
