/**
 * Worlds: a store in small, made from a seed. At most 6 types, 6 relations a type, 40 tuples and 5
 * ids, so that collisions, cycles and overlaps are common and every question can be asked. Of all
 * worlds, at least 30 % have wildcards under `and` or `but not`, recursion, and conditions on usersets and
 * arrows; at least 20 % several kinds of subject of one type, contextual tuples that repeat, shadow
 * or contradict stored ones, and a model that changed after tuples were written. Some have a crowd
 * of subjects besides, or a neighbour store; in half of them tuples expire.
 */
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { firstRunLength } from '../../src/storage/sqlite/snapshot.ts';
import {
  counts,
  type PlainCondition,
  type PlainModel,
  type PlainTuple,
  type Question,
  typeOf,
} from './facts.ts';
import { expiring } from './random-expiry.ts';
import { changedModel, type Flavour, randomModel } from './random-model.ts';
import { RandomSource } from './random-source.ts';

/** Written after the model of this index, before the next one. */
export interface StoredTuple {
  readonly tuple: PlainTuple;
  readonly model: number;
  /** At the end it is deleted. */
  readonly deleted: boolean;
  /** At the end it is deleted, unless it has expired, and written again. */
  readonly rewritten?: boolean;
  /** When it expires, as it was written first: by when questions are asked, or just after. */
  readonly expires?: 'before' | 'after';
}

/** Whether it is there when questions are asked. */
export function isLive({ deleted, expires, rewritten = false }: StoredTuple): boolean {
  return !deleted && (expires !== 'before' || rewritten);
}

/** What a request brings along: the model it names, its contextual tuples and its context. */
export interface Setting {
  /** Index into the world's models. */
  readonly model: number;
  readonly contextual: readonly PlainTuple[];
  readonly context: JsonObject;
  /** Asked of in batches alone, of a few subjects: it is there to be mistaken for another one. */
  readonly brief?: true;
}

export interface World {
  /** In the order in which they are written. */
  readonly models: readonly PlainModel[];
  readonly stored: readonly StoredTuple[];
  readonly settings: readonly Setting[];
  /** What questions are about, for every type of every model. */
  readonly ids: readonly string[];
  /**
   * Whether another store holds the same models and most of the tuples, in another order. Its integers
   * mean something else and it answers differently, so a read that strays into it is seen.
   */
  readonly neighbour?: boolean;
}

const plainIds = ['1', '2', '3', 'anne', 'beth'];

/** Delimiters, quotes, right-to-left, zero width, names of properties, long ones. */
const oddIds = [
  ...['a/b', 'a;b', 'a@b', 'a=b', '"q"', "it's", 'a\\b', '%2F', '{}', '[1]', '-1', 'viewer'],
  ...['\u05e9\u05dc\u05d5\u05dd', '\u202eabc', 'z\u200bw', '\u{1d4b3}', '\uffee'],
  ...['__proto__', 'constructor', 'null', 'long'.repeat(50)],
];

/** What a careless comparison takes for the same: case, normal forms, folding, numbers, delimiters. */
const twinIds = [
  ['a', 'A'],
  ['\u00e9', 'e\u0301'],
  ['\u00df', 'ss'],
  ['0', '00'],
  ['a|b', 'a,b'],
  ['x', 'x\u200b'],
] as const;

/**
 * REQUIRES: `valid` says whether the server takes a model. `rejected` is called for each it does not.
 * `crowds`: of the worlds that could have a crowd, so many do.
 */
export function randomWorld(
  seed: number,
  valid: (model: PlainModel) => boolean,
  rejected: () => void,
  crowds = 0.2,
): World {
  const random = new RandomSource(seed);
  // Of the seed itself, so that it changes nothing of the worlds that are not.
  const unions = seed % 4 === 1;
  const flavour: Flavour = {
    unions,
    wildcards: random.chance(0.5),
    recursion: random.chance(0.5),
    conditions: random.chance(0.6),
    kinds: random.chance(0.4),
    oddNames: random.chance(0.15),
    knots: random.chance(0.25) && !unions,
  };
  const models = randomModels(random, flavour, valid, rejected);
  const ids = randomIds(random);
  const written = randomTuples(random, models, ids);
  const stored = random.chance(0.5) ? expiring(random, models, written) : written;
  const settings = randomSettings(random, models, stored, ids);
  const neighbour = random.chance(0.2);
  const world = { models, stored, settings, ids, neighbour };
  if (random.chance(0.2)) return movedToContext(random, world);
  return random.chance(crowds) ? crowded(random, world) : world;
}

