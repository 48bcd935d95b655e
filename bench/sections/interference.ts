/** Checks at a fixed rate over gRPC: in quiet, and while the same server loads, folds and lists. */
import { callerOver, servedContender } from '../contenders/served.ts';
import type { Loaded } from '../load.ts';
import type { Options } from '../options.ts';
import { quiet, type Results } from '../results.ts';
import type { DisturbRequest } from '../servers/disturber.ts';
import { PembaServer } from '../servers/pemba-server.ts';
import { Remote } from '../servers/remote.ts';
import { worldOf } from '../worlds.ts';
import { graphMemory, warmUpMs } from './answers.ts';

const disturbances = ['load', 'folds', 'list'] as const;
/** So long that a store of a million tuples is folded meanwhile. */
const roundsLong = 15;
/** In less, a p99 is of a handful of requests. */
const leastMs = 3_000;
const leadMs = 200;

export async function interference(
  loaded: Loaded,
  { ms: each, rate, serve }: Options,
  results: Results,
): Promise<void> {
  const { size } = loaded.world;
  const world = worldOf(loaded.world);
  const server = await PembaServer.start(loaded.path, {
    ...{ 'graph-memory': graphMemory, 'request-timeout': '60000ms' },
    ...serve,
  });
  const caller = callerOver('grpc', server, loaded);
  const contender = servedContender({
    ...{ name: 'Pemba', path: 'grpc', world, caller, pid: server.pid },
  });
  const ms = Math.max(leastMs, each * roundsLong);
  try {
    await server.resident(loaded);
    await contender.closed('check', Math.max(warmUpMs, each * 4));
    await measured(quiet[0], async () => '');
    for (const what of disturbances) {
      const disturber = Remote.start('disturber.ts');
      const request: DisturbRequest = {
        ...{ with: what, place: loaded, world: loaded.world, ms: ms + leadMs },
        address: { grpc: server.grpc, http: server.http },
      };
      if (what === 'folds') await disturber.ask<string>({ ...request, with: 'fill' });
      const done = disturber.ask<string>(request);
      await new Promise((begun) => setTimeout(begun, leadMs));
      await measured(what, () => done);
      await disturber.stop();
    }
    // Once more: what the first one has seen may have been the end of the start.
    await measured(quiet[1], async () => '');
  } finally {
    await contender.stop();
    await server.stop();
  }

  async function measured(beside: string, work: () => Promise<string>): Promise<void> {
    await server.loopDelay();
    const asked = contender.open?.('check', { rate, ms, resting: true });
    const [found, did] = await Promise.all([asked, work()]);
    const { p99: loopP99, max: loopMax } = await server.loopDelay();
    if (found !== undefined) {
      results.interference.push({ size, beside, did, loopP99, loopMax, ...found });
    }
  }
}
