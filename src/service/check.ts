/** Check: one question, answered in one walk over one snapshot. */
import { create } from '@bufbuild/protobuf';
import { unreachable } from '../base/assert.ts';
import { createWalk } from '../engine/check.ts';
import { refusalOf, type Verdict } from '../engine/verdict.ts';
import {
  type CheckRequest,
  type CheckResponse,
  CheckResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { Unary } from './call.ts';
import { viewFor } from './consistency.ts';
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
        subject,
        contextualTuples: readValidTuples(
          model,
          request.contextualTuples?.tupleKeys,
          contextualTupleUse,
        ),
        context: request.context ?? {},
        depthMax: service.checkDepthMax,
        stepsMax: service.checkStepsMax,
      });
      return create(CheckResponseSchema, { allowed: isAllowed(walk.check(object, relation)) });
    });
  };
}

/** An answer that could not be computed is an error, never allowed and never denied. */
export function isAllowed(verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'allowed':
      return true;
    case 'denied':
      return false;
    case 'unknown':
    case 'failed':
      throw refusalOf(verdict);
    default:
      return unreachable(verdict);
  }
}
