/** How often worlds have what `world.ts` promises weights for. */
import type { PlainModel, PlainRestriction, PlainRewrite } from './facts.ts';
import { isLive, keyOf, type Setting, type World } from './world.ts';

export function featuresOf(world: World): Record<string, boolean> {
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
        restrictions.some((restriction) => restriction.wildcard) && takesSetsApart(rewrite),
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
    'tuples that have expired': world.stored.some((each) => !each.deleted && !isLive(each)),
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

/** Whether tuples of the relation itself stand under `and` or `but not`. */
function takesSetsApart(rewrite: PlainRewrite, below = false): boolean {
  if ('this' in rewrite) return below;
  if ('union' in rewrite) return rewrite.union.child.some((child) => takesSetsApart(child, below));
  if ('intersection' in rewrite) {
    return rewrite.intersection.child.some((child) => takesSetsApart(child, true));
  }
  if (!('difference' in rewrite)) return false;
  return [rewrite.difference.base, rewrite.difference.subtract].some((child) =>
    takesSetsApart(child, true),
  );
}
