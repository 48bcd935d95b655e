/**
 * The answer of a check read out of every other method that has to know it: ListRelations, Explain,
 * the wire's ListObjects, StreamedListObjects and ListUsers, and the exact lists of `pemba.v1`. Whatever an advisory was about, it is only past
 * when none of them says otherwise.
 */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { formatSubject, wildcardId } from '../../src/model/tuple.ts';
import { tupleOf } from '../engine/world.ts';
import { type TestService, tupleKey } from '../service/harness.ts';
import { type Item, wireTuple } from './item.ts';

/** ENSURES: no method contradicts the expected answer of any item. */
export async function everyOtherWay(
  service: TestService,
  store: string,
  items: readonly Item[],
): Promise<void> {
  const asked = new Map<string, Promise<Listed>>();
  const once = (method: string, request: JsonObject) => {
    const key = `${method} ${JSON.stringify(request)}`;
    let listed = asked.get(key);
    if (listed === undefined) {
      listed = list(service, method, { store_id: store, ...request });
      asked.set(key, listed);
    }
    return listed;
  };
  for (const item of items) {
    const { check } = item;
    const expected = { check, answer: item.expected };
    const query = queryOf(store, item);
    expect({ check, answer: await related(service, query) }, 'ListRelations').toEqual(expected);
    expect({ check, answer: await explained(service, query, item) }, 'Explain').toEqual(expected);
    const objects = await objectsListed(once, item);
    for (const [method, said] of Object.entries(objects)) {
      expect({ check, answer: said }, method).toEqual({
        check,
        answer: item.listed ?? item.expected,
      });
    }
    expect({ check, answer: await userListed(once, item) }, 'ListUsers').toEqual(expected);
    const exactly = await objectIn(service, query);
    expect({ check, answer: exactly }, 'ListObjects of pemba.v1').toEqual(expected);
    expect({ check, answer: await subjectIn(service, query) }, 'ListSubjects').toEqual(expected);
  }
}

/** What was listed, or the code of the refusal. */
type Listed = ReadonlySet<string> | string;

