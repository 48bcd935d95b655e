/** ListObjects, at once or as a stream: the objects of a type to which a subject has a relation. */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import { listObjects } from '../engine/list-objects.ts';
import { Steps } from '../engine/steps.ts';
import { allOf, isAllowed } from '../engine/verdict.ts';
import {
  type ListObjectsRequest,
  type ListObjectsResponse,
  ListObjectsResponseSchema,
  type StreamedListObjectsRequest,
  type StreamedListObjectsResponse,
  StreamedListObjectsResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { formatObject } from '../model/tuple.ts';
import { ask, type Shortage } from './asked.ts';
import type { Call, ServerStream, Unary } from './call.ts';
import { type Listing, readList, streamList } from './list.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges } from './step-up.ts';
import { type SubjectToken, subjectTokenOf, withSubjectToken } from './subject-identity.ts';
import { queryTupleUse, readKnownSubject, readValidTuples, requireListed } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

export function createListObjects(
  service: Service,
): Unary<ListObjectsRequest, ListObjectsResponse> {
  return (request, call) => {
    const ids = withSubjectToken(service.subjects, call, (token) =>
      readList(service, call, listingOf(service, call, request, token)),
    );
    const answer = (ids: readonly string[]) =>
      create(ListObjectsResponseSchema, {
        objects: ids.map((id) => formatObject({ type: request.type, id })),
      });
    return ids instanceof Promise ? ids.then(answer) : answer(ids);
  };
}

export function createStreamedListObjects(
  service: Service,
): ServerStream<StreamedListObjectsRequest, StreamedListObjectsResponse> {
  return async function* (request, call) {
    const token = await subjectTokenOf(service.subjects, call);
    const listing = listingOf(service, call, request, token);
    const whole = { ...listing, resultsMax: Number.POSITIVE_INFINITY };
    for await (const id of streamList(service, call, whole)) {
      const object = formatObject({ type: request.type, id });
      yield create(StreamedListObjectsResponseSchema, { object });
    }
  };
}

/** The tuples are judged first, then what is asked for, then for whom. */
function listingOf(
  service: Service,
  call: Call,
  request: ListObjectsRequest | StreamedListObjectsRequest,
  token: SubjectToken | undefined,
): Listing<string> {
  const store = readStoreId(request.storeId);
  const { type, relation } = request;
  return {
    at: { store, preference: request.consistency },
    resultsMax: service.lists.resultsMax,
    begin(snapshot, interrupt) {
      const now = service.clock.now();
      const model = resolveModel(service, call, { store, snapshot, request });
      const asked = ask(service, call, token, request.user, now);
      const tuples = request.contextualTuples?.tupleKeys;
      const contextualTuples = asked.tuples(model, readValidTuples(model, tuples, queryTupleUse));
      requireListed(model, type, relation);
      const [subject, ...others] = asked.users.map((user) => readKnownSubject(model, user));
      assert(subject !== undefined, 'somebody is asked about');
      const reader = asked.reader(snapshot, model);
      const check = {
        now,
        contextualTuples,
        context: asked.context(request.context),
        depthMax: service.checkDepthMax,
        stepsMax: service.checkStepsMax,
        interrupt,
      };
      const { sliceSteps } = service.lists;
      const list = listObjects(reader, model, { ...check, type, relation, subject, sliceSteps });
      const walks = others.map((other) => createWalk(reader, model, { ...check, subject: other }));
      const allowed =
        walks.length === 0
          ? list
          : allowedToAll(list, walks, { type, relation }, new Steps(sliceSteps));
      const shortage = asked.shortOf(type, relation);
      return shortage === undefined ? allowed : short(allowed, shortage, new Challenges(call));
    },
  };
}

type Ids = Generator<readonly string[], void, void>;

/** What those who share a delegated token may all do. */
function* allowedToAll(
  ids: Ids,
  walks: readonly Walk[],
  { type, relation }: { readonly type: string; readonly relation: string },
  steps: Steps,
): Ids {
  const kept: string[] = [];
  const taken = () => kept.splice(0);
  try {
    for (const found of ids) {
      for (const id of found) {
        const verdict = allOf(walks, (walk) => walk.check({ type, id }, relation));
        if (isAllowed(verdict)) kept.push(id);
        if (steps.take(walks.length)) yield taken();
      }
      yield taken();
    }
  } catch (error) {
    yield taken();
    throw error;
  }
}

/** Nothing, as Check says of every object: the token is short of what the relation demands. */
function* short(ids: Ids, shortage: Shortage, challenges: Challenges): Ids {
  if (shortage.kind === 'scopes') return;
  for (const found of ids) {
    if (found.length > 0) {
      challenges.add(shortage.stepUp);
      return;
    }
    yield [];
  }
}
