/** Tries the rules on a world: asks the same of two worlds, and compares the answers. */
import { assert } from '../../src/base/assert.ts';
import { apiOf, type Way, ways } from './apis.ts';
import type { Answer, Asked } from './asked.ts';
import { Behind } from './behind.ts';
import type { Disagreement } from './compare.ts';
import type { PlainModel } from './facts.ts';
import { judge, oracleOwed } from './judge.ts';
import { someQuestions } from './questions.ts';
import { RandomSource } from './random-source.ts';
import { type MetamorphicRule, type Other, rules, settingOf } from './rules.ts';
import type { Pemba, ServedWorld } from './served-world.ts';
import { countRule, type Tally } from './tally.ts';
import type { World } from './world.ts';

type Valid = (model: PlainModel) => boolean;

const rulesPerWorld = 3;
const waysPerRule = 3;
const questionsPerWay = 25;

/** Some of the rules, on the world under one of its settings. */
export async function compareByRules(
  pemba: Pemba,
  world: World,
  random: RandomSource,
  tally: Tally,
  valid: Valid,
): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  const plain = { ...world, settings: [random.pick(world.settings)] };
  for (const rule of random.shuffled(rules).slice(0, rulesPerWorld)) {
    const seed = random.next();
    const chosen = [...random.shuffled(ways).slice(0, waysPerRule), 'check' as const];
    for (const way of new Set(chosen)) {
      const asked = someQuestions(random, plain, 0, questionsPerWay);
      const differing = await compareByRule(pemba, plain, { rule, seed, way, asked, valid });
      if (differing === undefined) continue;
      countRule(tally, rule.name, 1, differing.answers);
      found.push(...differing.found);
      tally.disagreements += differing.found.length;
    }
  }
  return found;
}

interface Trial {
  readonly rule: MetamorphicRule;
  readonly seed: number;
  readonly way: Way;
  readonly asked: readonly Asked[];
  readonly valid: Valid;
}

export function ruleNamed(name: string): MetamorphicRule {
  const rule = rules.find((each) => each.name === name);
  assert(rule !== undefined, `there is a rule ${name}`);
  return rule;
}

/** Undefined where the rule does not apply. */
export async function compareByRule(
  pemba: Pemba,
  world: World,
  { rule, seed, way, asked, valid }: Trial,
): Promise<{ answers: number; found: Disagreement[] } | undefined> {
  const other = rule.other(new RandomSource(seed), world);
  if (other === undefined) return undefined;
  const from = other.from ?? world;
  if (![...from.models, ...other.to.models].every(valid)) return undefined;
  if (from.settings.length !== 1 || asked.length === 0) return undefined;
  const before = await answersIn(pemba, from, (served) => askInGroups(served, way, asked));
  const after = await answersIn(pemba, other.to, (served) =>
    askOther(pemba, served, { other, way, asked, seed }),
  );
  const behind = [from, other.to].map(
    (side) => new Behind(oracleOwed(way, side, settingOf(side))),
  ) as [Behind, Behind];
  const found = asked.flatMap((question, index): Disagreement[] => {
    const expected = before[index] as Answer;
    const got = after[index] as Answer;
    const moved = other.moved?.(question) ?? question;
    if (isKept(behind, way, { question, moved, other, expected, got })) return [];
    return [{ world, way, asked: [question], expected, got, rule: { name: rule.name, seed } }];
  });
  return { answers: asked.length, found };
}

interface Compared {
  readonly question: Asked;
  readonly moved: Asked;
  readonly other: Other;
  readonly expected: Answer;
  readonly got: Answer;
}

/** What the wire's lists may do on one side only is no difference. */
function isKept([before, after]: [Behind, Behind], way: Way, compared: Compared): boolean {
  const { question, moved, other, expected, got } = compared;
  if (expected === got) return true;
  if (other.grows === true && expected !== 'allowed' && expected !== 'unnamed') return true;
  const ways = [way, other.by?.[way] ?? way];
  return ways.some(
    (each) =>
      judge(before, each, question, got, expected) !== 'disagree' ||
      judge(after, each, moved, expected, got) !== 'disagree',
  );
}

async function answersIn(
  pemba: Pemba,
  world: World,
  ask: (served: ServedWorld) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const served = await pemba.serve(world);
  const answers = await ask(served);
  await pemba.drop(served);
  return answers;
}

async function askOther(
  pemba: Pemba,
  served: ServedWorld,
  { other, way, asked, seed }: Pick<Trial, 'way' | 'asked' | 'seed'> & { other: Other },
): Promise<readonly Answer[]> {
  const moved = asked.map((question) => other.moved?.(question) ?? question);
  const by = other.by?.[way] ?? way;
  if (other.collected === true) await served.datastore.collectExpired();
  const asker = other.cold === true ? pemba.cold(served) : served;
  if (other.shuffled !== true) return askInGroups(asker, by, moved);
  const order = new RandomSource(seed).shuffled([...moved.keys()]);
  const answers = await askInGroups(
    asker,
    by,
    order.map((index) => moved[index] as Asked),
  );
  return moved.map((_, index) => answers[order.indexOf(index)] as Answer);
}

/** Each way has its own idea of what may be asked together. What another store said is forgotten. */
async function askInGroups(
  served: ServedWorld,
  way: Way,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  if (served.neighbour !== undefined) await askInGroups(served.neighbour, way, asked);
  const { takes, ask } = apiOf(way);
  if (takes !== 'subject') return ask(served, asked);
  const groups = Map.groupBy(asked.keys(), (index) => asked[index]?.subject);
  const answers: Answer[] = [];
  for (const indexes of groups.values()) {
    const got = await ask(
      served,
      indexes.map((index) => asked[index] as Asked),
    );
    for (const [place, index] of indexes.entries()) answers[index] = got[place] as Answer;
  }
  return answers;
}
