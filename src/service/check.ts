/** Check: one question, answered in one walk over one snapshot. */
import { create } from '@bufbuild/protobuf';
import { createWalk } from '../engine/check.ts';
import { isAllowed } from '../engine/verdict.ts';
import {
  type CheckRequest,
  type CheckResponse,
  CheckResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { Unary } from './call.ts';
import { interruptOf, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { readQuestion, readValidTuples, type TupleUse } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

/** A contextual tuple with any fault makes the whole check one about a bad tuple. */
export const contextualTupleUse: TupleUse = {
  use: 'contextual',
  codes: { tuple: 'invalid_tuple', condition: 'invalid_tuple' },
};

export function createCheck(service: Service): Unary<CheckRequest, CheckResponse> {
  return (request, call) => {
    const store = readStoreId(request.storeId);
    const at = { store, preference: request.consistency };
    return viewFor(service, call, at, (snapshot) => {
      const model = resolveModel(service, call, { store, snapshot, request });
      // The field rules let no request through that asks nothing.
      const { object, relation, subject } = readQuestion(model, request.tupleKey!);
      const walk = createWalk(snapshot, model, {
        now: service.clock.now(),
        subject,
        contextualTuples: readValidTuples(
          model,
          request.contextualTuples?.tupleKeys,
          contextualTupleUse,
        ),
        context: request.context ?? {},
        depthMax: service.checkDepthMax,
        stepsMax: service.checkStepsMax,
        interrupt: interruptOf(service, call),
      });
      return create(CheckResponseSchema, { allowed: isAllowed(walk.check(object, relation)) });
    });
  };
}
