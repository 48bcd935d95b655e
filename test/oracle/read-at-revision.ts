/**
 * Holds what clients were answered against what the store went through: each answer is the oracle's
 * at exactly the revision that its token names, and that revision is one that it may have been.
 */
import { apiOf, type Way } from './apis.ts';
import type { Answer, Asked } from './asked.ts';
import { Behind } from './behind.ts';
import { type Circumstance, count, pairRows, rowOf } from './coverage.ts';
import { counts, type PlainModel, type PlainTuple, relationsOf, typeOf } from './facts.ts';
import type { History, State } from './history.ts';
import { judge } from './judge.ts';
import { type Answers, Oracle } from './oracle.ts';
import { questionSpace } from './questions.ts';
import { circumstanceOf, type Source } from './source.ts';
import { countDecision, type Tally } from './tally.ts';
import type { Setting, World } from './world.ts';

/** Between which commits something happened: those before `from` were done, those after `to` not begun. */
interface During {
  readonly from: number;
  readonly to: number;
}

export interface Read extends During {
  readonly way: Way;
  readonly asked: readonly Asked[];
  readonly answers: readonly Answer[];
  readonly setting: Setting;
  /** '' for the latest. */
  readonly modelId: string;
  /** The revision of the token that it came with; 0 for none. */
  readonly least: number;
  /** Whether it asked for the newest revision of the record. */
  readonly newest: boolean;
  /** Those that storage held for it. */
  readonly held: readonly number[];
  /** Ids of models, and the revisions, that its answers named. */
  readonly models: readonly string[];
  readonly revisions: readonly number[];
  /** So many reads were over when it began. */
  readonly readsBefore: number;
}

/** A write that never reached storage. */
export interface Refused extends During {
  readonly code: string;
  readonly writes: readonly PlainTuple[];
}

export interface Seen {
  readonly world: World;
  readonly source: Source;
  readonly history: History;
  readonly reads: readonly Read[];
  readonly refused: readonly Refused[];
}

/** Throws at the first answer that no state explains. */
export function verify(seen: Seen, tally: Tally): void {
  const states = seen.history.states();
  for (const refused of seen.refused) verifyRefused(states, refused);
  const judges = new Map<string, StateJudge>();
  const judgeAt = (state: State, read: Read) => {
    const { life, revision } = state;
    const key = JSON.stringify([life, revision, read.modelId, read.setting, apiOf(read.way).owes]);
    const known = judges.get(key);
    if (known !== undefined) return known;
    const made = new StateJudge(seen.world, state, read);
    judges.set(key, made);
    return made;
  };
  /** The state of each read, as its place among the states. */
  const places: number[] = [];
  for (const [index, read] of seen.reads.entries()) {
    const unnamed = read.held.find((revision) => !read.revisions.includes(revision));
    const { pages = false } = apiOf(read.way);
    // A list whose store was deleted meanwhile begins again with what is there then.
    if (unnamed !== undefined && !pages && !wasDropped(states, read.from, read.to)) {
      const named = read.revisions.join(', ');
      throw new Error(`read ${index} (${read.way}) held revision ${unnamed}, and names ${named}`);
    }
    const floor = Math.max(read.from, ...places.slice(0, read.readsBefore));
    places.push(placeOf(states, read, { floor, judgeAt, index }));
    const state = states[places[index] as number] as State;
    judgeAt(state, read).countInto(tally, read, circumstanceOf[seen.source]);
  }
}

function wasDropped(states: readonly State[], from: number, to: number): boolean {
  return new Set(states.slice(from, to + 1).map(({ life }) => life)).size > 1;
}

function verifyRefused(states: readonly State[], { code, writes, from, to }: Refused): void {
  const explained = states.slice(from, to + 1).some(({ models }) => {
    const latest = models.at(-1)?.model;
    return latest === undefined || writes.some((tuple) => !counts(latest, tuple));
  });
  if (!explained) throw new Error(`refused with ${code} though every model takes the tuples`);
}

interface Placing {
  readonly floor: number;
  readonly index: number;
  judgeAt(state: State, read: Read): StateJudge;
}

