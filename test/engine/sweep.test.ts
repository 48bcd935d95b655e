/**
 * Sweeps answer as the walk does: over random folders and groups in folders and groups, in circles
 * and by long ways too, at every depth limit, with conditions and contextual tuples, one check alone
 * and many of one walk.
 */
import { afterEach, expect, test } from 'vitest';
import { createWalk } from '../../src/engine/check.ts';
import { sideSizes } from '../../src/engine/sides.ts';
import { answerOf, type TupleText, tupleOf, World } from './world.ts';

const sizes = { ...sideSizes };
afterEach(() => void Object.assign(sideSizes, sizes));

const model = `
type user
type group
  relations
    define owner: [user]
    define member: [user, user:*, group#member, group#member with open] or owner
type folder
  relations
    define parent: [folder, folder with open]
    define owner: [user, group#owner]
    define editor: [user, group#member] or owner or editor from parent
    define viewer: [user, user with open, group#member, folder#editor] or editor or viewer from parent
type document
  relations
    define parent: [folder]
    define viewer: [user, group#member] or viewer from parent or owner from parent

condition open(now_open: bool) {
  now_open
}`;

/** A generator of whole numbers below a bound, the same ones for the same seed. */
function picker(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const few = 5;

function randomTuple(pick: (bound: number) => number): TupleText {
  const user = () => `user:u${pick(3)}`;
  const group = () => `group:g${pick(few)}`;
  const folder = () => `folder:f${pick(few)}`;
  const document = () => `document:d${pick(2)}`;
  const makes: (() => TupleText)[] = [
    () => `${group()}#member@${group()}#member`,
    () => `${group()}#member@${group()}#member`,
    () => [`${group()}#member@${group()}#member`, 'open'],
    () => `${group()}#member@${pick(6) === 0 ? 'user:*' : user()}`,
    () => `${group()}#owner@${user()}`,
    () => `${folder()}#parent@${folder()}`,
    () => `${folder()}#parent@${folder()}`,
    () => [`${folder()}#parent@${folder()}`, 'open'],
    () => `${folder()}#owner@${group()}#owner`,
    () => `${folder()}#editor@${group()}#member`,
    () => `${folder()}#viewer@${folder()}#editor`,
    () => `${folder()}#viewer@${user()}`,
    () => [`${folder()}#viewer@${user()}`, 'open'],
    () => `${document()}#parent@${folder()}`,
    () => `${document()}#parent@${folder()}`,
    () => `${document()}#viewer@${group()}#member`,
  ];
  return (makes[pick(makes.length)] as () => TupleText)();
}

const questions = [
  'document:d0#viewer',
  'document:d1#viewer',
  'folder:f0#viewer',
  'folder:f1#editor',
];
const asked = [...questions, 'group:g0#member', 'document:d0#viewer'].flatMap((question) =>
  ['u0', 'u1', 'u2', '*', 'nobody'].map((user) => tupleOf(`${question}@user:${user}`)),
);

interface Answers {
  /** Of walks of one check. */
  readonly alone: readonly string[];
  /** Of the same questions to walks of many checks. */
  readonly shared: readonly string[];
}

function answersOf(world: World, contextual: readonly TupleText[], depthMax: number): Answers {
  const contextualTuples = contextual.map((text) => tupleOf(text));
  const alone: string[] = [];
  const shared: string[] = [];
  world.view((reader, compiled) => {
    for (const context of [{}, { now_open: true }, { now_open: false }]) {
      const walks = new Map<string, ReturnType<typeof createWalk>>();
      for (const { object, relation, subject } of asked) {
        const make = () =>
          createWalk(reader, compiled, { subject, contextualTuples, context, now: 0, depthMax });
        const walk = walks.get(subject.id) ?? make();
        walks.set(subject.id, walk);
        const text = `${object.type}:${object.id}#${relation}@${subject.id}`;
        const say = (by: ReturnType<typeof createWalk>) =>
          `${JSON.stringify(context)} ${text} ${answerOf(by.check(object, relation))}`;
        alone.push(say(make()));
        shared.push(say(walk));
      }
    }
  });
  return { alone, shared };
}

test.each([1, 2, 3, 4])('random worlds, seed %i: sweeps and walks agree', async (seed) => {
  const pick = picker(seed);
  for (let round = 0; round < 12; round++) {
    const tuples = new Map<string, TupleText>();
    for (let i = pick(30); i >= 0; i--) {
      const tuple = randomTuple(pick);
      tuples.set(typeof tuple === 'string' ? tuple : tuple[0], tuple);
    }
    const world = await World.open(model, [...tuples.values()]);
    const contextual = pick(2) === 0 ? [] : [randomTuple(pick)];
    sideSizes.wideFrom = [1, 2, Number.POSITIVE_INFINITY][pick(3)] as number;
    const unlimited = answersOf(world, contextual, 100).alone;
    for (const depthMax of [1, 2, 3, 5, 25]) {
      sideSizes.sweptMax = 0;
      const walked = answersOf(world, contextual, depthMax);
      sideSizes.sweptMax = [2, 1_000, 1_000][pick(3)] as number;
      const swept = answersOf(world, contextual, depthMax);
      const named = `round ${round}, depth ${depthMax}`;
      expect(swept.alone, named).toEqual(walked.alone);
      // What a walk has met before may spare it the way that is too long, or an open condition.
      for (const [i, answer] of swept.shared.entries()) {
        if (!/ (allowed|denied)$/.test(answer)) continue;
        expect([swept.alone[i], unlimited[i]], named).toContain(answer);
      }
    }
    await world.close();
  }
});
