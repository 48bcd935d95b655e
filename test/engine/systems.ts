/** Tiny random models with their tuples: cycles of every kind, wildcards, guards that may be open. */
import { assert } from '../../src/base/assert.ts';
import type { Model, RelationDefinition, Rewrite } from '../../src/model/model.ts';
import type { RandomSource } from '../oracle/random-source.ts';
import { type Fact, type Guard, objects, relations, type System } from './naive.ts';
import { modelOf } from './world.ts';

const scaffold = modelOf(`
type user
type node
  relations
    define p: [node, node with given]
    define r0: [user]
condition given(x: bool) {
  x
}`);

function randomRewrite(random: RandomSource, depth: number): Rewrite {
  const relation = random.pick(relations);
  switch (depth === 0 ? random.below(4) : random.below(8)) {
    case 0:
    case 1:
      return { kind: 'this' };
    case 2:
      return { kind: 'computed', relation };
    case 3:
      return { kind: 'from', tupleset: 'p', relation };
    case 4:
      return { kind: 'intersection', children: children(random, depth) };
    case 5:
    case 6:
      return { kind: 'union', children: children(random, depth) };
    default:
      return {
        kind: 'exclusion',
        base: randomRewrite(random, depth - 1),
        subtract: randomRewrite(random, depth - 1),
      };
  }
}

function children(random: RandomSource, depth: number): Rewrite[] {
  return [randomRewrite(random, depth - 1), randomRewrite(random, depth - 1)];
}

export function randomSystem(random: RandomSource, guards: boolean): System {
  const rewrites = new Map(relations.map((name) => [name, randomRewrite(random, 2)] as const));
  const facts = new Map<string, Fact>();
  const size = random.between(2, 14);
  for (let i = 0; i < size; i++) {
    const object = random.pick(objects);
    const hop = random.chance(0.35);
    const relation = hop ? 'p' : random.pick(relations);
    let subject = random.pick(objects);
    if (!hop) {
      subject = random.chance(0.5)
        ? random.pick(['user:a', 'user:b', 'user:*'])
        : `${subject}#${random.pick(relations)}`;
    }
    const guard: Guard =
      guards && random.chance(0.4) ? [random.pick([true, false, undefined])] : [];
    facts.set(`${object}#${relation}@${subject}`, { object, relation, subject, guard });
  }
  return { rewrites, facts: [...facts.values()] };
}

/** Restrictions that allow every tuple of the system, guarded or not. */
export function modelFor(system: System): Model {
  const node = scaffold.types.get('node');
  assert(node !== undefined, 'the scaffold has the type');
  const shapes = [
    { type: 'user', relation: '', wildcard: false },
    { type: 'user', relation: '', wildcard: true },
    ...relations.map((relation) => ({ type: 'node', relation, wildcard: false })),
  ];
  const definitions = new Map<string, RelationDefinition>(node.relations);
  for (const [name, rewrite] of system.rewrites) {
    const restrictions = shapes.flatMap((shape) => [
      { ...shape, condition: '' },
      { ...shape, condition: 'given' },
    ]);
    definitions.set(name, { name, rewrite, restrictions });
  }
  const types = new Map(scaffold.types).set('node', { name: 'node', relations: definitions });
  return { ...scaffold, types };
}

export function textOf(fact: Fact) {
  const key = `${fact.object}#${fact.relation}@${fact.subject}`;
  if (fact.guard.length === 0) return key;
  const [x] = fact.guard;
  return [key, 'given', x === undefined ? {} : { x }] as const;
}
