/** Which tuples count: those of an older model, contextual ones, and what nobody has heard of. */
import { describe, expect, it } from 'vitest';
import { runCases } from './cases.ts';
import { World } from './world.ts';

const groups = `
type user
type group
  relations
    define member: [user, user:*, group#member]
`;

describe('tuples of an older model', () => {
  const wide = `
type user
type team
  relations
    define member: [user]
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder, folder:*, team#member]
    define viewer: [user, user:*, team#member, folder]`;
  runCases([
    {
      name: 'A05: are passed over where the restrictions no longer allow them',
      older: {
        model: wide,
        tuples: [
          'document:1#viewer@team:t#member',
          'document:1#viewer@user:*',
          'document:1#viewer@folder:f',
          'team:t#member@user:anne',
        ],
      },
      model: `
type user
type team
  relations
    define member: [user]
type folder
  relations
    define viewer: [user]
type document
  relations
    define viewer: [user]`,
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:1#viewer@user:beth': 'denied',
        'document:1#viewer@user:*': 'denied',
        'document:1#viewer@folder:f': 'denied',
        'document:1#viewer@team:t#member': 'denied',
        'team:t#member@user:anne': 'allowed',
      },
    },
    {
      name: 'A04: a stored wildcard or userset in a tupleset leads nowhere',
      older: {
        model: wide,
        tuples: [
          'document:1#parent@folder:*',
          'document:1#parent@team:t#member',
          'folder:a#viewer@user:anne',
        ],
      },
      model: `
type user
type team
  relations
    define member: [user]
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent`,
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:1#parent@team:t#member': 'denied',
        'document:1#parent@folder:*': 'denied',
      },
    },
    {
      name: 'A17: a row without the condition that is now asked for never grants',
      older: { model: wide, tuples: ['document:1#viewer@user:*', 'document:1#viewer@user:anne'] },
      model: `
type user
type document
  relations
    define viewer: [user with inside, user:* with inside]
condition inside(hour: int) {
  hour < 18
}`,
      checks: { 'document:1#viewer@user:anne': 'denied', 'document:1#viewer@user:beth': 'denied' },
      question: { context: { hour: 9 } },
    },
  ]);
});

describe('contextual tuples', () => {
  runCases([
    {
      name: 'A15: are filtered by the restriction of the branch that reads them',
      model: `
type user
type role
  relations
    define assignee: [user]
type resource
  relations
    define viewer: [user:*, role#assignee]`,
      checks: {
        'resource:1#viewer@user:outsider': 'denied',
        'resource:1#viewer@role:superadmin#assignee': 'allowed',
      },
      question: { contextual: ['resource:1#viewer@role:superadmin#assignee'] },
    },
    {
      name: 'of types and relations that the model lacks say nothing',
      model: `
type user
type document
  relations
    define viewer: [user]`,
      checks: { 'document:1#viewer@user:anne': 'denied' },
      question: {
        contextual: [
          'document:1#owner@user:anne',
          'document:1#viewer@bot:anne',
          'document:1#viewer@user:anne#friend',
          'drive:1#viewer@user:anne',
        ],
      },
    },
    {
      name: 'join what is stored, in either direction and between entities never stored',
      model: `${groups}
type document
  relations
    define viewer: [group#member]`,
      tuples: ['document:1#viewer@group:eng#member'],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:9#viewer@user:anne': 'allowed',
        'document:9#viewer@user:beth': 'denied',
      },
      question: {
        contextual: [
          'group:eng#member@group:new#member',
          'group:new#member@user:anne',
          'document:9#viewer@group:new#member',
          'document:9#viewer@group:new#member',
        ],
      },
    },
  ]);

  it('replace the stored tuple of the same key where it is looked up', async () => {
    const world = await World.open(
      `
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user with open, user, user:*, group#member with open, group#member]
condition open(closed: bool) {
  !closed
}`,
      [
        'document:1#viewer@user:anne',
        ['document:2#viewer@user:anne', 'open'],
        'document:3#viewer@group:g#member',
        'group:g#member@user:anne',
        'document:4#viewer@user:*',
      ],
    );
    const context = { closed: true };
    expect(
      world.check('document:1#viewer@user:anne', {
        context,
        contextual: [['document:1#viewer@user:anne', 'open']],
      }),
    ).toBe('denied');
    expect(
      world.check('document:2#viewer@user:anne', {
        context,
        contextual: ['document:2#viewer@user:anne'],
      }),
    ).toBe('allowed');
    // Runs and wildcards show both, so the stored one still counts.
    expect(
      world.check('document:3#viewer@user:anne', {
        context,
        contextual: [['document:3#viewer@group:g#member', 'open']],
      }),
    ).toBe('allowed');
    expect(
      world.check('document:4#viewer@user:anne', {
        context,
        contextual: [['document:4#viewer@user:*', 'open']],
      }),
    ).toBe('allowed');
    await world.close();
  });
});

describe('what nobody has heard of', () => {
  runCases([
    {
      name: 'is denied, and two unknown things are not one',
      model: `${groups}
type document
  relations
    define viewer: [user, group#member]
    define reader: viewer`,
      tuples: ['document:1#viewer@user:anne'],
      checks: {
        'document:1#viewer@user:ghost': 'denied',
        'document:ghost#viewer@user:anne': 'denied',
        'document:ghost#viewer@user:ghost': 'denied',
        'document:ghost#viewer@document:spectre#viewer': 'denied',
        'document:ghost#viewer@document:ghost#viewer': 'allowed',
        'document:ghost#reader@document:ghost#viewer': 'allowed',
        'document:1#viewer@group:ghost#member': 'denied',
        'document:1#viewer@document:1#ghost': 'denied',
        'document:1#viewer@planet:earth': 'denied',
        'group:ghost#member@group:ghost#member': 'allowed',
      },
    },
  ]);
});
