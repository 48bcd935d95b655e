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
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { apiOf, type Way, ways } from './apis.ts';
import type { Asked } from './asked.ts';
import { Caller, type Methods, openDoor } from './door.ts';
import type { PlainModel, PlainTuple } from './facts.ts';
import { History } from './history.ts';
import { someQuestions, wholeOf } from './questions.ts';
import { RandomSource } from './random-source.ts';
import { type Read, type Refused, verify } from './read-at-revision.ts';
import { recorded, type Turn } from './recorded.ts';
import { keyOnly, wire } from './served-world.ts';
import type { Tally } from './tally.ts';
import { isValidModel } from './valid-model.ts';
import { isImplicit, keyOf, randomTuple, randomWorld, type Setting, type World } from './world.ts';

type Step =
  | {
      readonly kind: 'write';
      readonly writes: readonly number[];
      readonly deletes: readonly number[];
      readonly ignore: boolean;
    }
  | { readonly kind: 'model'; readonly model: number }
  | { readonly kind: 'drop' }
  | {
      readonly kind: 'ask';
      readonly way: Way;
      readonly question: number;
      readonly setting: number;
      readonly at: 'any' | 'token' | 'newest';
    };

export interface Plan {
  readonly world: number;
  /** A database file, whose writer has a thread of its own; else one in memory. */
  readonly file: boolean;
  readonly clients: readonly (readonly Step[])[];
}

const asked = ways.filter((way) => way !== 'walk');
/** What is read in slices, between which others write, is asked more often. */
const lists = ['objects', 'stream', 'users'] as const;

const index = fc.nat({ max: 999 });
const askStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('ask' as const),
  way: fc.constantFrom(...asked, ...lists, ...lists),
  question: index,
  setting: index,
  at: fc.constantFrom('any', 'token', 'newest'),
});
const writeStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('write' as const),
  writes: fc.uniqueArray(index, { maxLength: 4 }),
  deletes: fc.uniqueArray(index, { maxLength: 2 }),
  ignore: fc.boolean(),
});
const modelStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('model' as const),
  model: index,
});
const dropStep: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('drop' as const) });

const writer = fc.array(
  fc.oneof(
    { arbitrary: writeStep, weight: 20 },
    { arbitrary: modelStep, weight: 3 },
    { arbitrary: dropStep, weight: 1 },
    { arbitrary: askStep, weight: 4 },
  ),
  { maxLength: 8 },
);
const reader = fc.array(askStep, { maxLength: 10 });

/** Four who write and four who read. */
export function planArbitrary(): fc.Arbitrary<Plan> {
  return fc.record({
    world: fc.noShrink(fc.nat({ max: 0x7fffffff })),
    file: fc.boolean(),
    clients: fc
      .tuple(writer, writer, writer, writer, reader, reader, reader, reader)
      .map((clients) => clients as readonly (readonly Step[])[]),
  });
}

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
  if (!found.failed) return undefined;
  tally.disagreements++;
  return `${await fc.asyncDefaultReportMessage(found)}\n\n${found.errorInstance instanceof Error ? found.errorInstance.stack : found.errorInstance}`;
}

/** A case that is small enough after this time is not made smaller. */
const shrinkMs = 60_000;

