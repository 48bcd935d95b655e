/**
 * Puts one world to Pemba, to SpiceDB and to the oracle: every check, or as many as there is time
 * for, and lists of objects and of subjects; and counts how their votes stand to each other.
 */
import { apiOf } from '../oracle/apis.ts';
import type { Answer, Asked } from '../oracle/asked.ts';
import { type Outcome, type PlainModel, type Question, typeOf } from '../oracle/facts.ts';
import { questionSpace } from '../oracle/questions.ts';
import type { RandomSource } from '../oracle/random-source.ts';
import type { Pemba, ServedWorld } from '../oracle/served-world.ts';
import type { Setting, World } from '../oracle/world.ts';
import { type SpiceDb, voteOn } from './spicedb.ts';
import type { Tally } from './tally.ts';
import { type Api, type Decision, Triage, unexplained, ways } from './triage.ts';

/** More than most worlds have; of the rest, those that the oracle denies are drawn. */
const checksPerSetting = 1_200;
const listsPerSetting = 12;

export interface Parties {
  readonly pemba: Pemba;
  readonly spicedb: SpiceDb;
}

/** A list that is asked for, with all that might be in it. */
interface AskedList {
  readonly api: Exclude<Api, 'check'>;
  readonly questions: readonly Asked[];
}

export class Comparison {
  private readonly triage: Triage;
  private readonly world: World;
  private readonly served: ServedWorld;
  private readonly spicedb: SpiceDb;

  private constructor(world: World, served: ServedWorld, spicedb: SpiceDb) {
    this.world = world;
    this.triage = new Triage(world);
    this.served = served;
    this.spicedb = spicedb;
  }

  /** The world is served by both while `use` runs. */
  static async over<Result>(
    world: World,
    { pemba, spicedb }: Parties,
    use: (comparison: Comparison) => Promise<Result>,
  ): Promise<Result> {
    const tuples = world.stored.map(({ tuple }) => tuple);
    await spicedb.serve(world.models[0] as PlainModel, tuples);
    const served = await pemba.serve(world);
    try {
      return await use(new Comparison(world, served, spicedb));
    } finally {
      await pemba.drop(served);
    }
  }

  /** Returns the decisions that nothing explains. */
  async run(random: RandomSource, tally: Tally): Promise<Decision[]> {
    tally.worlds++;
    const found: Decision[] = [];
    for (const setting of this.world.settings.keys()) {
      const questions = this.questions(setting, random);
      const checks = await this.decide('check', questions);
      tally.decisions += checks.length;
      found.push(...this.count(checks, tally));
      for (const { api, questions: entries } of this.lists(questions, random)) {
        const decisions = await this.decide(api, entries);
        tally.lists[api]++;
        tally.listed += decisions.length;
        found.push(...this.count(decisions, tally));
      }
    }
    return found;
  }

  /** REQUIRES: the questions are of one setting, and of one list where they are looked up in one. */
  async decide(api: Api, questions: readonly Asked[]): Promise<Decision[]> {
    const [first] = questions;
    if (first === undefined) return [];
    const { setting } = first;
    const theirs = await this.spicedbVotes(api, questions);
    const ours = await this.pembaVotes(api, questions);
    const decisions = questions.map(
      (question, index): Decision => ({
        world: this.world,
        setting,
        api,
        question,
        oracle: this.expected(question),
        pemba: ours[index] as Answer,
        spicedb: theirs.votes[index] as Answer,
      }),
    );
    // What SpiceDB lists beside what the world has is a decision too, and nobody shares it.
    const strays = theirs.strays.map(
      (stray): Decision => ({
        ...(decisions[0] as Decision),
        question: { ...first, ...stray },
        oracle: 'denied',
        pemba: 'denied',
        spicedb: 'allowed',
      }),
    );
    const all = [...decisions, ...strays];
    return api === 'check' ? all : this.withChecks(all, setting);
  }

  /** Has SpiceDB check what it listed in another way than the oracle does. */
  private async withChecks(decisions: readonly Decision[], setting: number): Promise<Decision[]> {
    const isAsked = ({ spicedb, oracle, question }: Decision) =>
      spicedb !== oracle && !question.subject.endsWith(':*');
    const { context } = this.world.settings[setting] as Setting;
    const asked = decisions.filter(isAsked).map(({ question }) => question);
    const votes = await this.spicedb.check(asked, context);
    return decisions.map((decision) => {
      const spicedbCheck = votes[asked.indexOf(decision.question)];
      return spicedbCheck === undefined ? decision : { ...decision, spicedbCheck };
    });
  }

  isUnexplained(decision: Decision): boolean {
    return this.triage.reasons(decision).includes(unexplained);
  }

