/**
 * A set of subjects of one kind, finite or all but a few: the subjects that somebody named, in or
 * out, and whether the rest, whom nobody named, are in. The rest are those of the wildcard.
 *
 * With the rest in, whom to list by name is a matter of taste: a subject that is named here with
 * true. So far as the wire's tests say (openfga-listusers-rpc, `TestListUsersChainedNegation`),
 * those are the subjects of a positive path, and those that were taken out of what is subtracted.
 *
 * What is done over a whole set yields where it may be interrupted.
 */
import { EntityFlags } from './entity-list.ts';
import type { Steps } from './steps.ts';

export type Pauses<Result> = Generator<undefined, Result, void>;

export interface SubjectSet {
  readonly rest: boolean;
  /** Whether the subject is in, by entity. INVARIANT: changed no more. */
  readonly named: EntityFlags;
}

export const nobody: SubjectSet = { rest: false, named: new EntityFlags() };

export function has(set: SubjectSet, subject: number): boolean {
  return set.named.get(subject) ?? set.rest;
}

/** The set that tuples name, all of whom are in, and other sets with it. */
export function* unite(
  own: { readonly named: EntityFlags; readonly everyone: boolean },
  others: readonly SubjectSet[],
  steps: Steps,
): Pauses<SubjectSet> {
  if (others.length === 0) return { rest: own.everyone, named: own.named };
  const named = new EntityFlags();
  for (const subject of own.named.entities) {
    named.set(subject, true);
    if (steps.take()) yield undefined;
  }
  const rest = own.everyone || others.some((set) => set.rest);
  for (const set of others) {
    for (const [place, subject] of set.named.entities.entries()) {
      if (set.named.at(place)) named.set(subject, true);
      if (steps.take()) yield undefined;
    }
  }
  for (const set of others) {
    for (const [place, subject] of set.named.entities.entries()) {
      if (steps.take()) yield undefined;
      if (set.named.at(place) || named.has(subject)) continue;
      // Out of this set, but not out of the union if the wildcard of another one lets it in.
      if (own.everyone || others.some((other) => has(other, subject))) continue;
      named.set(subject, false);
    }
  }
  return { rest, named };
}

export function* intersect(sets: readonly SubjectSet[], steps: Steps): Pauses<SubjectSet> {
  const named = new EntityFlags();
  const rest = sets.every((set) => set.rest);
  for (const { named: own } of sets) {
    for (const subject of own.entities) {
      const isIn = sets.every((set) => has(set, subject));
      if (isIn || rest) named.set(subject, isIn);
      if (steps.take()) yield undefined;
    }
  }
  return { rest, named };
}

/** What is in the base and not subtracted. A subject that is out of what is subtracted is named. */
export function* subtract(base: SubjectSet, from: SubjectSet, steps: Steps): Pauses<SubjectSet> {
  const named = new EntityFlags();
  for (const subject of base.named.entities) {
    named.set(subject, has(base, subject) && !has(from, subject));
    if (steps.take()) yield undefined;
  }
  if (base.rest) {
    for (const subject of from.named.entities) {
      if (!base.named.has(subject)) named.set(subject, !has(from, subject));
      if (steps.take()) yield undefined;
    }
  }
  return { rest: base.rest && !from.rest, named };
}

/** Whether both have the same members, however they are named. */
export function* sameMembers(a: SubjectSet, b: SubjectSet, steps: Steps): Pauses<boolean> {
  if (a.rest !== b.rest) return false;
  for (const { named } of [a, b]) {
    for (const subject of named.entities) {
      if (has(a, subject) !== has(b, subject)) return false;
      if (steps.take()) yield undefined;
    }
  }
  return true;
}
