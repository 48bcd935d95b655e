// The answers that the bench's workloads know by construction are the oracle's, on small worlds.
import { describe, expect, test } from 'vitest';
import { workloads } from '../../bench/workloads/all.ts';
import { foldersOf } from '../../bench/workloads/folders.ts';
import { groupsOf } from '../../bench/workloads/groups.ts';
import type { Workload, World } from '../../bench/workloads/workload.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { type PlainModel, type PlainTuple, typeOf } from '../oracle/facts.ts';
import { Oracle } from '../oracle/oracle.ts';

const asked = 60;
const listed = 6;

async function oracleOf(world: World, context: JsonObject) {
  const model = (await modelFromDsl(world.model)) as PlainModel;
  const stored = [...world.tuples()] as PlainTuple[];
  const objects = new Set(
    stored.flatMap(({ object, subject }) => [object, subject.split('#')[0] as string]),
  );
  const known = [...objects].filter((name) => !name.endsWith(':*'));
  const oracle = new Oracle({ model, stored, contextual: [], context }, known);
  const answers = new Map<string, ReturnType<Oracle['ask']>>();
  const holds = (object: string, relation: string, subject: string) => {
    const found = answers.get(subject) ?? oracle.ask(subject);
    answers.set(subject, found);
    return found.outcome(object, relation);
  };
  return { known, holds };
}

const cases: [string, Workload, number][] = [
  ...workloads.map(({ name }, i): [string, Workload, number] => [
    name,
    workloads[i] as Workload,
    400,
  ]),
  ['folders, 5 levels', foldersOf(5), 200],
  ['groups, 5 members', groupsOf(5), 600],
];

describe.each(cases)('%s', (_name, workload, size) => {
  const world = workload.at(size, 7);
  const contextOf = ({ context }: { context?: JsonObject }) => context ?? {};
  const oracle = oracleOf(world, contextOf(Object.values(world.checks)[0]?.[0] ?? {}));

  test.each(Object.keys(world.checks))('checks: %s', async (name) => {
    const { holds } = await oracle;
    const questions = (world.checks[name] ?? []).slice(0, asked);
    expect(questions.length).toBeGreaterThan(0);
    const wrong = questions.filter(
      ({ object, relation, subject, allowed }) =>
        holds(object, relation, subject) !== (allowed ? 'allowed' : 'denied'),
    );
    expect(wrong).toEqual([]);
  });

  test('lists of objects', async () => {
    const { holds, known } = await oracle;
    const lists = [...world.objects.slice(0, listed), world.hugeList].filter((list) => !!list);
    for (const { type, relation, subject, objects } of lists) {
      const allowed = known.filter(
        (object) => typeOf(object) === type && holds(object, relation, subject) === 'allowed',
      );
      expect(allowed.toSorted(), subject).toEqual(objects);
    }
  });

  test('lists of users', async () => {
    const { holds, known } = await oracle;
    for (const { object, relation, kind, users } of world.users.slice(0, listed)) {
      const allowed = known.filter(
        (subject) => typeOf(subject) === kind && holds(object, relation, subject) === 'allowed',
      );
      expect(allowed.toSorted(), object).toEqual(users);
    }
  });

  test('the same seed makes the same world, another one other questions', () => {
    const again = workload.at(size, 7);
    expect([...again.tuples()]).toEqual([...world.tuples()]);
    expect(again.checks).toEqual(world.checks);
    expect(workload.at(size, 8).checks).not.toEqual(world.checks);
  });
});

test('a world has about as many tuples as were asked for', () => {
  for (const workload of workloads) {
    const count = workload.at(100_000, 1).tuples()[Symbol.iterator]();
    let tuples = 0;
    while (count.next().done !== true) tuples++;
    expect(tuples / 100_000, workload.name).toBeGreaterThan(0.75);
    expect(tuples / 100_000, workload.name).toBeLessThan(1.1);
  }
});

test('no question of drive names a subject that the store does not know', () => {
  const world = (workloads[0] as Workload).at(2_000, 3);
  const subjects = new Set([...world.tuples()].map(({ subject }) => subject));
  for (const question of Object.values(world.checks).flat()) {
    expect(subjects.has(question.subject), question.subject).toBe(true);
  }
});
