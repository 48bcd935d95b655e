/** Tuples that lead back to where they came from, along unions and through subtractions. */
import { describe, expect, it } from 'vitest';
import { createWalk } from '../../src/engine/check.ts';
import { runCases } from './cases.ts';
import { type Answer, answerOf, type TupleText, tupleOf, World } from './world.ts';

const groups = `
type user
type group
  relations
    define member: [user, group#member]`;

describe('cycles along unions', () => {
  runCases([
    {
      name: 'give nothing by themselves and take nothing away',
      model: groups,
      tuples: [
        'group:a#member@group:b#member',
        'group:b#member@group:c#member',
        'group:c#member@group:a#member',
        'group:c#member@user:anne',
      ],
      checks: {
        'group:a#member@user:anne': 'allowed',
        'group:b#member@user:anne': 'allowed',
        'group:c#member@user:anne': 'allowed',
        'group:a#member@user:beth': 'denied',
        'group:a#member@group:c#member': 'allowed',
        'group:c#member@group:b#member': 'allowed',
      },
    },
    {
      name: 'a group in itself',
      model: groups,
      older: {
        model: groups,
        tuples: [],
      },
      checks: {
        'group:a#member@user:anne': 'denied',
        'group:a#member@group:a#member': 'allowed',
      },
      question: { contextual: ['group:a#member@group:a#member'] },
    },
    {
      name: 'folders that hold one another',
      model: `
type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
    define seen: viewer`,
      tuples: ['folder:a#parent@folder:b', 'folder:b#parent@folder:a', 'folder:b#viewer@user:anne'],
      checks: {
        'folder:a#seen@user:anne': 'allowed',
        'folder:b#seen@user:anne': 'allowed',
        'folder:a#seen@user:beth': 'denied',
        'folder:a#viewer@folder:a#viewer': 'allowed',
      },
    },
    {
      name: 'relations that are defined by one another, through other objects',
      model: `
type user
type node
  relations
    define next: [node]
    define left: [user] or right from next
    define right: left from next`,
      tuples: ['node:a#next@node:b', 'node:b#next@node:a', 'node:b#left@user:anne'],
      checks: {
        'node:a#right@user:anne': 'allowed',
        'node:b#right@user:anne': 'denied',
        'node:a#left@user:anne': 'denied',
        'node:b#left@user:anne': 'allowed',
      },
    },
  ]);
});

describe('cycles through an intersection', () => {
  runCases([
    {
      name: 'A10: are false, and beat no true in a union',
      model: `
type user
type document
  relations
    define approved: [user]
    define viewer: [user, document#both, document#viewer]
    define both: viewer and approved`,
      tuples: [
        'document:1#viewer@document:1#both',
        'document:1#approved@user:anne',
        'document:2#viewer@document:1#viewer',
        'document:2#viewer@user:anne',
        'document:2#approved@user:anne',
      ],
      checks: {
        'document:1#both@user:anne': 'denied',
        'document:1#viewer@user:anne': 'denied',
        'document:2#viewer@user:anne': 'allowed',
        'document:2#both@user:anne': 'allowed',
      },
    },
  ]);
});

const restricted = `
type user
type document
  relations
    define viewer: [user] but not restricteda
    define restricteda: restrictedb
    define restrictedb: [user, document#viewer]`;

describe('cycles through a subtraction', () => {
  runCases([
    {
      name: 'deny what could only hold if it did not',
      model: restricted,
      tuples: ['document:1#viewer@user:anne', 'document:1#restrictedb@document:1#viewer'],
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:1#restricteda@user:anne': 'denied',
      },
    },
    {
      name: 'leave alone what does not need them',
      model: restricted,
      tuples: [
        'document:1#viewer@user:anne',
        'document:1#restrictedb@document:2#viewer',
        'document:2#restrictedb@document:1#viewer',
        'document:2#viewer@user:beth',
      ],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:2#viewer@user:anne': 'denied',
        'document:2#restricteda@user:anne': 'allowed',
        'document:2#viewer@user:beth': 'allowed',
        'document:1#viewer@user:beth': 'denied',
      },
    },
    {
      name: 'that a false operand cuts',
      model: `
type user
type document
  relations
    define open: [user]
    define viewer: ([user] but not hidden) and open
    define hidden: [user, document#viewer]`,
      tuples: ['document:1#viewer@user:anne', 'document:1#hidden@document:1#viewer'],
      checks: { 'document:1#viewer@user:anne': 'denied', 'document:1#hidden@user:anne': 'denied' },
    },
    {
      name: 'of two that subtract one another',
      model: `
type user
type document
  relations
    define left: [user] but not right
    define right: [user] but not left`,
      tuples: [
        'document:1#left@user:anne',
        'document:1#right@user:anne',
        'document:1#left@user:beth',
      ],
      checks: {
        'document:1#left@user:anne': 'denied',
        'document:1#right@user:anne': 'denied',
        'document:1#left@user:beth': 'allowed',
        'document:1#right@user:beth': 'denied',
      },
    },
  ]);
});