/**
 * The world with a crowd in one relation of one object, more than storage reads at once: objects
 * that nobody asks about, and after them those of the world.
 */
function crowded(random: RandomSource, world: World): World {
  const [model] = world.models as [PlainModel];
  // Whom a list names stands in a crowd himself as often as behind one of its members.
  const isPlain = random.chance(0.4);
  const leads = ({ subject, relation }: PlainTuple) =>
    isPlain ? !subject.endsWith(':*') : subject.includes('#') || relation.startsWith('in_');
  const drawn = Array.from({ length: 20 }, () => randomTuple(random, model, world.ids));
  const able = drawn.filter((tuple) => tuple !== undefined).filter(leads);
  // Where members have conditions, each is its own.
  const first = able.find(({ condition }) => condition !== undefined) ?? able[0];
  if (first === undefined) return world;
  const { condition, subject } = first;
  const [type, relation] = [typeOf(subject), subject.split('#')[1]];
  const member = (id: string): World['stored'][number] => {
    const fresh = condition && { condition: guarded(random, model, condition.name) };
    const suffix = relation === undefined ? '' : `#${relation}`;
    const tuple = { ...first, ...fresh, subject: `${type}:${id}${suffix}` };
    return { tuple, model: 0, deleted: false };
  };
  const size = random.between(firstRunLength - 4, firstRunLength + 1);
  const crowd = Array.from({ length: size }, (_, index) => member(`crowd${index}`));
  const present = new Set(world.stored.map(({ tuple }) => keyOf(tuple)));
  const ours = world.ids
    .map(member)
    .filter(({ tuple }) => !present.has(keyOf(tuple)) && !isImplicit(tuple));
  return { ...world, stored: [...crowd, ...ours, ...world.stored] };
}

function randomIds(random: RandomSource): string[] {
  const count = random.pick([2, 2, 2, 3, 3, 4]);
  if (random.chance(0.5)) return random.shuffled(plainIds).slice(0, count);
  const twins = random.chance(0.6) ? random.pick(twinIds) : [];
  return [...twins, ...random.shuffled(oddIds)].slice(0, count);
}

/**
 * The world with some of its stored tuples given as contextual ones instead, in its first setting:
 * every answer is the same.
 */
export function movedToContext(random: RandomSource, world: World): World {
  const setting = world.settings[0] as Setting;
  const model = world.models[setting.model] as PlainModel;
  const taken = new Set(setting.contextual.map(keyOf));
  const moved = world.stored.filter(
    (entry) =>
      isLive(entry) &&
      !taken.has(keyOf(entry.tuple)) &&
      counts(model, entry.tuple) &&
      random.chance(0.4),
  );
  const contextual = [...setting.contextual, ...moved.map(({ tuple }) => tuple)];
  return {
    ...world,
    stored: world.stored.filter((entry) => !moved.includes(entry)),
    settings: [{ ...setting, contextual }],
  };
}

function randomModels(
  random: RandomSource,
  flavour: Flavour,
  valid: (model: PlainModel) => boolean,
  rejected: () => void,
): PlainModel[] {
  const attempt = (make: () => PlainModel) => {
    for (;;) {
      const model = make();
      if (valid(model)) return model;
      rejected();
    }
  };
  const first = attempt(() => randomModel(random, flavour));
  if (!random.chance(0.45)) return [first];
  return [first, attempt(() => changedModel(random, flavour, first))];
}

function randomTuples(
  random: RandomSource,
  models: readonly PlainModel[],
  ids: readonly string[],
): World['stored'] {
  const stored = new Map<string, World['stored'][number]>();
  for (const [index, model] of models.entries()) {
    const most = Math.floor(40 / models.length);
    const wanted = random.between(Math.ceil(most / 2), most);
    for (let made = 0; made < wanted; made++) {
      const tuple = randomTuple(random, model, ids);
      if (tuple === undefined || isImplicit(tuple) || stored.has(keyOf(tuple))) continue;
      stored.set(keyOf(tuple), { tuple, model: index, deleted: random.chance(0.05) });
    }
  }
  return [...stored.values()];
}

