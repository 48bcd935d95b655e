/**
 * Thousands of tiny random models and tuples, with cycles of every kind. Each question is answered
 * by a fresh walk and by one walk that remembers; both must say what two naive evaluators say that
 * remember nothing: the well-founded model of the system, and the rule of the path. The explanation
 * of each must come to the same answer, by proofs that go round no cycle.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createWalk } from '../../src/engine/check.ts';
import { explain } from '../../src/engine/explain.ts';
import type { ExplainNode } from '../../src/engine/explanation.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { byPath, objects, relations, type System, wellFounded } from './naive.ts';
import { modelFor, randomSystem, textOf } from './systems.ts';
import { answerOf, subjectOf, tupleOf, World } from './world.ts';

const systems = 800;

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
