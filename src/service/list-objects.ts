/** ListObjects, at once or as a stream: the objects of a type to which a subject has a relation. */
import { create } from '@bufbuild/protobuf';
import { listObjects } from '../engine/list-objects.ts';
import {
  type ListObjectsRequest,
  type ListObjectsResponse,
  ListObjectsResponseSchema,
  type StreamedListObjectsRequest,
  type StreamedListObjectsResponse,
  StreamedListObjectsResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { formatObject } from '../model/tuple.ts';
import type { Call, ServerStream, Unary } from './call.ts';
import { type Listing, readList, streamList } from './list.ts';
import { resolveModel, type Service } from './service.ts';
import { queryTupleUse, readKnownSubject, readValidTuples, requireListed } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

export function createListObjects(
  service: Service,
): Unary<ListObjectsRequest, ListObjectsResponse> {
  return (request, call) => {
    const listing = listingOf(service, call, request, service.lists.resultsMax);
    const ids = readList(service, call, listing);
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
    const listing = listingOf(service, call, request, Number.POSITIVE_INFINITY);
    for await (const id of streamList(service, call, listing)) {
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
  resultsMax: number,
): Listing<string> {
  const store = readStoreId(request.storeId);
  return {
    at: { store, preference: request.consistency },
    resultsMax,
    begin(snapshot, interrupt) {
      const model = resolveModel(service, call, { store, snapshot, request });
      const tuples = request.contextualTuples?.tupleKeys;
      const contextualTuples = readValidTuples(model, tuples, queryTupleUse);
      requireListed(model, request.type, request.relation);
      return listObjects(snapshot, model, {
        now: service.clock.now(),
        type: request.type,
        relation: request.relation,
        subject: readKnownSubject(model, request.user),
        contextualTuples,
        context: request.context ?? {},
        depthMax: service.checkDepthMax,
        stepsMax: service.checkStepsMax,
        sliceSteps: service.lists.sliceSteps,
        interrupt,
      });
    },
  };
}
