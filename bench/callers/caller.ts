/** What can be asked, of whomever, and how an answer is judged: one that is wrong ends the run. */
import type { Ask } from '../measure/closed-loop.ts';
import type {
  CheckQuestion,
  ObjectsQuestion,
  TupleText,
  UsersQuestion,
} from '../workloads/workload.ts';

export type Operation =
  | { readonly kind: 'check'; readonly question: CheckQuestion }
  | { readonly kind: 'batch'; readonly questions: readonly CheckQuestion[] }
  | { readonly kind: 'objects'; readonly question: ObjectsQuestion }
  | { readonly kind: 'users'; readonly question: UsersQuestion }
  /** Another tuple each time. */
  | { readonly kind: 'write'; readonly tuple: () => TupleText };

export interface Caller {
  /** All that can be done before the clock runs is done here. */
  prepare(operation: Operation): Ask;
  close(): void;
}

/** The run is worth nothing. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export function judgeCheck(question: CheckQuestion, allowed: boolean): void {
  if (allowed === question.allowed) return;
  throw new WrongAnswer(`${JSON.stringify(question)} was answered ${allowed}`);
}

export function judgeBatch(
  questions: readonly CheckQuestion[],
  allowed: (index: number) => boolean | undefined,
): void {
  for (const [i, question] of questions.entries()) {
    const answer = allowed(i);
    if (answer === undefined) throw new Error(`${JSON.stringify(question)} was not answered`);
    judgeCheck(question, answer);
  }
}

/** The first time name by name, in any order; then by number, as sorting costs more than answering. */
export function listJudge(
  question: object,
  expected: readonly string[],
): (names: readonly string[]) => void {
  let known = false;
  return (names) => {
    const right = known
      ? names.length === expected.length
      : names.length === expected.length && sameNames(names.toSorted(), expected);
    if (!right) {
      const { objects: _objects, users: _users, ...asked } = question as Record<string, unknown>;
      const found = `${names.length} results, ${expected.length} are right`;
      throw new WrongAnswer(`the list ${JSON.stringify(asked)} has ${found}`);
    }
    known = true;
  };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.every((name, i) => name === b[i]);
}
