/** Puts every question of a world to the oracle and to Pemba, in all ways, and compares. */
import { apiOf, type Way, ways } from './apis.ts';
import type { Answer, Asked } from './asked.ts';
import { Behind } from './behind.ts';
import { BehindExpiry } from './behind-expiry.ts';
import { count, pairRows, rowOf } from './coverage.ts';
import type { Outcome, PlainModel, Question } from './facts.ts';
import { typeOf } from './facts.ts';
import { judge, oracleFor } from './judge.ts';
import { compareNarrowed } from './narrowed.ts';
import type { Oracle } from './oracle.ts';
import { comparePages } from './pages.ts';
import { questionSpace } from './questions.ts';
import type { RandomSource } from './random-source.ts';
import type { Pemba, ServedWorld } from './served-world.ts';
import { circumstanceOf } from './source.ts';
import { countDecision, countFeatures, type Tally } from './tally.ts';
import type { Setting, World } from './world.ts';

/** A question on which the two differ, with all that was asked together with it, it being the last. */
export interface Disagreement {
  readonly world: World;
  readonly way: Way;
  readonly asked: readonly Asked[];
  readonly expected: Answer;
  readonly got: Answer;
  /** Where two worlds differ that should not: the rule that makes the other, and its seed. */
  readonly rule?: { readonly name: string; readonly seed: number };
}

const batchSize = 50;
const batchesPerModel = 4;
/** Of how many subjects a brief setting is asked. */
const subjectsOfBrief = 4;
/** Questions to each API of a service that has nothing in memory. */
const coldQuestions = 2;

/** How much of a world is asked. */
export interface Extent {
  readonly subjectsMax: number;
  /** Of the APIs but the engine's own, and of what is asked besides: more worlds instead. */
  readonly share: number;
}

const everything: Extent = { subjectsMax: Number.POSITIVE_INFINITY, share: 1 };

/** Compares all there is to ask; returns the disagreements, and counts into the tally. */
export async function compareWorld(
  pemba: Pemba,
  world: World,
  random: RandomSource,
  tally: Tally,
  { subjectsMax, share }: Extent = everything,
): Promise<Disagreement[]> {
  const served = await pemba.serve(world);
  tally.worlds++;
  countFeatures(tally, world);
  // Settings that differ by little are asked in batches alone.
  const shareOf = (way: Way) => (apiOf(way).takes === 'batch' ? Math.sqrt(share) : share);
  const asked = ways.filter((way) => way === 'walk' || random.chance(shareOf(way)));
  const parts = { pemba, world, served, random, tally, subjectsMax, asked };
  const found = await new Comparison(parts).run();
  if (found.length === 0 && random.chance(share)) {
    await compareNarrowed(served, world, random, tally);
    await comparePages(served, world, random, tally);
  }
  await pemba.drop(served);
  return found;
}

interface Parts {
  readonly pemba: Pemba;
  readonly world: World;
  readonly served: ServedWorld;
  readonly random: RandomSource;
  readonly tally: Tally;
  readonly subjectsMax: number;
  readonly asked: readonly Way[];
}

/** What the oracle has to say under one setting. */
interface Expected {
  readonly oracle: Oracle;
  readonly behind: Behind;
  readonly expiry: BehindExpiry | undefined;
  /** By question: what a check owes, and what the trees of Expand do. */
  readonly check: Map<string, { readonly question: Asked; readonly outcome: Outcome }>;
  readonly tree: Map<string, Outcome>;
}

class Comparison {
  private readonly parts: Parts;
  private readonly found: Disagreement[] = [];
  /** By setting. */
  private readonly expected: readonly Expected[];
  /** Rows of the tables, by what they hang on. */
  private readonly rows = new Map<string, readonly number[]>();

  constructor(parts: Parts) {
    this.parts = parts;
    this.expected = parts.world.settings.map((setting) => {
      const oracle = oracleFor(parts.world, setting);
      const expiry = BehindExpiry.of(parts.world, setting);
      return { oracle, behind: new Behind(oracle), expiry, check: new Map(), tree: new Map() };
    });
  }

  async run(): Promise<Disagreement[]> {
    const { world, random, subjectsMax } = this.parts;
    const few = world.models.map((model) => this.namedSubjects(model, subjectsOfBrief));
    for (const [setting, { model, brief }] of world.settings.entries()) {
      const unguarded = oracleFor(world, world.settings[setting] as Setting, true);
      if (brief) {
        for (const subject of few[model] ?? []) this.questionsAbout(subject, setting, unguarded);
        continue;
      }
      for (const subject of this.subjectsOf(this.modelOf(setting), subjectsMax)) {
        const questions = random.shuffled(this.questionsAbout(subject, setting, unguarded));
        await this.putAll('subject', questions);
      }
      await this.putAll('setting', random.shuffled(this.questionsUnder(setting)));
    }
    for (const model of world.models.keys()) await this.putBatches(model);
    await this.putCold();
    return this.found;
  }

  /** All in any order; or so many, of which most are named by some tuple. */
  private subjectsOf(model: PlainModel, most: number): readonly string[] {
    const { world, random } = this.parts;
    const all = random.shuffled(questionSpace(world, model).subjects);
    if (all.length <= most) return all;
    const named = this.namedSubjects(model, Math.ceil((most * 3) / 4));
    return [...new Set([...named, ...all])].slice(0, most);
  }

  /** The same under all settings of a model, so that their answers can be told apart. */
  private namedSubjects(model: PlainModel, most: number): readonly string[] {
    const { world, random } = this.parts;
    const { subjects } = questionSpace(world, model);
    const tuples = [...world.stored.map(({ tuple }) => tuple)];
    for (const { contextual } of world.settings) tuples.push(...contextual);
    const named = new Set(tuples.map(({ subject }) => subject));
    const known = random.shuffled(subjects.filter((subject) => named.has(subject)));
    return known.slice(0, most);
  }

