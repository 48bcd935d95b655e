// An issuer that is away for a time of a clock set by hand, while tokens of known keys keep coming.
import type { IssuerHealth } from '../../src/authn/key-source.ts';
import { keys, openWorld } from './world.ts';

export interface OutageTally {
  readonly verified: number;
  readonly refused: number;
  readonly fetches: number;
  /** The most that fell into any ten seconds. */
  readonly fetchesPerTenSeconds: number;
}

/** Every token is new, so that none is known; a key id of nobody comes with each. */
export async function outage(load: { minutes: number; everyMs: number }): Promise<OutageTally> {
  const attempts: number[] = [];
  const onFetch = ({ issuer }: IssuerHealth) => {
    if (issuer === world.issuer.issuer) attempts.push(world.clock.monotonic());
  };
  await using world = await openWorld({}, { onFetch });
  await world.verifier.verify(world.token({}, {}, keys.ed), 'caller');
  await world.issuer.stop();
  attempts.length = 0;
  let [verified, refused] = [0, 0];
  for (let at = 0; at < load.minutes * 60_000; at += load.everyMs) {
    world.clock.advance(load.everyMs);
    const forged = world.verifier.verify(world.token({}, { kid: `forged-${at}` }), 'caller');
    await forged.catch(() => {});
    await world.verifier.verify(world.token({ at }, {}, keys.ed), 'caller').then(
      () => verified++,
      () => refused++,
    );
  }
  const fetchesPerTenSeconds = Math.max(
    0,
    ...attempts.map((start) => attempts.filter((at) => at >= start && at < start + 10_000).length),
  );
  return { verified, refused, fetches: attempts.length, fetchesPerTenSeconds };
}
