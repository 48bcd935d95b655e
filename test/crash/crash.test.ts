// A few kills of the crash test; `npm run crash` runs as many as one likes.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../storage/fixtures.ts';
import { crash } from './crash.ts';

test('no acknowledged write is lost when the process is killed', async () => {
  const tally = await crash({ path: join(temporaryFolder(), 'crash.db'), kills: 3, seed: 1 });
  expect(tally.faults).toEqual([]);
  expect(tally.lost).toBe(0);
  expect(tally.acknowledged).toBeGreaterThan(3);
});
