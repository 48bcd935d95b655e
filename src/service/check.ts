/** Check: one question, answered in one walk over one snapshot. */
import { create } from '@bufbuild/protobuf';
import { createWalk } from '../engine/check.ts';
import { allOf, isAllowed } from '../engine/verdict.ts';
import {
  type CheckRequest,
  type CheckResponse,
  CheckResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { ask, isPlain } from './asked.ts';
import { bareWalk, isBare } from './bare-walk.ts';
import type { Unary } from './call.ts';
import { interruptOf, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges, decide } from './step-up.ts';
import { withSubjectToken } from './subject-identity.ts';
import { readQuestions, readTarget, readValidTuples, type TupleUse } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

/** A contextual tuple with any fault makes the whole check one about a bad tuple. */
export const contextualTupleUse: TupleUse = {
  use: 'contextual',
  codes: { tuple: 'invalid_tuple', condition: 'invalid_tuple' },
};

export function createCheck(service: Service): Unary<CheckRequest, CheckResponse> {
  return (request, call) =>
    withSubjectToken(service.subjects, call, (token) => {
      const store = readStoreId(request.storeId);
      const at = { store, preference: request.consistency };
      return viewFor(service, call, at, (snapshot) => {
        const now = service.clock.now();
        const model = resolveModel(service, call, { store, snapshot, request });
        // The field rules let no request through that asks nothing.
        const key = request.tupleKey!;
        const interrupt = interruptOf(service, call);
        if (isPlain(service, token) && isBare(request)) {
          const walk = bareWalk({ service, snapshot, model, now, interrupt }, key.user);
          const verdict = walk.check(readTarget(model, key), key.relation);
          return isAllowed(verdict) ? allowed : denied;
        }
        const asked = ask(service, call, token, key.user, now);
        const { object, relation, subjects } = readQuestions(model, key, asked.users);
        const tuples = readValidTuples(
          model,
          request.contextualTuples?.tupleKeys,
          contextualTupleUse,
        );
        const reader = asked.reader(snapshot, model);
        const contextualTuples = asked.tuples(model, tuples);
        const context = asked.context(request.context);
        const verdict = allOf(subjects, (subject) => {
          const { checkDepthMax: depthMax, checkStepsMax: stepsMax } = service;
          const check = { now, subject, contextualTuples, context, depthMax, stepsMax, interrupt };
          return createWalk(reader, model, check).check(object, relation);
        });
        const at = { type: object.type, relation };
        const decided = decide(asked, at, verdict, (stepUp) => new Challenges(call).add(stepUp));
        return isAllowed(decided) ? allowed : denied;
      });
    });
}

/** Frozen, so that whoever encodes them may do so once and for all. */
const allowed = Object.freeze(create(CheckResponseSchema, { allowed: true }));
const denied = Object.freeze(create(CheckResponseSchema, { allowed: false }));