async function runPlan(scheduler: fc.Scheduler, plan: Plan, tally: Tally): Promise<void> {
  const folder = plan.file ? mkdtempSync(join(tmpdir(), 'pemba-sequence-')) : undefined;
  const path = folder === undefined ? ':memory:' : join(folder, 'pemba.db');
  const datastore = await openSqlite({ path, clock: stillClock });
  try {
    const scene = new Scene(plan.world, datastore, (label) =>
      scheduler.schedule(Promise.resolve(), label),
    );
    await scene.begin();
    await scheduler.waitFor(Promise.all(plan.clients.map((steps) => scene.run(steps))));
    scene.verify(tally);
    tally.sequences++;
  } finally {
    await datastore.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Time stands still: no list is late, and no deadline passes. */
const stillClock: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
/** How long a call may wait for a revision that never comes, in milliseconds. */
const patienceMs = 5;

const store = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;

class Scene {
  private readonly world: World;
  private readonly pool: readonly PlainTuple[];
  private readonly methods: Methods;
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

  constructor(seed: number, datastore: Datastore, turn: Turn) {
    const random = new RandomSource(seed);
    this.world = randomWorld(seed, isValidModel, () => {});
    this.pool = tuplePool(random, this.world);
    this.scheduledTurn = turn;
    this.datastore = datastore;
    const context = {
      datastore: recorded(datastore, this.history, (label) => this.turn(label)),
      clock: stillClock,
      lists: { sliceSteps: 1 },
    };
    this.methods = openDoor(context);
  }

  /** The first model and half of the tuples are there before anybody comes. */
  async begin(): Promise<void> {
    await this.writeModel(0);
    const half = this.pool.length >> 1;
    for (let start = 0; start < half; start += 40) {
      const writes = Array.from({ length: Math.min(40, half - start) }, (_, i) => start + i);
      await this.write({ kind: 'write', writes, deletes: [], ignore: true });
    }
    this.turn = this.scheduledTurn;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.turn(step.kind);
      this.commands++;
      if (step.kind === 'write') await this.write(step);
      else if (step.kind === 'model') await this.writeModel(step.model);
      else if (step.kind === 'drop') await this.drop();
      else await this.ask(step);
    }
  }

  verify(tally: Tally): void {
    const { history, reads, refused } = this;
    verify({ world: this.world, history, reads, refused }, tally);
    tally.commands += this.commands;
    tally.revisions += history.commits.filter(({ result }) => typeof result === 'number').length;
  }

  private async write(step: Extract<Step, { kind: 'write' }>): Promise<void> {
    const pick = (indexes: readonly number[]) =>
      indexes.map((at) => this.pool[at % this.pool.length] as PlainTuple);
    if (this.pool.length === 0) return;
    const writes = distinct(pick(step.writes), new Set());
    const deletes = distinct(pick(step.deletes), new Set(writes.map(keyOf)));
    const choice = step.ignore ? 'ignore' : 'error';
    const request = {
      store_id: store,
      ...(writes.length > 0 && { writes: { tuple_keys: writes.map(wire), on_duplicate: choice } }),
      ...(deletes.length > 0 && {
        deletes: { tuple_keys: deletes.map(keyOnly), on_missing: choice },
      }),
    };
    if (writes.length + deletes.length > 0) await this.commit('write', request, writes);
  }

  private async writeModel(at: number): Promise<void> {
    const { models } = this.world;
    const index = at % models.length;
    const request = { store_id: store, ...(models[index] as PlainModel) };
    const answer = await this.commit('writeAuthorizationModel', request, []);
    this.modelIds[index] = (answer as WriteAuthorizationModelResponse).authorizationModelId;
  }

  private drop(): Promise<unknown> {
    return this.commit('deleteStore', { store_id: store }, []);
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

  private async ask(step: Extract<Step, { kind: 'ask' }>): Promise<void> {
    const { history, world } = this;
    const setting = world.settings[step.setting % world.settings.length] as Setting;
    // The trees of Expand are read by a model that must be known.
    const latest = step.setting % 2 === 0 && step.way !== 'expand';
    const modelId = latest ? '' : this.modelIds[setting.model];
    if (modelId === undefined) return;
    const asked = this.questionsOf(step, setting);
    if (asked.length === 0) return;
    const token = step.at === 'token' ? this.token : '';
    const newest = step.at === 'newest';
    const caller = new Caller(this.methods, { token, newest, deadline: patienceMs });
    const under = latest ? { ...setting, model: 0, contextual: [] } : { ...setting, model: 0 };
    const from = history.acknowledged;
    const readsBefore = this.reads.length;
    const answers = await apiOf(step.way).ask(
      {
        caller,
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
      },
      asked,
    );
    const read: Read = {
      way: step.way,
      asked,
      answers,
      setting: under,
      modelId,
      least: token === '' ? 0 : parseConsistencyToken(token, store),
      revisions: [...caller.tokens].map((each) => parseConsistencyToken(each, store)),
      newest,
      readsBefore,
      from,
      to: history.commits.length,
    };
    this.reads.push(read);
    this.noteToken(caller);
  }

  private questionsOf(step: Extract<Step, { kind: 'ask' }>, setting: Setting): Asked[] {
    const api = apiOf(step.way);
    const world = { ...this.world, settings: [setting] };
    const most = api.takes === 'batch' ? 8 : 1;
    const questions = someQuestions(new RandomSource(step.question), world, 0, most);
    const model = world.models[setting.model] as PlainModel;
    return questions.flatMap((question) => wholeOf(world, model, api, question));
  }

  private noteToken(caller: Caller): void {
    this.token = [...caller.tokens].at(-1) ?? this.token;
  }
}

function distinct(tuples: readonly PlainTuple[], taken: Set<string>): PlainTuple[] {
  return tuples.filter((tuple) => {
    if (taken.has(keyOf(tuple))) return false;
    taken.add(keyOf(tuple));
    return true;
  });
}

/** Those of the world first, of any of its models, then others of the same keys and of none. */
function tuplePool(random: RandomSource, world: World): PlainTuple[] {
  const more = Array.from({ length: 30 }, () =>
    randomTuple(random, random.pick(world.models), world.ids),
  );
  const all = [...world.stored.map(({ tuple }) => tuple), ...more];
  return all.filter((tuple) => tuple !== undefined && !isImplicit(tuple)) as PlainTuple[];
}
