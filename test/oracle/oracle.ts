/**
 * The oracle: a naive evaluator that says what every Check over a small world must answer. It shares
 * no code with `src/`, keeps nothing between questions, and takes no short cut: it computes all
 * questions of one subject at once, as the well-founded model of a ground logic program, by
 * alternating fixpoint.
 *
 * THE SEMANTICS, IN ONE PAGE
 *
 * Atoms. One atom for each (object, relation), and one for each (object, node of the relation's
 * rewrite). A rule says when the subject that is being asked about is in an atom:
 *   relation        its rewrite's atom, or: the subject is this very userset `object#relation`
 *                   (`X#r` is always in `X#r`, with no tuple at all);
 *   this            a counting tuple of (object, relation) names the subject; or names the wildcard
 *                   of the type of the subject, where the subject is an object or that wildcard
 *                   (a userset is never matched by a wildcard, and `type:*` only by itself); or names
 *                   a userset whose atom holds;
 *   computed        the other relation's atom on the same object;
 *   from            the computed relation's atom on an object that a counting tuple of the tupleset
 *                   names; objects whose type lacks the relation are passed over;
 *   union / intersection   any child / all children;
 *   exclusion       the base's atom, and not the subtracted atom.
 *
 * Which tuples count. Stored tuples are never removed by a change of model, so each is measured
 * against the model in use. It counts if the relation exists, one restriction has exactly the shape
 * of its subject (object, wildcard, or userset with its relation), and
 *   - without a condition: a restriction of exactly this shape has no condition;
 *   - with condition c: the model declares c, some restriction of the same subject *type* names c,
 *     and each key of the stored context is a parameter of c with a value of the parameter's type.
 * A relation that serves as a tupleset takes objects only. All other tuples are as if not there.
 *
 * Contextual tuples count like stored ones. In tupleset, wildcard and userset reads both are seen,
 * each with its own condition. Only where an object is looked up by its own name does a contextual
 * tuple of the same key replace the stored one (of several contextual ones, the first is taken).
 *
 * Conditions. The stored context wins over the request's. A missing parameter or a value of the
 * wrong type makes the tuple's guard *open*, even where the expression could be decided without
 * it; so does any context at all for a condition without parameters. Unknown keys of the request
 * are ignored.
 *
 * Open guards. Each atom is kept twice: its lower bound, where every open guard is false, and its
 * upper bound, where every open guard is true. A subtracted atom crosses over: the lower bound of
 * `a but not b` asks the upper bound of b, and the other way round.
 *
 * Negation. The program over all bounds has exactly one well-founded model: each bound is true,
 * false, or undefined (a cycle through a subtracted side). Each rewrite node is an atom of its own,
 * so that two negations on a cycle are still a cycle through negation.
 *
 * Outcome. Allowed: the lower bound is true. Denied: the upper bound is not true (false, or
 * undefined: what cannot be founded is denied). Error: anything between; only context that nobody
 * gave, or that is ill-typed, leads there.
 */
import {
  type Facts,
  type Guard,
  type Outcome,
  type PlainRewrite,
  relationsOf,
  typeOf,
  type Weighed,
  weigh,
} from './facts.ts';

export type Rule =
  | { readonly kind: 'direct'; readonly entries: readonly Entry[] }
  | {
      readonly kind: 'any';
      readonly of: readonly { atom: number; guard: Guard }[];
      /** Those of a tupleset, where these are no parts of a rewrite. */
      readonly tuples?: readonly Weighed[];
    }
  | { readonly kind: 'all'; readonly of: readonly number[] }
  | { readonly kind: 'minus'; readonly base: number; readonly subtract: number }
  | { readonly kind: 'relation'; readonly self: string; readonly rewrite: number };

/** A tuple under a `this`; `atom` is that of the userset it names, else -1. */
interface Entry {
  readonly subject: string;
  readonly guard: Guard;
  readonly atom: number;
  /** A contextual tuple stands over it where its subject is looked up by name. */
  readonly replaced: boolean;
  readonly weighed?: Weighed;
}

/** Per bound, which atoms hold for one subject. */
type Bounds = readonly [lower: Uint8Array, upper: Uint8Array];

/** All answers about one subject. */
export interface Answers {
  outcome(object: string, relation: string): Outcome;
  /** Whether one of its bounds is neither true nor false, for a cycle through a subtracted side. */
  isUndefined(object: string, relation: string): boolean;
}

export class Oracle {
  readonly facts: Facts;
  readonly rules: Rule[] = [];
  private readonly atoms = new Map<string, number>();

  /** REQUIRES: a model that the server accepts. */
  constructor(facts: Facts, objects: readonly string[]) {
    this.facts = facts;
    for (const object of objects) {
      for (const relation of Object.keys(relationsOf(facts.model, typeOf(object)))) {
        this.relationAtom(object, relation);
      }
    }
  }

  ask(subject: string): Answers {
    return solve(this.rules, subject, (object, relation) => this.atomOf(object, relation));
  }

  atomOf(object: string, relation: string): number {
    const atom = this.atoms.get(`${object}#${relation}`);
    if (atom === undefined) throw new Error(`${object}#${relation} is not in this world`);
    return atom;
  }

  /** All atoms that an atom leans on, itself too. */
  reach(from: number): Set<number> {
    const seen = new Set([from]);
    for (const atom of seen)
      for (const next of childrenOf(this.rules[atom] as Rule)) seen.add(next);
    return seen;
  }

  private relationAtom(object: string, relation: string): number {
    const key = `${object}#${relation}`;
    const known = this.atoms.get(key);
    if (known !== undefined) return known;
    const rewrite = relationsOf(this.facts.model, typeOf(object))[relation];
    if (rewrite === undefined) throw new Error(`the model has no ${key}`);
    const atom = this.rules.push({ kind: 'all', of: [] }) - 1;
    this.atoms.set(key, atom);
    this.rules[atom] = {
      kind: 'relation',
      self: key,
      rewrite: this.rewriteAtom(object, relation, rewrite),
    };
    return atom;
  }

