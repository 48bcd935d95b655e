/** How far and how long a check may go, and that it stops cleanly there. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { createWalk } from '../../src/engine/check.ts';
import { answerOf, messageOf, type TupleText, tupleOf, World } from './world.ts';

const tooComplex = 'authorization_model_resolution_too_complex';

const folders = `
type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
    define banned: [user]
    define shown: viewer but not banned
    define gated: ([user] or gated from parent) but not banned
    define via: hop
    define hop: [user] or via from parent
    define direct: [user]
    define either: direct or viewer
    define never: direct and viewer`;

/** `f1` in `f2` in … in `f<length>`, whose viewer is anne. */
function chain(length: number): TupleText[] {
  const tuples: TupleText[] = [
    `folder:f${length}#viewer@user:anne`,
    `folder:f${length}#gated@user:anne`,
    `folder:f${length}#hop@user:anne`,
  ];
  for (let i = 1; i < length; i++) tuples.push(`folder:f${i}#parent@folder:f${i + 1}`);
  return tuples;
}

describe('depth', () => {
  it('of 25 levels passes, and the next does not', async () => {
    const world = await World.open(folders, chain(26));
    for (const relation of ['viewer', 'gated', 'via', 'hop']) {
      expect(world.check(`folder:f2#${relation}@user:anne`)).toBe('allowed');
      expect(world.check(`folder:f1#${relation}@user:anne`)).toBe(tooComplex);
      expect(world.check(`folder:f1#${relation}@user:anne`, { depthMax: 26 })).toBe('allowed');
      expect(world.check(`folder:f3#${relation}@user:beth`)).toBe('denied');
      expect(world.check(`folder:f1#${relation}@user:beth`)).toBe(tooComplex);
    }
    await world.close();
  });

  it('counts no computed relation, and spares what does not need the deep branch', async () => {
    const world = await World.open(folders, [
      ...chain(40),
      'folder:f1#direct@user:anne',
      'folder:f1#banned@user:carl',
      'folder:f16#viewer@user:dora',
    ]);
    expect(world.check('folder:f16#shown@user:anne')).toBe('allowed');
    expect(world.check('folder:f1#either@user:anne')).toBe('allowed');
    expect(world.check('folder:f1#never@user:beth')).toBe('denied');
    expect(world.check('folder:f1#never@user:anne')).toBe(tooComplex);
    expect(world.check('folder:f1#shown@user:carl')).toBe('denied');
    expect(world.check('folder:f1#shown@user:dora')).toBe('allowed');
    await world.close();
  });

  it('A58: is that of a path, not a sum over siblings', async () => {
    const tuples: TupleText[] = [];
    for (let i = 0; i < 200; i++) {
      tuples.push(`folder:top#parent@folder:${i}`, `folder:${i}#parent@folder:x${i}`);
    }
    tuples.push('folder:x199#viewer@user:anne', 'folder:x199#gated@user:anne');
    const world = await World.open(folders, tuples);
    expect(world.check('folder:top#viewer@user:anne', { depthMax: 5 })).toBe('allowed');
    expect(world.check('folder:top#gated@user:anne', { depthMax: 5 })).toBe('allowed');
    expect(world.check('folder:top#gated@user:beth', { depthMax: 5 })).toBe('denied');
    await world.close();
  });

  it('at which a question was cut off is remembered: nearer, it is asked again', async () => {
    const world = await World.open(folders, chain(27));
    world.view((reader, model) => {
      const { subject } = tupleOf('folder:f1#viewer@user:anne');
      for (const relation of ['viewer', 'gated']) {
        const walk = createWalk(reader, model, {
          subject,
          contextualTuples: [],
          context: {},
          now: 0,
        });
        const answers = ['f1', 'f2', 'f3', 'f4'].map((id) =>
          answerOf(walk.check({ type: 'folder', id }, relation)),
        );
        expect(answers).toEqual([tooComplex, tooComplex, 'allowed', 'allowed']);
      }
    });
    await world.close();
  });

  it('does not outlast the way that was too long, where a shorter one leads to the same', async () => {
    // By way of a, b and c the folder x is too far for y to be asked; x itself leads back to h.
    const world = await World.open(folders, [
      'folder:h#parent@folder:a',
      'folder:a#parent@folder:b',
      'folder:b#parent@folder:c',
      'folder:c#parent@folder:x',
      'folder:x#parent@folder:h',
      'folder:x#parent@folder:y',
      'folder:h#parent@folder:x',
      'folder:y#gated@user:anne',
    ]);
    expect(world.check('folder:h#gated@user:anne', { depthMax: 5 })).toBe('allowed');
    expect(world.check('folder:h#gated@user:beth', { depthMax: 6 })).toBe('denied');
    await world.close();
  });

  it('does not stop a dense ring of groups, where everything is near', async () => {
    const tuples: TupleText[] = [];
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 40; j++) {
        if (i !== j) tuples.push(`folder:r${i}#parent@folder:r${j}`);
      }
    }
    const world = await World.open(folders, tuples);
    expect(world.check('folder:r0#viewer@user:anne')).toBe('denied');
    await world.close();
  });
});

