/** Makes an unexplained decision small, with the oracle's shrinker, and prints it with its votes. */
import type { Asked } from '../oracle/asked.ts';
import type { Disagreement } from '../oracle/compare.ts';
import { type PlainModel, typeOf } from '../oracle/facts.ts';
import { questionSpace } from '../oracle/questions.ts';
import { printCase, shrinkWhile } from '../oracle/shrink.ts';
import { isValidModel } from '../oracle/valid-model.ts';
import type { World } from '../oracle/world.ts';
import { Comparison, listWith, type Parties } from './compare.ts';
import { isExpressible, isWritable, schemaOf } from './schema.ts';
import { type Decision, ways } from './triage.ts';

export async function smallest(parties: Parties, decision: Decision): Promise<Decision> {
  let least = decision;
  await shrinkWhile(disagreementOf(decision), async (smaller) => {
    const again = await asked(parties, decision, smaller);
    if (again === undefined) return undefined;
    least = again;
    return smaller;
  });
  return least;
}

/** Pemba's case as YAML, SpiceDB's schema, and who voted for what. */
export function printDecision(decision: Decision): string {
  const { world, api, question, oracle, pemba, spicedb, spicedbCheck } = decision;
  const { object, relation, subject } = question;
  return [
    `${api}: ${object} ${relation} ${subject}`,
    `Pemba ${pemba}, SpiceDB ${spicedb}, oracle ${oracle}`,
    ...(spicedbCheck === undefined ? [] : [`SpiceDB's own check ${spicedbCheck}`]),
    '',
    schemaOf(world.models[0] as PlainModel),
    printCase(disagreementOf(decision)),
  ].join('\n');
}

function disagreementOf({
  world,
  api,
  question,
  setting,
  oracle,
  spicedb,
}: Decision): Disagreement {
  return {
    world,
    way: ways[api],
    asked: [{ ...question, setting }],
    expected: oracle,
    got: spicedb,
  };
}

/** The same question in a smaller world, if nothing explains the votes there either. */
async function asked(
  parties: Parties,
  { api }: Decision,
  { world, asked }: Disagreement,
): Promise<Decision | undefined> {
  const model = world.models[0] as PlainModel;
  if (!isAskable(world, model, asked.at(-1) as Asked)) return undefined;
  const writable = world.stored.every(({ tuple }) => isWritable(model, tuple));
  if (!writable || !isExpressible(model) || !isValidModel(model)) return undefined;
  const last = asked.at(-1) as Asked;
  try {
    return await Comparison.over(world, parties, async (comparison) => {
      const questions = api === 'check' ? [last] : listWith(world, api, last);
      const decisions = await comparison.decide(api, questions);
      return decisions.find(
        (decision) =>
          decision.question.object === last.object &&
          decision.question.subject === last.subject &&
          comparison.isUnexplained(decision),
      );
    });
  } catch {
    // What is left asks about something that is gone.
    return undefined;
  }
}

function isAskable(world: World, model: PlainModel, { object, relation, subject }: Asked): boolean {
  const { objects, relations, subjects } = questionSpace(world, model);
  const isDefined = relations.get(typeOf(object))?.includes(relation) === true;
  return isDefined && objects.includes(object) && subjects.includes(subject);
}