/** A tuple that may be written under the model; undefined where no relation takes any. */
export function randomTuple(
  random: RandomSource,
  model: PlainModel,
  ids: readonly string[],
): PlainTuple | undefined {
  const places = model.type_definitions.flatMap(({ type, metadata }) =>
    Object.entries(metadata?.relations ?? {}).flatMap(
      ([relation, { directly_related_user_types }]) =>
        (directly_related_user_types ?? []).length === 0
          ? []
          : [{ type, relation, restrictions: directly_related_user_types ?? [] }],
    ),
  );
  if (places.length === 0) return undefined;
  const place = random.pick(places);
  const restriction = random.pick(place.restrictions);
  const id = restriction.wildcard ? '*' : random.pick(ids);
  const suffix = restriction.relation ? `#${restriction.relation}` : '';
  const key = {
    object: `${place.type}:${random.pick(ids)}`,
    relation: place.relation,
    subject: `${restriction.type}:${id}${suffix}`,
  };
  const sameType = place.restrictions.filter(({ type }) => type === restriction.type);
  const name = (random.chance(0.8) ? restriction : random.pick(sameType)).condition;
  const tuple = name === undefined ? key : { ...key, condition: guarded(random, model, name) };
  return counts(model, tuple) ? tuple : undefined;
}

function guarded(random: RandomSource, model: PlainModel, name: string) {
  const condition = model.conditions?.[name] as PlainCondition;
  const given = Object.keys(condition.parameters).filter(() => random.chance(0.4));
  return { name, context: Object.fromEntries(given.map((key) => [key, randomValue(random, key)])) };
}

const values: Readonly<Record<string, readonly JsonValue[]>> = {
  x: [1, 1, 0, 2, '1', '0'],
  a: [1, 2],
  b: [1, 2, '3'],
  name: ['anne', 'beth', ''],
  names: [[], ['anne'], ['beth', 'anne'], ['anne', 'beth'], ['anne,beth']],
  p: [true, false],
  q: [true, false],
};
const wrongValues: readonly JsonValue[] = ['one', 1.5, null, [1], { x: 1 }];

function randomValue(random: RandomSource, parameter: string): JsonValue {
  return random.pick(values[parameter] as readonly JsonValue[]);
}

/** How many of a world's settings are brief. */
const briefSettings = 4;

/** What may make a setting another one than that before it, and how often. */
const changes = { all: 20, context: 10, contextual: 20, guards: 30, spelling: 20 };
const smallChanges: typeof changes = {
  all: 0,
  context: 10,
  contextual: 10,
  guards: 40,
  spelling: 40,
};

/** Some are those before them, but for one thing that could change an answer. */
function randomSettings(
  random: RandomSource,
  models: readonly PlainModel[],
  stored: World['stored'],
  ids: readonly string[],
): Setting[] {
  const settings: Setting[] = [];
  for (let more = random.between(1, 3); more > 0; more--) {
    const fresh = randomSetting(random, models, stored, ids);
    const before = settings.at(-1);
    settings.push(
      before === undefined ? fresh : changedSetting(random, models, before, fresh, changes),
    );
  }
  const whole = [...settings];
  for (let more = briefSettings; more > 0; more--) {
    const fresh = randomSetting(random, models, stored, ids);
    const changed = changedSetting(random, models, random.pick(whole), fresh, smallChanges);
    settings.push({ ...changed, brief: true });
  }
  return settings;
}

function changedSetting(
  random: RandomSource,
  models: readonly PlainModel[],
  before: Setting,
  fresh: Setting,
  weights: typeof changes,
): Setting {
  const model = models[before.model] as PlainModel;
  switch (random.weighted(weights)) {
    case 'all':
      return fresh;
    case 'context':
      return { ...before, context: fresh.context };
    case 'spelling':
      return { ...before, context: respelt(random, model, before.context) };
    case 'contextual':
      return fresh.model === before.model ? { ...before, contextual: fresh.contextual } : fresh;
    case 'guards': {
      const own = random.chance(0.5);
      const contextual = before.contextual.map((tuple) =>
        own ? guardedAgain(random, model, tuple) : again(random, model, tuple),
      );
      return { ...before, contextual: contextual.filter((tuple) => counts(model, tuple)) };
    }
  }
}

