/** Conditions: tuples that count in some regions, where the question says in which one it is asked. */
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
    define member: [user]
type document
  relations
    define viewer: [user with in_region, group#member with in_region]
condition in_region(name: string, names: list<string>) {
  name in names
}
`;

const membersPerGroup = 20;
const context = { name: 'eu' };
const near = { name: 'in_region', context: { names: ['eu', 'us'] } };
const far = { name: 'in_region', context: { names: ['us', 'apac'] } };
/** Every second document is far away, for its user as for its group. */
const isNear = (document: number) => document % 2 === 0;

function at(size: number, seed: number): World {
  const groups = Math.max(2, Math.floor(size / 100));
  const documents = Math.max(8, Math.floor((size - groups * membersPerGroup) / 2));
  const users = Math.max(2, Math.floor(documents / 20) | 1);
  const pick = picker(seed);
  const user = (document: number) => `user:c${document % users}`;
  const groupOf = (document: number) => document % groups;
  const member = (group: number, i: number) => `user:m${group}-${i}`;
  const check = (allowed: boolean, subjectOf: (document: number) => string) =>
    times(checksPerClass, () => {
      const document = pick(Math.floor(documents / 2)) * 2 + (allowed ? 0 : 1);
      const object = `document:${document}`;
      return { object, relation: 'viewer', subject: subjectOf(document), allowed, context };
    });
  return {
    model,
    *tuples(): Generator<TupleText> {
      for (let group = 0; group < groups; group++) {
        for (let i = 0; i < membersPerGroup; i++) {
          yield { object: `group:${group}`, relation: 'member', subject: member(group, i) };
        }
      }
      for (let document = 0; document < documents; document++) {
        const object = `document:${document}`;
        const condition = isNear(document) ? near : far;
        yield { object, relation: 'viewer', subject: user(document), condition };
        const subject = `group:${groupOf(document)}#member`;
        yield { object, relation: 'viewer', subject, condition };
      }
    },
    checks: {
      met: check(true, user),
      'met, by a group': check(true, (document) =>
        member(groupOf(document), pick(membersPerGroup)),
      ),
      'not met': check(false, user),
      negative: check(false, (document) =>
        member(otherThan(groupOf(document), groups, pick), pick(membersPerGroup)),
      ),
    },
    objects: times(listsPerWorld, () => {
      const asked = pick(users);
      const objects: string[] = [];
      for (let document = asked; document < documents; document += users) {
        if (isNear(document)) objects.push(`document:${document}`);
      }
      const subject = user(asked);
      return { type: 'document', relation: 'viewer', subject, context, objects: objects.sort() };
    }),
    users: times(listsPerWorld, () => {
      const document = pick(Math.floor(documents / 2)) * 2;
      const people = times(membersPerGroup, (i) => member(groupOf(document), i));
      const asked = { object: `document:${document}`, relation: 'viewer', kind: 'user', context };
      return { ...asked, users: [user(document), ...people].sort() };
    }),
    written: (name) => ({
      ...{ object: `group:new-${name}`, relation: 'member', subject: 'user:writer' },
    }),
  };
}

export const conditions: Workload = {
  name: 'conditions',
  about: 'tuples that count in some regions, the region being in the question',
  at,
};