describe('steps', () => {
  it('end the whole check, even beside a true, and leave the walk usable', async () => {
    const tuples: TupleText[] = ['folder:small#viewer@user:anne'];
    for (let i = 0; i < 50; i++) tuples.push(`folder:wide#parent@folder:${i}`);
    const world = await World.open(folders, tuples);
    world.view((reader, model) => {
      const { subject } = tupleOf('folder:f1#viewer@user:anne');
      const request = { subject, contextualTuples: [], context: {}, now: 0, stepsMax: 10 };
      for (const relation of ['viewer', 'gated']) {
        const walk = createWalk(reader, model, request);
        const verdict = walk.check({ type: 'folder', id: 'wide' }, relation);
        expect(answerOf(verdict)).toBe(tooComplex);
        expect(messageOf(verdict)).toContain('10');
        // Broken off is not answered: the second time it must not pass for a cycle.
        expect(answerOf(walk.check({ type: 'folder', id: 'wide' }, relation))).toBe(tooComplex);
        expect(answerOf(walk.check({ type: 'folder', id: 'small' }, 'viewer'))).toBe('allowed');
        expect(answerOf(walk.check({ type: 'folder', id: 'small' }, 'gated'))).toBe('denied');
      }
    });
    await world.close();
  });
});

describe('the JavaScript stack', () => {
  /** r0 is r1 is … is r<length>, in one of several manners. */
  function longModel(length: number, define: (i: number) => string): string {
    const lines = Array.from({ length }, (_, i) => `    define r${i}: ${define(i)}`);
    return `
type user
type node
  relations
    define banned: [user]
${lines.join('\n')}
    define r${length}: [user]`;
  }

  const manners: Record<string, (i: number) => string> = {
    computed: (i) => `r${i + 1}`,
    union: (i) => `[user] or r${i + 1}`,
    exclusion: (i) => `r${i + 1} but not banned`,
    recursion: (i) => `[user, node#r${i}] or r${i + 1}`,
    knot: (i) => `([user, node#r${i}] or r${i + 1}) but not banned`,
  };

  for (const [name, define] of Object.entries(manners)) {
    it(`A51: is safe from a long chain of relations on one object (${name})`, async () => {
      for (const length of [20, 120, 1_500]) {
        const world = await World.open(longModel(length, define), [`node:a#r${length}@user:anne`]);
        const expected = length > limits.checkNestingMax ? tooComplex : 'allowed';
        if (length === 20 || length > limits.checkNestingMax) {
          expect(world.check('node:a#r0@user:anne'), String(length)).toBe(expected);
        } else {
          expect([tooComplex, 'allowed']).toContain(world.check('node:a#r0@user:anne'));
        }
        await world.close();
      }
    });
  }

  it('is safe from a depth limit that somebody set too high', async () => {
    const world = await World.open(folders, chain(3_000));
    expect(world.check('folder:f1#viewer@user:anne', { depthMax: 5_000 })).toBe('allowed');
    expect(world.check('folder:f1#gated@user:anne', { depthMax: 5_000 })).toBe(tooComplex);
    await world.close();
  });
});
