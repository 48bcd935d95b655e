/**
 * A set of subjects of one kind, finite or all but a few: the subjects that somebody named, in or
 * out, and whether the rest, whom nobody named, are in. The rest are those of the wildcard.
 *
 * With the rest in, whom to list by name is a matter of taste: a subject that is named here with
 * true. So far as the wire's tests say (openfga-listusers-rpc, `TestListUsersChainedNegation`),
 * those are the subjects of a positive path, and those that were taken out of what is subtracted.
 */

export interface SubjectSet {
  readonly rest: boolean;
  /** Whether the subject is in, by entity. */
  readonly named: ReadonlyMap<number, boolean>;
}

export const nobody: SubjectSet = { rest: false, named: new Map() };

export function has(set: SubjectSet, subject: number): boolean {
  return set.named.get(subject) ?? set.rest;
}

/** The set that tuples name, and other sets with it. */
export function unite(
  own: { readonly named: Iterable<number>; readonly everyone: boolean },
  others: readonly SubjectSet[],
): SubjectSet {
  const named = new Map<number, boolean>();
  for (const subject of own.named) named.set(subject, true);
  const rest = own.everyone || others.some((set) => set.rest);
  for (const set of others) {
    for (const [subject, isIn] of set.named) if (isIn) named.set(subject, true);
  }
  for (const set of others) {
    for (const [subject, isIn] of set.named) {
      if (isIn || named.has(subject)) continue;
      // Out of this set, but not out of the union if the wildcard of another one lets it in.
      if (own.everyone || others.some((other) => has(other, subject))) continue;
      named.set(subject, false);
    }
  }
  return { rest, named };
}

export function intersect(sets: readonly SubjectSet[]): SubjectSet {
  const named = new Map<number, boolean>();
  const rest = sets.every((set) => set.rest);
  for (const { named: own } of sets) {
    for (const subject of own.keys()) {
      const isIn = sets.every((set) => has(set, subject));
      if (isIn || rest) named.set(subject, isIn);
    }
  }
  return { rest, named };
}

/** What is in the base and not subtracted. A subject that is out of what is subtracted is named. */
export function subtract(base: SubjectSet, from: SubjectSet): SubjectSet {
  const named = new Map<number, boolean>();
  for (const subject of base.named.keys()) {
    named.set(subject, has(base, subject) && !has(from, subject));
  }
  if (base.rest) {
    for (const [subject, isIn] of from.named) {
      if (!base.named.has(subject)) named.set(subject, !isIn);
    }
  }
  return { rest: base.rest && !from.rest, named };
}

/** Whether both have the same members, however they are named. */
export function sameMembers(a: SubjectSet, b: SubjectSet): boolean {
  if (a.rest !== b.rest) return false;
  for (const subject of a.named.keys()) if (has(a, subject) !== has(b, subject)) return false;
  for (const subject of b.named.keys()) if (has(a, subject) !== has(b, subject)) return false;
  return true;
}
