/**
 * Worlds that both Pemba and SpiceDB can express: one model, stored tuples and contexts, made from a
 * seed. The data is acyclic and shallow, because SpiceDB follows every path of a cycle to its depth
 * limit: each object has a level, and a userset or a parent stands on a higher one than its object.
 */
import { assert } from '../../src/base/assert.ts';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { type PlainModel, type PlainTuple, relationsOf, typeOf } from '../oracle/facts.ts';
import { type Flavour, randomModel } from '../oracle/random-model.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { isValidModel } from '../oracle/valid-model.ts';
import { keyOf, randomTuple, type World } from '../oracle/world.ts';
import { isExpressible, isWritable } from './schema.ts';

/** Ids that SpiceDB takes too: letters, digits and `/ _ | - = +`. */
const idPool = [
  ...['1', '2', '3', 'anne', 'beth'],
  ...['A', 'a', '0', '00', 'a/b', 'a|b', 'a=b', '-1', '__proto__', 'constructor', 'null', 'viewer'],
];

/** Well-typed, an integer sometimes as text: what is ill-typed is an error, told in other words. */
const values: Readonly<Record<string, readonly JsonValue[]>> = {
  x: [1, 0, 2, '1'],
  a: [1, 2],
  b: [1, 2, '3'],
  name: ['anne', 'beth', ''],
  names: [[], ['anne'], ['beth', 'anne']],
  p: [true, false],
  q: [true, false],
};

/** SpiceDB stops 50 dispatches deep; a level costs it the hop and the relations computed on the way. */
const levels = 6;
const tuplesMax = 40;
const drawsMax = 600;

/** One seed for each world, far from those of its neighbours. */
export function worldSeed(seed: number, index: number): number {
  return (Math.imul(seed, 0x01000193) ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
}

export function refereeWorld(seed: number): World {
  const random = new RandomSource(seed);
  const flavour: Flavour = {
    unions: false,
    wildcards: random.chance(0.6),
    recursion: random.chance(0.6),
    conditions: random.chance(0.6),
    kinds: random.chance(0.4),
    oddNames: false,
    knots: random.chance(0.15),
  };
  const model = expressibleModel(random, flavour);
  const types = model.type_definitions.length;
  const ids = random.shuffled(idPool).slice(0, random.between(2, types > 3 ? 2 : 4));
  const stored = acyclicTuples(random, model, ids);
  const contexts = random.chance(0.6) ? 2 : 1;
  return {
    models: [model],
    stored: stored.map((tuple) => ({ tuple, model: 0, deleted: false })),
    settings: Array.from({ length: contexts }, () => ({
      model: 0,
      contextual: [],
      context: randomContext(random),
    })),
    ids,
  };
}

function expressibleModel(random: RandomSource, flavour: Flavour): PlainModel {
  for (;;) {
    const model = randomModel(random, flavour);
    if (isExpressible(model) && isValidModel(model)) return model;
  }
}

/** ENSURES: along usersets and parents, levels only rise. */
function acyclicTuples(random: RandomSource, model: PlainModel, ids: readonly string[]) {
  const levelOf = new Map<string, number>();
  for (const { type } of model.type_definitions) {
    for (const id of ids) levelOf.set(`${type}:${id}`, random.below(levels));
  }
  const rises = (from: string, to: string) => {
    const [low, high] = [levelOf.get(from), levelOf.get(to)];
    assert(low !== undefined && high !== undefined, 'every object has a level');
    return low < high;
  };
  const tuples = new Map<string, PlainTuple>();
  const wanted = random.between(12, tuplesMax);
  for (let draws = 0; draws < drawsMax && tuples.size < wanted; draws++) {
    const tuple = randomTuple(random, model, ids);
    if (tuple === undefined || tuples.has(keyOf(tuple)) || !isWritable(model, tuple)) continue;
    const next = nextObject(model, tuple);
    if (next === undefined || rises(tuple.object, next)) tuples.set(keyOf(tuple), tuple);
  }
  return [...tuples.values()];
}

/** Where a walk goes on from the tuple: the object of its userset, or the parent. */
function nextObject(model: PlainModel, { relation, subject }: PlainTuple): string | undefined {
  if (subject.includes('#')) return subject.split('#')[0];
  const isParent = relation.startsWith('in_') && !subject.endsWith(':*');
  return isParent && Object.keys(relationsOf(model, typeOf(subject))).length > 0
    ? subject
    : undefined;
}

function randomContext(random: RandomSource): JsonObject {
  const density = random.pick([0, 0.4, 0.8, 1]);
  const given = Object.entries(values).filter(() => random.chance(density));
  const context = Object.fromEntries(given.map(([name, pool]) => [name, random.pick(pool)]));
  return random.chance(0.2) ? { ...context, unheard_of: 1 } : context;
}
