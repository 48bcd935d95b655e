/** What a run has seen: counts, how often worlds had each feature, and which cases were covered. */
import type { PlainModel, PlainRestriction, PlainRewrite } from './facts.ts';
import { keyOf, type Setting, type World } from './world.ts';

export interface Tally {
  worlds: number;
  /** Models that the generator made and the server's rules refuse. */
  rejectedModels: number;
  decisions: number;
  allowed: number;
  denied: number;
  errors: number;
  /** Questions without a founded answer, for a cycle through a subtracted side. */
  undefined: number;
  /** Denied though the fixpoint allows: a cycle through a subtracted side, and nothing else. */
  conservative: number;
  /** Refused for the depth of the path, about which the oracle has no say. */
  tooDeep: number;
  /** Refused by a list for a guard that the answer does not hang on. */
  eager: number;
  /** Of a list of users with a wildcard, which does not say. */
  unnamed: number;
  disagreements: number;
  features: Record<string, number>;
  /** By pair of operators and kind of subject: questions asked, and of those how many are allowed. */
  coverage: Record<string, { asked: number; allowed: number }>;
}

/** The names of those parts of a tally that are plain counts. */
type Count = { [name in keyof Tally]: Tally[name] extends number ? name : never }[keyof Tally];

export function emptyTally(): Tally {
  return {
    worlds: 0,
    rejectedModels: 0,
    decisions: 0,
    allowed: 0,
    denied: 0,
    errors: 0,
    undefined: 0,
    conservative: 0,
    tooDeep: 0,
    eager: 0,
    unnamed: 0,
    disagreements: 0,
    features: {},
    coverage: {},
  };
}

export function addTally(into: Tally, from: Tally): void {
  for (const [name, count] of Object.entries(from)) {
    if (typeof count === 'number') into[name as Count] += count;
  }
  for (const [name, count] of Object.entries(from.features)) {
    into.features[name] = (into.features[name] ?? 0) + count;
  }
  for (const [name, { asked, allowed }] of Object.entries(from.coverage)) {
    const cell = cellOf(into, name);
    cell.asked += asked;
    cell.allowed += allowed;
  }
}

export const subjectKinds = ['object', 'wildcard', 'userset'] as const;

export function cover(tally: Tally, pairs: readonly string[], subject: string, allowed: boolean) {
  const kind = subject.includes('#') ? 'userset' : subject.endsWith(':*') ? 'wildcard' : 'object';
  for (const pair of pairs) {
    const cell = cellOf(tally, `${pair} @ ${kind}`);
    cell.asked++;
    if (allowed) cell.allowed++;
  }
}

function cellOf(tally: Tally, name: string) {
  const known = tally.coverage[name];
  if (known !== undefined) return known;
  const cell = { asked: 0, allowed: 0 };
  tally.coverage[name] = cell;
  return cell;
}

const operators = ['this', 'computed', 'from', 'union', 'intersection', 'exclusion'] as const;
const places = ['root', 'union', 'intersection', 'base of exclusion', 'subtracted'] as const;

/** Every pair that a relation can have: the place in which a node stands, and its operator. */
export const allPairs: readonly string[] = places.flatMap((place) =>
  operators.map((operator) => `${operator} in ${place}`),
);

export function pairsOf(rewrite: PlainRewrite, place: (typeof places)[number] = 'root'): string[] {
  if ('this' in rewrite) return [`this in ${place}`];
  if ('computedUserset' in rewrite) return [`computed in ${place}`];
  if ('tupleToUserset' in rewrite) return [`from in ${place}`];
  if ('union' in rewrite) {
    return [`union in ${place}`, ...rewrite.union.child.flatMap((c) => pairsOf(c, 'union'))];
  }
  if ('intersection' in rewrite) {
    const children = rewrite.intersection.child.flatMap((c) => pairsOf(c, 'intersection'));
    return [`intersection in ${place}`, ...children];
  }
  const { base, subtract } = rewrite.difference;
  const children = [...pairsOf(base, 'base of exclusion'), ...pairsOf(subtract, 'subtracted')];
  return [`exclusion in ${place}`, ...children];
}

export function countFeatures(tally: Tally, world: World): void {
  for (const [name, present] of Object.entries(featuresOf(world))) {
    tally.features[name] = (tally.features[name] ?? 0) + (present ? 1 : 0);
  }
}

