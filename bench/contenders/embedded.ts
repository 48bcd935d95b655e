/** Libraries that answer in the process of whoever asks: Pemba's, and SpiceDB's embedding. */
import type { JobName } from '../callers/jobs.ts';
import type { Loaded, WorldName } from '../load.ts';
import type { OpenLoop } from '../measure/open-loop.ts';
import type { Sample } from '../measure/sample.ts';
import type { HostRequest, OpenedHost } from '../servers/host.ts';
import { Remote } from '../servers/remote.ts';
import type { SpiceRequest } from '../servers/spicedb-host.ts';
import type { Contender, Path } from './contender.ts';

/** Enough for the largest world. */
export const graphBytes = 4 * 1024 ** 3;

export class Host {
  readonly opened: OpenedHost;
  private readonly remote: Remote;
  private readonly overGraph: boolean;

  private constructor(remote: Remote, opened: OpenedHost, overGraph: boolean) {
    this.remote = remote;
    this.opened = opened;
    this.overGraph = overGraph;
  }

  static async open(loaded: Loaded, over: 'graph' | 'sqlite'): Promise<Host> {
    const remote = Remote.start('host.ts');
    const bytes = over === 'graph' ? graphBytes : 0;
    const request: HostRequest = { kind: 'open', loaded, graphBytes: bytes };
    return new Host(remote, await remote.ask<OpenedHost>(request), over === 'graph');
  }

  contender(door: 'engine' | 'api'): Contender {
    const path: Path = this.overGraph ? door : door === 'engine' ? 'sqlite' : 'sqlite api';
    return {
      name: 'Pemba',
      path,
      can: (job) => door === 'api' || job.startsWith('check') || job === 'objects',
      closed: (job, ms) => this.ask<Sample>({ kind: 'run', door, job, ms }),
      stop: async () => undefined,
    };
  }

  async ask<Answer>(request: HostRequest): Promise<Answer> {
    return await this.remote.ask<Answer>(request);
  }

  async stop(): Promise<void> {
    await this.remote.stop();
  }
}

/**
 * SpiceDB with its datastore in memory and its caches off, as the package ships it. A call keeps the
 * loop waiting, so there is one client.
 */
export async function embeddedSpiceDb(world: WorldName): Promise<Contender> {
  const remote = Remote.start('spicedb-host.ts');
  const ask = <Answer>(request: SpiceRequest) => remote.ask<Answer>(request);
  await ask({ kind: 'open', world });
  return {
    name: 'SpiceDB',
    path: 'embedded',
    can: () => true,
    closed: (job: JobName, ms) => ask<Sample>({ kind: 'closed', job, ms, clients: 1 }),
    open: (job, at) => ask<OpenLoop>({ kind: 'open-loop', job, ...at }),
    refused: (ms) => ask<Sample>({ kind: 'closed', job: 'refused', ms, clients: 1 }),
    stop: () => remote.stop(),
  };
}