  private rewriteAtom(object: string, relation: string, rewrite: PlainRewrite): number {
    return this.rules.push(this.ruleOf(object, relation, rewrite)) - 1;
  }

  private ruleOf(object: string, relation: string, rewrite: PlainRewrite): Rule {
    const child = (node: PlainRewrite) => this.rewriteAtom(object, relation, node);
    if ('this' in rewrite) return { kind: 'direct', entries: this.entriesOf(object, relation) };
    if ('union' in rewrite) {
      const of = rewrite.union.child.map((node) => ({ atom: child(node), guard: true as const }));
      return { kind: 'any', of };
    }
    if ('intersection' in rewrite) {
      return { kind: 'all', of: rewrite.intersection.child.map(child) };
    }
    if ('difference' in rewrite) {
      const { base, subtract } = rewrite.difference;
      return { kind: 'minus', base: child(base), subtract: child(subtract) };
    }
    if ('computedUserset' in rewrite) {
      const atom = this.relationAtom(object, rewrite.computedUserset.relation);
      return { kind: 'any', of: [{ atom, guard: true }] };
    }
    const { tupleset, computedUserset } = rewrite.tupleToUserset;
    const { relation: computed } = computedUserset;
    const tuples = weigh(this.facts, object, tupleset.relation).filter(({ tuple }) =>
      Object.hasOwn(relationsOf(this.facts.model, typeOf(tuple.subject)), computed),
    );
    const of = tuples.map(({ tuple, guard }) => ({
      atom: this.relationAtom(tuple.subject, computed),
      guard,
    }));
    return { kind: 'any', of, tuples };
  }

  private entriesOf(object: string, relation: string): Entry[] {
    const tuples = weigh(this.facts, object, relation);
    return tuples.map((weighed, index) => {
      const { subject } = weighed.tuple;
      const [userset, usersetRelation] = subject.split('#') as [string, string | undefined];
      const replaced = tuples.slice(0, index).some((other) => other.tuple.subject === subject);
      const atom = usersetRelation === undefined ? -1 : this.relationAtom(userset, usersetRelation);
      return { subject, guard: weighed.guard, atom, replaced, weighed };
    });
  }
}

/** All answers about one subject, to rules in which each question has its atom. */
export function solve(
  rules: readonly Rule[],
  subject: string,
  atomOf: (object: string, relation: string) => number,
): Answers {
  const { under, over } = wellFounded(rules, subject);
  return {
    outcome: (object, relation) => {
      const atom = atomOf(object, relation);
      if (under[0][atom] === 1) return 'allowed';
      return under[1][atom] === 1 ? 'error' : 'denied';
    },
    isUndefined: (object, relation) => {
      const atom = atomOf(object, relation);
      return under[0][atom] !== over[0][atom] || under[1][atom] !== over[1][atom];
    },
  };
}

/** What is true, and what is true or undefined. */
function wellFounded(rules: readonly Rule[], subject: string): { under: Bounds; over: Bounds } {
  const nothing = () => new Uint8Array(rules.length);
  let under: Bounds = [nothing(), nothing()];
  for (;;) {
    const over = leastModel(rules, subject, under);
    const next = leastModel(rules, subject, over);
    if (next.every((bound, index) => bound.every((value, atom) => value === under[index]?.[atom])))
      return { under, over };
    under = next;
  }
}

/** The least model of the rules, where `not p` is read as: p is not in `assumed`. */
function leastModel(rules: readonly Rule[], subject: string, assumed: Bounds): Bounds {
  const found: Bounds = [new Uint8Array(rules.length), new Uint8Array(rules.length)];
  for (let grown = true; grown; ) {
    grown = false;
    for (const bound of [0, 1] as const) {
      for (let atom = rules.length - 1; atom >= 0; atom--) {
        if (found[bound][atom] === 1) continue;
        if (!holds(rules[atom] as Rule, subject, bound, found[bound], assumed[1 - bound])) continue;
        found[bound][atom] = 1;
        grown = true;
      }
    }
  }
  return found;
}

function holds(
  rule: Rule,
  subject: string,
  bound: 0 | 1,
  found: Uint8Array,
  assumed: Uint8Array | undefined,
): boolean {
  const passes = (guard: Guard) => guard === true || (guard === 'open' && bound === 1);
  switch (rule.kind) {
    case 'relation':
      return rule.self === subject || found[rule.rewrite] === 1;
    case 'all':
      return rule.of.every((atom) => found[atom] === 1);
    case 'any':
      return rule.of.some(({ atom, guard }) => passes(guard) && found[atom] === 1);
    case 'minus':
      return found[rule.base] === 1 && assumed?.[rule.subtract] !== 1;
    case 'direct':
      return rule.entries.some(
        (entry) => passes(entry.guard) && (names(entry, subject) || found[entry.atom] === 1),
      );
  }
}

function names(entry: Entry, subject: string): boolean {
  if (subject.includes('#')) return entry.subject === subject;
  if (entry.subject.endsWith(':*')) return typeOf(entry.subject) === typeOf(subject);
  return entry.subject === subject && !entry.replaced;
}

export function childrenOf(rule: Rule): readonly number[] {
  switch (rule.kind) {
    case 'relation':
      return [rule.rewrite];
    case 'minus':
      return [rule.base, rule.subtract];
    case 'all':
      return rule.of;
    case 'any':
      return rule.of.map(({ atom }) => atom);
    case 'direct':
      return rule.entries.map(({ atom }) => atom).filter((atom) => atom !== -1);
  }
}
