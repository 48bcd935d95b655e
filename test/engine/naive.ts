/**
 * Two evaluators of tiny systems that remember nothing and take no short cut: the rule of the path,
 * word by word, and the well-founded model by alternating fixpoint. They know nothing of `src/engine`.
 */
import { assert } from '../../src/base/assert.ts';
import type { Rewrite } from '../../src/model/model.ts';

export const objects = ['node:0', 'node:1', 'node:2'];
export const relations = ['r0', 'r1', 'r2', 'r3'];

const stepsMax = 3_000;

/** How the guard of a tuple turns out: [] unguarded, true, false, or undefined (nobody gave `x`). */
export type Guard = readonly [] | readonly [boolean | undefined];

export interface Fact {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly guard: Guard;
}

export interface System {
  readonly rewrites: ReadonlyMap<string, Rewrite>;
  readonly facts: readonly Fact[];
}

/** What a guard that nobody can tell is taken for; a subtracted side takes the other. */
export type Bound = { readonly errors: boolean };

function factsOf(system: System, object: string, relation: string): readonly Fact[] {
  return system.facts.filter((fact) => fact.object === object && fact.relation === relation);
}

function passes(guard: Guard, { errors }: Bound): boolean {
  return guard.length === 0 || (guard[0] ?? errors);
}

function names(subject: string, fact: Fact): boolean {
  if (fact.subject === subject) return true;
  return fact.subject === 'user:*' && subject.startsWith('user:');
}

/**
 * True, undefined and false as 2, 1 and 0 by the rule of the path. The cost is exponential, so it
 * gives up on the few systems where there are too many paths.
 */
export function byPath(
  system: System,
  subject: string,
  question: string,
  bound: Bound,
): number | undefined {
  let steps = 0;
  const path: { question: string; subtracted: number }[] = [];

  function ask(asked: string, subtracted: number, own: Bound): number {
    if (asked === subject) return 2;
    if (++steps > stepsMax) return 0;
    const open = path.find((entry) => entry.question === asked);
    if (open !== undefined) return open.subtracted === subtracted ? 0 : 1;
    const [object, relation] = asked.split('#') as [string, string];
    const rewrite = system.rewrites.get(relation);
    assert(rewrite !== undefined, 'only relations of the system are asked for');
    path.push({ question: asked, subtracted });
    const value = evaluate(rewrite, object, relation, subtracted, own);
    path.pop();
    return value;
  }

  function evaluate(
    rewrite: Rewrite,
    object: string,
    relation: string,
    subtracted: number,
    own: Bound,
  ): number {
    switch (rewrite.kind) {
      case 'this':
        return Math.max(
          0,
          ...factsOf(system, object, relation)
            .filter((fact) => passes(fact.guard, own))
            .map((fact) => {
              if (names(subject, fact)) return 2;
              return fact.subject.includes('#') ? ask(fact.subject, subtracted, own) : 0;
            }),
        );
      case 'computed':
        return ask(`${object}#${rewrite.relation}`, subtracted, own);
      case 'from':
        return Math.max(
          0,
          ...factsOf(system, object, rewrite.tupleset)
            .filter((fact) => passes(fact.guard, own))
            .map((fact) => ask(`${fact.subject}#${rewrite.relation}`, subtracted, own)),
        );
      case 'union':
      case 'intersection': {
        const values = rewrite.children.map((child) =>
          evaluate(child, object, relation, subtracted, own),
        );
        return rewrite.kind === 'union' ? Math.max(...values) : Math.min(...values);
      }
      case 'exclusion': {
        const base = evaluate(rewrite.base, object, relation, subtracted, own);
        const other = { errors: !own.errors };
        const subtract = evaluate(rewrite.subtract, object, relation, subtracted + 1, other);
        return Math.min(base, 2 - subtract);
      }
    }
  }

  const value = ask(question, 0, bound);
  return steps > stepsMax ? undefined : value;
}

/**
 * The questions that are certainly true, by alternating fixpoint over all questions at once. A
 * subtracted side is an atom like a question: two subtractions on a cycle are no cycle without any.
 */
export function wellFounded(system: System, subject: string, bound: Bound): ReadonlySet<string> {
  const atoms = objects.flatMap((object) =>
    [...system.rewrites].flatMap(([relation, rewrite]) => atomsOf(object, relation, rewrite)),
  );

  function least(other: ReadonlySet<string>, mine: Bound): ReadonlySet<string> {
    const own = new Set<string>(subject.includes('#') ? [subject] : []);

    function holds(rewrite: Rewrite, atom: Atom): boolean {
      switch (rewrite.kind) {
        case 'this':
          return factsOf(system, atom.object, atom.relation).some(
            (fact) => passes(fact.guard, mine) && (names(subject, fact) || own.has(fact.subject)),
          );
        case 'computed':
          return own.has(`${atom.object}#${rewrite.relation}`);
        case 'from':
          return factsOf(system, atom.object, rewrite.tupleset).some(
            (fact) => passes(fact.guard, mine) && own.has(`${fact.subject}#${rewrite.relation}`),
          );
        case 'union':
          return rewrite.children.some((child) => holds(child, atom));
        case 'intersection':
          return rewrite.children.every((child) => holds(child, atom));
        case 'exclusion':
          return holds(rewrite.base, atom) && !other.has(sideOf(atom.object, rewrite));
      }
    }

    for (let size = -1; size !== own.size; ) {
      size = own.size;
      for (const atom of atoms) if (holds(atom.rewrite, atom)) own.add(atom.name);
    }
    return own;
  }

  let certain: ReadonlySet<string> = new Set();
  for (let size = -1; size !== certain.size; ) {
    size = certain.size;
    certain = least(least(certain, { errors: !bound.errors }), bound);
  }
  return certain;
}

interface Atom {
  readonly name: string;
  readonly object: string;
  readonly relation: string;
  readonly rewrite: Rewrite;
}

function atomsOf(object: string, relation: string, rewrite: Rewrite): readonly Atom[] {
  const sides = exclusionsIn(rewrite).map((exclusion) => ({
    name: sideOf(object, exclusion),
    object,
    relation,
    rewrite: exclusion.subtract,
  }));
  return [{ name: `${object}#${relation}`, object, relation, rewrite }, ...sides];
}

type Exclusion = Extract<Rewrite, { kind: 'exclusion' }>;

function exclusionsIn(rewrite: Rewrite): readonly Exclusion[] {
  switch (rewrite.kind) {
    case 'union':
    case 'intersection':
      return rewrite.children.flatMap(exclusionsIn);
    case 'exclusion':
      return [rewrite, ...exclusionsIn(rewrite.base), ...exclusionsIn(rewrite.subtract)];
    default:
      return [];
  }
}

const numbers = new WeakMap<Exclusion, number>();
let numbered = 0;

function sideOf(object: string, exclusion: Exclusion): string {
  let number = numbers.get(exclusion);
  if (number === undefined) {
    number = numbered++;
    numbers.set(exclusion, number);
  }
  return `${object}-${number}`;
}
