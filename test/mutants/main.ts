/**
 * The power of the random tester: known bugs of this field, planted one by one into a copy of the
 * source, and the seconds of computing until random worlds find each.
 *
 *   npm run mutants -- --seconds 60 --seed 1 --only NAME
 *
 * Ends with 1 when a mutant survives, or does not apply to the source.
 */
import { Option } from 'commander';
import { seconds as secondsOption, tool, whole } from '../tool.ts';
import { Bed, type Hunt, type Outcome } from './bed.ts';
import { mutants } from './mutants.ts';

/** Of how a mutant was found; a list that is wrong can be long. */
const shownMax = 100;
/** So long the source as it is must agree, before anything is planted in it. */
const originalSeconds = 5;

const { seed, seconds, only } = tool(
  'mutants',
  'Plants known bugs, one by one, into a copy of the source, and has random worlds find each.',
)
  .addOption(secondsOption('seconds', 'of computing for each mutant').default(60))
  .addOption(whole('seed', 'of the worlds', 0).default(1))
  .addOption(
    new Option('--only <name...>', 'not all of them').choices(mutants.map(({ name }) => name)),
  )
  .parse()
  .opts<{ seconds: number; seed: number; only?: string[] }>();

await main({ seed, seconds }, only);

async function main(hunt: Hunt, only: readonly string[] | undefined): Promise<void> {
  const chosen = mutants.filter(({ name }) => only === undefined || only.includes(name));

  using bed = new Bed();
  const original = await bed.tryOriginal({ ...hunt, seconds: originalSeconds });
  if (original.kind !== 'survived') {
    throw new Error(`without any mutant the tester does not agree:\n${JSON.stringify(original)}`);
  }
  let found = 0;
  for (const [index, mutant] of chosen.entries()) {
    const outcome = await bed.tryMutant(mutant, hunt);
    if (outcome.kind === 'found') found++;
    const place = `${index + 1}`.padStart(`${chosen.length}`.length);
    console.log(
      [
        place,
        mutant.name.padEnd(44),
        mutant.recreates.padEnd(26),
        outcome.seconds.toFixed(1).padStart(5),
        describe(outcome),
      ].join('  '),
    );
  }
  console.log(`\n${found} of ${chosen.length} found, seed ${hunt.seed}, ${hunt.seconds} s each`);
  if (found < chosen.length) process.exitCode = 1;
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'found':
      return `found   ${outcome.how.slice(0, shownMax)}`;
    case 'survived':
      return 'SURVIVED';
    case 'broken':
      return `BROKEN\n${outcome.output}`;
  }
}
