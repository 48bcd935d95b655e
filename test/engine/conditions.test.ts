/** Conditions on tuples: met, unmet, unknown and failed, and what the rewrites make of them. */
import { describe, expect, it } from 'vitest';
import { runCases } from './cases.ts';
import { messageOf, World } from './world.ts';

const conditions = `
condition before(hour: int, limit: int) {
  hour < limit
}
condition never(hour: int) {
  hour < 0
}
condition broken(numbers: list<int>) {
  numbers[5] == 1
}
`;

const model = `
type user
type group
  relations
    define member: [user, user with before, group#member with before]
type document
  relations
    define a: [user with before, user:* with before, group#member with before, group#member]
    define b: [user]
    define bad: [user with broken]
    define either: a or b
    define both: a and b
    define only: a but not b
    define less: b but not a
    define two: a or bad
    define parent: [document with before]
    define viewer: b or viewer from parent
${conditions}`;

const guarded = ['document:1#a@user:anne', 'before', { limit: 18 }] as const;

describe('a condition', () => {
  runCases([
    {
      name: 'that is met grants',
      model,
      tuples: [guarded],
      checks: { 'document:1#a@user:anne': 'allowed', 'document:1#less@user:anne': 'denied' },
      question: { context: { hour: 9 } },
    },
    {
      name: 'that is unmet does not',
      model,
      tuples: [guarded],
      checks: { 'document:1#a@user:anne': 'denied' },
      question: { context: { hour: 19 } },
    },
    {
      name: 'takes its stored values before those of the request',
      model,
      tuples: [guarded],
      checks: { 'document:1#a@user:anne': 'denied' },
      question: { context: { hour: 19, limit: 24 } },
    },
    {
      name: 'that cannot be evaluated is an error, unless the rest decides',
      model,
      tuples: [
        guarded,
        ['document:2#a@user:anne', 'before', { limit: 18 }],
        'document:2#b@user:anne',
        'document:3#b@user:anne',
      ],
      checks: {
        'document:1#a@user:anne': 'validation_error',
        'document:1#either@user:anne': 'validation_error',
        'document:1#both@user:anne': 'denied',
        'document:1#only@user:anne': 'validation_error',
        'document:1#less@user:anne': 'denied',
        'document:2#either@user:anne': 'allowed',
        'document:2#both@user:anne': 'validation_error',
        'document:2#only@user:anne': 'denied',
        'document:2#less@user:anne': 'validation_error',
        'document:3#less@user:anne': 'allowed',
        'document:1#a@user:beth': 'denied',
      },
    },
    {
      name: 'A37: that is late among many still grants, direct and along usersets',
      model,
      tuples: [
        ['document:1#a@group:1#member', 'before', { limit: 1 }],
        ['document:1#a@group:2#member', 'before'],
        ['document:1#a@group:3#member', 'before', { limit: 18 }],
        'group:1#member@user:anne',
        'group:2#member@user:anne',
        ['group:3#member@user:anne', 'before', { limit: 10 }],
      ],
      checks: {
        'document:1#a@user:anne': 'allowed',
        'document:1#a@user:beth': 'denied',
        'document:1#a@group:3#member': 'allowed',
        'document:1#a@group:1#member': 'denied',
        'document:1#a@group:2#member': 'validation_error',
      },
      question: { context: { hour: 9 } },
    },
    {
      name: 'A38: gets the context at every hop',
      model,
      tuples: [
        ['document:1#parent@document:2', 'before', { limit: 18 }],
        ['document:2#parent@document:3', 'before', { limit: 18 }],
        'document:3#b@user:anne',
      ],
      checks: { 'document:1#viewer@user:anne': 'allowed', 'document:1#viewer@user:beth': 'denied' },
      question: { context: { hour: 9 } },
    },
    {
      name: 'on the way to somebody makes the answer an error only for who is behind it',
      model,
      tuples: [
        ['document:1#parent@document:2', 'before', { limit: 18 }],
        'document:2#b@user:anne',
        'document:1#b@user:beth',
      ],
      checks: {
        'document:1#viewer@user:anne': 'validation_error',
        'document:1#viewer@user:beth': 'allowed',
        'document:1#viewer@user:carl': 'denied',
      },
    },
    {
      name: 'of a wildcard guards everyone',
      model,
      tuples: [['document:1#a@user:*', 'before', { limit: 18 }]],
      checks: { 'document:1#a@user:anne': 'allowed', 'document:1#a@user:*': 'allowed' },
      question: { context: { hour: 9 } },
    },
    {
      name: 'that the restriction does not name is no condition of this tuple',
      older: {
        model: `
type user
type document
  relations
    define a: [user with never, user]
${conditions}`,
        tuples: [['document:1#a@user:anne', 'never'], 'document:1#a@user:beth'],
      },
      model,
      checks: { 'document:1#a@user:anne': 'denied', 'document:1#a@user:beth': 'denied' },
      question: { context: { hour: -1, limit: 3 } },
    },
    {
      name: 'whose parameters have changed since the tuple was written is not allowed any more',
      older: {
        model: `
type user
type document
  relations
    define a: [user with before]
condition before(day: string) {
  day == 'Monday'
}`,
        tuples: [['document:1#a@user:anne', 'before', { day: 'Monday' }]],
      },
      model,
      checks: { 'document:1#a@user:anne': 'denied' },
      question: { context: { hour: 1, limit: 3 } },
    },
  ]);

  it('that lacks context is named with its tuple and the parameters', async () => {
    const world = await World.open(model, [
      ['document:1#a@group:g#member', 'before', { limit: 1 }],
      'group:g#member@user:anne',
    ]);
    const verdict = world.verdict('document:1#a@user:anne');
    expect(verdict).toEqual({
      kind: 'unknown',
      condition: 'before',
      tuple: 'document:1#a@group:g#member (condition before)',
      parameters: ['hour'],
    });
    await world.close();
  });

  it('that fails is told with its reason', async () => {
    const world = await World.open(model, [['document:1#bad@user:anne', 'broken']]);
    const verdict = world.verdict('document:1#two@user:anne', { context: { numbers: [1] } });
    expect(verdict.kind).toBe('failed');
    expect(messageOf(verdict)).toContain("failed to evaluate relationship condition: 'broken'");
    await world.close();
  });
});