async function list(service: TestService, method: string, request: JsonObject): Promise<Listed> {
  try {
    const { body, headers } = await service.ask(method, request);
    expect(headers).not.toHaveProperty('pemba-truncated');
    const rows = body.users ?? body.objects ?? body.map((row: { object: string }) => row.object);
    const texts: string[] = rows.map((row: JsonObject | string) => textOf(row));
    expect(new Set(texts).size, `${method} lists each once`).toBe(texts.length);
    return new Set(texts);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** A user of ListUsers as `type:id`, `type:id#relation` or `type:*`. */
function textOf(row: JsonObject | string): string {
  if (typeof row === 'string') return row;
  const { object, userset, wildcard } = row as Record<string, Record<string, string> | undefined>;
  const { type = '', id = wildcardId, relation = '' } = object ?? userset ?? wildcard ?? {};
  return formatSubject({ type, id, relation });
}

type Once = (method: string, request: JsonObject) => Promise<Listed>;

async function objectsListed(once: Once, item: Item): Promise<Record<string, string>> {
  const { object, relation, user } = tupleKey(item.check);
  const request = {
    type: tupleOf(item.check).object.type,
    relation,
    user,
    ...(item.context === undefined ? {} : { context: item.context }),
    ...(item.contextual === undefined
      ? {}
      : { contextual_tuples: { tuple_keys: item.contextual.map(wireTuple) } }),
  };
  const said = (listed: Listed) =>
    typeof listed === 'string' ? listed : listed.has(object) ? 'allowed' : 'denied';
  return {
    ListObjects: said(await once('ListObjects', request)),
    StreamedListObjects: said(await once('StreamedListObjects', request)),
  };
}

/** One who is not named is allowed where everybody is; one whom tuples name is named. */
async function userListed(once: Once, item: Item): Promise<string> {
  const { object, relation, subject } = tupleOf(item.check);
  const { type, relation: kind } = subject;
  const listed = await once('ListUsers', {
    object: { type: object.type, id: object.id },
    relation,
    user_filters: [kind === '' ? { type } : { type, relation: kind }],
    ...(item.context === undefined ? {} : { context: item.context }),
    ...(item.contextual === undefined ? {} : { contextual_tuples: item.contextual.map(wireTuple) }),
  });
  if (typeof listed === 'string') return listed;
  if (listed.has(formatSubject(subject))) return 'allowed';
  const everybody = kind === '' && listed.has(`${type}:${wildcardId}`);
  // Whether the wildcard stands for one who is not named, only Check knows.
  return everybody ? item.expected : 'denied';
}

interface ExactRow {
  readonly relations: readonly string[];
  readonly unanswered: readonly { readonly code: string }[];
}

/** What a row says of the one relation that was asked for. */
function answerIn(row: ExactRow | undefined): string {
  if (row === undefined) return 'denied';
  const [unanswered] = row.unanswered;
  if (unanswered !== undefined) return unanswered.code;
  expect(row.relations, 'a row has something to say').toHaveLength(1);
  return 'allowed';
}

async function objectIn(service: TestService, query: JsonObject): Promise<string> {
  const { object, relation, ...rest } = query as { object: string; relation: string };
  const [type = ''] = object.split(':');
  const request = { ...rest, types: [type], relations: [relation], page_size: 10_000 };
  return await exactly(service, 'QueryService/ListObjects', request, ({ objects }) =>
    answerIn(objects.find((row: { object: string }) => row.object === object)),
  );
}

/** One who is not named is as the wildcard is, unless it leaves them out. */
async function subjectIn(service: TestService, query: JsonObject): Promise<string> {
  const { subject, relation, ...rest } = query as { subject: string; relation: string };
  const [, type = '', kind = ''] = /^([^:]*):[^#]*(#.*)?$/.exec(subject) ?? [];
  const request = {
    ...rest,
    relations: [relation],
    subject_types: [`${type}${kind}`],
    page_size: 10_000,
  };
  return await exactly(service, 'ListSubjects', request, ({ subjects }) => {
    const rowOf = (text: string) =>
      subjects.find((row: { subject: string }) => row.subject === text);
    const everybody = kind === '' ? rowOf(`${type}:${wildcardId}`) : undefined;
    const isMeant = everybody !== undefined && !everybody.except.includes(subject);
    return answerIn(rowOf(subject) ?? (isMeant ? everybody : undefined));
  });
}

async function exactly(
  service: TestService,
  method: string,
  request: JsonObject,
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  read: (body: any) => string,
): Promise<string> {
  try {
    const { body } = await service.ask(method, request);
    expect(body.cursor).toBe('');
    return read(body);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function queryOf(store: string, { check, context, contextual }: Item): JsonObject {
  const { object, user } = tupleKey(check);
  return {
    store_id: store,
    subject: user,
    object,
    ...(context === undefined ? {} : { context }),
    ...(contextual === undefined ? {} : { contextual_tuples: contextual.map(queryTuple) }),
    relation: tupleKey(check).relation,
  };
}

function queryTuple(text: NonNullable<Item['contextual']>[number]): JsonObject {
  const { user, ...rest } = wireTuple(text) as { user: JsonValue };
  return { ...rest, subject: user };
}

async function related(service: TestService, query: JsonObject): Promise<string> {
  const { relation, ...rest } = query as { relation: string };
  try {
    const { body } = await service.ask('ListRelations', { ...rest, relations: [relation] });
    const [unanswered] = body.unanswered;
    if (unanswered !== undefined) return unanswered.code;
    return body.relations.includes(relation) ? 'allowed' : 'denied';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

async function explained(service: TestService, query: JsonObject, item: Item): Promise<string> {
  try {
    const { body } = await service.ask('Explain', query);
    const outcome: string = body.outcome;
    if (outcome === 'OUTCOME_ALLOWED') return 'allowed';
    if (outcome === 'OUTCOME_DENIED') {
      await suggestionsHold(service, query, body.would_allow);
      return 'denied';
    }
    // Where a check is refused for want of context, an explanation tells what is wanting.
    expect(body.missing_parameters).not.toEqual([]);
    return item.expected === 'validation_error' ? item.expected : outcome;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Each set that is suggested for a denial allows it. */
async function suggestionsHold(
  service: TestService,
  query: JsonObject,
  sets: readonly { readonly tuples: readonly JsonObject[] }[],
): Promise<void> {
  const { contextual_tuples = [] } = query as { contextual_tuples?: JsonValue[] };
  for (const { tuples } of sets) {
    const all = [...contextual_tuples, ...tuples];
    if (all.length > 100) continue;
    const { body } = await service.ask('Explain', { ...query, contextual_tuples: all });
    expect(body.outcome).toBe('OUTCOME_ALLOWED');
  }
}
