/**
 * Loads a world into a new file, durably, by the fastest way that there is for many tuples: imports
 * of the longest, several at a time. The time includes making the tuples.
 */
import { statSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { Pemba } from '../../src/index.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { parseObject, parseSubject } from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import {
  countOf,
  none,
  type TupleBlock,
  TupleBlockBuilder,
} from '../../src/storage/tuple-block.ts';
import type { LoadFigures, LoadRequest } from '../load.ts';
import type { TupleText } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import { answer } from './remote.ts';

const perImport = limits.tuplesPerImportMax;
const importsAtOnce = 3;

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
  const importer = async () => {
    for (let block = nextBlock(source); block !== undefined; block = nextBlock(source)) {
      await datastore.importTuples(store, { block, onDuplicate: 'error' });
      count += countOf(block);
      const { rss } = process.memoryUsage();
      if (earlyBytes === 0 || count < expected / 10) earlyBytes = rss;
      peakBytes = Math.max(peakBytes, rss);
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: importsAtOnce }, importer));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { tuples: count, seconds, cpuMicros: user + system, earlyBytes, peakBytes };
}

/** The next tuples of the source; undefined at its end. */
function nextBlock(source: Iterator<TupleText>): TupleBlock | undefined {
  const block = new TupleBlockBuilder();
  for (let count = 0; count < perImport; count++) {
    const next = source.next();
    if (next.done !== true) add(block, next.value);
    else if (count === 0) return undefined;
    else break;
  }
  return block.build();
}

function add(block: TupleBlockBuilder, { object, relation, subject, condition }: TupleText): void {
  const [parsed, by] = [parseObject(object), parseSubject(subject)];
  if (parsed === undefined || by === undefined) throw new Error(`${object} ${subject}: no tuple`);
  const added = block.add(
    block.entity(object, block.symbol(parsed.type), parsed.id),
    block.symbol(relation),
    block.entity(`${by.type}:${by.id}`, block.symbol(by.type), by.id),
    by.relation === '' ? none : block.symbol(by.relation),
    condition && { condition },
  );
  if (!added) throw new Error(`${object} ${relation} ${subject}: twice in one chunk`);
}
