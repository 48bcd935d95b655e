// The quick forms of what `npm run authn` runs at length.
import { expect, test } from 'vitest';
import { RandomSource } from '../oracle/random-source.ts';
import { keyIdFlood } from './key-id-flood.ts';
import { tryMutations } from './mutated-tokens.ts';
import { openWorld } from './world.ts';

test('of 2,000 tokens changed by chance none is taken', async () => {
  await using world = await openWorld();
  const { accepted, byReason } = await tryMutations(world, new RandomSource(1), 2_000);
  expect(accepted).toEqual([]);
  // They get far: to the signature, and to most of what is looked at before.
  expect(byReason.get('signature_wrong')).toBeGreaterThan(500);
  expect(byReason.size).toBeGreaterThan(12);
});

test('2,000 key ids that nobody has, within a minute: three fetches at most', async () => {
  const tally = await keyIdFlood(new RandomSource(1), 2_000);
  expect(tally).toEqual({ tokens: 2_000, accepted: 0, goodRefused: 0, keyFetches: 2, requests: 3 });
});
