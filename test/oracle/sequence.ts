/**
 * Several clients at once, under a schedule that a seed makes: each writes, deletes, changes the
 * model, drops the store and asks, and every answer must be the oracle's at exactly the revision
 * that its token names. Shrinks by fast-check; the same seed gives the same run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Clock } from '../../src/base/clock.ts';
import { Refusal } from '../../src/base/errors.ts';
import type { WriteAuthorizationModelResponse } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { parseConsistencyToken } from '../../src/storage/revision.ts';
import { apiOf } from './apis.ts';
import type { Asked } from './asked.ts';
import { Caller, type Methods, openDoor } from './door.ts';
import type { PlainModel, PlainTuple, Question } from './facts.ts';
import { History } from './history.ts';
import {
  type AroundStep,
  type AskStep,
  type ClearStep,
  type DropStep,
  type Plan,
  planArbitrary,
  type Step,
  type TuplesStep,
} from './plan.ts';
import { someQuestions, wholeOf } from './questions.ts';
import { RandomSource } from './random-source.ts';
import { type Read, type Refused, verify } from './read-at-revision.ts';
import { heldRevisions, recorded, type Turn } from './recorded.ts';
import type { ServedWorld } from './served-world.ts';
import { Sourced } from './source.ts';
import { countGraphs, type Tally } from './tally.ts';
import { isValidModel } from './valid-model.ts';
import { randomWorld, type Setting, type World } from './world.ts';
import { type TuplePool, tuplePool, type WriteRequest } from './write-requests.ts';

/** What is wrong with one plan of this seed, in its smallest form; undefined where nothing is. */
export async function sequenceFault(
  seed: number,
  shrink: boolean,
  tally: Tally,
): Promise<string | undefined> {
  const property = fc.asyncProperty(fc.scheduler(), planArbitrary(), (scheduler, plan) =>
    runPlan(scheduler, plan, tally),
  );
  const found = await fc.check(property, {
    seed,
    numRuns: 1,
    endOnFailure: !shrink,
    interruptAfterTimeLimit: shrinkMs,
  });
  // A machine that stood still has left no time for it.
  if (!found.failed || found.counterexample === null) return undefined;
  tally.disagreements++;
  return `${await fc.asyncDefaultReportMessage(found)}\n\n${found.errorInstance instanceof Error ? found.errorInstance.stack : found.errorInstance}`;
}

/** A case that is small enough after this time is not made smaller. */
const shrinkMs = 60_000;

