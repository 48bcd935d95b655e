/** ListObjects, at once or as a stream: the objects of a type to which a subject has a relation. */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import { type FoundObjects, foundIds } from '../engine/found-objects.ts';
import { findObjects } from '../engine/list-objects.ts';
import { Steps } from '../engine/steps.ts';
import { allOf, isAllowed } from '../engine/verdict.ts';
import {
  type ListObjectsRequest,
  type ListObjectsResponse,
  type StreamedListObjectsRequest,
  type StreamedListObjectsResponse,
  StreamedListObjectsResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { formatObject } from '../model/tuple.ts';
import { ask, type Shortage } from './asked.ts';
import type { Call, ServerStream, Unary } from './call.ts';
import { type PartListing, readParts, streamParts } from './list.ts';
import { PackedObjects, packObjects } from './packed-objects.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges } from './step-up.ts';
import { type SubjectToken, subjectTokenOf, withSubjectToken } from './subject-identity.ts';
import { queryTupleUse, readKnownSubject, readValidTuples, requireListed } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

export function createListObjects(
  service: Service,
): Unary<ListObjectsRequest, ListObjectsResponse> {
  return (request, call) => {
    const { type } = request;
    const parts = withSubjectToken(service.subjects, call, (token) =>
      readParts(service, call, {
        ...listingOf(service, call, request, token),
        part: (found: FoundObjects, most) => packObjects(type, found, most),
      }),
    );
    const answer = (parts: readonly Buffer[]) => new PackedObjects(parts);
    return parts instanceof Promise ? parts.then(answer) : answer(parts);
  };
}

export function createStreamedListObjects(
  service: Service,
): ServerStream<StreamedListObjectsRequest, StreamedListObjectsResponse> {
  return async function* (request, call) {
    const token = await subjectTokenOf(service.subjects, call);
    const listing = listingOf(service, call, request, token);
    const whole = {
      ...listing,
      resultsMax: Number.POSITIVE_INFINITY,
      part: (found: FoundObjects, most: number) => found.ids(most),
    };
    for await (const id of streamParts(service, call, whole)) {
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
): Omit<PartListing<FoundObjects, never>, 'part'> {
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
      const list = findObjects(reader, model, { ...check, type, relation, subject, sliceSteps });
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

type List = Generator<FoundObjects, void, void>;

/** What those who share a delegated token may all do. */
function* allowedToAll(
  list: List,
  walks: readonly Walk[],
  { type, relation }: { readonly type: string; readonly relation: string },
  steps: Steps,
): List {
  const kept: string[] = [];
  const taken = () => foundIds(kept.splice(0));
  try {
    for (const found of list) {
      for (const id of found.ids(found.count)) {
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
function* short(list: List, shortage: Shortage, challenges: Challenges): List {
  if (shortage.kind === 'scopes') return;
  for (const found of list) {
    if (found.count > 0) {
      challenges.add(shortage.stepUp);
      return;
    }
    yield found;
  }
}
