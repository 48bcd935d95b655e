/**
 * Three votes on one decision (Pemba's, SpiceDB's, the oracle's), and what is known of why they
 * differ. A known difference recognises its decisions exactly: it says what SpiceDB would have to
 * answer, and anything else stays unexplained.
 */
import type { Way } from '../oracle/apis.ts';
import type { Answer } from '../oracle/asked.ts';
import { Behind } from '../oracle/behind.ts';
import type { Outcome, Question } from '../oracle/facts.ts';
import { type Judgement, judge, oracleFor } from '../oracle/judge.ts';
import type { Answers } from '../oracle/oracle.ts';
import type { Setting, World } from '../oracle/world.ts';
import {
  caveatedLeftOut,
  decidedEarly,
  type View,
  wildcardsHoldUsersets,
} from './as-spicedb-sees-it.ts';

/** How it was asked: of SpiceDB by CheckBulkPermissions, LookupResources or LookupSubjects. */
export type Api = 'check' | 'resources' | 'subjects';

/** How the same is asked of Pemba: by the engine's walk, ListObjects or ListUsers. */
export const ways: Readonly<Record<Api, Way>> = {
  check: 'walk',
  resources: 'objects',
  subjects: 'users',
};

export interface Decision {
  readonly world: World;
  readonly setting: number;
  readonly api: Api;
  readonly question: Question;
  readonly oracle: Outcome;
  readonly pemba: Answer;
  readonly spicedb: Answer;
  /** What SpiceDB's check says, where its list differs from the oracle and it takes the question. */
  readonly spicedbCheck?: Answer;
}

/** Empty: all three agree. `unexplained` among the reasons: nobody knows why they do not. */
export type Reasons = readonly string[];

export const unexplained = 'unexplained';

interface KnownDifference {
  readonly name: string;
  /** Where it is documented. */
  readonly source: string;
}

/** Where Pemba's vote stands apart on purpose: by how the oracle judges it. */
export const ofPemba: Readonly<Partial<Record<Judgement, KnownDifference>>> = {
  eager: {
    name: 'a wire list fails on a tuple whose condition lacks context',
    source: 'README.md, How lists answer (fixed by the cases of OpenFGA)',
  },
  unnamed: {
    name: 'a wire list of users with a wildcard does not say whom it leaves out',
    source: 'README.md, How lists answer (fixed by the cases of OpenFGA)',
  },
};

/**
 * Where SpiceDB's vote stands apart: the oracle says what it has to be, over the world it sees. In
 * the order in which they are combined: a relationship that is left out holds for no userset either.
 */
export const ofSpiceDb: readonly (KnownDifference & {
  readonly apis: readonly Api[];
  readonly view: View;
})[] = [
  {
    name: 'SpiceDB decides a caveat whose missing parameters cannot change it',
    source:
      'https://github.com/authzed/spicedb/blob/v1.54.0/pkg/caveats/eval.go (OptPartialEval); https://authzed.com/docs/spicedb/concepts/caveats',
    apis: ['check', 'resources', 'subjects'],
    view: decidedEarly,
  },
  {
    name: 'SpiceDB passes over a caveated relationship where usersets of its type need no caveat',
    source:
      'https://github.com/authzed/spicedb/blob/v1.54.0/internal/graph/check.go (checkDirect, WithSkipCaveats; since https://github.com/authzed/spicedb/pull/2096)',
    apis: ['check', 'resources'],
    view: caveatedLeftOut,
  },
  {
    name: 'a wildcard of SpiceDB holds for the usersets of its type',
    source:
      'https://github.com/authzed/spicedb/blob/v1.54.0/internal/graph/check.go (checkDirect asks for the wildcard whatever the relation of the subject)',
    apis: ['check', 'resources'],
    view: wildcardsHoldUsersets,
  },
];

/**
 * Where a list of SpiceDB says something else than its own check, and the check is right or known to
 * stand apart. Three causes have been met; `referee.test.ts` has a case of the first and of the last:
 * - LookupResources checks what it found with the hint that the subject has it for certain, caveat or
 *   not: `viewer - viewer` then holds nothing (lookupresources2.go, since PR 1905).
 * - It follows no wildcard for a userset that asks, as its checks do.
 * - LookupSubjects intersects what two wildcards leave out even where one of them is conditional, so
 *   that nobody is left out (basesubjectset.go, unionWildcardWithWildcard).
 */
export const listContradictsCheck: KnownDifference = {
  name: 'a list of SpiceDB contradicts its own check',
  source:
    'https://github.com/authzed/spicedb/blob/v1.54.0/internal/graph/lookupresources2.go (HintForEntrypoint), https://github.com/authzed/spicedb/blob/v1.54.0/internal/datasets/basesubjectset.go (unionWildcardWithWildcard); the same class: https://github.com/authzed/spicedb/issues/3135, GHSA-9m7r-g8hg-x3vr',
};

export class Triage {
  private readonly behind = new Map<number, Behind>();
  private readonly answered = new Map<string, Answers>();
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  private behindOf(setting: number): Behind {
    const known = this.behind.get(setting);
    if (known !== undefined) return known;
    const made = new Behind(oracleFor(this.world, this.world.settings[setting] as Setting));
    this.behind.set(setting, made);
    return made;
  }

  /** What the oracle says of one subject, worked out once. */
  answers(setting: number, subject: string): Answers {
    const name = `${setting} ${subject}`;
    const known = this.answered.get(name);
    if (known !== undefined) return known;
    const made = this.behindOf(setting).oracle.ask(subject);
    this.answered.set(name, made);
    return made;
  }

  reasons(decision: Decision): Reasons {
    const { question, api, setting, oracle, pemba, spicedb } = decision;
    const reasons: string[] = [];
    const judgement = judge(this.behindOf(setting), ways[api], question, oracle, pemba);
    if (judgement !== 'agree') reasons.push(ofPemba[judgement]?.name ?? unexplained);
    if (spicedb !== oracle) reasons.push(...explain(decision));
    return reasons;
  }
}

function explain(decision: Decision): Reasons {
  const { spicedb, spicedbCheck, oracle } = decision;
  const known = explainBy(decision, decision.api, spicedb);
  if (known !== undefined) return known;
  if (spicedbCheck === undefined || spicedbCheck === spicedb) return [unexplained];
  const ofCheck = spicedbCheck === oracle ? [] : explainBy(decision, 'check', spicedbCheck);
  return ofCheck === undefined ? [unexplained] : [listContradictsCheck.name, ...ofCheck];
}

/** The fewest known differences that together make the oracle give the answer. */
function explainBy(decision: Decision, api: Api, answer: Answer): Reasons | undefined {
  const { world, setting, question } = decision;
  const known = ofSpiceDb.filter(({ apis }) => apis.includes(api));
  for (const differences of subsets(known)) {
    const seen = differences.reduce((before, { view }) => view(before, setting, question), world);
    const oracle = oracleFor(seen, seen.settings[setting] as Setting);
    if (oracle.ask(question.subject).outcome(question.object, question.relation) === answer) {
      return differences.map(({ name }) => name);
    }
  }
  return undefined;
}

/** All but the empty one, small ones first. */
function subsets<Item>(items: readonly Item[]): Item[][] {
  const all: Item[][] = [[]];
  for (const item of items) all.push(...all.map((subset) => [...subset, item]));
  return all.slice(1).toSorted((a, b) => a.length - b.length);
}
