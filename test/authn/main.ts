/**
 * `npm run authn -- --tokens N --minutes M --seed S`: authentication under attack at length. Tokens
 * changed by chance, key ids that nobody has, an issuer that is away, every method asked by those who
 * may not; and what a verification costs.
 */
import { createAuthenticator } from '../../src/authn/authenticator.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { openAccessWorld } from '../server/access-world.ts';
import { protocols } from '../server/doors-client.ts';
import { doorsOf, methodsOf, walkStrangers } from '../server/doors-walk.ts';
import { tool, whole } from '../tool.ts';
import { badTokens } from './bad-tokens.ts';
import { keyIdFlood } from './key-id-flood.ts';
import { tryMutations } from './mutated-tokens.ts';
import { outage } from './outage.ts';
import { keys, openWorld } from './world.ts';

const { tokens, minutes, seed } = tool(
  'authn',
  'Attacks authentication at length, and says what a verification costs.',
)
  .addOption(whole('tokens', 'changed by chance, and as many key ids', 1).default(100_000))
  .addOption(whole('minutes', 'that an issuer is away, on a clock of the test', 1).default(30))
  .addOption(whole('seed', 'of what is changed', 0).default(1))
  .parse()
  .opts<{ tokens: number; minutes: number; seed: number }>();
const faults: string[] = [];
const expectThat = (holds: boolean, what: string) => {
  if (!holds) faults.push(what);
};

await using world = await openWorld();
let refused = 0;
const cases = Object.values(badTokens).flat();
for (const [name, reason, make] of cases) {
  const answer = await world.verifier.verify(make(world), 'caller').then(
    () => 'accepted',
    (error) => error.reason,
  );
  if (answer === reason) refused++;
  else faults.push(`${name}: ${answer} instead of ${reason}`);
}
const reasons = new Set(cases.map(([, reason]) => reason)).size;
console.log(
  `${cases.length} bad tokens by name: ${refused} refused as they should, ${reasons} reasons`,
);

const mutated = await tryMutations(world, new RandomSource(seed), tokens);
console.log(
  `${mutated.tried} tokens changed by chance, seed ${seed}: ${mutated.accepted.length} accepted`,
);
for (const [reason, count] of [...mutated.byReason].sort(([, a], [, b]) => b - a))
  console.log(`  ${String(count).padStart(7)} ${reason}`);
expectThat(mutated.accepted.length === 0, `accepted: ${mutated.accepted.join('\n')}`);

const flood = await keyIdFlood(new RandomSource(seed), tokens);
console.log(
  `${flood.tokens} key ids that nobody has, in a minute: ${flood.keyFetches} fetches of keys, ` +
    `${flood.requests} requests in all, ${flood.accepted} accepted, ${flood.goodRefused} good tokens refused`,
);
expectThat(flood.keyFetches <= 3 && flood.accepted + flood.goodRefused === 0, 'flood of key ids');

const away = await outage({ minutes, everyMs: 100 });
console.log(
  `an issuer away for ${minutes} minutes: ${away.verified} new tokens of known keys verified, ` +
    `${away.refused} refused, ${away.fetches} attempts to fetch, ${away.fetchesPerTenSeconds} in any 10 s`,
);
expectThat(away.refused === 0 && away.fetchesPerTenSeconds <= 1, 'outage');

{
  await using access = await openAccessWorld({ 'log-level': 'off' });
  const doors = doorsOf(access);
  let asked = 0;
  const wrong: string[] = [];
  for (const protocol of protocols) {
    const walked = await walkStrangers(access, doors, protocol);
    asked += walked.asked;
    wrong.push(...walked.wrong.map((each) => `${protocol}: ${each}`));
  }
  doors.grpc.close();
  console.log(
    `${methodsOf(access).length} methods over ${protocols.length} protocols: ${asked} calls without a ` +
      `token, with a bad one, of another store, with too small a role: ${wrong.length} let through`,
  );
  expectThat(wrong.length === 0, `let through: ${wrong.join('\n')}`);
}

for (const key of [keys.rs, keys.es, keys.ed]) {
  const { verifier, clock } = world;
  const authenticator = createAuthenticator(
    { method: 'verified', presharedKeys: [], verifier },
    clock,
  );
  const made = Array.from({ length: 2_000 }, (_, n) => `Bearer ${world.token({ n }, {}, key)}`);
  const ask = (authorization: string) => authenticator.authenticate({ authorization, address: '' });
  const miss = await microsEach(made, ask);
  const again = Array.from({ length: 50 }, () => made).flat();
  const hit = await microsEach(again, ask);
  console.log(
    `${key.algorithm}: ${miss.toFixed(1)} CPU-µs to verify a new token of ${made[0]?.length} bytes, ` +
      `${hit.toFixed(2)} for one that is known`,
  );
}

for (const fault of faults) console.log(`fault: ${fault}`);
if (faults.length > 0) process.exitCode = 1;

/** CPU time of all threads, for each of these once. */
async function microsEach(items: readonly string[], ask: (item: string) => unknown) {
  const before = process.cpuUsage();
  for (const item of items) {
    const answer = ask(item);
    if (answer instanceof Promise) await answer;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / items.length;
}