function placeOf(states: readonly State[], read: Read, { floor, index, judgeAt }: Placing): number {
  const places = Array.from({ length: read.to + 1 - floor }, (_, at) => floor + at);
  const stateAt = (place: number) => states[place] as State;
  if (read.answers.every((answer) => answer === 'refused: unavailable')) {
    // What the caller or the head asked for is gone with the store.
    const seen = read.newest ? places.map((place) => stateAt(place).revision) : [];
    const least = Math.max(read.least, ...seen);
    const place = places.find((each) => stateAt(each).revision < least);
    if (place !== undefined) return place;
  }
  const dropped = wasDropped(states, floor, read.to);
  // A list that was under way when its store was deleted says so.
  if (dropped && read.answers.every((answer) => answer === 'refused: aborted')) return floor;
  // Several requests may have been answered at several revisions; then there is nothing to hold.
  const [revision] = read.revisions;
  if (read.revisions.length > 1) return floor;
  // And in two lives of the store, whose revisions have the same numbers.
  if (dropped && read.models.length > 1) return floor;
  const named = places.filter((place) => stateAt(place).revision === revision);
  const explanations = named.map((place) => ({
    place,
    fault: judgeAt(stateAt(place), read).faultOf(read),
  }));
  const explained = explanations.find(({ fault }) => fault === undefined);
  // What a token asks for is gone with the store, also where a list had begun before.
  const isNewEnough = dropped || (revision ?? 0) >= read.least;
  if (explained !== undefined && isNewEnough) return explained.place;
  throw new Error(
    [
      `read ${index} (${read.way}) names revision ${revision}, asked for ${read.least} at least;`,
      `it could be of revisions ${places.map((place) => stateAt(place).revision).join(', ')}`,
      ...explanations.map(({ place, fault }) => `at ${stateAt(place).revision}: ${fault}`),
      JSON.stringify({ setting: read.setting, modelId: read.modelId }),
    ].join('\n'),
  );
}

/** The oracle of one state, under one setting. */
class StateJudge {
  private readonly modelId: string | undefined;
  private readonly model: PlainModel | undefined;
  private readonly oracle: Oracle | undefined;
  private readonly behind: Behind | undefined;
  private readonly answers = new Map<string, Answers>();

  constructor(world: World, state: State, { way, setting, modelId }: Read) {
    const record =
      modelId === '' ? state.models.at(-1) : state.models.find(({ id }) => id === modelId);
    this.modelId = record?.id;
    this.model = record?.model;
    if (this.model === undefined) return;
    const { contextual, context } = setting;
    const stored = [...state.tuples.values()];
    const unguarded = apiOf(way).owes === 'tree';
    const facts = { model: this.model, stored, contextual, context, unguarded };
    this.oracle = new Oracle(facts, questionSpace(world, this.model).objects);
    this.behind = new Behind(this.oracle);
  }

  /** What the state does not explain. */
  faultOf({ way, asked, answers, models }: Read): string | undefined {
    const stranger = models.find((id) => id !== this.modelId);
    // A list that begins again where the store is gone has named the model of its first attempt.
    if (stranger !== undefined && this.modelId !== undefined) {
      return `by model ${stranger}, not ${this.modelId}`;
    }
    for (const [index, question] of asked.entries()) {
      const got = answers[index] as Answer;
      const expected = this.expected(question);
      if (expected === undefined) {
        if (got === 'allowed') return `allowed what cannot be asked: ${JSON.stringify(question)}`;
      } else if (judge(this.behind as Behind, way, question, expected, got) === 'disagree') {
        return `${JSON.stringify(question)}: ${got}, not ${expected}`;
      }
    }
    return undefined;
  }

  countInto(tally: Tally, { way, asked }: Read, from: Circumstance): void {
    for (const question of asked) {
      const outcome = this.expected(question);
      if (outcome === undefined) continue;
      const { object, relation, subject } = question;
      countDecision(tally, way, outcome);
      count(
        tally.cells,
        way,
        pairRows(this.model as PlainModel, typeOf(object), relation, subject),
      );
      const circumstances = (this.behind as Behind).circumstances(object, relation);
      const rows = [...circumstances, 'among writers', 'warm', from] as const;
      count(tally.cells, way, rows.map(rowOf));
      count(tally.cells, way, [rowOf(outcome === 'error' ? 'an error' : outcome)]);
    }
  }

  /** Undefined where the state's model has no words for the question. */
  private expected({ object, relation, subject }: Asked) {
    const { model, oracle } = this;
    if (model === undefined || oracle === undefined) return undefined;
    const [named = '', ofRelation] = subject.split('#');
    const isType = model.type_definitions.some(({ type }) => type === typeOf(named));
    if (!isType || !Object.hasOwn(relationsOf(model, typeOf(object)), relation)) return undefined;
    if (ofRelation !== undefined && !Object.hasOwn(relationsOf(model, typeOf(named)), ofRelation)) {
      return undefined;
    }
    let answers = this.answers.get(subject);
    if (answers === undefined) {
      answers = oracle.ask(subject);
      this.answers.set(subject, answers);
    }
    return answers.outcome(object, relation);
  }
}
