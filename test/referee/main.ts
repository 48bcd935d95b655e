/**
 * The referee: random worlds put to Pemba, to a real SpiceDB and to the oracle. Pemba answers from
 * SQLite, or from a resident graph in one of its states, world by world.
 *
 *   npm run referee -- --worlds 300 --seconds 600 --seed 1
 *
 * World n of seed s is the same on every machine; `--world N` runs that one alone. Ends with 1 after
 * a disagreement that nothing explains, printed in its smallest form with all three votes
 * (`--no-shrink`: as it was found); with 3 where there is no SpiceDB for the platform.
 */
import { systemClock } from '../../src/base/clock.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { Pemba } from '../oracle/served-world.ts';
import { sources } from '../oracle/source.ts';
import { seconds as secondsOption, tool, whole } from '../tool.ts';
import { Comparison, type Parties } from './compare.ts';
import { printDecision, smallest } from './smallest.ts';
import { SpiceDb, whyUnavailable } from './spicedb.ts';
import { describe, emptyTally, type Tally } from './tally.ts';
import type { Decision } from './triage.ts';
import { refereeWorld, worldSeed } from './world.ts';

const unavailableExitCode = 3;
const reportEveryMs = 5_000;
/** Enough to see a pattern; one of a kind. */
const shownMax = 5;

interface Run {
  readonly seed: number;
  readonly first: number;
  readonly end: number;
  readonly seconds: number;
  readonly shrink: boolean;
}

function readRun(): Run {
  const { worlds, seconds, seed, world, shrink } = tool(
    'referee',
    'Puts random worlds to Pemba, to a real SpiceDB and to the oracle, and compares.',
  )
    .addOption(whole('worlds', 'how many', 1).default(300))
    .addOption(secondsOption('seconds', 'to stop after').default(Number.POSITIVE_INFINITY, 'none'))
    .addOption(whole('seed', 'of the worlds', 0).default(1))
    .addOption(whole('world', 'this one alone', 0))
    .option('--no-shrink', 'prints a disagreement as it was found')
    .parse()
    .opts<{ worlds: number; seconds: number; seed: number; world?: number; shrink: boolean }>();
  const first = world ?? 0;
  return { seed, first, end: world === undefined ? worlds : first + 1, seconds, shrink };
}

async function compareAll(
  run: Run,
  { pembas, spicedb }: { pembas: readonly Pemba[]; spicedb: SpiceDb },
  tally: Tally,
): Promise<string[]> {
  const shown = new Map<string, string>();
  const started = systemClock.monotonic();
  let reported = started;
  for (let index = run.first; index < run.end; index++) {
    const pemba = pembas[index % pembas.length] as Pemba;
    const parties: Parties = { pemba, spicedb };
    const name = `seed ${run.seed}, world ${index}, from ${pemba.source}`;
    try {
      for (const decision of await compareOne(worldSeed(run.seed, index), parties, tally)) {
        const kind = [decision.api, decision.pemba, decision.spicedb, decision.oracle].join(' ');
        if (shown.has(kind) || shown.size === shownMax) continue;
        const least = run.shrink ? await smallest(parties, decision) : decision;
        shown.set(kind, `${name}\n${printDecision(least)}`);
      }
    } catch (error) {
      tally.unexplained++;
      return [...shown.values(), `${name}\n${error instanceof Error ? error.stack : error}`];
    }
    const now = systemClock.monotonic();
    if (now - started >= run.seconds * 1_000) break;
    if (now - reported < reportEveryMs) continue;
    reported = now;
    const { worlds, decisions, unexplained } = tally;
    console.log(`${worlds} worlds, ${decisions} checks, ${unexplained} unexplained`);
  }
  return [...shown.values()];
}

function compareOne(seed: number, parties: Parties, tally: Tally): Promise<Decision[]> {
  return Comparison.over(refereeWorld(seed), parties, (comparison) =>
    comparison.run(new RandomSource(seed), tally),
  );
}

async function main(spicedb: SpiceDb): Promise<void> {
  const run = readRun();
  const pembas = await Promise.all(sources.map((source) => Pemba.open((world) => world, source)));
  const tally = emptyTally();
  const failures = await compareAll(run, { pembas, spicedb }, tally);
  spicedb.close();
  for (const pemba of pembas) await pemba.close();
  console.log(`\n${describe(tally)}\nseed ${run.seed}`);
  for (const failure of failures) console.log(`\n--- ${failure}`);
  if (tally.unexplained > 0) process.exitCode = 1;
}

/** Says why where there is none. */
async function startSpiceDb(): Promise<SpiceDb | undefined> {
  let reason = whyUnavailable();
  if (reason === undefined) {
    try {
      return await SpiceDb.start();
    } catch (error) {
      reason = `SpiceDB does not start: ${error}`;
    }
  }
  console.error(`nothing compared: ${reason}`);
  return undefined;
}

const started = await startSpiceDb();
if (started === undefined) process.exitCode = unavailableExitCode;
else await main(started);
