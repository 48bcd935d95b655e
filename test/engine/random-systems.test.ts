/**
 * Thousands of tiny random models and tuples, with cycles of every kind. Each question is answered
 * by a fresh walk and by one walk that remembers; both must say what two naive evaluators say that
 * remember nothing: the well-founded model of the system, and the rule of the path. The explanation
 * of each must come to the same answer, by proofs that go round no cycle.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createWalk } from '../../src/engine/check.ts';
import { explain } from '../../src/engine/explain.ts';
import type { ExplainNode } from '../../src/engine/explanation.ts';
import type { Model, RelationDefinition, Rewrite } from '../../src/model/model.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  byPath,
  type Fact,
  type Guard,
  objects,
  relations,
  type System,
  wellFounded,
} from './naive.ts';
import { answerOf, modelOf, subjectOf, tupleOf, World } from './world.ts';

const systems = 800;

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

function randomSystem(random: RandomSource, guards: boolean): System {
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
function modelFor(system: System): Model {
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

describe('random systems', () => {
  const tally = { allowed: 0, denied: 0, validation_error: 0, undefined: 0 };

  afterAll(() => {
    // The systems are worth nothing if they do not go everywhere.
    for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(20);
  });

  for (const guards of [false, true]) {
    it(`agree with both naive evaluators${guards ? ', conditions included' : ''}`, async () => {
      const datastore = await openSqlite({ path: ':memory:', clock: systemClock });
      for (let seed = 0; seed < systems; seed++) {
        const random = new RandomSource(seed + (guards ? 1_000_000 : 0));
        const system = randomSystem(random, guards);
        const world = await World.add(datastore, {
          number: seed,
          model: modelFor(system),
          tuples: system.facts.map(textOf),
        });
        compare(world, system, random, `seed ${seed}`);
      }
      await datastore.close();
    });
  }

  function compare(world: World, system: System, random: RandomSource, seed: string): void {
    const subject = random.pick([
      'user:a',
      'user:*',
      `${random.pick(objects)}#${random.pick(relations)}`,
    ]);
    const certain = wellFounded(system, subject, { errors: false });
    const possible = wellFounded(system, subject, { errors: true });
    const questions = random.shuffled(
      objects.flatMap((object) => relations.map((relation) => `${object}#${relation}`)),
    );
    world.view((reader, model) => {
      const request = {
        subject: subjectOf(subject),
        contextualTuples: [],
        context: {},
        now: 0,
        depthMax: 60,
      };
      const shared = createWalk(reader, model, request);
      for (const question of questions) {
        const { object, relation } = tupleOf(`${question}@${subject}`);
        const expected = expectedOf(question, certain, possible);
        const what = `${seed}: ${question}@${subject}`;
        const fresh = createWalk(reader, model, request);
        expect(answerOf(fresh.check(object, relation)), `${what}, alone`).toBe(expected);
        expect(answerOf(shared.check(object, relation)), `${what}, shared`).toBe(expected);
        tally[expected]++;
        const { outcome, tree } = explain(reader, model, { ...request, object, relation });
        expect(outcome === 'conditional' ? 'validation_error' : outcome, what).toBe(expected);
        expect(provedByItself(tree), `${what}, proved by itself`).toBe(false);
        const low = byPath(system, subject, question, { errors: false });
        const high = byPath(system, subject, question, { errors: true });
        if (low === 2) expect(expected, `${what}, by path`).toBe('allowed');
        if (high === 0) expect(expected, `${what}, by path`).toBe('denied');
        if (low === 1 || high === 1) tally.undefined++;
      }
    });
  }
});

/** What is true rests on what is true; a denial may well name again what it was asked for. */
function provedByItself({ value, end, children }: ExplainNode): boolean {
  return value === 'true' && (end === 'cycle' || children.some(provedByItself));
}

function expectedOf(question: string, certain: ReadonlySet<string>, possible: ReadonlySet<string>) {
  if (certain.has(question)) return 'allowed';
  return possible.has(question) ? 'validation_error' : 'denied';
}

function textOf(fact: Fact) {
  const key = `${fact.object}#${fact.relation}@${fact.subject}`;
  if (fact.guard.length === 0) return key;
  const [x] = fact.guard;
  return [key, 'given', x === undefined ? {} : { x }] as const;
}
