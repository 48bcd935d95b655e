/** Pemba against the oracle over random worlds: from SQLite, and from graphs in all their states. */
import { describe, expect, test } from 'vitest';
import { compareWorld } from './compare.ts';
import { RandomSource } from './random-source.ts';
import { Pemba } from './served-world.ts';
import { printCase, shrink } from './shrink.ts';
import { sources } from './source.ts';
import { addTally, describe as describeTally, emptyTally } from './tally.ts';
import { isValidModel } from './valid-model.ts';
import { randomWorld } from './world.ts';

/** Enough for every kind of feature; the long run is `npm run random`. */
const worldsInTest = 2;

describe('Pemba agrees with the oracle on random worlds', () => {
  const total = emptyTally();

  test.each(sources)('from %s', async (source) => {
    const from = await Pemba.open((world) => world, source);
    const tally = emptyTally();
    const first = 1 + sources.indexOf(source) * worldsInTest;
    for (let seed = first; seed < first + worldsInTest; seed++) {
      const world = randomWorld(seed, isValidModel, () => {
        tally.rejectedModels++;
      });
      const [found] = await compareWorld(from, world, new RandomSource(seed), tally);
      const shown = found && `seed ${seed}\n${printCase(await shrink(from, found, isValidModel))}`;
      expect(shown, describeTally(tally)).toBeUndefined();
    }
    expect(tally).toMatchObject({ worlds: worldsInTest, tooDeep: 0 });
    addTally(total, tally);
    // It is worth nothing where the answers came from elsewhere.
    const { builds, folds, evictions, changesApplied, answersFromMemory } = from.counts;
    expect(builds > 0).toBe(source !== 'storage');
    expect(answersFromMemory > 100).toBe(source !== 'storage');
    const grows = ['grown', 'folding', 'leaving'].includes(source);
    if (grows) expect(changesApplied).toBeGreaterThan(0);
    expect(folds > 0).toBe(source === 'folding' || source === 'leaving');
    expect(evictions > 0).toBe(source === 'leaving');
    await from.close();
  });

  test('with answers of each kind', () => {
    const { allowed, denied, errors } = total;
    for (const count of [allowed, denied, errors]) expect(count).toBeGreaterThan(0);
  });
});
