// Long work asks every so many steps whether it is still wanted, and breaks off without a trace.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { createWalk } from '../../src/engine/check.ts';
import { expand } from '../../src/engine/expand.ts';
import { explain } from '../../src/engine/explain.ts';
import { listObjects } from '../../src/engine/list-objects.ts';
import { sideSizes } from '../../src/engine/sides.ts';
import { answerOf, type TupleText, tupleOf, World } from './world.ts';

let world: World;
const sizes = { ...sideSizes };

// What is wide is walked here tuple by tuple, so that there is long work to break off.
beforeEach(() => {
  sideSizes.wideFrom = never;
});

afterEach(async () => {
  Object.assign(sideSizes, sizes);
  await world.close();
});

const never = Number.POSITIVE_INFINITY;

const model = `
type user
type group
  relations
    define member: [user]
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
    define banned: [user]
    define shown: ([user] or shown from parent) but not banned
type document
  relations
    define viewer: [group#member]
    define reader: viewer
    define listed: [user] and reader
    define knot: [document#other] and reader
    define other: [document#knot] or reader`;

/** A question of one step, and two more for each group: its tuple, and its own. */
function groups(count: number): TupleText[] {
  return Array.from({ length: count }, (_, i) => `document:1#viewer@group:${i}#member`);
}

const late = new Refusal('deadline_exceeded', 'late');

/** Throws from the so-manieth time on, and counts. */
function interruptAt(most: number) {
  const interrupt = () => {
    interrupt.times++;
    if (interrupt.times >= most) throw late;
  };
  interrupt.times = 0;
  return interrupt;
}

const anne = tupleOf('document:1#viewer@user:anne').subject;
const nothing = { contextualTuples: [], context: {}, now: 0 };

test('a check asks when it has taken its steps, not one before and not one after', async () => {
  const every = limits.interruptSteps;
  world = await World.open(model, [...groups(every), 'group:x#member@user:anne']);
  const timesOf = (relation: string, objects: number) =>
    world.view((reader, compiled) => {
      const interrupt = interruptAt(never);
      const walk = createWalk(reader, compiled, { subject: anne, ...nothing, interrupt });
      for (let i = 0; i < objects; i++) walk.check({ type: 'document', id: '1' }, relation);
      return interrupt.times;
    });
  // 1 + 2 × groups steps, and none by way of `reader`: both are asked of the document at once.
  expect([timesOf('viewer', 1), timesOf('reader', 1)]).toEqual([2, 2]);
  await world.close();
  world = await World.open(model, [...groups((every - 2) / 2), 'group:x#member@user:anne']);
  expect([timesOf('viewer', 1), timesOf('reader', 1)]).toEqual([0, 0]);
  await world.close();
  world = await World.open(model, [...groups(every / 2), 'group:x#member@user:anne']);
  expect(timesOf('viewer', 1)).toBe(1);
});

test('the steps of many small checks add up', async () => {
  const documents = Array.from({ length: limits.interruptSteps }, (_, i) => `${i}`);
  world = await World.open(model, [
    ...documents.map((id): TupleText => `document:${id}#viewer@group:g#member`),
    'group:x#member@user:anne',
  ]);
  world.view((reader, compiled) => {
    const interrupt = interruptAt(never);
    const walk = createWalk(reader, compiled, { subject: anne, ...nothing, interrupt });
    for (const id of documents) walk.check({ type: 'document', id }, 'viewer');
    // Two steps each, and the group once.
    expect(interrupt.times).toBe(2);
  });
});

