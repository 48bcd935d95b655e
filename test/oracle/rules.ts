/**
 * Metamorphic rules: ways to change a world, or the manner of asking, that must not change any
 * answer, whatever the answer is. They need no oracle, so they hold where it could be wrong too.
 */
import type { Way } from './apis.ts';
import type { Asked } from './asked.ts';
import { counts, type PlainModel, type PlainTuple } from './facts.ts';
import type { RandomSource } from './random-source.ts';
import { renamed } from './renamed.ts';
import { rewrittenModel, withoutNegation } from './rewritten.ts';
import {
  isImplicit,
  isLive,
  keyOf,
  movedToContext,
  randomTuple,
  type Setting,
  type StoredTuple,
  type World,
} from './world.ts';

export interface MetamorphicRule {
  readonly name: string;
  /** The other side; undefined where the rule does not apply. REQUIRES: a world of one setting. */
  other(random: RandomSource, world: World): Other | undefined;
}

export interface Other {
  /** The world to begin with, where the rule needs it to be of some kind. */
  readonly from?: World;
  readonly to: World;
  /** The question about the other world that stands for this one. */
  readonly moved?: (question: Asked) => Asked;
  /** Asked in this way instead. */
  readonly by?: Partial<Record<Way, Way>>;
  /** Asked together with others, in another order. */
  readonly shuffled?: true;
  /** Asked of a service that has nothing in memory. */
  readonly cold?: true;
  /** What has expired is out of storage when it is asked. */
  readonly collected?: true;
  /** What is allowed stays so; what is denied may become allowed. */
  readonly grows?: true;
}

/** The order of the operands of `or`, and other laws of sets, are all under `the model is rewritten`. */
export const rules: readonly MetamorphicRule[] = [
  { name: 'a tuple more takes no access away, without `but not`', other: oneTupleMore },
  { name: 'tuples are written in another order', other: inAnotherOrder },
  { name: 'stored tuples are contextual instead', other: movedIntoContext },
  { name: 'contextual tuples are stored instead', other: movedOutOfContext },
  { name: 'types, relations, conditions and ids have other names', other: renamed_ },
  { name: 'the model is rewritten by the laws of sets', other: rewritten },
  { name: 'the model is written again', other: modelAgain },
  { name: 'contextual tuples repeat others, or stored ones', other: repeated },
  { name: 'there are tuples of other objects, and other relations', other: irrelevant },
  { name: 'tuples are deleted and written again', other: writtenAgain },
  { name: 'other tuples were written and deleted', other: writtenAndDeleted },
  { name: 'tuples expire instead of being deleted', other: expiredInstead },
  { name: 'tuples are to expire later', other: expiringLater },
  { name: 'what has expired is collected', other: collected },
  { name: 'another store holds nearly the same, and is asked first', other: besideAnother },
  { name: 'the context names more, in another order', other: moreContext },
  { name: 'in one batch or one by one', other: oneByOne },
  { name: 'in a stream or at once', other: atOnce },
  { name: 'questions come in another order', other: (_, world) => ({ to: world, shuffled: true }) },
  { name: 'nothing is in memory', other: (_, world) => ({ to: world, cold: true }) },
];

export function settingOf(world: World): Setting {
  return world.settings[0] as Setting;
}

function modelOf(world: World): PlainModel {
  return world.models[settingOf(world).model] as PlainModel;
}

function latestOf(world: World): PlainModel {
  return world.models[world.models.length - 1] as PlainModel;
}

function withSetting(world: World, change: Partial<Setting>): World {
  return { ...world, settings: [{ ...settingOf(world), ...change }] };
}

/** Tuples of the latest model, whose keys no other tuple has. */
function moreTuples(random: RandomSource, world: World, ids = world.ids): PlainTuple[] {
  const taken = new Set(world.stored.map(({ tuple }) => keyOf(tuple)));
  for (const tuple of settingOf(world).contextual) taken.add(keyOf(tuple));
  const made = Array.from({ length: 6 }, () => randomTuple(random, latestOf(world), ids));
  const fresh = made.filter((tuple) => tuple !== undefined && !isImplicit(tuple)) as PlainTuple[];
  return [...new Map(fresh.map((tuple) => [keyOf(tuple), tuple])).values()].filter(
    (tuple) => !taken.has(keyOf(tuple)),
  );
}

function storedLast(world: World, tuple: PlainTuple, deleted = false): StoredTuple {
  return { tuple, model: world.models.length - 1, deleted };
}

function oneTupleMore(random: RandomSource, world: World): Other | undefined {
  const from = { ...world, models: world.models.map(withoutNegation) };
  const [tuple] = moreTuples(random, from);
  if (tuple === undefined) return undefined;
  return { from, to: { ...from, stored: [...from.stored, storedLast(from, tuple)] }, grows: true };
}

/** The order of contextual tuples counts only among those of one key, where the first is taken. */
function inAnotherOrder(random: RandomSource, world: World): Other {
  const stored = world.models.flatMap((_, index) =>
    random.shuffled(world.stored.filter(({ model }) => model === index)),
  );
  const { contextual } = settingOf(world);
  const isUnique = new Set(contextual.map(keyOf)).size === contextual.length;
  const changed = isUnique ? random.shuffled(contextual) : contextual;
  return { to: withSetting({ ...world, stored }, { contextual: changed }) };
}

function movedIntoContext(random: RandomSource, world: World): Other | undefined {
  const to = movedToContext(random, world);
  return settingOf(to).contextual.length > contextualMost ? undefined : { to };
}

const contextualMost = 90;

