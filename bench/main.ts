// `npm run bench`: what a check costs, in this process and over the transports, and what a write costs.
// Every answer is compared with the expected one. See bench/README.md for how to read the figures.
import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { inProcess } from './in-process.ts';
import { load, singleWriteMs } from './load.ts';
import { microsEach, perSecond, printTable } from './measure.ts';
import { withSubjectTokens } from './subject-token.ts';
import { overTransports } from './transport.ts';
import { makeWorkload, questionKinds } from './workload.ts';

const { values } = parseArgs({
  options: {
    tuples: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'usage: npm run bench -- [--tuples 100000] [--seed 1] [--seconds 1 (of each figure)]',
  );
  process.exit(0);
}
const [size, seed, ms] = [
  Number(values.tuples),
  Number(values.seed),
  Number(values.seconds) * 1_000,
];
if (![size, seed, ms].every((value) => value > 0)) {
  console.error('bench: --tuples, --seed and --seconds take positive numbers');
  process.exit(2);
}

console.log(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${size} tuples, seed ${seed}`,
);
const workload = makeWorkload(size, seed);
const loaded = await load(workload);
try {
  printTable(
    'Write (durable: synchronous=FULL)',
    ['', 'figure'],
    [
      ['bulk, 100 tuples a write, 32 writers: tuples/s', loaded.tuplesPerSecond],
      ['on disk with indexes and changelog: bytes/tuple', loaded.bytesPerTuple],
      ['one write at a time: median ms', await singleWriteMs(loaded.path, 100)],
    ],
  );
  const samples = await inProcess(loaded.path, workload, ms);
  printTable(
    'Check in process, over SQLite (one thread)',
    ['', 'checks/s', 'CPU µs/check'],
    questionKinds.map((kind) => [kind, perSecond(samples[kind]), microsEach(samples[kind])]),
  );
  const tokens = await withSubjectTokens(loaded.path, workload, ms);
  printTable(
    'Check by its handler, with a subject token (one thread and its helpers; direct questions)',
    ['', 'checks/s', 'CPU µs/check'],
    tokens.map(({ name, sample }) => [name, perSecond(sample), microsEach(sample)]),
  );
  const served = await overTransports(loaded.path, workload, ms);
  printTable(
    'Check from a second process (32 in flight; CPU of the server; floor: an empty handler)',
    ['', 'checks/s', 'CPU µs/check', 'floor µs', 'ratio', 'p50 ms', 'p99 ms'],
    served.map((r) => [
      `${r.transport}, ${r.kind}`,
      r.perSecond,
      r.micros,
      r.floorMicros,
      r.micros / r.floorMicros,
      r.p50Ms,
      r.p99Ms,
    ]),
  );
} finally {
  rmSync(loaded.folder, { recursive: true, force: true });
}
