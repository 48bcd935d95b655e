/** Questions put to the methods of `openfga.v1`, and to the engine alone. */
import { create, fromJson, type JsonValue, type Message } from '@bufbuild/protobuf';
import { assert } from '../../src/base/assert.ts';
import { errorCodes } from '../../src/base/errors.ts';
import { createWalk } from '../../src/engine/check.ts';
import type { User } from '../../src/gen/openfga/v1/openfga_pb.ts';
import {
  type BatchCheckResponse,
  CheckRequestSchema,
  CheckRequestTupleKeySchema,
  type CheckResponse,
  type ExpandResponse,
  type ListObjectsResponse,
  type ListUsersResponse,
  type StreamedListObjectsResponse,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { parseObject, parseSubject, type Tuple } from '../../src/model/tuple.ts';
import {
  type Answer,
  type Asked,
  answerOf,
  answerTo,
  bringsOf,
  inTurn,
  known,
  memoized,
  requestOf,
  setOf,
  settingOf,
} from './asked.ts';
import { type PlainModel, type PlainTuple, typeOf } from './facts.ts';
import type { Answers } from './oracle.ts';
import { keyOnly, type ServedWorld, wire } from './served-world.ts';
import { TreeSystem } from './userset-tree.ts';
import type { Setting } from './world.ts';

export async function askWalk(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  return served.datastore.local.view(served.store, (snapshot) => {
    const walk = createWalk(snapshot, served.compiled[setting.model] as CompiledModel, {
      subject: known(parseSubject(asked[0]?.subject ?? '')),
      contextualTuples: setting.contextual.map(parsed),
      context: setting.context,
      now: served.now,
    });
    return asked.map((question): Answer => {
      const verdict = walk.check(known(parseObject(question.object)), question.relation);
      if (verdict.kind === 'unknown') return 'error';
      return verdict.kind === 'failed' ? answerOf(verdict.refusal) : verdict.kind;
    });
  });
}

export async function askCheck(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  // What all requests of the setting have in common is decoded once.
  const common = fromJson(CheckRequestSchema, {
    ...requestOf(served, setting),
    ...bringsOf(setting),
  } as object as JsonValue);
  const answers: Answer[] = [];
  for (const question of asked) {
    const tupleKey = create(CheckRequestTupleKeySchema, keyOnly(question));
    try {
      const response = served.caller.handle('check', { ...common, tupleKey } as Message);
      const { allowed } = (await response) as CheckResponse;
      answers.push(allowed ? 'allowed' : 'denied');
    } catch (error) {
      answers.push(answerOf(error));
    }
  }
  return answers;
}

export async function askBatch(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const checks = asked.map((question, index) => ({
    tuple_key: keyOnly(question),
    ...bringsOf(served.settings[question.setting] as Setting),
    correlation_id: `q${index}`,
  }));
  const request = { ...requestOf(served, settingOf(served, asked)), checks };
  try {
    const { result } = (await served.caller.call('batchCheck', request)) as BatchCheckResponse;
    return asked.map((_, index): Answer => {
      const item = result[`q${index}`]?.checkResult;
      if (item?.case === 'allowed') return item.value ? 'allowed' : 'denied';
      const number = item?.value?.code.value;
      return answerTo(Object.entries(errorCodes).find(([, value]) => value === number)?.[0] ?? '');
    });
  } catch (error) {
    return asked.map(() => answerOf(error));
  }
}

export function askObjects(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  return askForObjects(served, asked, async (request) => {
    const response = await served.caller.call('listObjects', request);
    return (response as ListObjectsResponse).objects;
  });
}

export function askStream(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  return askForObjects(served, asked, async (request) => {
    const items = await served.caller.stream('streamedListObjects', request, served.pause);
    return (items as StreamedListObjectsResponse[]).map(({ object }) => object);
  });
}

async function askForObjects(
  served: ServedWorld,
  asked: readonly Asked[],
  list: (request: object) => Promise<readonly string[]>,
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  const user = asked[0]?.subject ?? '';
  const listed = memoized((type = '', relation = '') =>
    setOf(list({ ...requestOf(served, setting), ...bringsOf(setting), type, relation, user })),
  );
  return inTurn(asked, async ({ object, relation }) => {
    const objects = await listed(typeOf(object), relation);
    if (!(objects instanceof Set)) return objects;
    return objects.has(object) ? 'allowed' : 'denied';
  });
}

export async function askUsers(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  const listed = memoized((object = '', relation = '', kind = '') => {
    const [type, ofRelation] = kind.split('#') as [string, string | undefined];
    const request = {
      ...requestOf(served, setting),
      object: known(parseObject(object)),
      relation,
      user_filters: [{ type, ...(ofRelation === undefined ? {} : { relation: ofRelation }) }],
      contextual_tuples: setting.contextual.map(wire),
      context: setting.context,
    };
    return setOf(usersOf(served, request));
  });
  return inTurn(asked, async ({ object, relation, subject }) => {
    const type = typeOf(subject);
    const hash = subject.indexOf('#');
    const users = await listed(object, relation, hash === -1 ? type : type + subject.slice(hash));
    if (!(users instanceof Set)) return users;
    if (users.has(subject)) return 'allowed';
    return hash === -1 && users.has(`${type}:*`) ? 'unnamed' : 'denied';
  });
}

async function usersOf({ caller }: ServedWorld, request: object): Promise<string[]> {
  const { users } = (await caller.call('listUsers', request)) as ListUsersResponse;
  return users.map(({ user }) => userText(user));
}

export async function askExpand(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  const brought = { contextual_tuples: { tuple_keys: setting.contextual.map(wire) } };
  const model = served.models[setting.model] as PlainModel;
  const system = new TreeSystem(model, async (object, relation) => {
    const request = { ...requestOf(served, setting), ...brought, tuple_key: { object, relation } };
    const { tree } = (await served.caller.call('expand', request)) as ExpandResponse;
    assert(tree?.root !== undefined, 'a tree has a root');
    return tree.root;
  });
  try {
    for (const { object, relation } of asked) await system.include(object, relation);
  } catch (error) {
    return asked.map(() => answerOf(error));
  }
  const solved = memoized((subject = ''): Answers => system.ask(subject));
  return asked.map(({ object, relation, subject }) => solved(subject).outcome(object, relation));
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

function parsed(tuple: PlainTuple): Tuple {
  return {
    object: known(parseObject(tuple.object)),
    relation: tuple.relation,
    subject: known(parseSubject(tuple.subject)),
    condition: tuple.condition,
  };
}
