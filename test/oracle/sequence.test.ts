/** Several clients at once agree with the oracle; and a history that nothing explains is refused. */
import { describe, expect, test } from 'vitest';
import type { Answer } from './asked.ts';
import type { PlainModel } from './facts.ts';
import { History } from './history.ts';
import { type Read, verify } from './read-at-revision.ts';
import { sequenceFault } from './sequence.ts';
import { emptyTally } from './tally.ts';
import type { World } from './world.ts';

/** Enough for files and memory; the long run is `npm run random`. */
const sequencesInTest = 12;

test('every answer is that of the revision which its token names', async () => {
  const tally = emptyTally();
  for (let seed = 1; seed <= sequencesInTest; seed++) {
    expect(await sequenceFault(seed, false, tally)).toBeUndefined();
  }
  expect(tally.sequences).toBe(sequencesInTest);
  expect(tally.allowed).toBeGreaterThan(0);
});

const model: PlainModel = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'doc',
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
    },
  ],
};
const setting = { model: 0, contextual: [], context: {} };
const world: World = { models: [model], stored: [], settings: [setting], ids: ['1', 'anne'] };
const tuple = {
  object: { type: 'doc', id: '1' },
  relation: 'viewer',
  subject: { type: 'user', id: 'anne', relation: '' },
  condition: undefined,
};

/** A model, then a tuple, then the same tuple deleted. */
function historyOf(...results: [number, number, number]): History {
  const history = new History();
  const choices = { onDuplicate: 'error', onMissing: 'error' } as const;
  history.submit({ kind: 'model', id: 'm', model }).result = results[0];
  const written = { writes: [tuple], deletes: [], ...choices };
  history.submit({ kind: 'tuples', write: written }).result = results[1];
  const deleted = { writes: [], deletes: [tuple], ...choices };
  history.submit({ kind: 'tuples', write: deleted }).result = results[2];
  return history;
}

function readOf(answer: Answer, revision: number, more: Partial<Read> = {}): Read {
  return {
    way: 'check',
    asked: [{ object: 'doc:1', relation: 'viewer', subject: 'user:anne', setting: 0 }],
    answers: [answer],
    setting,
    modelId: '',
    least: 0,
    held: [],
    newest: false,
    models: [],
    revisions: [revision],
    readsBefore: 0,
    from: 0,
    to: 3,
    ...more,
  };
}

describe('a history', () => {
  const held = (...reads: Read[]) => {
    const tally = emptyTally();
    verify({ world, source: 'storage', history: historyOf(1, 2, 3), reads, refused: [] }, tally);
    return tally.decisions;
  };

  test('explains the answers of each revision', () => {
    expect(held(readOf('denied', 1), readOf('allowed', 2), readOf('denied', 3))).toBe(3);
  });

  test('does not explain an answer by another model', () => {
    expect(held(readOf('allowed', 2, { models: ['m'] }))).toBe(1);
    expect(() => held(readOf('allowed', 2, { models: ['n'] }))).toThrow('by model n, not m');
  });

  test('does not explain the answer of another revision', () => {
    expect(() => held(readOf('allowed', 3))).toThrow('allowed, not denied');
    expect(() => held(readOf('denied', 2))).toThrow('denied, not allowed');
  });

  test('does not explain a read from before what was acknowledged', () => {
    expect(() => held(readOf('allowed', 2, { from: 3 }))).toThrow('names revision 2');
  });

  test('does not explain a read from before its token', () => {
    expect(() => held(readOf('allowed', 2, { least: 3 }))).toThrow('asked for 3 at least');
  });

  test('does not explain a revision that storage did not hold', () => {
    expect(held(readOf('allowed', 2, { held: [2] }))).toBe(1);
    expect(() => held(readOf('allowed', 2, { held: [3] }))).toThrow('held revision 3, and names 2');
  });

  test('does not explain a revision that goes back', () => {
    const later = readOf('allowed', 2, { readsBefore: 1 });
    expect(() => held(readOf('denied', 3), later)).toThrow('names revision 2');
  });

  test('does not explain a read from after all that had begun', () => {
    expect(() => held(readOf('denied', 3, { to: 2 }))).toThrow('names revision 3');
  });

  test('does not explain a revision that was taken twice, or left out', () => {
    expect(() => historyOf(1, 1, 2).states()).toThrow('came to 1, not 2');
    expect(() => historyOf(1, 3, 4).states()).toThrow('came to 3, not 2');
  });
});