test('results cached on cancel: a check that is broken off has no verdict, and leaves nothing behind', async () => {
  const count = 5_000;
  world = await World.open(model, [
    ...groups(count),
    'document:1#knot@document:1#other',
    'document:1#other@document:1#knot',
    ...Array.from({ length: count }, (_, i): TupleText => `folder:${i}#parent@folder:${i + 1}`),
    ...Array.from({ length: count }, (_, i): TupleText => `folder:top#parent@folder:x${i}`),
    `group:${count - 1}#member@user:anne`,
    'folder:x7#viewer@user:beth',
    'folder:x7#shown@user:beth',
  ]);
  for (const question of ['document:1#reader', 'document:1#knot', 'folder:top#viewer']) {
    for (const user of ['anne', 'beth']) {
      const { object, relation, subject } = tupleOf(`${question}@user:${user}`);
      world.view((reader, compiled) => {
        const request = { subject, ...nothing };
        const right = answerOf(createWalk(reader, compiled, request).check(object, relation));
        let interrupt = interruptAt(1);
        const walk = createWalk(reader, compiled, { ...request, interrupt: () => interrupt() });
        // So often that a trace of each would fill the stack that a walk may take.
        for (let i = 0; i < limits.checkNestingMax; i++) {
          expect(() => walk.check(object, relation)).toThrow(late);
        }
        for (let times = 1; times < 20; times++) {
          interrupt = interruptAt(times);
          let answer: string;
          try {
            answer = answerOf(walk.check(object, relation));
          } catch (error) {
            expect(error).toBe(late);
            continue;
          }
          expect(answer).toBe(right);
        }
        interrupt = interruptAt(never);
        expect(answerOf(walk.check(object, relation))).toBe(right);
        expect(interrupt.times).toBeLessThan(20);
      });
    }
  }
});

test('what is wide is broken off on the side of the subject, and of the object', async () => {
  Object.assign(sideSizes, sizes);
  const count = limits.interruptSteps + 1;
  const own = Array.from({ length: count }, (_, i): TupleText => `group:x${i}#member@user:anne`);
  const folders = Array.from({ length: count }, (_, i): TupleText[] => [
    `folder:1#parent@folder:y${i}`,
    `folder:y${i}#parent@folder:z`,
  ]);
  world = await World.open(model, [...groups(count), ...own, ...folders.flat()]);
  for (const [object, relation, right] of [
    [{ type: 'document', id: '1' }, 'viewer', 'denied'],
    [{ type: 'folder', id: '1' }, 'viewer', 'denied'],
  ] as const) {
    world.view((reader, compiled) => {
      const ask = (interrupt: () => void) =>
        answerOf(
          createWalk(reader, compiled, { subject: anne, ...nothing, interrupt }).check(
            object,
            relation,
          ),
        );
      const request = interruptAt(1);
      expect(() => ask(request)).toThrow(late);
      // Nothing of what was broken off is remembered.
      expect(() => ask(interruptAt(1))).toThrow(late);
      expect(ask(interruptAt(never))).toBe(right);
    });
  }
});

test('an explanation is broken off wherever it is', async () => {
  const count = 3_000;
  world = await World.open(model, [...groups(count), 'group:x#member@user:anne']);
  world.view((reader, compiled) => {
    const { object } = tupleOf('document:1#listed@user:anne');
    const ask = (interrupt: () => void) =>
      explain(reader, compiled, {
        subject: anne,
        object,
        relation: 'listed',
        ...nothing,
        interrupt,
      });
    const counted = interruptAt(never);
    expect(ask(counted).outcome).toBe('denied');
    for (const times of [1, 2, 4, Math.floor(counted.times / 2), counted.times]) {
      expect(() => ask(interruptAt(times))).toThrow(late);
    }
  });
});

test('one candidate of a list is broken off, and what was found before stands', async () => {
  world = await World.open(model, [
    'document:0#listed@user:anne',
    'document:1#listed@user:anne',
    'document:0#viewer@group:x#member',
    'group:x#member@user:anne',
    ...groups(5_000),
  ]);
  world.view((reader, compiled) => {
    const request = { type: 'document', relation: 'listed', subject: anne, ...nothing };
    const list = listObjects(reader, compiled, { ...request, interrupt: interruptAt(1) });
    const found: string[] = [];
    expect(() => {
      for (const ids of list) found.push(...ids);
    }).toThrow(late);
    expect(found).toEqual(['0']);
    expect([...listObjects(reader, compiled, request)].flat()).toEqual(['0']);
  });
});

test('an expansion of many tuples is broken off', async () => {
  world = await World.open(model, groups(limits.interruptSteps));
  world.view((reader, compiled) => {
    const { object } = tupleOf('document:1#viewer@user:anne');
    const request = { object, relation: 'viewer', contextualTuples: [], now: 0 };
    expect(() => expand(reader, compiled, { ...request, interrupt: interruptAt(1) })).toThrow(late);
    expect(expand(reader, compiled, { ...request, interrupt: interruptAt(2) })).toMatchObject({
      kind: 'users',
    });
  });
});
