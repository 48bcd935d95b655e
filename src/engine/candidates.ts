/**
 * Judges candidates of a list: objects that a relation holds of if the rest of an intersection or an
 * exclusion says so. What they came by is known to hold, so it is the rest alone that is asked, and the
 * whole relation only where that does not settle it.
 */

import type { Ask, Confirm } from './uses.ts';
import { falseValue, trueValue } from './value.ts';
import type { Verdict } from './verdict.ts';
import type { DepthFirstWalk } from './walk.ts';

const allowed: Verdict = { kind: 'allowed' };
const denied: Verdict = { kind: 'denied' };

/**
 * As a check of the relation tells. `isProven`: what the candidate came by holds for a check as well,
 * which follows no more than so many usersets.
 */
export function judge(
  checks: DepthFirstWalk,
  object: number,
  relation: number,
  { asks, decides }: Confirm,
  isProven: boolean,
): Verdict {
  if (asks === undefined || !isProven) return checks.checkEntity(object, relation);
  for (const ask of asks) {
    const holds = holdsOf(checks, object, ask);
    if (holds === ask.wanted) continue;
    return holds !== undefined && decides ? denied : checks.checkEntity(object, relation);
  }
  return allowed;
}

/** Undefined where it cannot be told, or is undefined. */
function holdsOf(
  checks: DepthFirstWalk,
  object: number,
  { relation, edges }: Ask,
): boolean | undefined {
  const { facts } = checks;
  if (edges !== undefined && facts.index === -1) {
    const value = facts.literal(edges, object, relation);
    return value === trueValue ? true : value === falseValue ? false : undefined;
  }
  const { kind } = checks.checkEntity(object, relation.index);
  if (kind === 'allowed') return true;
  // A check denies what is undefined, and what is subtracted from something is not false then.
  return kind === 'denied' && !checks.metUndefined ? false : undefined;
}
