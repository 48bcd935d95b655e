/** Expand: one level of a relation's rewrite, with the tuples put in. */
import { create } from '@bufbuild/protobuf';
import { expand } from '../engine/expand.ts';
import {
  type ExpandRequest,
  type ExpandResponse,
  ExpandResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { Unary } from './call.ts';
import { interruptOf, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { queryTupleUse, readTarget, readValidTuples } from './valid-tuple.ts';
import { readStoreId, treeMessage } from './wire.ts';

export function createExpand(service: Service): Unary<ExpandRequest, ExpandResponse> {
  return (request, call) => {
    const store = readStoreId(request.storeId);
    const at = { store, preference: request.consistency };
    return viewFor(service, call, at, (snapshot) => {
      const model = resolveModel(service, call, { store, snapshot, request });
      // The field rules let no request through that names nothing.
      const key = request.tupleKey!;
      const tuples = request.contextualTuples?.tupleKeys;
      const contextualTuples = readValidTuples(model, tuples, queryTupleUse);
      const object = readTarget(model, key);
      const root = expand(snapshot, model, {
        object,
        relation: key.relation,
        contextualTuples,
        now: service.clock.now(),
        interrupt: interruptOf(service, call),
      });
      return create(ExpandResponseSchema, { tree: { root: treeMessage(root) } });
    });
  };
}
