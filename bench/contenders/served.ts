/** A server that is asked over its wire from here: Pemba, the floor, or somebody else's. */
import type { Caller } from '../callers/caller.ts';
import { grpcCaller } from '../callers/grpc.ts';
import { httpCaller } from '../callers/http.ts';
import { type JobName, jobOf } from '../callers/jobs.ts';
import type { Place } from '../callers/openfga-messages.ts';
import { closedLoop, type Job } from '../measure/closed-loop.ts';
import { openLoop, realTime, restingTime } from '../measure/open-loop.ts';
import { cpuMicros } from '../measure/process.ts';
import { Remote } from '../servers/remote.ts';
import type { World } from '../workloads/workload.ts';
import { type Contender, clientsOf, type Path } from './contender.ts';

export interface ServedOptions {
  readonly name: string;
  readonly path: Path;
  readonly world: World;
  readonly caller: Caller;
  /** Undefined where it is not known, or on another machine: then there is no figure for CPU. */
  readonly pid: number | undefined;
  readonly can?: (job: JobName) => boolean;
  readonly stop?: () => Promise<void>;
}

export function servedContender(options: ServedOptions): Contender {
  const { name, path, world, caller, pid, can = () => true, stop } = options;
  const jobs = new Map<JobName, Job>();
  const jobNamed = (job: JobName) => {
    const known = jobs.get(job) ?? jobOf(world, job, caller);
    jobs.set(job, known);
    return known;
  };
  const usedMicros = () => (pid === undefined ? Number.NaN : cpuMicros(pid));
  return {
    name,
    path,
    can: (job) => can(job) && jobNamed(job).asks.length > 0,
    async closed(job, ms) {
      const before = usedMicros();
      const done = await closedLoop(jobNamed(job), { ms, clients: clientsOf(job) });
      return { ...done, cpuMicros: usedMicros() - before };
    },
    open: (job, { resting, ...at }) =>
      openLoop({ ...at, asks: jobNamed(job).asks, time: resting ? restingTime : realTime }),
    async stop() {
      caller.close();
      await stop?.();
    },
  };
}

export interface Address {
  readonly grpc: string;
  readonly http: string;
}

export function callerOver(path: 'grpc' | 'http', address: Address, place: Place): Caller {
  return path === 'grpc' ? grpcCaller(address.grpc, place) : httpCaller(address.http, place);
}

/** The floor of both transports, in one process. */
export class Floor {
  private readonly remote: Remote;
  private readonly address: Address;

  private constructor(remote: Remote, address: Address) {
    this.remote = remote;
    this.address = address;
  }

  static async start(): Promise<Floor> {
    const remote = Remote.start('floor.ts');
    return new Floor(remote, await remote.ask<Address>({}));
  }

  contender(path: 'grpc' | 'http', world: World, place: Place): Contender {
    const { grpc, http } = this.address;
    const caller =
      path === 'grpc' ? grpcCaller(grpc, place, false) : httpCaller(http, place, false);
    const can = (job: JobName) => job === 'batch' || job.startsWith('check');
    return servedContender({ name: 'floor', path, world, caller, pid: this.remote.pid, can });
  }

  async stop(): Promise<void> {
    await this.remote.stop();
  }
}
