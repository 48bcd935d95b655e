/** Check, rewrite by rewrite and subject by subject. */
import { describe } from 'vitest';
import { runCases } from './cases.ts';

const groups = `
type user
type group
  relations
    define member: [user, user:*, group#member]
`;

describe('direct tuples', () => {
  runCases([
    {
      name: 'an object has what its tuple says, and nobody else has',
      model: `${groups}
type document
  relations
    define viewer: [user]
    define editor: [user]`,
      tuples: ['document:1#viewer@user:anne'],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:1#viewer@user:beth': 'denied',
        'document:2#viewer@user:anne': 'denied',
        'document:1#editor@user:anne': 'denied',
        'document:1#viewer@user:*': 'denied',
        'document:1#viewer@group:anne': 'denied',
      },
    },
    {
      name: 'a wildcard stands for every object of its type, known or not, and for no userset',
      model: `${groups}
type document
  relations
    define viewer: [user:*, group, group:*]`,
      tuples: ['document:1#viewer@user:*', 'document:2#viewer@group:*'],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:1#viewer@user:*': 'allowed',
        'document:1#viewer@group:eng': 'denied',
        'document:2#viewer@group:eng': 'allowed',
        'document:2#viewer@group:*': 'allowed',
        'document:2#viewer@group:eng#member': 'denied',
        'document:2#viewer@user:anne': 'denied',
      },
    },
    {
      name: 'a wildcard that asks is not an object, though the type is allowed',
      model: `${groups}
type document
  relations
    define viewer: [user, user:*]`,
      tuples: ['document:1#viewer@user:anne', 'document:2#viewer@user:*'],
      checks: {
        'document:1#viewer@user:*': 'denied',
        'document:2#viewer@user:*': 'allowed',
        'document:2#viewer@user:anne': 'allowed',
      },
    },
    {
      name: 'a userset that asks is found literally, nested, and in itself',
      model: `${groups}
type document
  relations
    define viewer: [group#member]
    define reader: viewer`,
      tuples: ['document:1#viewer@group:eng#member', 'group:eng#member@group:core#member'],
      checks: {
        'document:1#viewer@group:eng#member': 'allowed',
        'document:1#viewer@group:core#member': 'allowed',
        'document:1#reader@group:core#member': 'allowed',
        'document:1#viewer@group:sales#member': 'denied',
        'group:eng#member@group:eng#member': 'allowed',
        'group:eng#member@group:sales#member': 'denied',
        'document:1#reader@document:1#viewer': 'allowed',
        'document:1#viewer@document:1#reader': 'denied',
        'document:2#viewer@document:1#viewer': 'denied',
      },
    },
    {
      name: 'a userset counts for its members, by object and by wildcard',
      model: `${groups}
type document
  relations
    define viewer: [group#member]`,
      tuples: [
        'document:1#viewer@group:eng#member',
        'group:eng#member@user:anne',
        'document:2#viewer@group:all#member',
        'group:all#member@user:*',
      ],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:1#viewer@user:beth': 'denied',
        'document:2#viewer@user:beth': 'allowed',
        'document:2#viewer@user:*': 'allowed',
        'document:1#viewer@user:*': 'denied',
      },
    },
    {
      name: 'A16: two usersets of one type are two usersets',
      model: `
type user
type scope
  relations
    define public: [user, user:*]
    define verified: [user]
type resource
  relations
    define access: [scope#public, scope#verified]`,
      tuples: ['resource:1#access@scope:a#verified', 'scope:a#public@user:*'],
      checks: {
        'resource:1#access@user:bob': 'denied',
        'resource:1#access@scope:a#verified': 'allowed',
        'resource:1#access@scope:a#public': 'denied',
      },
    },
    {
      name: 'A13: a userset is not among the objects that a wildcard stands for',
      model: `
type user
type group
  relations
    define member: [user]
type document
  relations
    define can: [group:*, group#member]`,
      tuples: ['document:1#can@group:*'],
      checks: {
        'document:1#can@group:g#member': 'denied',
        'document:1#can@group:g': 'allowed',
        'document:1#can@user:anne': 'denied',
      },
    },
  ]);
});

