/**
 * The process that is killed: writes to a file without pause, several stores at once, looks for what
 * was acknowledged in resident graphs, and prints a line for every write as soon as it is. Arguments:
 * file, seed, workers (with more than one, each store is written by another worker of the file).
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore, WriteResult } from '../../src/storage/datastore.ts';
import { openHub } from '../../src/storage/sqlite/hub.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { openSeat } from '../../src/storage/sqlite/seat.ts';
import { noTuple } from '../../src/storage/tuple-reader.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { type Acknowledged, planOf, type Step, stateAfter, storesOf } from './plan.ts';

const [path = '', seed = '0', workers = '1'] = process.argv.slice(2);
const random = new RandomSource(Number(seed));
const graphs = {
  clock: systemClock,
  graphBytesMax: 64 * 1024 * 1024,
  graphBounds: { changesKept: 50 },
  onFault(error: unknown) {
    throw error;
  },
};
const datastores = await openAll(Number(workers));

async function openAll(count: number): Promise<readonly Datastore[]> {
  if (count === 1) return [await openSqlite({ path, ...graphs })];
  const hub = await openHub({ path, ...graphs });
  return Array.from({ length: count }, () => openSeat(hub.seat(), graphs));
}

const datastoreOf = (number: number): Datastore => {
  const datastore = datastores[number % datastores.length];
  if (datastore === undefined) throw new Error('no such worker');
  return datastore;
};

/** Of each store: how far its plan had come when the file was opened. */
async function writeStore(number: number): Promise<void> {
  const store = storesOf[number];
  if (store === undefined) throw new Error('no such store');
  const datastore = datastoreOf(number);
  let step = await datastore.head(store);
  // What the process before was killed for is tried again: it was done, and is not done twice.
  for (let each = Math.max(1, step - 2); each <= step; each++) {
    const plan = planOf(number, each);
    if (plan.kind === 'delete') continue;
    const { repeated, revision } = await writeOnce(datastoreOf(number), store, plan);
    if (!repeated || revision !== each) throw new Error(`step ${each} was done twice`);
  }
  while (true) {
    // Several at once, so that they share transactions: all of a group or none of it.
    const together = random.between(1, 4);
    const steps = Array.from({ length: together }, (_, i) => doStep(store, number, step + 1 + i));
    for (const [i, done] of steps.entries()) {
      const { revision } = await done;
      lookAt(number, store, step + 1 + i);
      const line: Acknowledged = { store: number, step: step + 1 + i, revision };
      // Straight to the pipe: what the parent has read was acknowledged.
      writeSync(1, `${JSON.stringify(line)}\n`);
    }
    step += together;
  }
}

/** What was acknowledged is to be seen, from memory as soon as there is a graph. */
function lookAt(number: number, store: StoreId, step: number): void {
  const expected = stateAfter(number, step);
  datastoreOf(number).local.view(store, (snapshot) => {
    if (snapshot.revision < step) throw new Error(`revision ${step} is not seen`);
    // Others are under way: what they left can be told only where there is none.
    if (snapshot.revision > step) return;
    for (const { object, relation, subject } of expected) {
      const guard = snapshot.find(
        snapshot.entity(snapshot.symbol(object.type), object.id),
        snapshot.symbol(relation),
        snapshot.entity(snapshot.symbol(subject.type), subject.id),
        subject.relation === '' ? 0 : snapshot.symbol(subject.relation),
      );
      if (guard === noTuple) throw new Error(`step ${step}: a tuple is not seen`);
    }
  });
}

async function doStep(store: StoreId, number: number, step: number): Promise<{ revision: number }> {
  const datastore = datastoreOf(number);
  const plan = planOf(number, step);
  if (plan.kind === 'delete') {
    return await datastore.deleteTuples(store, { filter: plan.filter, limit: 1_000, cursor: '' });
  }
  return await writeOnce(datastoreOf(number), store, plan);
}

/** A write or an import: both have a key. */
async function writeOnce(
  datastore: Datastore,
  store: StoreId,
  plan: Exclude<Step, { kind: 'delete' }>,
): Promise<WriteResult> {
  return plan.kind === 'import'
    ? await datastore.importTuples(store, plan.load)
    : await datastore.write(store, plan.write);
}

await Promise.all(storesOf.map((_, number) => writeStore(number)));
