/**
 * The process that is killed: writes to a file without pause, several stores at once, and prints a
 * line for every write as soon as it is acknowledged. Arguments: file, seed.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { type Acknowledged, planOf, storesOf } from './plan.ts';

const [path = '', seed = '0'] = process.argv.slice(2);
const random = new RandomSource(Number(seed));
const datastore = await openSqlite({ path, clock: systemClock });

/** Of each store: how far its plan had come when the file was opened. */
async function writeStore(number: number): Promise<void> {
  const store = storesOf[number];
  if (store === undefined) throw new Error('no such store');
  let step = await datastore.head(store);
  while (true) {
    // Several at once, so that they share transactions: all of a group or none of it.
    const together = random.between(1, 4);
    const writes = Array.from({ length: together }, (_, i) =>
      datastore.write(store, planOf(number, step + 1 + i)),
    );
    for (const [i, write] of writes.entries()) {
      const line: Acknowledged = {
        store: number,
        step: step + 1 + i,
        revision: (await write).revision,
      };
      // Straight to the pipe: what the parent has read was acknowledged.
      writeSync(1, `${JSON.stringify(line)}\n`);
    }
    step += together;
  }
}

await Promise.all(storesOf.map((_, number) => writeStore(number)));
