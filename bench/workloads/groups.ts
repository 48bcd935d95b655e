/** Wide groups: 10,000 members each, documents that one group may see, everybody in a few groups. */
import {
  checksPerClass,
  listsPerWorld,
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
type document
  relations
    define viewer: [user, group#member]
`;

const documents = 100;
/** Everybody is in so many groups, where there are as many. */
const groupsPerUser = 4;

export function groupsOf(width: number): Workload {
  return {
    name: 'groups',
    about: `groups of ${width.toLocaleString('en-US')} members`,
    at(size, seed) {
      const fitting = Math.min(width, Math.floor(size / 2));
      return worldOf(Math.max(2, Math.floor(size / (fitting + documents))), fitting, seed);
    },
  };
}

function worldOf(groups: number, width: number, seed: number): World {
  const pick = picker(seed);
  // Groups in a row of four share their members: a user is in all of them, and in no other.
  const cohortOf = (group: number) => Math.floor(group / groupsPerUser);
  const cohorts = Math.ceil(groups / groupsPerUser);
  const member = (group: number, i: number) => `user:c${cohortOf(group)}-${i}`;
  const document = (group: number, i: number) => `document:${group}-${i}`;
  const guest = (group: number) => `user:guest${group}`;
  return {
    model,
    *tuples(): Generator<TupleText> {
      for (let group = 0; group < groups; group++) {
        const object = `group:${group}`;
        for (let i = 0; i < width; i++) {
          yield { object, relation: 'member', subject: member(group, i) };
        }
        for (let i = 0; i < documents; i++) {
          yield { object: document(group, i), relation: 'viewer', subject: `${object}#member` };
        }
        yield { object: document(group, 0), relation: 'viewer', subject: guest(group) };
      }
    },
    checks: {
      member: times(checksPerClass, () => {
        const group = pick(groups);
        const [object, subject] = [document(group, pick(documents)), member(group, pick(width))];
        return { object, relation: 'viewer', subject, allowed: true };
      }),
      // A guest is known, and a member of nothing; a member of another cohort is one of other groups.
      negative: times(checksPerClass, () => {
        const group = pick(groups);
        const other = ((cohortOf(group) + 1) % cohorts) * groupsPerUser;
        const subject = cohorts > 1 ? member(other, pick(width)) : guest(group);
        const object = document(group, 1 + pick(documents - 1));
        return { object, relation: 'viewer', subject, allowed: false };
      }),
    },
    objects: times(listsPerWorld, () => {
      const first = cohortOf(pick(groups)) * groupsPerUser;
      const own = times(Math.min(groupsPerUser, groups - first), (i) => first + i);
      const objects = own.flatMap((group) => times(documents, (i) => document(group, i)));
      const subject = member(first, pick(width));
      return { type: 'document', relation: 'viewer', subject, objects: objects.sort() };
    }),
    users: times(Math.min(4, groups), () => {
      const group = pick(groups);
      const users = times(width, (i) => member(group, i)).sort();
      return { object: document(group, 1), relation: 'viewer', kind: 'user', users };
    }),
    written: (name) => ({
      object: `document:new-${name}`,
      relation: 'viewer',
      subject: 'user:writer',
    }),
  };
}

export const groups = groupsOf(10_000);
