/** Assertions: checks with their expected answers, kept with a model. They are never run here. */
import { create, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type Assertion,
  AssertionSchema,
  AssertionsSchema,
  type ReadAssertionsRequest,
  type ReadAssertionsResponse,
  ReadAssertionsResponseSchema,
  type WriteAssertionsRequest,
  type WriteAssertionsResponse,
  WriteAssertionsResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Unary } from './call.ts';
import { setToken, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { readQuestion, readValidTuples, type TupleUse } from './valid-tuple.ts';
import { readModelId, readStoreId } from './wire.ts';

/** As in Check, but with the code of a bad request: no check is asked yet. */
const contextualTupleUse: TupleUse = {
  use: 'contextual',
  codes: { tuple: 'validation_error', condition: 'validation_error' },
};

export function createWriteAssertions(
  service: Service,
): Unary<WriteAssertionsRequest, WriteAssertionsResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    await viewFor(service, call, { store, preference: undefined }, (snapshot) => {
      const model = resolveModel(service, call, { store, snapshot, request });
      refuseLargeAssertions(request.assertions);
      for (const assertion of request.assertions) refuseBadAssertion(model, assertion);
    });
    const { assertions } = request;
    const text = JSON.stringify(toJson(AssertionsSchema, create(AssertionsSchema, { assertions })));
    const model = readModelId(request.authorizationModelId);
    setToken(call, store, await service.datastore.writeAssertions(store, model, text));
    return create(WriteAssertionsResponseSchema);
  };
}

function refuseLargeAssertions(assertions: readonly Assertion[]): void {
  let bytes = 0;
  for (const assertion of assertions) bytes += toBinary(AssertionSchema, assertion).length;
  if (bytes > limits.assertionsBytesMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `The number of bytes exceeds the allowed limit of ${limits.assertionsBytesMax}`,
    );
  }
}

function refuseBadAssertion(model: CompiledModel, assertion: Assertion): void {
  // The field rules let no assertion through that asks nothing.
  readQuestion(model, assertion.tupleKey!);
  readValidTuples(model, assertion.contextualTuples, contextualTupleUse);
}

export function createReadAssertions(
  service: Service,
): Unary<ReadAssertionsRequest, ReadAssertionsResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    await viewFor(service, call, { store, preference: undefined }, (snapshot) =>
      resolveModel(service, call, { store, snapshot, request }),
    );
    const { authorizationModelId } = request;
    const text = await service.datastore.readAssertions(store, readModelId(authorizationModelId));
    const { assertions } =
      text === undefined ? create(AssertionsSchema) : fromJson(AssertionsSchema, JSON.parse(text));
    return create(ReadAssertionsResponseSchema, { authorizationModelId, assertions });
  };
}
