/** ListUsers: the subjects of one kind that have a relation to an object. */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { listSubjects } from '../engine/list-subjects.ts';
import { isAllowed } from '../engine/verdict.ts';
import {
  type ListUsersRequest,
  type ListUsersResponse,
  ListUsersResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { SubjectRef } from '../model/tuple.ts';
import { askAboutAnybody } from './asked.ts';
import type { Call, Unary } from './call.ts';
import { type Listing, readList } from './list.ts';
import { ownAnswers } from './own-answers.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges } from './step-up.ts';
import { type SubjectToken, withSubjectToken } from './subject-identity.ts';
import { queryTupleUse, readValidTuples, requireListed } from './valid-tuple.ts';
import { readStoreId, userMessage } from './wire.ts';

export function createListUsers(service: Service): Unary<ListUsersRequest, ListUsersResponse> {
  return (request, call) => {
    const subjects = withSubjectToken(service.subjects, call, (token) =>
      readList(service, call, listingOf(service, call, request, token)),
    );
    const answer = (subjects: readonly SubjectRef[]) =>
      create(ListUsersResponseSchema, { users: subjects.map(userMessage) });
    return subjects instanceof Promise ? subjects.then(answer) : answer(subjects);
  };
}

/** The tuples are judged first, then the filter, then what is asked for. */
function listingOf(
  service: Service,
  call: Call,
  request: ListUsersRequest,
  token: SubjectToken | undefined,
): Listing<SubjectRef> {
  const store = readStoreId(request.storeId);
  const { relation } = request;
  return {
    at: { store, preference: request.consistency },
    resultsMax: service.lists.resultsMax,
    begin(snapshot, interrupt) {
      const now = service.clock.now();
      const model = resolveModel(service, call, { store, snapshot, request });
      const asked = askAboutAnybody(service, call, token, now);
      const tuples = readValidTuples(model, request.contextualTuples, queryTupleUse);
      const contextualTuples = asked.tuples(model, tuples);
      const [filter] = request.userFilters;
      assert(filter !== undefined, 'the field rules want exactly one filter');
      requireListed(model, filter.type, filter.relation);
      // The field rules let no request through that names no object.
      const { type, id } = request.object!;
      const object = { type, id };
      requireListed(model, type, relation);
      const reader = asked.reader(snapshot, model);
      const context = asked.context(request.context);
      const { checkDepthMax: depthMax, checkStepsMax: stepsMax } = service;
      const run = { now, contextualTuples, context, depthMax };
      if (asked.isOwn) {
        const from = { reader, model, check: { ...run, stepsMax, interrupt } };
        const own = ownAnswers(asked, from, new Challenges(call));
        const isListed = filter.type === own.subject.type && filter.relation === '';
        return isListed && isAllowed(own.verdict(object, relation))
          ? [[own.subject]].values()
          : [].values();
      }
      return listSubjects(reader, model, {
        ...run,
        object,
        relation,
        subject: { type: filter.type, relation: filter.relation },
        sliceSteps: service.lists.sliceSteps,
      });
    },
  };
}
