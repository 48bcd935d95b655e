// Tokens with key ids that nobody has, as many as one likes, over a minute of a clock set by hand.
import type { RandomSource } from '../oracle/random-source.ts';
import { keys, openWorld } from './world.ts';

export interface FloodTally {
  readonly tokens: number;
  readonly accepted: number;
  readonly goodRefused: number;
  readonly keyFetches: number;
  readonly requests: number;
}

export async function keyIdFlood(random: RandomSource, tokens: number): Promise<FloodTally> {
  await using world = await openWorld();
  const [, body, signature] = world.token({}, {}, keys.ed).split('.');
  let [accepted, goodRefused] = [0, 0];
  for (let sent = 0; sent < tokens; sent += 100) {
    const batch = Array.from({ length: Math.min(100, tokens - sent) }, () => {
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: `${random.below(2 ** 31)}-${sent}` };
      const head = Buffer.from(JSON.stringify(header)).toString('base64url');
      return world.verifier.verify(`${head}.${body}.${signature}`, 'caller').then(
        () => accepted++,
        () => {},
      );
    });
    await Promise.all(batch);
    const good = world.verifier.verify(world.token({ sent }, {}, keys.ed), 'caller');
    await good.catch(() => goodRefused++);
    world.clock.advance((60_000 * 100) / tokens);
  }
  const { fetches, requests } = world.issuer;
  return { tokens, accepted, goodRefused, keyFetches: fetches, requests: requests.length };
}
