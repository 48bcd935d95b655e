/** `npm run crash -- --kills N --seed S --workers W`: the crash test for as long as one likes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool, whole } from '../tool.ts';
import { crash } from './crash.ts';

const { kills, seed, workers } = tool(
  'crash',
  'Kills Pemba while it writes, opens the file again, and counts what was acknowledged and lost.',
)
  .addOption(whole('kills', 'how often', 1).default(50))
  .addOption(whole('seed', 'of what is written, and when it is killed', 0).default(1))
  .addOption(whole('workers', 'threads that write', 1).default(1))
  .parse()
  .opts<{ kills: number; seed: number; workers: number }>();
const folder = mkdtempSync(join(tmpdir(), 'pemba-crash-'));
console.log(`${kills} kills, seed ${seed}`);
const tally = await crash({
  path: join(folder, 'crash.db'),
  kills,
  seed,
  workers,
  onKill: ({ kills, acknowledged, lost }) => {
    if (kills % 10 === 0) console.log(`${kills} kills, ${acknowledged} acknowledged, ${lost} lost`);
  },
});
for (const fault of tally.faults) console.log(`fault: ${fault}`);
console.log(
  `${tally.kills} kills, ${tally.acknowledged} writes acknowledged, ` +
    `${tally.unannounced} durable before they were, ${tally.lost} lost, ` +
    `${tally.faults.length} faults`,
);
// The file of a run with a fault is kept to be looked at.
if (tally.lost === 0 && tally.faults.length === 0) rmSync(folder, { recursive: true });
else {
  console.log(`the file: ${folder}`);
  process.exitCode = 1;
}
