/** Checks at a fixed rate over gRPC: in quiet, and while the same server loads, folds and lists. */
import { callerOver, servedContender } from '../contenders/served.ts';
import type { Loaded } from '../load.ts';
import type { Options } from '../options.ts';
import type { Results } from '../results.ts';
import type { DisturbRequest } from '../servers/disturber.ts';
import { PembaServer } from '../servers/pemba-server.ts';
import { Remote } from '../servers/remote.ts';
import { worldOf } from '../worlds.ts';
import { graphMemory } from './answers.ts';

const disturbances = ['load', 'folds', 'list'] as const;
/** So long that a store of a million tuples is folded meanwhile. */
const roundsLong = 15;
const leadMs = 200;

export async function interference(
  loaded: Loaded,
  { ms: each, rate, serve }: Options,
  results: Results,
): Promise<void> {
  const { size } = loaded.world;
  const world = worldOf(loaded.world);
  const server = await PembaServer.start(loaded.path, { 'graph-memory': graphMemory, ...serve });
  const caller = callerOver('grpc', server, loaded);
  const contender = servedContender({
    ...{ name: 'Pemba', path: 'grpc', world, caller, pid: server.pid },
  });
  const ms = each * roundsLong;
  try {
    await server.resident(loaded);
    await contender.closed('check', each * 4);
    const quiet = await contender.open?.('check', { rate, ms });
    if (quiet !== undefined) {
      results.interference.push({ size, beside: 'nothing', did: '', ...quiet });
    }
    for (const what of disturbances) {
      const disturber = Remote.start('disturber.ts');
      const request: DisturbRequest = {
        ...{ with: what, place: loaded, world: loaded.world, ms: ms + leadMs },
        address: { grpc: server.grpc, http: server.http },
      };
      if (what === 'folds') await disturber.ask<string>({ ...request, with: 'fill' });
      const done = disturber.ask<string>(request);
      await new Promise((begun) => setTimeout(begun, leadMs));
      const [found, did] = await Promise.all([contender.open?.('check', { rate, ms }), done]);
      if (found !== undefined) results.interference.push({ size, beside: what, did, ...found });
      await disturber.stop();
    }
  } finally {
    await contender.stop();
    await server.stop();
  }
}
