/** Which of a world's tuples expire. */
import { counts, type PlainModel } from './facts.ts';
import type { RandomSource } from './random-source.ts';
import type { StoredTuple } from './world.ts';

/** Some tuples expire; of those that do too early, some are written again afterwards. */
export function expiring(
  random: RandomSource,
  models: readonly PlainModel[],
  stored: readonly StoredTuple[],
): readonly StoredTuple[] {
  const latest = models[models.length - 1] as PlainModel;
  return stored.map((entry) => {
    if (!random.chance(0.3)) return entry;
    if (random.chance(0.4)) return { ...entry, expires: 'after' };
    const again = !entry.deleted && counts(latest, entry.tuple) && random.chance(0.2);
    return { ...entry, expires: 'before', ...(again && { rewritten: true }) };
  });
}
