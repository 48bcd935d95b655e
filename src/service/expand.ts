/** Expand: one level of a relation's rewrite, with the tuples put in. */
import { create } from '@bufbuild/protobuf';
import { expand } from '../engine/expand.ts';
import type { TreeNode } from '../engine/tree.ts';
import {
  type ExpandRequest,
  ExpandRequestSchema,
  type ExpandResponse,
  ExpandResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { askAboutAnybody } from './asked.ts';
import type { Call, Unary } from './call.ts';
import { interruptOf, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { type SubjectToken, withSubjectToken } from './subject-identity.ts';
import { queryTupleUse, readTarget, readValidTuples } from './valid-tuple.ts';
import { readStoreId, treeMessage } from './wire.ts';

export function createExpand(service: Service): Unary<ExpandRequest, ExpandResponse> {
  return (request, call) => {
    const root = withSubjectToken(service.subjects, call, (token) =>
      expandFor(service, call, request, token),
    );
    const answer = (root: TreeNode) =>
      create(ExpandResponseSchema, { tree: { root: treeMessage(root) } });
    return root instanceof Promise ? root.then(answer) : answer(root);
  };
}

/**
 * The tree before it is made into messages. It says which tuples there are and decides nothing: of a
 * subject token, only its tuples count. REQUIRES: the field rules have passed the request.
 */
export function expandFor(
  service: Service,
  call: Call,
  request: ExpandRequest,
  token?: SubjectToken,
): TreeNode | Promise<TreeNode> {
  const store = readStoreId(request.storeId);
  const at = { store, preference: request.consistency };
  return viewFor(service, call, at, (snapshot) => {
    const model = resolveModel(service, call, { store, snapshot, request });
    // The field rules let no request through that names nothing.
    const key = request.tupleKey!;
    const tuples = request.contextualTuples?.tupleKeys;
    const now = service.clock.now();
    const asked = askAboutAnybody(service, call, token, now);
    const contextualTuples = asked.tuples(model, readValidTuples(model, tuples, queryTupleUse));
    const object = readTarget(model, key);
    return expand(asked.reader(snapshot, model), model, {
      object,
      relation: key.relation,
      contextualTuples,
      now,
      interrupt: interruptOf(service, call),
    });
  });
}

/** For who asks in process, in our own words. */
export function expandRequestOf(
  storeId: string,
  asked: { readonly object: string; readonly relation: string; readonly modelId?: string },
): ExpandRequest {
  const { object, relation, modelId: authorizationModelId = '' } = asked;
  const tupleKey = { object, relation };
  return create(ExpandRequestSchema, { storeId, authorizationModelId, tupleKey });
}
