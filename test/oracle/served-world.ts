/**
 * The other side of the comparison: a world written through the real handlers into SQLite in
 * memory, and questions put to it in each of the ways that Pemba answers them.
 */
import { create, fromJson, type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { assert } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { errorCodes, Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { createWalk } from '../../src/engine/check.ts';
import type { User } from '../../src/gen/openfga/v1/openfga_pb.ts';
import {
  type BatchCheckResponse,
  CheckRequestSchema,
  CheckRequestTupleKeySchema,
  type CheckResponse,
  type CreateStoreResponse,
  type ListObjectsResponse,
  type ListUsersResponse,
  OpenFGAService,
  type WriteAuthorizationModelResponse,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import {
  type ExplainResponse,
  type ListRelationsResponse,
  type ListSubjectsResponse,
  Outcome as Outcomes,
  type ListObjectsResponse as PembaObjects,
  QueryService,
} from '../../src/gen/pemba/v1/query_service_pb.ts';
import { TupleSchema } from '../../src/gen/pemba/v1/tuple_pb.ts';
import { compile } from '../../src/model/compile.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { parseModel } from '../../src/model/parse.ts';
import { parseObject, parseSubject, type Tuple } from '../../src/model/tuple.ts';
import type { Call } from '../../src/service/call.ts';
import { createMethods } from '../../src/service/router.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import {
  allPages,
  askPembaObjects,
  askPembaSubjects,
  type ExactAnswer,
  type ExactLists,
} from './exact-lists.ts';
import { type PlainTuple, type Question, typeOf } from './facts.ts';
import type { Setting, World } from './world.ts';

/**
 * Each question in a Check of its own, all in one BatchCheck, or all by one walk of the engine; or
 * looked up in the list of the subject's objects, of the object's users, or of the relations between
 * the two, or in the exact lists of either; or explained, with each set of tuples that would allow it tried.
 */
export type Way =
  | 'check'
  | 'batch'
  | 'walk'
  | 'objects'
  | 'users'
  | 'relations'
  | 'explain'
  | 'pembaObjects'
  | 'pembaSubjects';

/** A question under one of the world's settings, by its index. */
export interface Asked extends Question {
  readonly setting: number;
}

/**
 * An answer: an outcome, or the code of a refusal that no world of ours should meet. A list of users
 * with a wildcard in it leaves open whether one that it does not name is among them.
 */
export type Answer = ExactAnswer | 'unnamed';

export interface ServedWorld {
  readonly settings: readonly Setting[];
  readonly store: StoreId;
  /** The store that nobody asks, where the world has one. */
  readonly neighbour: StoreId | undefined;
  /** In the order of the world's models, as are the compiled ones. */
  readonly modelIds: readonly string[];
  readonly compiled: readonly CompiledModel[];
}

export class Pemba {
  private readonly datastore: Datastore;
  private readonly handlers = new Map<string, (request: Message, call: Call) => unknown>();

  private readonly tamper: (world: World) => World;

  private constructor(datastore: Datastore, tamper: (world: World) => World) {
    this.datastore = datastore;
    this.tamper = tamper;
    for (const method of createMethods({ datastore, clock: systemClock })) {
      const { localName, parent } = method.descriptor;
      const name = this.handlers.has(localName) ? `${parent.name}/${localName}` : localName;
      if (method.kind === 'unary') this.handlers.set(name, method.handle);
    }
  }

  /** `tamper` plants a bug: Pemba is given the world that it returns. */
  static async open(tamper = (world: World) => world): Promise<Pemba> {
    return new Pemba(await openSqlite({ path: ':memory:', clock: systemClock }), tamper);
  }

  close(): Promise<void> {
    return this.datastore.close();
  }

  /** Models and tuples in the order in which the world has them. */
  async serve(plain: World): Promise<ServedWorld> {
    const world = this.tamper(plain);
    const neighbour = world.neighbour === true ? await this.write(reversed(world)) : undefined;
    const { store, modelIds } = await this.write(world);
    const compiled = this.datastore.local.view(store, (snapshot) =>
      world.models.map((model) => compile(parseModel(model), (name) => snapshot.symbol(name))),
    );
    return {
      settings: plain.settings,
      store,
      neighbour: neighbour?.store,
      modelIds,
      compiled,
    };
  }

  private async write(world: World): Promise<Pick<ServedWorld, 'store' | 'modelIds'>> {
    const made = (await this.call('createStore', { name: 'world' })) as CreateStoreResponse;
    const store_id = made.id;
    const modelIds: string[] = [];
    for (const [index, model] of world.models.entries()) {
      const request = { store_id, ...model };
      const written = (await this.call(
        'writeAuthorizationModel',
        request,
      )) as WriteAuthorizationModelResponse;
      modelIds.push(written.authorizationModelId);
      const tuples = world.stored.filter((s) => s.model === index).map((s) => wire(s.tuple));
      for (let start = 0; start < tuples.length; start += limits.tuplesPerWriteMax) {
        const tuple_keys = tuples.slice(start, start + limits.tuplesPerWriteMax);
        await this.call('write', { store_id, writes: { tuple_keys } });
      }
    }
    const deleted = world.stored.filter((s) => s.deleted).map(({ tuple }) => keyOnly(tuple));
    if (deleted.length > 0)
      await this.call('write', { store_id, deletes: { tuple_keys: deleted } });
    return { store: store_id as StoreId, modelIds };
  }

  async drop({ store, neighbour }: ServedWorld): Promise<void> {
    for (const store_id of [store, neighbour]) {
      if (store_id !== undefined) await this.call('deleteStore', { store_id });
    }
  }

  /**
   * REQUIRES: at most 50 questions of one model for a batch; questions about one subject under one
   * setting for a walk and for lists of objects; questions under one setting for the others.
   */
  ask(served: ServedWorld, way: Way, asked: readonly Asked[]): readonly Answer[] {
    const setting = served.settings[asked[0]?.setting ?? 0] as Setting;
    switch (way) {
      case 'check':
        return this.askCheck(served, setting, asked);
      case 'batch':
        return this.askBatch(served, setting, asked);
      case 'walk':
        return this.askWalk(served, setting, asked);
      case 'objects':
        return this.askObjects(served, setting, asked);
      case 'users':
        return this.askUsers(served, setting, asked);
      case 'relations':
        return this.askRelations(served, setting, asked);
      case 'pembaObjects':
        return askPembaObjects(this.exactLists(served, setting), asked);
      case 'pembaSubjects':
        return askPembaSubjects(this.exactLists(served, setting), asked);
      case 'explain':
        return asked.map((question) => this.askExplain(served, setting, question));
    }
  }

  private exactLists(served: ServedWorld, setting: Setting): ExactLists {
    const query = queryOf(served, setting);
    return {
      answerTo,
      // Pages this small have cursors in many lists.
      objects: (subject) =>
        allPages((cursor) => {
          const request = { ...query, subject, page_size: 20, cursor };
          const page = this.call('QueryService/listObjects', request) as PembaObjects;
          return { rows: page.objects, cursor: page.cursor };
        }),
      subjects: (object) =>
        allPages((cursor) => {
          const request = { ...query, object, page_size: 20, cursor };
          const page = this.call('listSubjects', request) as ListSubjectsResponse;
          return { rows: page.subjects, cursor: page.cursor };
        }),
    };
  }

  private askRelations(
    served: ServedWorld,
    setting: Setting,
    questions: readonly Question[],
  ): readonly Answer[] {
    const list = memoized((object = '', subject = '') => {
      const asked = { ...queryOf(served, setting), object, subject };
      return this.call('listRelations', asked) as ListRelationsResponse;
    });
    return questions.map(({ object, relation, subject }): Answer => {
      const { relations, unanswered } = list(object, subject);
      const without = unanswered.find((each) => each.relation === relation);
      if (without !== undefined) return answerTo(without.code);
      return relations.includes(relation) ? 'allowed' : 'denied';
    });
  }

  private askExplain(
    served: ServedWorld,
    setting: Setting,
    { subject, relation, object }: Question,
  ): Answer {
    const asked = { ...queryOf(served, setting), subject, relation, object };
    try {
      const { outcome, wouldAllow } = this.call('explain', asked) as ExplainResponse;
      if (outcome === Outcomes.CONDITIONAL) return 'error';
      for (const { tuples } of wouldAllow) {
        const added = tuples.map((tuple) => toJson(TupleSchema, tuple));
        const contextual_tuples = [...asked.contextual_tuples, ...added];
        const again = this.call('explain', { ...asked, contextual_tuples }) as ExplainResponse;
        assert(again.outcome === Outcomes.ALLOWED, 'a suggestion allows what was denied');
      }
      return outcome === Outcomes.ALLOWED ? 'allowed' : 'denied';
    } catch (error) {
      return answerOf(error);
    }
  }

  private askObjects(
    served: ServedWorld,
    setting: Setting,
    questions: readonly Question[],
  ): readonly Answer[] {
    const list = memoized((type = '', relation = '') => {
      const user = questions[0]?.subject ?? '';
      const asked = { ...requestOf(served, setting), ...bringsOf(setting), type, relation, user };
      return this.setOf(
        () => (this.call('listObjects', asked) as ListObjectsResponse).objects,
        (object) => object,
      );
    });
    return questions.map(({ object, relation }): Answer => {
      const objects = list(typeOf(object), relation);
      if (!(objects instanceof Set)) return objects;
      return objects.has(object) ? 'allowed' : 'denied';
    });
  }

  private askUsers(
    served: ServedWorld,
    setting: Setting,
    questions: readonly Question[],
  ): readonly Answer[] {
    const list = memoized((object = '', relation = '', kind = '') => {
      const [type, ofRelation] = kind.split('#') as [string, string | undefined];
      const asked = {
        ...requestOf(served, setting),
        object: known(parseObject(object)),
        relation,
        user_filters: [{ type, ...(ofRelation === undefined ? {} : { relation: ofRelation }) }],
        contextual_tuples: setting.contextual.map(wire),
        context: setting.context,
      };
      return this.setOf(
        () => (this.call('listUsers', asked) as ListUsersResponse).users,
        ({ user }) => userText(user),
      );
    });
    return questions.map(({ object, relation, subject }): Answer => {
      const type = typeOf(subject);
      const hash = subject.indexOf('#');
      const users = list(object, relation, hash === -1 ? type : type + subject.slice(hash));
      if (!(users instanceof Set)) return users;
      if (users.has(subject)) return 'allowed';
      return hash === -1 && users.has(`${type}:*`) ? 'unnamed' : 'denied';
    });
  }

  /** What was listed, or why nothing was. A list that names something twice is a bug. */
  private setOf<Item>(list: () => readonly Item[], nameOf: (item: Item) => string) {
    try {
      const names = list().map(nameOf);
      const set = new Set(names);
      assert(set.size === names.length, `nothing is listed twice: ${names.join(', ')}`);
      return set;
    } catch (error) {
      return answerOf(error);
    }
  }

  private askCheck(
    served: ServedWorld,
    setting: Setting,
    questions: readonly Question[],
  ): readonly Answer[] {
    // What all requests of the setting have in common is decoded once.
    const common = fromJson(CheckRequestSchema, {
      ...requestOf(served, setting),
      ...bringsOf(setting),
    } as object as JsonValue);
    return questions.map((question): Answer => {
      const tupleKey = create(CheckRequestTupleKeySchema, keyOnly(question));
      try {
        const response = this.handle('check', { ...common, tupleKey } as Message) as CheckResponse;
        return response.allowed ? 'allowed' : 'denied';
      } catch (error) {
        return answerOf(error);
      }
    });
  }

  private askBatch(
    served: ServedWorld,
    setting: Setting,
    asked: readonly Asked[],
  ): readonly Answer[] {
    const checks = asked.map((question, index) => ({
      tuple_key: keyOnly(question),
      ...bringsOf(served.settings[question.setting] as Setting),
      correlation_id: `q${index}`,
    }));
    const request = { ...requestOf(served, setting), checks };
    const { result } = this.call('batchCheck', request) as BatchCheckResponse;
    return asked.map((_, index): Answer => {
      const item = result[`q${index}`]?.checkResult;
      if (item?.case === 'allowed') return item.value ? 'allowed' : 'denied';
      const number = item?.value?.code.value;
      return answerTo(Object.entries(errorCodes).find(([, value]) => value === number)?.[0] ?? '');
    });
  }

  private askWalk(
    { store, compiled }: ServedWorld,
    setting: Setting,
    questions: readonly Question[],
  ): readonly Answer[] {
    return this.datastore.local.view(store, (snapshot) => {
      const walk = createWalk(snapshot, compiled[setting.model] as CompiledModel, {
        subject: known(parseSubject(questions[0]?.subject ?? '')),
        contextualTuples: setting.contextual.map(parsed),
        context: setting.context,
        now: 0,
      });
      return questions.map((question): Answer => {
        const verdict = walk.check(known(parseObject(question.object)), question.relation);
        if (verdict.kind === 'unknown') return 'error';
        return verdict.kind === 'failed' ? answerOf(verdict.refusal) : verdict.kind;
      });
    });
  }

  private call(name: string, request: object): unknown {
    const descriptor = [...OpenFGAService.methods, ...QueryService.methods].find((method) =>
      [method.localName, `${method.parent.name}/${method.localName}`].includes(name),
    );
    assert(descriptor !== undefined, `${name} is a method`);
    return this.handle(name, fromJson(descriptor.input, request as JsonValue));
  }

  private handle(name: string, request: Message): unknown {
    const handler = this.handlers.get(name);
    assert(handler !== undefined, `${name} is served`);
    return handler(request, {
      method: `${OpenFGAService.typeName}/${name}`,
      requestId: 'oracle',
      deadline: Number.POSITIVE_INFINITY,
      signal: undefined,
      consistencyToken: '',
      responseHeaders: {},
    });
  }
}

/** REQUIRES: keys without a line break. */
function memoized<Result>(make: (...key: string[]) => Result): (...key: string[]) => Result {
  const made = new Map<string, Result>();
  return (...key) => {
    const name = key.join('\n');
    let result = made.get(name);
    if (result === undefined) {
      result = make(...key);
      made.set(name, result);
    }
    return result;
  };
}

function userText(user: User['user']): string {
  switch (user.case) {
    case 'object':
      return `${user.value.type}:${user.value.id}`;
    case 'userset':
      return `${user.value.type}:${user.value.id}#${user.value.relation}`;
    case 'wildcard':
      return `${user.value.type}:*`;
    default:
      throw new Error('a listed user is of some kind');
  }
}

/** Its tuples in the reverse order, under the models that they were written under. */
function reversed(world: World): World {
  return { ...world, stored: world.stored.toReversed() };
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return answerTo(error.code);
}

/** Context that is missing or ill-typed is the one error that the oracle knows. */
function answerTo(code: string): ExactAnswer {
  return code === 'validation_error' ? 'error' : `refused: ${code}`;
}

function requestOf({ store, modelIds }: ServedWorld, { model }: Setting) {
  return { store_id: store, authorization_model_id: modelIds[model] as string };
}

function bringsOf({ contextual, context }: Setting) {
  return { contextual_tuples: { tuple_keys: contextual.map(wire) }, context };
}

/** As `pemba.v1` has it. */
function queryOf({ store, modelIds }: ServedWorld, { model, contextual, context }: Setting) {
  const contextual_tuples = contextual.map(({ subject, relation, object, condition }) =>
    condition === undefined
      ? { subject, relation, object }
      : { subject, relation, object, condition },
  );
  return { store_id: store, model_id: modelIds[model] as string, contextual_tuples, context };
}

function keyOnly({ object, relation, subject }: Question) {
  return { user: subject, relation, object };
}

function wire(tuple: PlainTuple) {
  const key = keyOnly(tuple);
  return tuple.condition === undefined ? key : { ...key, condition: tuple.condition };
}

function parsed(tuple: PlainTuple): Tuple {
  return {
    object: known(parseObject(tuple.object)),
    relation: tuple.relation,
    subject: known(parseSubject(tuple.subject)),
    condition: tuple.condition,
  };
}

function known<Value>(value: Value | undefined): Value {
  assert(value !== undefined, 'a world holds only well-formed objects and subjects');
  return value;
}
