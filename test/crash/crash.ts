/**
 * Kills a writing process again and again with SIGKILL, and compares the file that it leaves with
 * what it had acknowledged: nothing acknowledged is lost, nothing is half there.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/clock.ts';
import { canonicalJson } from '../../src/base/json.ts';
import { formatTuple, type Tuple } from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { type Acknowledged, stateAfter, storesOf } from './plan.ts';

export interface CrashTally {
  kills: number;
  acknowledged: number;
  /** Writes that were durable though nobody had been told: allowed, and usual. */
  unannounced: number;
  lost: number;
  faults: string[];
}

export async function crash(options: {
  path: string;
  kills: number;
  seed: number;
  /** How many the child writes by; one where absent. */
  workers?: number;
  onKill?: (tally: CrashTally) => void;
}): Promise<CrashTally> {
  const random = new RandomSource(options.seed);
  const tally: CrashTally = { kills: 0, acknowledged: 0, unannounced: 0, lost: 0, faults: [] };
  const acknowledged = storesOf.map(() => 0);
  while (tally.kills < options.kills) {
    await runAndKill(options, random, acknowledged, tally);
    await compare(options.path, acknowledged, tally);
    tally.kills += 1;
    options.onKill?.(tally);
  }
  return tally;
}

/** Lets a child write until a random number of writes was acknowledged, and kills it in the midst. */
async function runAndKill(
  { path, workers = 1 }: { readonly path: string; readonly workers?: number },
  random: RandomSource,
  acknowledged: number[],
  tally: CrashTally,
): Promise<void> {
  const child = spawn(
    process.execPath,
    [new URL('child.ts', import.meta.url).pathname, path, String(random.next()), String(workers)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.on('exit', (_code, signal) => resolve(signal)),
  );
  let left = random.between(1, 200);
  for await (const line of createInterface({ input: child.stdout })) {
    const { store, step, revision }: Acknowledged = JSON.parse(line);
    if (step !== revision) tally.faults.push(`step ${step} took revision ${revision}`);
    acknowledged[store] = Math.max(acknowledged[store] ?? 0, step);
    tally.acknowledged += 1;
    left -= 1;
    // A moment later, so that it dies anywhere between two acknowledgements.
    if (left === 0) setTimeout(() => child.kill('SIGKILL'), random.below(6));
  }
  const signal = await ended;
  if (signal !== 'SIGKILL') tally.faults.push(`the child ended by itself (${signal})`);
}

async function compare(path: string, acknowledged: number[], tally: CrashTally): Promise<void> {
  for (const { kind, store, message } of verifyFile(path).problems) {
    tally.faults.push(`verify: ${kind} ${store} ${message}`);
  }
  const datastore = await openSqlite({ path, clock: systemClock });
  for (const [number, store] of storesOf.entries()) {
    const head = await datastore.head(store);
    const promised = acknowledged[number] ?? 0;
    tally.lost += Math.max(0, promised - head);
    tally.unannounced += Math.max(0, head - promised);
    acknowledged[number] = head;
    const stored = (await tuplesOf(datastore, number)).map(fullText).toSorted();
    const expected = stateAfter(number, head).map(fullText).toSorted();
    if (stored.join('\n') !== expected.join('\n')) {
      tally.faults.push(`store ${number} at revision ${head} is not what step ${head} left`);
    }
  }
  await datastore.close();
}

async function tuplesOf(datastore: Datastore, number: number): Promise<Tuple[]> {
  const store = storesOf[number];
  if (store === undefined) throw new Error('no such store');
  const page = await datastore.readTuples(store, {}, { pageSize: 10_000, cursor: '' });
  return page.rows.map(({ tuple }) => tuple);
}

function fullText(tuple: Tuple): string {
  const context = canonicalJson(tuple.condition?.context ?? {});
  return `${formatTuple(tuple)} ${context} ${tuple.expiresAt ?? ''}`;
}
