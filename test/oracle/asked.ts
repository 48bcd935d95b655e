/** What every way to ask has in common: the words of requests, and what answers come to. */
import { assert } from '../../src/base/assert.ts';
import { Refusal } from '../../src/base/errors.ts';
import type { Outcome, Question } from './facts.ts';
import { inPemba, type ServedWorld, wire } from './served-world.ts';
import type { Setting } from './world.ts';

/** A question under one of the world's settings, by its index. */
export interface Asked extends Question {
  readonly setting: number;
}

/**
 * An answer: an outcome, or the code of a refusal that no world of ours should meet. A list of users
 * with a wildcard in it leaves open whether one that it does not name is among them.
 */
export type Answer = Outcome | 'unnamed' | `refused: ${string}`;

/** What was listed, or why nothing was. A list that names something twice is a bug. */
export async function setOf(list: Promise<readonly string[]>): Promise<Set<string> | Answer> {
  try {
    return namedOnce(await list);
  } catch (error) {
    return answerOf(error);
  }
}

export function namedOnce(names: readonly string[]): Set<string> {
  const set = new Set(names);
  assert(set.size === names.length, `nothing is listed twice: ${names.join(', ')}`);
  return set;
}

export async function inTurn(
  asked: readonly Asked[],
  answer: (question: Asked) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const question of asked) answers.push(await answer(question));
  return answers;
}

/** REQUIRES: keys without a line break. */
export function memoized<Result>(make: (...key: string[]) => Result): (...key: string[]) => Result {
  const made = new Map<string, Result>();
  return (...key) => {
    const name = key.join('\n');
    let result = made.get(name);
    if (result === undefined) {
      result = make(...key);
      made.set(name, result);
    }
    return result;
  };
}

export function answerOf(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return answerTo(error.code);
}

/** Context that is missing or ill-typed is the one error that the oracle knows. */
export function answerTo(code: string): Answer {
  return code === 'validation_error' ? 'error' : `refused: ${code}`;
}

/** REQUIRES: all that is asked together is asked under one setting, or one model for a batch. */
export function settingOf({ settings }: ServedWorld, asked: readonly Asked[]): Setting {
  return settings[asked[0]?.setting ?? 0] as Setting;
}

export function requestOf({ store, modelIds }: ServedWorld, { model }: Setting) {
  return { store_id: store, authorization_model_id: modelIds[model] as string };
}

export function bringsOf({ contextual, context }: Setting) {
  return { contextual_tuples: { tuple_keys: contextual.map(wire) }, context };
}

/** As `pemba.v1` has it. */
export function queryOf({ store, modelIds }: ServedWorld, { model, contextual, context }: Setting) {
  const contextual_tuples = contextual.map(inPemba);
  return { store_id: store, model_id: modelIds[model] as string, contextual_tuples, context };
}

export function known<Value>(value: Value | undefined): Value {
  assert(value !== undefined, 'a world holds only well-formed objects and subjects');
  return value;
}