/** Every order of a few questions on one walk, which remembers between them. */
async function inEveryOrder(
  model: string,
  tuples: readonly TupleText[],
  checks: Readonly<Record<string, Answer>>,
): Promise<void> {
  const world = await World.open(model, tuples);
  for (const order of permutations(Object.keys(checks))) {
    const answers = world.view((reader, compiled) => {
      const { subject } = tupleOf(order[0] as string);
      const walk = createWalk(reader, compiled, {
        subject,
        contextualTuples: [],
        context: {},
        now: 0,
      });
      return order.map((check) => {
        const { object, relation } = tupleOf(check);
        return answerOf(walk.check(object, relation));
      });
    });
    const expected = order.map((check) => checks[check]);
    expect(answers, order.join(', ')).toEqual(expected);
  }
  await world.close();
}

function permutations(items: readonly string[]): readonly (readonly string[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}

describe('what a walk remembers', () => {
  it('A14: never depends on the order of the questions', async () => {
    await inEveryOrder(
      groups,
      [
        'group:a#member@group:b#member',
        'group:b#member@group:a#member',
        'group:b#member@group:c#member',
        'group:c#member@group:d#member',
        'group:d#member@group:b#member',
        'group:d#member@user:anne',
        'group:e#member@group:e2#member',
        'group:e2#member@group:e#member',
      ],
      {
        'group:a#member@user:anne': 'allowed',
        'group:b#member@user:anne': 'allowed',
        'group:c#member@user:anne': 'allowed',
        'group:d#member@user:anne': 'allowed',
        'group:e#member@user:anne': 'denied',
      },
    );
  });

  it('of a knot of groups with a ban never depends on the order either', async () => {
    await inEveryOrder(
      `
type user
type group
  relations
    define banned: [user]
    define member: [user, group#member] but not banned`,
      [
        'group:a#member@group:b#member',
        'group:b#member@group:a#member',
        'group:b#member@group:c#member',
        'group:c#member@group:a#member',
        'group:c#member@group:d#member',
        'group:d#member@group:b#member',
        'group:d#member@user:anne',
        'group:c#banned@user:anne',
      ],
      {
        'group:a#member@user:anne': 'denied',
        'group:b#member@user:anne': 'denied',
        'group:c#member@user:anne': 'denied',
        'group:d#member@user:anne': 'allowed',
      },
    );
  });

  it('of an error that a later true decides is forgotten', async () => {
    // Whoever is in j is in x; asked on the way to j, x saw only its own open condition.
    await inEveryOrder(
      `
type user
type group
  relations
    define active: [user]
    define member: [user, user with given, group#member] and active
condition given(x: bool) {
  x
}`,
      [
        'group:j#member@group:x#member',
        'group:j#member@group:y#member',
        'group:x#member@group:j#member',
        ['group:x#member@user:anne', 'given'],
        'group:y#member@user:anne',
        'group:j#active@user:anne',
        'group:x#active@user:anne',
        'group:y#active@user:anne',
        'group:w#member@group:x#member',
        'group:w#active@user:anne',
      ],
      {
        'group:j#member@user:anne': 'allowed',
        'group:w#member@user:anne': 'allowed',
        'group:x#member@user:anne': 'allowed',
        'group:y#member@user:anne': 'allowed',
      },
    );
  });

  it('of an undefined that a later false decides is settled', async () => {
    await inEveryOrder(
      `
type user
type document
  relations
    define b: [user]
    define c: [user]
    define d: [user]
    define q: (b but not x) and c
    define x: d but not q`,
      ['document:1#b@user:anne', 'document:1#d@user:anne'],
      {
        'document:1#q@user:anne': 'denied',
        'document:1#x@user:anne': 'allowed',
        'document:1#c@user:anne': 'denied',
      },
    );
  });
});