  private count(decisions: readonly Decision[], tally: Tally): Decision[] {
    const found: Decision[] = [];
    for (const decision of decisions) {
      const reasons = this.triage.reasons(decision);
      tally.outcomes[decision.oracle]++;
      if (reasons.length === 0) tally.agreed++;
      else if (reasons.includes(unexplained)) found.push(decision);
      else {
        tally.explained++;
        for (const reason of reasons)
          tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1);
      }
    }
    tally.unexplained += found.length;
    return found;
  }

  private expected({ object, relation, subject, setting }: Asked): Outcome {
    return this.triage.answers(setting, subject).outcome(object, relation);
  }

  private async pembaVotes(api: Api, questions: readonly Asked[]): Promise<readonly Answer[]> {
    const { ask } = apiOf(ways[api]);
    if (api !== 'check') return ask(this.served, questions);
    const bySubject = Map.groupBy(questions, ({ subject }) => subject);
    const votes = new Map<Asked, Answer>();
    for (const group of bySubject.values()) {
      const answers = await ask(this.served, group);
      for (const [index, question] of group.entries())
        votes.set(question, answers[index] as Answer);
    }
    return questions.map((question) => votes.get(question) as Answer);
  }

  private async spicedbVotes(
    api: Api,
    questions: readonly Asked[],
  ): Promise<{ votes: readonly Answer[]; strays: readonly Partial<Question>[] }> {
    const { setting, object, relation, subject } = questions[0] as Asked;
    const { context } = this.world.settings[setting] as Setting;
    if (api === 'check') return { votes: await this.spicedb.check(questions, context), strays: [] };
    if (api === 'resources') {
      const found = await this.spicedb.resources(typeOf(object), relation, subject, context);
      const votes = questions.map((question) => found.get(question.object) ?? 'denied');
      const known = new Set(questions.map((question) => question.object));
      const strays = [...found.keys()].filter((name) => !known.has(name));
      return { votes, strays: strays.map((name) => ({ object: name })) };
    }
    const found = await this.spicedb.subjects(object, relation, kindOf(subject), context);
    const votes = questions.map((question) => voteOn(found, question.subject));
    const known = new Set(questions.map((question) => question.subject));
    const strays = [...found.listed.keys()].filter((name) => !known.has(name));
    return { votes, strays: strays.map((name) => ({ subject: name })) };
  }

  /** Every question but those about a wildcard, which SpiceDB does not take in a check. */
  private questions(setting: number, random: RandomSource): Asked[] {
    const model = this.world.models[0] as PlainModel;
    const { objects, relations, subjects } = questionSpace(this.world, model);
    const likely: Asked[] = [];
    const denied: Asked[] = [];
    for (const subject of subjects) {
      if (subject.endsWith(':*')) continue;
      const answers = this.triage.answers(setting, subject);
      for (const object of objects) {
        for (const relation of relations.get(typeOf(object)) ?? []) {
          const question = { object, relation, subject, setting };
          (answers.outcome(object, relation) === 'denied' ? denied : likely).push(question);
        }
      }
    }
    return [...random.shuffled(likely), ...random.shuffled(denied)].slice(0, checksPerSetting);
  }

  /** Lists that the questions lead to: those that are likely to hold something come first. */
  private lists(questions: readonly Asked[], random: RandomSource): AskedList[] {
    const leads = questions.slice(0, Math.max(listsPerSetting, Math.ceil(questions.length / 3)));
    const drawn = random.shuffled(leads);
    const some = (api: AskedList['api'], nameOf: (question: Asked) => readonly string[]) => {
      const distinct = new Map(drawn.map((question) => [nameOf(question).join('\n'), question]));
      return [...distinct.values()]
        .slice(0, listsPerSetting)
        .map((question) => ({ api, questions: listWith(this.world, api, question) }));
    };
    return [
      ...some('resources', ({ object, relation, subject }) => [typeOf(object), relation, subject]),
      ...some('subjects', ({ object, relation, subject }) => [object, relation, kindOf(subject)]),
    ];
  }
}

/** All that might be in the list in which the question is looked up. */
export function listWith(world: World, api: AskedList['api'], question: Asked): Asked[] {
  const { objects } = questionSpace(world, world.models[0] as PlainModel);
  const ofType = (type: string) => objects.filter((object) => typeOf(object) === type);
  const { object, subject } = question;
  if (api === 'resources') {
    return ofType(typeOf(object)).map((each) => ({ ...question, object: each }));
  }
  const type = typeOf(subject);
  const suffix = kindOf(subject).slice(type.length);
  const subjects = ofType(type).map((each) => each + suffix);
  if (suffix === '') subjects.push(`${type}:*`);
  return subjects.map((each) => ({ ...question, subject: each }));
}

/** A type, or `type#relation` for usersets. */
function kindOf(subject: string): string {
  const hash = subject.indexOf('#');
  return hash === -1 ? typeOf(subject) : typeOf(subject) + subject.slice(hash);
}
