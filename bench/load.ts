// Writes the workload into a new database file and measures the write; leaves the file for the rest.
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import { namesOf } from '../src/model/compile.ts';
import type { ModelId, StoreId } from '../src/model/ids.ts';
import { parseModel } from '../src/model/parse.ts';
import type { Datastore } from '../src/storage/datastore.ts';
import { openSqlite } from '../src/storage/sqlite/open.ts';
import { median } from './measure.ts';
import { definition, type Workload } from './workload.ts';

export const benchStore = '01JBENCH0000000000000000ST' as StoreId;
export const benchModel = '01JBENCH0000000000000000MD' as ModelId;

export interface Loaded {
  readonly folder: string;
  readonly path: string;
  readonly tuplesPerSecond: number;
  readonly bytesPerTuple: number;
}

/** Writers at work at the same time, as many clients of a server would be. */
const writers = 32;

export async function load(workload: Workload): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-bench-'));
  const path = join(folder, 'bench.db');
  const datastore = await openSqlite({ path, clock: systemClock });
  const model = parseModel(definition);
  await datastore.writeModel(benchStore, {
    id: benchModel,
    schemaVersion: model.schemaVersion,
    definition: JSON.stringify(definition),
    names: namesOf(model),
  });
  const start = performance.now();
  await writeAll(datastore, workload);
  const seconds = (performance.now() - start) / 1_000;
  await datastore.close();
  const { length } = workload.tuples;
  return {
    folder,
    path,
    tuplesPerSecond: length / seconds,
    bytesPerTuple: statSync(path).size / length,
  };
}

async function writeAll(datastore: Datastore, workload: Workload): Promise<void> {
  const batch = limits.tuplesPerWriteMax;
  let next = 0;
  const writer = async () => {
    while (next < workload.tuples.length) {
      const writes = workload.tuples.slice(next, next + batch);
      next += batch;
      await datastore.write(benchStore, {
        deletes: [],
        writes,
        onDuplicate: 'error',
        onMissing: 'error',
      });
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

/** Latency of one small durable write at a time, the median in milliseconds. */
export async function singleWriteMs(path: string, count: number): Promise<number> {
  const datastore = await openSqlite({ path, clock: systemClock });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const subject = { type: 'user', id: `single${i}`, relation: '' };
    const object = { type: 'group', id: 'single' };
    const start = performance.now();
    await datastore.write(benchStore, {
      deletes: [],
      writes: [{ object, relation: 'member', subject, condition: undefined }],
      onDuplicate: 'ignore',
      onMissing: 'error',
    });
    times.push(performance.now() - start);
  }
  await datastore.close();
  return median(times);
}