/** What `world.ts` promises weights for. */
function featuresOf(world: World): Record<string, boolean> {
  const model = world.models[world.models.length - 1] as PlainModel;
  const relations = model.type_definitions.flatMap(({ type, relations = {}, metadata }) =>
    Object.entries(relations).map(([name, rewrite]) => ({
      type,
      name,
      rewrite,
      restrictions: metadata?.relations[name]?.directly_related_user_types ?? [],
    })),
  );
  const restrictions = relations.flatMap((relation) => relation.restrictions);
  const tuplesets = new Set(
    relations.flatMap(({ type, rewrite }) => tuplesetsOf(rewrite).map((name) => `${type} ${name}`)),
  );
  return {
    'wildcard under and / but not': relations.some(
      ({ rewrite, restrictions }) =>
        restrictions.some((restriction) => restriction.wildcard) &&
        pairsOf(rewrite).some((pair) => /^this in (inter|base|sub)/.test(pair)),
    ),
    recursion: relations.some(
      ({ type, name, rewrite, restrictions }) =>
        restrictions.some((r) => r.type === type && r.relation === name) ||
        JSON.stringify(rewrite).includes(`"computedUserset":{"relation":${JSON.stringify(name)}}}`),
    ),
    'conditions on usersets or arrows': relations.some(({ type, name, restrictions }) =>
      restrictions.some((r) => r.condition && (r.relation || tuplesets.has(`${type} ${name}`))),
    ),
    'several kinds of one type': relations.some(({ restrictions }) =>
      hasKindsOfOneType(restrictions),
    ),
    'any condition': restrictions.some((restriction) => restriction.condition),
    'contextual tuples': world.settings.some(({ contextual }) => contextual.length > 0),
    'contextual over stored': world.settings.some((setting) => overlaps(world, setting)),
    'model change': world.models.length > 1,
  };
}

function hasKindsOfOneType(restrictions: readonly PlainRestriction[]): boolean {
  const kinds = restrictions.map((r) => [r.type, r.relation ?? '', r.wildcard !== undefined]);
  const distinct = new Map(kinds.map((kind) => [JSON.stringify(kind), kind[0]]));
  return new Set(distinct.values()).size < distinct.size;
}

function overlaps(world: World, setting: Setting): boolean {
  const keys = new Set(setting.contextual.map(keyOf));
  return world.stored.some(({ tuple }) => keys.has(keyOf(tuple)));
}

function tuplesetsOf(rewrite: PlainRewrite): string[] {
  if ('tupleToUserset' in rewrite) return [rewrite.tupleToUserset.tupleset.relation];
  if ('union' in rewrite) return rewrite.union.child.flatMap(tuplesetsOf);
  if ('intersection' in rewrite) return rewrite.intersection.child.flatMap(tuplesetsOf);
  if ('difference' in rewrite) {
    return [rewrite.difference.base, rewrite.difference.subtract].flatMap(tuplesetsOf);
  }
  return [];
}

/** The tally as text: counts, features in percent, and the table of what was covered. */
export function describe(tally: Tally): string {
  const lines = [
    `${tally.worlds} worlds, ${tally.decisions} decisions: ${tally.allowed} allowed, ${tally.denied} denied, ${tally.errors} errors`,
    `${tally.disagreements} disagreements, ${tally.conservative} conservative (a cycle through negation, denied where the fixpoint allows)`,
    `${tally.tooDeep} refused for their depth`,
    `${tally.eager} refused by a list for an open guard that the answer does not hang on, ${tally.unnamed} left open by a wildcard`,
    `${tally.undefined} questions that a cycle through negation leaves undefined`,
    `${tally.rejectedModels} models made and refused`,
    '',
    'Of all worlds, with',
    ...Object.entries(tally.features).map(
      ([name, count]) => `  ${name.padEnd(34)} ${((100 * count) / tally.worlds).toFixed(0)} %`,
    ),
    '',
    `Relations asked about, by operator and kind of subject: questions (allowed)`,
    `  ${''.padEnd(36)}${subjectKinds.map((kind) => kind.padStart(20)).join('')}`,
    ...allPairs.map(
      (pair) =>
        `  ${pair.padEnd(36)}${subjectKinds.map((kind) => shown(tally, pair, kind)).join('')}`,
    ),
  ];
  return lines.join('\n');
}

function shown(tally: Tally, pair: string, kind: string): string {
  const cell = tally.coverage[`${pair} @ ${kind}`] ?? { asked: 0, allowed: 0 };
  return `${cell.asked} (${cell.allowed})`.padStart(20);
}

/** The cells of the table in which nothing was asked, or nothing was allowed. */
export function neverAllowed(tally: Tally): string[] {
  return allPairs
    .flatMap((pair) => subjectKinds.map((kind) => `${pair} @ ${kind}`))
    .filter((name) => (tally.coverage[name]?.allowed ?? 0) === 0);
}
