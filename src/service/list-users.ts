/** ListUsers: the subjects of one kind that have a relation to an object. */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { listSubjects } from '../engine/list-subjects.ts';
import {
  type ListUsersRequest,
  type ListUsersResponse,
  ListUsersResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { SubjectRef } from '../model/tuple.ts';
import type { Call, Unary } from './call.ts';
import { type Listing, readList } from './list.ts';
import { resolveModel, type Service } from './service.ts';
import { queryTupleUse, readValidTuples, requireListed } from './valid-tuple.ts';
import { readStoreId, userMessage } from './wire.ts';

export function createListUsers(service: Service): Unary<ListUsersRequest, ListUsersResponse> {
  return (request, call) => {
    const subjects = readList(service, call, listingOf(service, call, request));
    const answer = (subjects: readonly SubjectRef[]) =>
      create(ListUsersResponseSchema, { users: subjects.map(userMessage) });
    return subjects instanceof Promise ? subjects.then(answer) : answer(subjects);
  };
}

/** The tuples are judged first, then the filter, then what is asked for. */
function listingOf(service: Service, call: Call, request: ListUsersRequest): Listing<SubjectRef> {
  const store = readStoreId(request.storeId);
  return {
    at: { store, preference: request.consistency },
    resultsMax: service.lists.resultsMax,
    begin(snapshot) {
      const model = resolveModel(service, call, { store, snapshot, request });
      const contextualTuples = readValidTuples(model, request.contextualTuples, queryTupleUse);
      const [filter] = request.userFilters;
      assert(filter !== undefined, 'the field rules want exactly one filter');
      requireListed(model, filter.type, filter.relation);
      // The field rules let no request through that names no object.
      const { type, id } = request.object!;
      requireListed(model, type, request.relation);
      return listSubjects(snapshot, model, {
        now: service.clock.now(),
        object: { type, id },
        relation: request.relation,
        subject: { type: filter.type, relation: filter.relation },
        contextualTuples,
        context: request.context ?? {},
        depthMax: service.checkDepthMax,
        sliceSteps: service.lists.sliceSteps,
      });
    },
  };
}
