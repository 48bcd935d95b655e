/** What the engine answers: allowed, denied, or why it could not be computed. */
import { assert, unreachable } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';

/**
 * `unknown`: the answer depends on a condition whose parameters nobody gave. `failed`: a limit or a
 * condition stopped the walk. Neither is ever turned into allowed or denied.
 */
export type Verdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'denied' }
  | {
      readonly kind: 'unknown';
      readonly condition: string;
      readonly tuple: string;
      readonly parameters: readonly string[];
    }
  | { readonly kind: 'failed'; readonly refusal: Refusal };

/** The wire's error for a verdict that is neither allowed nor denied. */
export function refusalOf(verdict: Extract<Verdict, { kind: 'unknown' | 'failed' }>): Refusal {
  if (verdict.kind === 'failed') return verdict.refusal;
  return new Refusal(
    'validation_error',
    `failed to evaluate relationship condition: '${verdict.condition}' - tuple '${verdict.tuple}' is missing context parameters '[${verdict.parameters.join(' ')}]'`,
  );
}

/** An answer that could not be computed is an error, never allowed and never denied. */
export function isAllowed(verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'allowed':
      return true;
    case 'denied':
      return false;
    case 'unknown':
    case 'failed':
      throw refusalOf(verdict);
    default:
      return unreachable(verdict);
  }
}

/**
 * The answer to a question that must hold for each of several. REQUIRES: there is one. No further one
 * is asked once the answer is no, which it is whatever cannot be told of others.
 */
export function allOf<Item>(items: readonly Item[], ask: (item: Item) => Verdict): Verdict {
  let answer: Verdict | undefined;
  for (const item of items) {
    const verdict = ask(item);
    if (verdict.kind === 'denied') return verdict;
    if (answer === undefined || answer.kind === 'allowed') answer = verdict;
  }
  assert(answer !== undefined, 'somebody is asked about');
  return answer;
}