function movedOutOfContext(_: RandomSource, world: World): Other | undefined {
  const { contextual, model } = settingOf(world);
  const stored = new Set(world.stored.map(({ tuple }) => keyOf(tuple)));
  const once = (tuple: PlainTuple) =>
    contextual.filter((other) => keyOf(other) === keyOf(tuple)).length === 1;
  const moved = contextual.filter(
    (tuple) => !stored.has(keyOf(tuple)) && once(tuple) && !isImplicit(tuple),
  );
  if (moved.length === 0) return undefined;
  const entries = moved.map((tuple) => ({ tuple, model, deleted: false }));
  const to = { ...world, stored: [...world.stored, ...entries] };
  return { to: withSetting(to, { contextual: contextual.filter((t) => !moved.includes(t)) }) };
}

function renamed_(random: RandomSource, world: World): Other {
  const { world: to, moved } = renamed(random, world);
  return { to, moved };
}

function rewritten(random: RandomSource, world: World): Other {
  return { to: { ...world, models: world.models.map((model) => rewrittenModel(random, model)) } };
}

function modelAgain(_: RandomSource, world: World): Other | undefined {
  // It becomes the latest: what is written again must be of it, too.
  const isOfIt = ({ tuple, rewritten }: StoredTuple) =>
    rewritten !== true || counts(modelOf(world), tuple);
  if (!world.stored.every(isOfIt)) return undefined;
  const models = [...world.models, modelOf(world)];
  return { to: withSetting({ ...world, models }, { model: models.length - 1 }) };
}

function repeated(random: RandomSource, world: World): Other | undefined {
  const { contextual } = settingOf(world);
  const taken = new Set(contextual.map(keyOf));
  const copies = world.stored
    .filter((entry) => isLive(entry) && !taken.has(keyOf(entry.tuple)))
    .map(({ tuple }) => tuple)
    .filter((tuple) => counts(modelOf(world), tuple) && random.chance(0.4));
  const again = contextual.filter(() => random.chance(0.5));
  const all = [...contextual, ...random.shuffled([...copies, ...again])];
  return all.length > contextualMost ? undefined : { to: withSetting(world, { contextual: all }) };
}

const strayIds = ['stray1', 'stray2'];

function irrelevant(random: RandomSource, world: World): Other {
  const restrictions = [{ type: 'stray' }, { type: 'stray', wildcard: {} }];
  const stray = {
    type: 'stray',
    relations: { stray: { this: {} } },
    metadata: { relations: { stray: { directly_related_user_types: restrictions } } },
  };
  const models = world.models.map((model) => ({
    ...model,
    type_definitions: random.chance(0.5)
      ? [stray, ...model.type_definitions]
      : [...model.type_definitions, stray],
  }));
  const tuples = [
    { object: 'stray:1', relation: 'stray', subject: 'stray:*' },
    ...moreTuples(random, world, strayIds),
  ];
  const to = { ...world, models };
  return { to: { ...to, stored: [...tuples.map((t) => storedLast(to, t)), ...world.stored] } };
}

function writtenAgain(random: RandomSource, world: World): Other {
  const stored = world.stored.map((entry) =>
    isLive(entry) && counts(latestOf(world), entry.tuple) && random.chance(0.5)
      ? { ...entry, rewritten: true }
      : entry,
  );
  return { to: { ...world, stored } };
}

function writtenAndDeleted(random: RandomSource, world: World): Other {
  const gone = moreTuples(random, world).map((tuple) => storedLast(world, tuple, true));
  return { to: { ...world, stored: [...world.stored, ...gone] } };
}

/** And those that expired are deleted. */
function expiredInstead(_: RandomSource, world: World): Other | undefined {
  const stored = world.stored.map(({ expires, ...entry }): StoredTuple => {
    if (entry.deleted) return { ...entry, deleted: false, expires: 'before' };
    const isGone = expires === 'before' && entry.rewritten !== true;
    if (isGone) return { ...entry, deleted: true };
    return expires === undefined ? entry : { ...entry, expires };
  });
  return world.stored.every(isLive) ? undefined : { to: { ...world, stored } };
}

function expiringLater(random: RandomSource, world: World): Other {
  const stored = world.stored.map((entry): StoredTuple => {
    const { expires, ...plain } = entry;
    if (expires === 'after') return plain;
    return expires === undefined && random.chance(0.5) ? { ...entry, expires: 'after' } : entry;
  });
  return { to: { ...world, stored } };
}

function collected(_: RandomSource, world: World): Other | undefined {
  const hasExpired = world.stored.some(({ expires }) => expires === 'before');
  return hasExpired ? { to: world, collected: true } : undefined;
}

function besideAnother(_: RandomSource, world: World): Other {
  return { to: { ...world, neighbour: world.neighbour !== true } };
}

/** Any context at all is one too many for a condition without parameters. */
function moreContext(_: RandomSource, world: World): Other | undefined {
  const { context } = settingOf(world);
  const conditions = Object.values(modelOf(world).conditions ?? {});
  if (conditions.some(({ parameters }) => Object.keys(parameters).length === 0)) return undefined;
  const reversed = Object.fromEntries(Object.entries(context).toReversed());
  return { to: withSetting(world, { context: { zzz: ['unheard of'], ...reversed } }) };
}

function oneByOne(_: RandomSource, world: World): Other {
  return { to: world, by: { batch: 'check', check: 'batch' } };
}

function atOnce(_: RandomSource, world: World): Other {
  return { to: world, by: { stream: 'objects', objects: 'stream' } };
}