function randomSetting(
  random: RandomSource,
  models: readonly PlainModel[],
  stored: World['stored'],
  ids: readonly string[],
): Setting {
  const model = random.chance(0.8) ? models.length - 1 : random.below(models.length);
  return {
    model,
    contextual: randomContextual(random, models[model] as PlainModel, stored, ids),
    context: randomContext(random),
  };
}

function randomContext(random: RandomSource): JsonObject {
  if (random.chance(0.25)) return {};
  const density = random.pick([0.3, 0.6, 1]);
  const given = Object.keys(values).filter(() => random.chance(density));
  const known = given.map((key): [string, JsonValue] => [
    key,
    random.chance(0.03) ? random.pick(wrongValues) : randomValue(random, key),
  ]);
  return Object.fromEntries(random.chance(0.2) ? [...known, ['unheard_of', 1]] : known);
}

/** The context with one value that a careless key takes for the same. */
function respelt(random: RandomSource, model: PlainModel, context: JsonObject): JsonObject {
  const used = Object.values(model.conditions ?? {}).flatMap((c) => Object.keys(c.parameters));
  const names = used.filter((name) => Object.hasOwn(context, name));
  if (names.length === 0) return context;
  const lists = names.filter((name) => Array.isArray(context[name]));
  const name = random.pick(lists.length > 0 && random.chance(0.7) ? lists : names);
  const value = context[name] as JsonValue;
  return { ...context, [name]: random.chance(0.25) ? [value] : respeltValue(value) };
}

/** A list in one piece or in several, else the text of the value. */
function respeltValue(value: JsonValue): JsonValue {
  if (!Array.isArray(value)) return String(value);
  return value.length > 1 ? [value.join(',')] : value.flatMap((item) => String(item).split(','));
}

/** Fresh tuples, copies of stored ones, and stored ones with another condition. */
function randomContextual(
  random: RandomSource,
  model: PlainModel,
  stored: World['stored'],
  ids: readonly string[],
): PlainTuple[] {
  if (random.chance(0.4)) return [];
  const result: PlainTuple[] = [];
  const wildcards = stored.filter(({ tuple }) => tuple.subject.endsWith(':*'));
  for (let more = random.between(1, 8); more > 0; more--) {
    const known = wildcards.length > 0 && random.chance(0.2) ? wildcards : stored;
    const tuple =
      stored.length > 0 && random.chance(0.5)
        ? again(random, model, random.pick(known).tuple)
        : randomTuple(random, model, ids);
    if (tuple !== undefined && counts(model, tuple)) result.push(tuple);
  }
  // A stored wildcard and one of the context count both: each as it is guarded.
  if (wildcards.length > 0 && random.chance(0.5)) {
    const tuple = again(random, model, random.pick(wildcards).tuple);
    if (counts(model, tuple)) result.push(tuple);
  }
  return result;
}

function again(random: RandomSource, model: PlainModel, tuple: PlainTuple): PlainTuple {
  const { condition: _, ...key } = tuple;
  const names = Object.keys(model.conditions ?? {});
  const own = names.find((name) => name === tuple.condition?.name);
  if (random.chance(0.25)) return tuple;
  if (own !== undefined && random.chance(0.5)) {
    return { ...key, condition: guarded(random, model, own) };
  }
  if (names.length === 0 || random.chance(0.3)) return key;
  return { ...key, condition: guarded(random, model, random.pick(names)) };
}

/** The tuple with another context for the condition that it has. */
function guardedAgain(random: RandomSource, model: PlainModel, tuple: PlainTuple): PlainTuple {
  const { condition } = tuple;
  if (condition === undefined) return tuple;
  return { ...tuple, condition: guarded(random, model, condition.name) };
}

/** `o#r@o#r` holds by itself; the server refuses to write it. */
export function isImplicit(tuple: PlainTuple): boolean {
  return tuple.subject === `${tuple.object}#${tuple.relation}`;
}

export function keyOf(tuple: Question): string {
  return JSON.stringify([tuple.object, tuple.relation, tuple.subject]);
}
