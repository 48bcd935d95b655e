/** The form of the engine's table-driven cases, and the one loop that runs them. */
import { expect, it } from 'vitest';
import { type Answer, type Question, type TupleText, World } from './world.ts';

export interface Case {
  readonly name: string;
  readonly model: string;
  readonly tuples?: readonly TupleText[];
  /** Written first, under this model: the tuples may be none that `model` allows. */
  readonly older?: { readonly model: string; readonly tuples: readonly TupleText[] };
  /** By `object#relation@subject`. */
  readonly checks: Readonly<Record<string, Answer>>;
  readonly question?: Question;
}

/** Each case with its tuples stored, and again with the same tuples as contextual ones. */
export function runCases(cases: readonly Case[]): void {
  for (const { name, model, tuples = [], older, checks, question = {} } of cases) {
    it(name, async () => {
      const world = await World.open(older?.model ?? model, older?.tuples ?? []);
      await world.useModel(model);
      try {
        const contextual = [...(question.contextual ?? []), ...tuples];
        if (contextual.length <= 100) {
          expect(answers(world, checks, { ...question, contextual }), 'contextual').toEqual(checks);
        }
        await world.write(tuples);
        expect(answers(world, checks, question), 'stored').toEqual(checks);
      } finally {
        await world.close();
      }
    });
  }
}

function answers(
  world: World,
  checks: Readonly<Record<string, Answer>>,
  question: Question,
): Record<string, Answer> {
  return Object.fromEntries(
    Object.keys(checks).map((check) => [check, world.check(check, question)]),
  );
}
