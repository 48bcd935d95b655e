/**
 * Code hosting, by the model of `schemas/code-hosting.fga`: organizations with a base permission,
 * teams within a team, repositories, blocked people, protected branches.
 */
import { readFileSync } from 'node:fs';
import {
  checksPerClass,
  listsPerWorld,
  otherThan,
  type Pick,
  picker,
  type TupleText,
  times,
  type Workload,
  type World,
} from './workload.ts';

const members = 20;
const teams = 4;
const perTeam = members / teams;
const repositories = 20;
/** 1 owner, 1 base permission, the members, the teams, the repositories with a branch each. */
const perOrganization = 2 + members + teams * (perTeam + 2) + 1 + repositories * 3.5 + 2;

const memberOf = (organization: number, i: number) => `user:m${organization}-${i}`;
const ownerOf = (organization: number) => `user:o${organization}`;
const repositoryOf = (organization: number, r: number) => `repository:${organization}-${r}`;
const teamOf = (organization: number, team: number | 'all') => `team:${organization}-${team}`;

/** Member 0 is blocked on every tenth repository. */
const isBlocked = (member: number, r: number) => member === 0 && r % 10 === 0;
const isWriter = (member: number, r: number) => Math.floor(member / perTeam) === r % teams;
const isProtected = (r: number) => r % 2 === 1;

function* tuplesOf(organizations: number): Generator<TupleText> {
  for (let number = 0; number < organizations; number++) {
    const organization = `organization:${number}`;
    yield { object: organization, relation: 'owner', subject: ownerOf(number) };
    const subject = `${organization}#member`;
    yield { object: organization, relation: 'base_reader', subject };
    for (let i = 0; i < members; i++) {
      yield { object: organization, relation: 'member', subject: memberOf(number, i) };
      const team = teamOf(number, Math.floor(i / perTeam));
      yield { object: team, relation: 'member', subject: memberOf(number, i) };
    }
    const all = teamOf(number, 'all');
    yield { object: all, relation: 'organization', subject: organization };
    for (let team = 0; team < teams; team++) {
      const object = teamOf(number, team);
      yield { object, relation: 'organization', subject: organization };
      yield { object: all, relation: 'member', subject: `${object}#member` };
    }
    for (let r = 0; r < repositories; r++) yield* repositoryTuples(number, r);
  }
}

function* repositoryTuples(number: number, r: number): Generator<TupleText> {
  const object = repositoryOf(number, r);
  yield { object, relation: 'organization', subject: `organization:${number}` };
  yield { object, relation: 'writer', subject: `${teamOf(number, r % teams)}#member` };
  if (isBlocked(0, r)) yield { object, relation: 'blocked', subject: memberOf(number, 0) };
  const branch = `branch:${number}-${r}`;
  yield { object: branch, relation: 'repository', subject: object };
  if (isProtected(r)) yield { object: branch, relation: 'protected', subject: 'user:*' };
}

function checksOf(organizations: number, pick: Pick): World['checks'] {
  const check = (
    make: (organization: number) => { object: string; relation: string; subject: string },
    allowed: boolean,
  ) => times(checksPerClass, () => ({ ...make(pick(organizations)), allowed }));
  const writerOf = (r: number) => (r % teams) * perTeam + 1 + pick(perTeam - 1);
  const branch = (number: number, r: number) => ({
    object: `branch:${number}-${r}`,
    relation: 'can_push',
    subject: memberOf(number, writerOf(r)),
  });
  return {
    'base permission': check((number) => {
      const object = repositoryOf(number, pick(repositories));
      return { object, relation: 'can_clone', subject: memberOf(number, 1 + pick(members - 1)) };
    }, true),
    team: check((number) => {
      const r = pick(repositories);
      const subject = memberOf(number, writerOf(r));
      return { object: repositoryOf(number, r), relation: 'can_push', subject };
    }, true),
    branch: check((number) => branch(number, pick(repositories / 2) * 2), true),
    protected: check((number) => branch(number, pick(repositories / 2) * 2 + 1), false),
    blocked: check((number) => {
      const object = repositoryOf(number, pick(repositories / 10) * 10);
      return { object, relation: 'can_clone', subject: memberOf(number, 0) };
    }, false),
    negative: check((number) => {
      const other = otherThan(number, organizations, pick);
      const object = repositoryOf(number, pick(repositories));
      return { object, relation: 'can_clone', subject: memberOf(other, pick(members)) };
    }, false),
  };
}

function at(size: number, seed: number): World {
  const organizations = Math.max(2, Math.floor(size / perOrganization));
  const pick = picker(seed);
  const text = readFileSync(new URL('../../schemas/code-hosting.fga', import.meta.url), 'utf8');
  return {
    model: text,
    tuples: () => tuplesOf(organizations),
    checks: checksOf(organizations, pick),
    objects: times(listsPerWorld, () => {
      const [number, i] = [pick(organizations), pick(members)];
      const cloned = times(repositories, (r) => r).filter((r) => !isBlocked(i, r));
      return {
        ...{ type: 'repository', relation: 'can_clone', subject: memberOf(number, i) },
        objects: cloned.map((r) => repositoryOf(number, r)).sort(),
      };
    }),
    users: times(listsPerWorld, () => {
      const [number, r] = [pick(organizations), pick(repositories)];
      const pushing = times(members, (i) => i).filter((i) => isWriter(i, r) && !isBlocked(i, r));
      const users = [ownerOf(number), ...pushing.map((i) => memberOf(number, i))];
      const asked = { object: repositoryOf(number, r), relation: 'can_push', kind: 'user' };
      return { ...asked, users: users.sort() };
    }),
    written: (name) => ({
      ...{ object: `repository:new-${name}`, relation: 'reader', subject: 'user:writer' },
    }),
  };
}

export const hosting: Workload = {
  name: 'hosting',
  about: 'organizations, teams within teams, repositories, blocked people, protected branches',
  at,
};
