/** Puts every question of a world to the oracle and to Pemba, in all ways, and compares. */
import { limits } from '../../src/base/limits.ts';
import type { Outcome, PlainModel, Question } from './facts.ts';
import { relationsOf, typeOf } from './facts.ts';
import { Oracle } from './oracle.ts';
import type { RandomSource } from './random-source.ts';
import type { Answer, Asked, Pemba, ServedWorld, Way } from './served-world.ts';
import { countFeatures, cover, pairsOf, type Tally } from './tally.ts';
import { questionSpace, type Setting, type World } from './world.ts';

/** A question on which the two differ, with all that was asked together with it, it being the last. */
export interface Disagreement {
  readonly world: World;
  readonly way: Way;
  readonly asked: readonly Asked[];
  readonly expected: Outcome;
  readonly got: Answer;
}

/** How the two answers to one question stand to each other. */
export type Judgement = 'agree' | 'conservative' | 'tooDeep' | 'eager' | 'unnamed' | 'disagree';

/** The oracle knows no limits; a path of so many usersets as this is an error for Pemba. */
const tooDeep: Answer = 'refused: authorization_model_resolution_too_complex';

const batchSize = 50;
/** An explanation costs as much as many checks. */
const explainedPerSubject = 8;
const batchesPerModel = 4;

/** Compares all there is to ask; returns the disagreements, and counts into the tally. */
export async function compareWorld(
  pemba: Pemba,
  world: World,
  random: RandomSource,
  tally: Tally,
): Promise<Disagreement[]> {
  const served = await pemba.serve(world);
  tally.worlds++;
  countFeatures(tally, world);
  const found = new Comparison({ pemba, world, served, random, tally }).run();
  await pemba.drop(served);
  return found;
}

export function oracleFor(world: World, setting: Setting): Oracle {
  const model = world.models[setting.model] as PlainModel;
  const stored = world.stored.filter(({ deleted }) => !deleted).map(({ tuple }) => tuple);
  const facts = { model, stored, contextual: setting.contextual, context: setting.context };
  return new Oracle(facts, questionSpace(world, model).objects);
}

/**
 * A walk that does not settle cycles may deny what the fixpoint allows, where a cycle passes a
 * subtracted side; it may never allow what the fixpoint does not. A list may fail for a condition
 * that its answer does not hang on: the wire's tests have it so.
 */
export function judge(
  oracle: Oracle,
  way: Way,
  question: Question,
  expected: Outcome,
  got: Answer,
): Judgement {
  if (got === expected) return 'agree';
  if (got === tooDeep) {
    const { object, relation } = question;
    return oracle.pathAtMost(object, relation) < limits.checkDepthMax ? 'disagree' : 'tooDeep';
  }
  // An error where the check has one is what the list owes too; a wildcard must not hide it.
  if (got === 'unnamed') return expected === 'error' ? 'disagree' : 'unnamed';
  if (got === 'error' && (way === 'objects' || way === 'users') && oracle.hasOpenGuards()) {
    return 'eager';
  }
  return way !== 'objects' &&
    way !== 'users' &&
    got === 'denied' &&
    expected === 'allowed' &&
    oracle.dependsOnNegativeCycle(question.object, question.relation)
    ? 'conservative'
    : 'disagree';
}

interface Parts {
  readonly pemba: Pemba;
  readonly world: World;
  readonly served: ServedWorld;
  readonly random: RandomSource;
  readonly tally: Tally;
}

class Comparison {
  private readonly parts: Parts;
  private readonly found: Disagreement[] = [];
  /** By setting. */
  private readonly oracles: readonly Oracle[];
  private readonly expected: readonly Map<string, { question: Asked; outcome: Outcome }>[];
  private readonly pairs = new Map<string, readonly string[]>();

  constructor(parts: Parts) {
    this.parts = parts;
    this.oracles = parts.world.settings.map((setting) => oracleFor(parts.world, setting));
    this.expected = parts.world.settings.map(() => new Map());
  }

