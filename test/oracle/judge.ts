/** How an answer of Pemba stands to that of the oracle, and what the oracle is told of a world. */
import { limits } from '../../src/base/limits.ts';
import { apiOf, type Way } from './apis.ts';
import type { Answer } from './asked.ts';
import type { Behind } from './behind.ts';
import type { PlainModel, Question } from './facts.ts';
import { Oracle } from './oracle.ts';
import { questionSpace } from './questions.ts';
import { isLive, type Setting, type World } from './world.ts';

/** How the two answers to one question stand to each other. */
export type Judgement = 'agree' | 'tooDeep' | 'eager' | 'unnamed' | 'disagree';

/** The oracle knows no limits; a path of so many usersets as this is an error for Pemba. */
const tooDeep: Answer = 'refused: authorization_model_resolution_too_complex';

/** `unguarded`: as if every condition were met. */
export function oracleFor(world: World, setting: Setting, unguarded = false): Oracle {
  const model = world.models[setting.model] as PlainModel;
  const stored = world.stored.filter(isLive).map(({ tuple }) => tuple);
  const { contextual, context } = setting;
  const facts = { model, stored, contextual, context, unguarded };
  return new Oracle(facts, questionSpace(world, model).objects);
}

/** The oracle that says what an API owes. */
export function oracleOwed(way: Way, world: World, setting: Setting): Oracle {
  return oracleFor(world, setting, apiOf(way).owes === 'tree');
}

/** What may differ from the oracle, and when: depth, and what the wire's tests want of its lists. */
export function judge(
  behind: Behind,
  way: Way,
  { object, relation }: Question,
  expected: Answer,
  got: Answer,
): Judgement {
  if (got === expected) return 'agree';
  if (got === tooDeep) {
    return behind.pathAtMost(object, relation) < limits.checkDepthMax ? 'disagree' : 'tooDeep';
  }
  const { owes } = apiOf(way);
  // An error where the check has one is what the list owes too; a wildcard must not hide it.
  if (got === 'unnamed') return expected === 'error' || owes !== 'users' ? 'disagree' : 'unnamed';
  if (got !== 'error') return 'disagree';
  // A list of users meets what is behind its object; one of objects, whatever it meets on its way.
  if (owes === 'users' && behind.hasOpenGuards(object, relation)) return 'eager';
  return owes === 'objects' && behind.hasAnyOpenGuard() ? 'eager' : 'disagree';
}