describe('rewrites', () => {
  const model = `
type user
type document
  relations
    define a: [user, user:*]
    define b: [user]
    define c: [user]
    define same: a
    define either: a or b
    define both: a and b
    define only: a but not b
    define nested: (a but not b) or (b and c)`;
  runCases([
    {
      name: 'combine what their operands hold',
      model,
      tuples: [
        'document:1#a@user:a',
        'document:1#b@user:b',
        'document:1#a@user:ab',
        'document:1#b@user:ab',
      ],
      checks: {
        'document:1#same@user:a': 'allowed',
        'document:1#same@user:b': 'denied',
        'document:1#either@user:a': 'allowed',
        'document:1#either@user:b': 'allowed',
        'document:1#either@user:c': 'denied',
        'document:1#both@user:a': 'denied',
        'document:1#both@user:b': 'denied',
        'document:1#both@user:ab': 'allowed',
        'document:1#only@user:a': 'allowed',
        'document:1#only@user:b': 'denied',
        'document:1#only@user:ab': 'denied',
        'document:1#nested@user:a': 'allowed',
        'document:1#nested@user:ab': 'denied',
        'document:1#same@document:1#a': 'allowed',
        'document:1#both@document:1#a': 'denied',
        'document:1#only@document:1#a': 'allowed',
      },
    },
    {
      name: 'subtract an object from a wildcard, and a wildcard from all',
      model: `
type user
type document
  relations
    define banned: [user, user:*]
    define viewer: [user, user:*] but not banned`,
      tuples: [
        'document:1#viewer@user:*',
        'document:1#banned@user:anne',
        'document:2#viewer@user:anne',
        'document:2#banned@user:*',
      ],
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:1#viewer@user:beth': 'allowed',
        'document:1#viewer@user:*': 'allowed',
        'document:2#viewer@user:anne': 'denied',
        'document:2#viewer@user:*': 'denied',
      },
    },
    {
      name: 'a subtraction within a subtraction gives back',
      model: `
type user
type document
  relations
    define pardoned: [user]
    define banned: [user] but not pardoned
    define viewer: [user] but not banned`,
      tuples: [
        'document:1#viewer@user:anne',
        'document:1#banned@user:anne',
        'document:1#viewer@user:beth',
        'document:1#banned@user:beth',
        'document:1#pardoned@user:beth',
      ],
      checks: { 'document:1#viewer@user:anne': 'denied', 'document:1#viewer@user:beth': 'allowed' },
    },
    {
      name: 'a tupleset leads to the relation on every type that has it',
      model: `
type user
type team
  relations
    define viewer: [user]
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
type drive
type document
  relations
    define parent: [folder, team, drive]
    define viewer: viewer from parent`,
      tuples: [
        'document:1#parent@folder:a',
        'folder:a#parent@folder:b',
        'folder:b#viewer@user:anne',
        'document:1#parent@team:t',
        'team:t#viewer@user:beth',
        'document:1#parent@drive:d',
      ],
      checks: {
        'document:1#viewer@user:anne': 'allowed',
        'document:1#viewer@user:beth': 'allowed',
        'document:1#viewer@user:carl': 'denied',
        'document:1#viewer@folder:b#viewer': 'allowed',
        'document:1#viewer@folder:a#parent': 'denied',
        'document:1#parent@folder:a': 'allowed',
        'document:1#viewer@folder:a': 'denied',
      },
    },
    {
      name: 'A36: one group that excludes does not speak for another that does not',
      model: `
type user
type group
  relations
    define direct: [user]
    define banned: [user]
    define member: direct but not banned
type document
  relations
    define group: [group]
    define viewer: member from group`,
      tuples: [
        'document:1#group@group:a',
        'document:1#group@group:b',
        'group:a#direct@user:anne',
        'group:a#banned@user:anne',
        'group:b#direct@user:anne',
      ],
      checks: { 'document:1#viewer@user:anne': 'allowed' },
    },
  ]);
});
