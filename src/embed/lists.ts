/** The lists of the embedding API: whole, and exactly what a check allows. */
import type { JsonObject as Struct } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { Unanswered } from '../engine/findings.ts';
import { findObjectsOf, type ObjectsOfType } from '../engine/objects-of.ts';
import { inPieces, Steps } from '../engine/steps.ts';
import { subjectsOf } from '../engine/subjects-of.ts';
import {
  ListObjectsRequestSchema,
  ListUsersRequestSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { TupleSchema } from '../gen/pemba/v1/tuple_pb.ts';
import type { StoreId } from '../model/ids.ts';
import { formatObject, formatSubject, parseObject } from '../model/tuple.ts';
import { type Listing, readList } from '../service/list.ts';
import { wireContextualOf } from '../service/pemba-tuple.ts';
import { resolveModel } from '../service/service.ts';
import {
  queryTupleUse,
  readKnownSubject,
  readValidTuples,
  requireListed,
} from '../service/valid-tuple.ts';
import type { CallOptions, Door } from './door.ts';
import { type TupleText, tupleInit } from './texts.ts';

interface ListOptions extends CallOptions {
  /** Tuples that exist for this list alone: 100 at most. */
  readonly contextualTuples?: readonly TupleText[];
  /** Values for the parameters of conditions; a tuple's own values win. */
  readonly context?: JsonObject;
  /** The model to answer by; the store's latest unless given. */
  readonly modelId?: string;
}

export interface ListObjectsQuestion extends ListOptions {
  /** Such as `document`. */
  readonly type: string;
  readonly relation: string;
  readonly subject: string;
}

export interface ListSubjectsQuestion extends ListOptions {
  readonly object: string;
  readonly relation: string;
  /** `user` for objects of a type and its wildcard, `group#member` for usersets. */
  readonly kind: string;
}

export interface ListedObjects {
  readonly objects: readonly string[];
  /** Objects for which neither yes nor no could be computed, and why. */
  readonly unanswered: readonly { readonly object: string; readonly verdict: Unanswered }[];
}

export interface ListedSubjects {
  /** `except` are those for whom a wildcard does not speak. */
  readonly subjects: readonly { readonly subject: string; readonly except: readonly string[] }[];
  /** Subjects for whom neither yes nor no could be computed, and why. */
  readonly unanswered: readonly { readonly subject: string; readonly verdict: Unanswered }[];
}

export async function listObjects(
  door: Door,
  store: StoreId,
  question: ListObjectsQuestion,
): Promise<ListedObjects> {
  const { type, relation, subject, modelId = '', context, contextualTuples = [] } = question;
  const tuple_keys = contextualTuples.map(wireTuple);
  const request = door.message(ListObjectsRequestSchema, {
    storeId: store,
    type,
    relation,
    user: subject,
    authorizationModelId: modelId,
    contextualTuples: { tupleKeys: tuple_keys },
    ...(context === undefined ? {} : { context: context as Struct }),
  });
  const { service } = door;
  const call = door.call('listObjects', question);
  return await whole(door, call, store, function* (snapshot, interrupt) {
    const model = resolveModel(service, call, { store, snapshot, request });
    const tuples = readValidTuples(model, tuple_keys, queryTupleUse);
    requireListed(model, type, relation);
    const found = findObjectsOf(snapshot, model, {
      subject: readKnownSubject(model, subject),
      relations: [model.relationIndex(type, relation)],
      scope: undefined,
      contextualTuples: tuples,
      context: context ?? {},
      now: service.clock.now(),
      depthMax: service.checkDepthMax,
      stepsMax: service.checkStepsMax,
      interrupt,
    });
    return yield* namesOf(yield* found);
  });
}

/** So many at a time: a long list keeps nobody waiting. */
const namesPerStep = 512;

function* namesOf(found: readonly ObjectsOfType[]): Generator<undefined, ListedObjects, void> {
  const objects: string[] = [];
  const unanswered: { object: string; verdict: Unanswered }[] = [];
  const steps = new Steps();
  for (const { type, ids, order, findings } of found) {
    for (let from = 0; from < order.length; from += namesPerStep) {
      const until = Math.min(from + namesPerStep, order.length);
      for (let at = from; at < until; at++) {
        const place = order[at] as number;
        const object = formatObject({ type, id: ids[place] as string });
        if (!findings.hasUnanswered) {
          objects.push(object);
          continue;
        }
        if (findings.isHeldAt(place)) objects.push(object);
        for (const { verdict } of findings.unansweredAt(place))
          unanswered.push({ object, verdict });
      }
      if (steps.take(until - from)) yield undefined;
    }
  }
  return { objects, unanswered };
}

export async function listSubjects(
  door: Door,
  store: StoreId,
  question: ListSubjectsQuestion,
): Promise<ListedSubjects> {
  const { relation, kind, modelId = '', context, contextualTuples = [] } = question;
  const [kindType = '', kindRelation = ''] = kind.split('#', 2);
  const object = parseObject(question.object);
  if (object === undefined) {
    throw new Refusal('validation_error', `\`${question.object}\` is no object: give \`type:id\``);
  }
  const tuple_keys = contextualTuples.map(wireTuple);
  const request = door.message(ListUsersRequestSchema, {
    storeId: store,
    object,
    relation,
    userFilters: [{ type: kindType, relation: kindRelation }],
    authorizationModelId: modelId,
    contextualTuples: tuple_keys,
    ...(context === undefined ? {} : { context: context as Struct }),
  });
  const { service } = door;
  const call = door.call('listSubjects', question);
  const rows = await whole(door, call, store, function* (snapshot, interrupt) {
    const model = resolveModel(service, call, { store, snapshot, request });
    const tuples = readValidTuples(model, tuple_keys, queryTupleUse);
    requireListed(model, kindType, kindRelation);
    requireListed(model, object.type, relation);
    return yield* subjectsOf(snapshot, model, {
      object,
      relations: [model.relationIndex(object.type, relation)],
      kinds: [{ type: kindType, relation: kindRelation }],
      contextualTuples: tuples,
      context: context ?? {},
      now: service.clock.now(),
      depthMax: service.checkDepthMax,
      stepsMax: service.checkStepsMax,
      interrupt,
    });
  });
  const named = (id: string) => formatSubject({ type: kindType, id, relation: kindRelation });
  const subjects: { subject: string; except: readonly string[] }[] = [];
  const unanswered: { subject: string; verdict: Unanswered }[] = [];
  for (const row of rows) {
    const subject = formatSubject(row.subject);
    if (row.relations.length > 0) subjects.push({ subject, except: row.except.map(named) });
    for (const { verdict } of row.unanswered) unanswered.push({ subject, verdict });
  }
  return { subjects, unanswered };
}

function wireTuple(text: TupleText) {
  return wireContextualOf(create(TupleSchema, tupleInit(text)));
}

type Begin<Whole> = (
  ...from: Parameters<Listing<Whole>['begin']>
) => Generator<undefined, Whole, void>;

/** A part of a list would be taken for the whole: one that its time cuts is refused. */
async function whole<Whole>(
  door: Door,
  call: ReturnType<Door['call']>,
  store: StoreId,
  begin: Begin<Whole>,
): Promise<Whole> {
  const [list] = await readList<Whole>(door.service, call, {
    at: { store, preference: undefined },
    resultsMax: 1,
    begin: (snapshot, interrupt) => oneList(begin(snapshot, interrupt)),
  });
  if (list !== undefined && call.responseHeaders['pemba-truncated'] !== 'true') return list;
  throw new Refusal(
    'deadline_exceeded',
    'the list takes longer than its time; ask for less, or give it a longer `timeoutMs`',
  );
}

function* oneList<Whole>(
  list: Generator<undefined, Whole, void>,
): Generator<readonly Whole[], void, void> {
  yield [yield* inPieces(list)];
}