  private async putAll(takes: 'subject' | 'setting', questions: readonly Asked[]): Promise<void> {
    if (questions.length === 0) return;
    for (const way of this.parts.asked) {
      const api = apiOf(way);
      if (api.takes === takes) await this.put(way, questions.slice(0, api.most));
    }
  }

  /**
   * Batches mix subjects and settings: what may share a walk? Half of them holds questions whose
   * answers differ between settings, each under all of these.
   */
  private async putBatches(model: number): Promise<void> {
    const { world, random } = this.parts;
    const settings = [...world.settings.keys()].filter((s) => world.settings[s]?.model === model);
    const names = [
      ...new Set(settings.flatMap((s) => [...(this.expected[s]?.check.keys() ?? [])])),
    ];
    const under = (name: string) =>
      settings.flatMap((s) => this.expected[s]?.check.get(name) ?? []);
    const differing = names.filter(
      (name) => new Set(under(name).map(({ outcome }) => outcome)).size > 1,
    );
    const most = (batchesPerModel * batchSize) / (2 * Math.max(1, settings.length));
    const chosen = [differing, names].flatMap((from) => random.shuffled(from).slice(0, most));
    const asked = chosen.flatMap(under).map(({ question }) => question);
    for (const way of this.parts.asked.filter((each) => apiOf(each).takes === 'batch')) {
      for (let start = 0; start < asked.length; start += batchSize) {
        await this.put(way, random.shuffled(asked.slice(start, start + batchSize)));
      }
    }
  }

  /** Everything else is asked of a service that has met the world's models before. */
  private async putCold(): Promise<void> {
    const { pemba, world, served, random } = this.parts;
    const all = [...world.settings.keys()].flatMap((setting) => this.questionsUnder(setting));
    if (all.length === 0) return;
    for (const way of this.parts.asked) {
      if (!apiOf(way).usesCaches) continue;
      for (let more = coldQuestions; more > 0; more--) {
        await this.put(way, [random.pick(all)], pemba.cold(served));
      }
    }
  }

  private modelOf(setting: number): PlainModel {
    const { world } = this.parts;
    return world.models[(world.settings[setting] as Setting).model] as PlainModel;
  }

  private questionsUnder(setting: number): Asked[] {
    return [...(this.expected[setting]?.check.values() ?? [])].map(({ question }) => question);
  }

  private questionsAbout(subject: string, setting: number, unguarded: Oracle): Asked[] {
    const { objects, relations } = questionSpace(this.parts.world, this.modelOf(setting));
    const { oracle, check, tree } = this.expected[setting] as Expected;
    const answers = oracle.ask(subject);
    const treeAnswers = unguarded.ask(subject);
    return objects.flatMap((object) =>
      (relations.get(typeOf(object)) ?? []).map((relation) => {
        const question = { object, relation, subject, setting };
        const outcome = answers.outcome(object, relation);
        check.set(nameOf(question), { question, outcome });
        tree.set(nameOf(question), treeAnswers.outcome(object, relation));
        if (answers.isUndefined(object, relation)) this.parts.tally.undefined++;
        return question;
      }),
    );
  }

  private async put(way: Way, asked: readonly Asked[], cold?: ServedWorld): Promise<void> {
    const { world, served, tally } = this.parts;
    const { ask, owes, remembers = false } = apiOf(way);
    await served.turn();
    const answers = await ask(cold ?? served, asked);
    for (const [index, question] of asked.entries()) {
      const { check, tree, behind } = this.expected[question.setting] as Expected;
      const name = nameOf(question);
      const owed = owes === 'tree' ? tree.get(name) : check.get(name)?.outcome;
      const expected = owed as Outcome;
      const got = answers[index] as Answer;
      this.count(way, question, expected, cold !== undefined);
      const judgement = judge(behind, way, question, expected, got);
      if (judgement === 'agree') continue;
      if (judgement !== 'disagree') {
        tally[judgement]++;
        continue;
      }
      tally.disagreements++;
      const before = remembers ? asked.slice(0, index) : [];
      this.found.push({ world, way, asked: [...before, question], expected, got });
    }
  }

  private count(way: Way, question: Asked, expected: Outcome, cold: boolean): void {
    const { tally } = this.parts;
    countDecision(tally, way, expected);
    count(tally.cells, way, this.pairRows(question));
    count(tally.cells, way, this.rowsBehind(question));
    const answered = expected === 'error' ? 'an error' : expected;
    const { source } = this.parts.pemba;
    const rows = [answered, cold ? 'cold' : 'warm', circumstanceOf[source]] as const;
    count(tally.cells, way, rows.map(rowOf));
  }

  private pairRows({ object, relation, subject, setting }: Asked): readonly number[] {
    const model = this.modelOf(setting);
    const type = typeOf(object);
    const kind = subject.includes('#') ? '#' : subject.endsWith(':*') ? '*' : '';
    const key = `${this.parts.world.models.indexOf(model)} ${type}#${relation} ${kind}`;
    return this.remembered(key, () => pairRows(model, type, relation, subject));
  }

  private rowsBehind({ object, relation, setting }: Asked): readonly number[] {
    return this.remembered(`${setting} ${object}#${relation}`, () => {
      const { behind, expiry } = this.expected[setting] as Expected;
      const expired = expiry?.circumstances(object, relation) ?? [];
      return [...behind.circumstances(object, relation), ...expired].map(rowOf);
    });
  }

  private remembered(key: string, make: () => readonly number[]): readonly number[] {
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.rows.set(key, made);
    return made;
  }
}

function nameOf({ object, relation, subject }: Question): string {
  return JSON.stringify([object, relation, subject]);
}
