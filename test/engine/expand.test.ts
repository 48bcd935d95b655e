/** Expand: one level, by rewrite, with contextual tuples and tuples of an older model. */
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

const model = `
type user
type org
  relations
    define writer: [user]
type repo
  relations
    define owner: [org]
    define admin: [user, user:*, org#writer, user with given]
    define banned: [user]
    define same: admin
    define either: [user] or admin or writer from owner
    define both: admin and banned
    define writer: ([user] or writer from owner) but not banned
condition given(x: bool) {
  x
}`;

describe('expand', () => {
  it('lists the subjects of direct tuples in byte order, whatever their conditions say', async () => {
    const world = await World.open(model, [
      'repo:1#admin@user:\u{1F600}',
      'repo:1#admin@user:\uFF5E',
      'repo:1#admin@user:b',
      'repo:1#admin@user:*',
      'repo:1#admin@org:o#writer',
      ['repo:1#admin@user:a', 'given', { x: false }],
      'repo:2#admin@user:z',
    ]);
    expect(world.expand('repo:1#admin')).toEqual({
      name: 'repo:1#admin',
      kind: 'users',
      users: ['org:o#writer', 'user:*', 'user:a', 'user:b', 'user:\uFF5E', 'user:\u{1F600}'],
    });
    await world.close();
  });

  it('names computed relations and tuplesets without following them', async () => {
    const world = await World.open(model, [
      'repo:1#owner@org:b',
      'repo:1#owner@org:a',
      'repo:1#writer@user:anne',
      'org:a#writer@user:beth',
    ]);
    expect(world.expand('repo:1#same')).toEqual({
      name: 'repo:1#same',
      kind: 'computed',
      userset: 'repo:1#admin',
    });
    const name = 'repo:1#writer';
    expect(world.expand(name)).toEqual({
      name,
      kind: 'difference',
      base: {
        name,
        kind: 'union',
        nodes: [
          { name, kind: 'users', users: ['user:anne'] },
          {
            name,
            kind: 'from',
            tupleset: 'repo:1#owner',
            computed: ['org:a#writer', 'org:b#writer'],
          },
        ],
      },
      subtract: { name, kind: 'computed', userset: 'repo:1#banned' },
    });
    expect(world.expand('repo:1#both')).toMatchObject({ kind: 'intersection' });
    await world.close();
  });

  it('counts contextual tuples once, also on an object that nobody has heard of', async () => {
    const world = await World.open(model, ['repo:1#banned@user:anne']);
    const contextual = [
      'repo:1#banned@user:anne',
      'repo:1#banned@user:new',
      'repo:9#banned@user:x',
    ];
    expect(world.expand('repo:1#banned', contextual)).toMatchObject({
      users: ['user:anne', 'user:new'],
    });
    expect(world.expand('repo:9#banned', contextual)).toMatchObject({ users: ['user:x'] });
    expect(world.expand('repo:ghost#banned')).toMatchObject({ users: [] });
    expect(world.expand('repo:ghost#either')).toMatchObject({
      nodes: [{ users: [] }, { userset: 'repo:ghost#admin' }, { computed: [] }],
    });
    await world.close();
  });

  it('A05: drops what the model no longer allows', async () => {
    const world = await World.open(model, [
      'repo:1#admin@user:*',
      'repo:1#admin@org:o#writer',
      'repo:1#admin@user:plain',
      ['repo:1#admin@user:guarded', 'given', { x: true }],
      'repo:1#owner@org:a',
    ]);
    await world.useModel(`
type user
type team
  relations
    define writer: [user]
type org
type repo
  relations
    define owner: [org, team]
    define admin: [user with given] or writer from owner
condition given(x: bool) {
  x
}`);
    expect(world.expand('repo:1#admin')).toMatchObject({
      nodes: [{ users: ['user:guarded'] }, { computed: ['org:a#writer'] }],
    });
    await world.useModel(`
type user
type repo
  relations
    define admin: [user with given]
condition given(y: bool) {
  y
}`);
    expect(world.expand('repo:1#admin')).toMatchObject({ users: [] });
    await world.close();
  });
});
