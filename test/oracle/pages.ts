/** Read, page by page: a rule that needs no second world. */
import { assert } from '../../src/base/assert.ts';
import type { ReadResponse } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { RandomSource } from './random-source.ts';
import type { ServedWorld } from './served-world.ts';
import { countRule, type Tally } from './tally.ts';
import { isLive, type World } from './world.ts';

/** That pages of any size hold the same tuples, and all of them. */
export async function comparePages(
  { caller, store }: ServedWorld,
  world: World,
  random: RandomSource,
  tally: Tally,
): Promise<void> {
  const live = world.stored.filter(isLive).length;
  const pages = async (page_size: number) => {
    const keys: string[] = [];
    for (let continuation_token = ''; ; ) {
      const request = { store_id: store, page_size, continuation_token };
      const response = (await caller.call('read', request)) as ReadResponse;
      keys.push(...response.tuples.map(({ key }) => JSON.stringify(key)));
      continuation_token = response.continuationToken;
      if (continuation_token === '') return keys;
    }
  };
  const whole = await pages(100);
  const parts = await pages(random.between(1, 9));
  assert(whole.length === live, `Read gives ${whole.length} tuples of ${live}`);
  assert(JSON.stringify(whole) === JSON.stringify(parts), 'the size of pages changes what is read');
  countRule(tally, 'tuples are read in pages of any size', 1, whole.length);
}