async function runPlan(scheduler: fc.Scheduler, plan: Plan, tally: Tally): Promise<void> {
  const folder = plan.file ? mkdtempSync(join(tmpdir(), 'pemba-sequence-')) : undefined;
  const path = folder === undefined ? ':memory:' : join(folder, 'pemba.db');
  const sourced = await Sourced.open(plan.source, { path, clock: stillClock });
  try {
    const scene = new Scene(plan.world, sourced, async (label) => {
      await sourced.turn();
      await scheduler.schedule(Promise.resolve(), label);
    });
    await scene.begin();
    await scheduler.waitFor(Promise.all(plan.clients.map((steps) => scene.run(steps))));
    scene.verify(tally);
    tally.sequences++;
    countGraphs(tally, sourced.counts);
  } finally {
    await sourced.datastore.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Time stands still: no list is late, and no deadline passes. */
const stillClock: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
/** Of the subject of a tuple that comes and goes, so much is asked each time. */
const questionsAround = 3;
/** How long a call may wait for a revision that never comes, in milliseconds. */
const patienceMs = 5;

const store = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;

class Scene {
  private readonly world: World;
  private readonly pool: TuplePool;
  private readonly keyed: WriteRequest[] = [];
  private readonly methods: Methods;
  private readonly sourced: Sourced;
  private readonly datastore: Datastore;
  private readonly history = new History();
  private readonly reads: Read[] = [];
  private readonly refused: Refused[] = [];
  private turn: Turn = async () => {};
  private readonly scheduledTurn: Turn;
  /** The newest token that any client has been given. */
  private token = '';
  private readonly modelIds: string[] = [];
  private commands = 0;

  constructor(seed: number, sourced: Sourced, turn: Turn) {
    const { datastore } = sourced;
    this.sourced = sourced;
    const random = new RandomSource(seed);
    this.world = randomWorld(seed, isValidModel, () => {});
    this.pool = tuplePool(random, this.world);
    this.scheduledTurn = turn;
    this.datastore = datastore;
    const context = {
      datastore: recorded(datastore, this.history, (label) => this.turn(label)),
      clock: stillClock,
      lists: { sliceSteps: 1, sliceMs: 0 },
    };
    this.methods = openDoor(context);
  }

  /** The first model and half of the tuples are there before anybody comes. */
  async begin(): Promise<void> {
    await this.writeModel(0);
    await this.sourced.begin(store);
    await this.writeFirst(this.pool.tuples.length >> 1);
    await this.sourced.end(store);
    this.turn = this.scheduledTurn;
  }

  private async writeFirst(count: number): Promise<void> {
    for (let start = 0; start < count; start += 40) {
      const writes = Array.from({ length: Math.min(40, count - start) }, (_, i) => start + i);
      await this.write(this.pool.write({ kind: 'write', writes, deletes: [], ignore: true }));
    }
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.turn(step.kind);
      this.commands++;
      await this.take(step);
    }
  }

  private async take(step: Step): Promise<unknown> {
    if (step.kind === 'model') return this.writeModel(step.model);
    if (step.kind === 'drop') return this.drop(step);
    if (step.kind === 'ask') return this.ask(step);
    if (this.pool.tuples.length === 0) return undefined;
    switch (step.kind) {
      case 'around':
        return this.around(step);
      case 'write':
        return this.write(this.pool.write(step));
      case 'tuples':
        return this.writeTuples(step);
      case 'retry':
        return this.write(this.keyed[step.write % this.keyed.length]);
      case 'clear':
        return this.clear(step);
    }
  }

  verify(tally: Tally): void {
    const { history, reads, refused } = this;
    const { source } = this.sourced;
    verify({ world: this.world, source, history, reads, refused }, tally);
    tally.commands += this.commands;
    tally.revisions += history.commits.filter(({ result }) => typeof result === 'number').length;
  }

  private async write(write: WriteRequest | undefined): Promise<void> {
    if (write === undefined) return;
    const request = { store_id: store, ...write.request };
    await this.commit(write.method, request, write.writes);
  }

  /** One with an idempotency key can be sent again. */
  private writeTuples(step: TuplesStep): Promise<void> {
    const write = this.pool.writeTuples(step);
    if (write !== undefined && step.key > 0) this.keyed.push(write);
    return this.write(write);
  }

  private async clear({ filter }: ClearStep): Promise<void> {
    const request = { store_id: store, filter: this.pool.filter(filter) };
    await this.commit('deleteTuples', request, []);
  }

  private async writeModel(at: number): Promise<void> {
    const { models } = this.world;
    const index = at % models.length;
    const request = { store_id: store, ...(models[index] as PlainModel) };
    const answer = await this.commit('writeAuthorizationModel', request, []);
    this.modelIds[index] = (answer as WriteAuthorizationModelResponse).authorizationModelId;
  }

  private async drop({ renewed }: DropStep): Promise<void> {
    await this.commit('deleteStore', { store_id: store }, []);
    if (!renewed) return;
    await this.writeModel(0);
    await this.writeFirst(this.pool.tuples.length);
  }

  /** What was refused before storage had a say is verified with the reads. */
  private async commit(method: string, request: object, writes: readonly PlainTuple[]) {
    const { history } = this;
    const caller = new Caller(this.methods);
    const from = history.acknowledged;
    try {
      const answer = await caller.call(method, request);
      this.noteToken(caller);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (history.refusals.has(error)) return undefined;
      this.refused.push({ code: error.code, writes, from, to: history.commits.length });
      return undefined;
    }
  }

  private async around({ tuple, ...step }: AroundStep): Promise<void> {
    const ask: AskStep = { ...step, kind: 'ask' };
    const granted = this.pool.granted(tuple);
    const without = { writes: [], deletes: [tuple] };
    const again = { writes: [tuple], deletes: [] };
    const always = { kind: 'tuples', duplicate: 'REPLACE', missing: 'IGNORE', key: 0 } as const;
    for (const change of [again, without, again]) {
      await this.writeTuples({ ...always, ...change, only: undefined });
      await this.ask(ask, granted);
      for (let more = 1; more < questionsAround; more++) {
        await this.ask({ ...ask, question: ask.question + more }, { subject: granted.subject });
      }
    }
  }

  private async ask(step: AskStep, about: Partial<Question> = {}): Promise<void> {
    const { history, world } = this;
    const setting = world.settings[step.setting % world.settings.length] as Setting;
    // The trees of Expand are read by a model that must be known.
    const latest = step.setting % 2 === 0 && step.way !== 'expand';
    const modelId = latest ? '' : this.modelIds[setting.model];
    if (modelId === undefined) return;
    const asked = this.questionsOf(step, setting, about);
    if (asked.length === 0) return;
    const token = step.at === 'token' ? this.token : '';
    const newest = step.at === 'newest';
    const caller = new Caller(this.methods, { token, newest, deadline: patienceMs });
    const under = latest ? { ...setting, model: 0, contextual: [] } : { ...setting, model: 0 };
    const from = history.acknowledged;
    const readsBefore = this.reads.length;
    const served: ServedWorld = {
      caller,
      source: this.sourced.source,
      turn: () => this.sourced.turn(),
      datastore: this.datastore,
      models: [world.models[setting.model] as PlainModel],
      settings: [under],
      store,
      neighbour: undefined,
      modelIds: [modelId],
      compiled: [],
      now: stillClock.now(),
      pause: () => this.turn('stream'),
      shared: true,
    };
    const held = new Set<number>();
    const answers = await heldRevisions.run(held, () => apiOf(step.way).ask(served, asked));
    const read: Read = {
      way: step.way,
      asked,
      answers,
      setting: under,
      modelId,
      least: token === '' ? 0 : parseConsistencyToken(token, store),
      held: [...held],
      models: [...caller.models],
      revisions: [...caller.tokens].map((each) => parseConsistencyToken(each, store)),
      newest,
      readsBefore,
      from,
      to: history.commits.length,
    };
    this.reads.push(read);
    this.noteToken(caller);
  }

  private questionsOf(step: AskStep, setting: Setting, about: Partial<Question>): Asked[] {
    const api = apiOf(step.way);
    const world = { ...this.world, settings: [setting] };
    const most = api.takes === 'batch' ? 8 : 1;
    const questions = someQuestions(new RandomSource(step.question), world, 0, most);
    const model = world.models[setting.model] as PlainModel;
    return questions.flatMap((question) => wholeOf(world, model, api, { ...question, ...about }));
  }

  private noteToken(caller: Caller): void {
    this.token = [...caller.tokens].at(-1) ?? this.token;
  }
}
