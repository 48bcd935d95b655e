/** Authorization models: written once, then only read. */
import { create, fromJson, type MessageInitShape, toBinary, toJson } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type AuthorizationModel,
  AuthorizationModelSchema,
} from '../gen/openfga/v1/authzmodel_pb.ts';
import {
  type ReadAuthorizationModelRequest,
  type ReadAuthorizationModelResponse,
  ReadAuthorizationModelResponseSchema,
  type ReadAuthorizationModelsRequest,
  type ReadAuthorizationModelsResponse,
  ReadAuthorizationModelsResponseSchema,
  type WriteAuthorizationModelRequest,
  type WriteAuthorizationModelResponse,
  WriteAuthorizationModelResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { namesOf } from '../model/compile.ts';
import { parseModel } from '../model/parse.ts';
import { requireValid } from '../model/validate.ts';
import type { ModelRecord } from '../storage/datastore.ts';
import type { Unary } from './call.ts';
import { answeredAt, refuseLate, setToken, viewFor } from './consistency.ts';
import { modelNotFound } from './model-cache.ts';
import type { Service } from './service.ts';
import { readModelId, readStoreId } from './wire.ts';

export function createWriteAuthorizationModel(
  service: Service,
): Unary<WriteAuthorizationModelRequest, WriteAuthorizationModelResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const record = recordOf(service, request);
    setToken(call, store, await service.datastore.writeModel(store, record));
    return create(WriteAuthorizationModelResponseSchema, { authorizationModelId: record.id });
  };
}

/** ENSURES: the model of the record is valid. */
function recordOf(service: Service, request: WriteAuthorizationModelRequest): ModelRecord {
  if (request.typeDefinitions.length > limits.modelTypesMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `The number of type definitions in an authorization model exceeds the allowed limit of ${limits.modelTypesMax}`,
    );
  }
  const message = create(AuthorizationModelSchema, {
    id: service.newId(),
    // Clients from before schema versions send none.
    schemaVersion: request.schemaVersion === '' ? '1.1' : request.schemaVersion,
    typeDefinitions: request.typeDefinitions,
    conditions: request.conditions,
  } satisfies MessageInitShape<typeof AuthorizationModelSchema>);
  const bytes = toBinary(AuthorizationModelSchema, message).length;
  if (bytes > limits.modelBytesMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `model exceeds size limit: ${bytes} bytes vs ${limits.modelBytesMax} bytes`,
    );
  }
  const definition = toJson(AuthorizationModelSchema, message);
  const model = parseModel(definition);
  requireValid(model);
  return {
    id: readModelId(message.id),
    schemaVersion: message.schemaVersion,
    definition: JSON.stringify(definition),
    names: namesOf(model),
  };
}

export function createReadAuthorizationModel(
  service: Service,
): Unary<ReadAuthorizationModelRequest, ReadAuthorizationModelResponse> {
  return (request, call) => {
    const store = readStoreId(request.storeId);
    const id = readModelId(request.id);
    return viewFor(service, call, { store, preference: undefined }, (snapshot) => {
      const record = snapshot.model(id);
      if (record === undefined) throw modelNotFound(id);
      return create(ReadAuthorizationModelResponseSchema, {
        authorizationModel: modelMessage(record),
      });
    });
  };
}

export function createReadAuthorizationModels(
  service: Service,
): Unary<ReadAuthorizationModelsRequest, ReadAuthorizationModelsResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const page = await service.datastore.listModels(store, {
      pageSize: request.pageSize ?? limits.pageSizeDefault,
      cursor: request.continuationToken,
    });
    answeredAt(call, store, page.revision);
    return create(ReadAuthorizationModelsResponseSchema, {
      authorizationModels: page.rows.map(modelMessage),
      continuationToken: page.cursor,
    });
  };
}

/** What was written, whole: also the parts (`module`, `source_info`) that the engine never reads. */
function modelMessage(record: ModelRecord): AuthorizationModel {
  return fromJson(AuthorizationModelSchema, JSON.parse(record.definition));
}