  run(): Disagreement[] {
    const { world, random } = this.parts;
    for (const setting of world.settings.keys()) {
      const { subjects } = questionSpace(world, this.modelOf(setting));
      for (const subject of random.shuffled(subjects)) {
        const questions = random.shuffled(this.questionsAbout(subject, setting));
        if (questions.length === 0) continue;
        this.put('walk', questions);
        this.put('check', questions);
        this.put('objects', questions);
        this.put('relations', questions);
        this.put('pembaObjects', questions);
        this.put('explain', questions.slice(0, explainedPerSubject));
      }
      const asked = [...(this.expected[setting]?.values() ?? [])].map(({ question }) => question);
      if (asked.length > 0) this.put('users', asked);
      if (asked.length > 0) this.put('pembaSubjects', asked);
    }
    for (const model of world.models.keys()) this.putBatches(model);
    return this.found;
  }

  /**
   * Batches mix subjects and settings: what may share a walk? Half of them holds questions whose
   * answers differ between settings, each under all of these.
   */
  private putBatches(model: number): void {
    const { world, random } = this.parts;
    const settings = [...world.settings.keys()].filter((s) => world.settings[s]?.model === model);
    const names = [...new Set(settings.flatMap((s) => [...(this.expected[s]?.keys() ?? [])]))];
    const under = (name: string) => settings.flatMap((s) => this.expected[s]?.get(name) ?? []);
    const differing = names.filter(
      (name) => new Set(under(name).map(({ outcome }) => outcome)).size > 1,
    );
    const most = (batchesPerModel * batchSize) / (2 * Math.max(1, settings.length));
    const chosen = [differing, names].flatMap((from) => random.shuffled(from).slice(0, most));
    const asked = random.shuffled(chosen.flatMap(under).map(({ question }) => question));
    for (let start = 0; start < asked.length; start += batchSize) {
      this.put('batch', asked.slice(start, start + batchSize));
    }
  }

  private modelOf(setting: number): PlainModel {
    const { world } = this.parts;
    return world.models[(world.settings[setting] as Setting).model] as PlainModel;
  }

  private questionsAbout(subject: string, setting: number): Asked[] {
    const { objects, relations } = questionSpace(this.parts.world, this.modelOf(setting));
    const answers = (this.oracles[setting] as Oracle).ask(subject);
    return objects.flatMap((object) =>
      (relations.get(typeOf(object)) ?? []).map((relation) => {
        const question = { object, relation, subject, setting };
        const outcome = answers.outcome(object, relation);
        this.expected[setting]?.set(nameOf(question), { question, outcome });
        if (answers.isUndefined(object, relation)) this.parts.tally.undefined++;
        return question;
      }),
    );
  }

  private put(way: Way, asked: readonly Asked[]): void {
    const { pemba, world, served, tally } = this.parts;
    const answers = pemba.ask(served, way, asked);
    for (const [index, question] of asked.entries()) {
      const expected = this.expected[question.setting]?.get(nameOf(question))?.outcome as Outcome;
      const got = answers[index] as Answer;
      this.count(question, expected);
      const oracle = this.oracles[question.setting] as Oracle;
      const judgement = judge(oracle, way, question, expected, got);
      if (judgement === 'agree') continue;
      if (judgement !== 'disagree') {
        tally[judgement]++;
        continue;
      }
      tally.disagreements++;
      // What the ways that share nothing were asked before is of no account.
      const before =
        way === 'batch' || way === 'walk' || way === 'relations' ? asked.slice(0, index) : [];
      this.found.push({ world, way, asked: [...before, question], expected, got });
    }
  }

  private count({ object, relation, subject, setting }: Asked, expected: Outcome): void {
    const { tally } = this.parts;
    tally.decisions++;
    tally[expected === 'error' ? 'errors' : expected]++;
    const pairs = this.pairsFor(this.modelOf(setting), typeOf(object), relation);
    cover(tally, pairs, subject, expected === 'allowed');
  }

  private pairsFor(model: PlainModel, type: string, relation: string): readonly string[] {
    const key = `${this.parts.world.models.indexOf(model)} ${type}#${relation}`;
    const known = this.pairs.get(key);
    if (known !== undefined) return known;
    const rewrite = relationsOf(model, type)[relation];
    const pairs = rewrite === undefined ? [] : [...new Set(pairsOf(rewrite))];
    this.pairs.set(key, pairs);
    return pairs;
  }
}

function nameOf({ object, relation, subject }: Question): string {
  return JSON.stringify([object, relation, subject]);
}
