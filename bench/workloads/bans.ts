/**
 * Exclusion: spaces whose members read all posts but for those who are banned, and posts that are hidden
 * from somebody. One space is open to everybody.
 */
import {
  checksPerClass,
  listsPerWorld,
  otherThan,
  picker,
  type TupleText,
  times,
  type Workload,
  type World,
} from './workload.ts';

const model = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type space
  relations
    define member: [user, user:*, group#member]
    define banned: [user]
    define reader: member but not banned
type post
  relations
    define space: [space]
    define hidden_from: [user]
    define reader: reader from space but not hidden_from
`;

const members = 50;
const banned = 5;
const posts = 20;
const perSpace = 1 + members + banned + posts + posts / 4;

const member = (space: number, i: number) => `user:g${space}-${i}`;
const post = (space: number, p: number) => `post:${space}-${p}`;
/** From the first who is not banned, every fourth post is hidden. */
const isHidden = (i: number, p: number) => i === banned && p % 4 === 0;

function* tuplesOf(spaces: number): Generator<TupleText> {
  for (let number = 0; number < spaces; number++) {
    const space = `space:${number}`;
    // Space 0 is the open one.
    const subject = number === 0 ? 'user:*' : `group:${number}#member`;
    yield { object: space, relation: 'member', subject };
    for (let i = 0; i < members; i++) {
      yield { object: `group:${number}`, relation: 'member', subject: member(number, i) };
    }
    for (let i = 0; i < banned; i++) {
      yield { object: space, relation: 'banned', subject: member(number, i) };
    }
    for (let p = 0; p < posts; p++) {
      yield { object: post(number, p), relation: 'space', subject: space };
      if (!isHidden(banned, p)) continue;
      yield { object: post(number, p), relation: 'hidden_from', subject: member(number, banned) };
    }
  }
}

function at(size: number, seed: number): World {
  const spaces = Math.max(3, Math.floor(size / perSpace));
  const pick = picker(seed);
  const closed = () => 1 + pick(spaces - 1);
  const check = (
    allowed: boolean,
    make: () => { space: number; p: number; subject: string },
  ): World['checks'][string] =>
    times(checksPerClass, () => {
      const { space, p, subject } = make();
      return { object: post(space, p), relation: 'reader', subject, allowed };
    });
  const shown = (i: number) => times(posts, (p) => p).filter((p) => !isHidden(i, p));
  return {
    model,
    tuples: () => tuplesOf(spaces),
    checks: {
      member: check(true, () => {
        const [space, i] = [closed(), banned + 1 + pick(members - banned - 1)];
        return { space, p: pick(posts), subject: member(space, i) };
      }),
      banned: check(false, () => {
        const space = closed();
        return { space, p: pick(posts), subject: member(space, pick(banned)) };
      }),
      hidden: check(false, () => {
        const space = closed();
        return { space, p: pick(posts / 4) * 4, subject: member(space, banned) };
      }),
      everybody: check(true, () => ({
        ...{ space: 0, p: pick(posts), subject: member(closed(), pick(members)) },
      })),
      negative: check(false, () => {
        const space = closed();
        const other = 1 + otherThan(space - 1, spaces - 1, pick);
        return { space, p: pick(posts), subject: member(other, pick(members)) };
      }),
    },
    objects: times(listsPerWorld, () => {
      const [space, i] = [closed(), pick(members)];
      const own = i < banned ? [] : shown(i).map((p) => post(space, p));
      const open = times(posts, (p) => post(0, p));
      const subject = member(space, i);
      return { type: 'post', relation: 'reader', subject, objects: [...own, ...open].sort() };
    }),
    users: times(listsPerWorld, () => {
      const [space, p] = [closed(), pick(posts)];
      const readers = times(members, (i) => i).filter((i) => i >= banned && !isHidden(i, p));
      const users = readers.map((i) => member(space, i)).sort();
      return { object: post(space, p), relation: 'reader', kind: 'user', users };
    }),
    written: (name) => ({
      ...{ object: `space:new-${name}`, relation: 'banned', subject: 'user:writer' },
    }),
  };
}

export const bans: Workload = {
  name: 'bans',
  about: 'members of spaces but not the banned, posts hidden from somebody, one open space',
  at,
};
