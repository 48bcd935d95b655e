/**
 * Models that mean the same: rewrites changed by the laws of a distributive lattice, which hold for
 * the lower and the upper bound of every question alike, cycles through `but not` included.
 */
import type { PlainModel, PlainRewrite } from './facts.ts';
import type { RandomSource } from './random-source.ts';

const or = (...child: PlainRewrite[]): PlainRewrite => ({ union: { child } });
const and = (...child: PlainRewrite[]): PlainRewrite => ({ intersection: { child } });
const butNot = (base: PlainRewrite, subtract: PlainRewrite): PlainRewrite => ({
  difference: { base, subtract },
});

/** So large a rewrite grows no more. */
const nodesMost = 24;

export function rewrittenModel(random: RandomSource, model: PlainModel): PlainModel {
  const type_definitions = model.type_definitions.map((definition) => {
    const { relations = {}, metadata } = definition;
    const made: [string, PlainRewrite][] = [];
    // An arrow's tupleset takes plain tuples alone.
    const change = (name: string, rewrite: PlainRewrite): PlainRewrite => {
      if (name.startsWith('in_')) return rewrite;
      const changed = rewritten(random, rewrite);
      if (isDirect(changed) || random.chance(0.6)) return changed;
      const alias = `same_${made.length}`;
      made.push([alias, changed]);
      return { computedUserset: { relation: alias } };
    };
    const changed = Object.entries(relations).map(([name, rewrite]): [string, PlainRewrite] => [
      name,
      change(name, rewrite),
    ]);
    const restrictions = Object.fromEntries(
      made.map(([name]) => [name, { directly_related_user_types: [] }]),
    );
    return {
      ...definition,
      relations: Object.fromEntries([...changed, ...made]),
      metadata: { relations: { ...metadata?.relations, ...restrictions } },
    };
  });
  return { ...model, type_definitions };
}

/** Whether tuples of the relation itself count: a name of its own would need them too. */
function isDirect(rewrite: PlainRewrite): boolean {
  return JSON.stringify(rewrite).includes('"this"');
}

function rewritten(random: RandomSource, rewrite: PlainRewrite): PlainRewrite {
  const inner = withParts(rewrite, (part) => rewritten(random, part));
  const laws = lawsFor(random, inner);
  if (laws.length === 0 || random.chance(0.3)) return inner;
  const result = random.pick(laws)();
  return sizeOf(result) > nodesMost ? inner : result;
}

function lawsFor(random: RandomSource, rewrite: PlainRewrite): (() => PlainRewrite)[] {
  const laws: (() => PlainRewrite)[] = [
    // Idempotence, and absorption by any part at hand.
    () => or(rewrite, rewrite),
    () => and(rewrite, rewrite),
    () => or(rewrite, and(rewrite, random.pick(partsOf(rewrite)))),
    () => and(or(random.pick(partsOf(rewrite)), rewrite), rewrite),
  ];
  if ('union' in rewrite) {
    const { child } = rewrite.union;
    laws.push(
      () => or(...random.shuffled(child)),
      () => or(...child.flatMap((each) => ('union' in each ? each.union.child : [each]))),
      () => or(child[0] as PlainRewrite, or(...child.slice(1), child[0] as PlainRewrite)),
    );
    const at = child.findIndex((each) => 'intersection' in each);
    const inner = child[at];
    if (inner !== undefined && 'intersection' in inner) {
      const rest = child.toSpliced(at, 1);
      laws.push(() => and(...inner.intersection.child.map((each) => or(...rest, each))));
    }
  }
  if ('intersection' in rewrite) {
    const { child } = rewrite.intersection;
    laws.push(
      () => and(...random.shuffled(child)),
      () => and(...child.flatMap((c) => ('intersection' in c ? c.intersection.child : [c]))),
      () => and(child[0] as PlainRewrite, and(...child.slice(1), child[0] as PlainRewrite)),
    );
    const at = child.findIndex((each) => 'union' in each);
    const inner = child[at];
    if (inner !== undefined && 'union' in inner) {
      const rest = child.toSpliced(at, 1);
      laws.push(() => or(...inner.union.child.map((each) => and(each, ...rest))));
    }
  }
  if ('difference' in rewrite) laws.push(...lawsOfDifference(rewrite.difference));
  return laws;
}

function lawsOfDifference(difference: { base: PlainRewrite; subtract: PlainRewrite }) {
  const { base, subtract } = difference;
  const laws: (() => PlainRewrite)[] = [];
  if ('union' in subtract) {
    laws.push(() => subtract.union.child.reduce((rest, each) => butNot(rest, each), base));
  }
  if ('intersection' in subtract) {
    laws.push(() => or(...subtract.intersection.child.map((each) => butNot(base, each))));
  }
  if ('union' in base) {
    laws.push(() => or(...base.union.child.map((each) => butNot(each, subtract))));
  }
  if ('intersection' in base) {
    const [first, ...rest] = base.intersection.child as [PlainRewrite, ...PlainRewrite[]];
    laws.push(() => and(butNot(first, subtract), ...rest));
  }
  return laws;
}

function withParts(
  rewrite: PlainRewrite,
  change: (part: PlainRewrite) => PlainRewrite,
): PlainRewrite {
  if ('union' in rewrite) return or(...rewrite.union.child.map(change));
  if ('intersection' in rewrite) return and(...rewrite.intersection.child.map(change));
  if (!('difference' in rewrite)) return rewrite;
  return butNot(change(rewrite.difference.base), change(rewrite.difference.subtract));
}

/** REQUIRES of the caller: nothing, for a leaf is its own part. */
function partsOf(rewrite: PlainRewrite): readonly PlainRewrite[] {
  if ('union' in rewrite) return rewrite.union.child;
  if ('intersection' in rewrite) return rewrite.intersection.child;
  if ('difference' in rewrite) return [rewrite.difference.base, rewrite.difference.subtract];
  return [rewrite];
}

function sizeOf(rewrite: PlainRewrite): number {
  const parts = partsOf(rewrite);
  return parts[0] === rewrite ? 1 : parts.reduce((sum, part) => sum + sizeOf(part), 1);
}

/** The model with `or` for every `but not`: more tuples can only allow more. */
export function withoutNegation(model: PlainModel): PlainModel {
  const positive = (rewrite: PlainRewrite): PlainRewrite => {
    if ('difference' in rewrite) {
      return or(positive(rewrite.difference.base), positive(rewrite.difference.subtract));
    }
    return withParts(rewrite, positive);
  };
  const type_definitions = model.type_definitions.map((definition) => ({
    ...definition,
    relations: Object.fromEntries(
      Object.entries(definition.relations ?? {}).map(([name, rewrite]) => [
        name,
        positive(rewrite),
      ]),
    ),
  }));
  return { ...model, type_definitions };
}
