/** Stores by name. Everything else works under any well-formed store id, created or not. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type CreateStoreRequest,
  type CreateStoreResponse,
  CreateStoreResponseSchema,
  type DeleteStoreRequest,
  type DeleteStoreResponse,
  DeleteStoreResponseSchema,
  type GetStoreRequest,
  type GetStoreResponse,
  GetStoreResponseSchema,
  type ListStoresRequest,
  type ListStoresResponse,
  ListStoresResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { Unary } from './call.ts';
import { refuseLate } from './consistency.ts';
import type { Service } from './service.ts';
import { readStoreId, storeFields, storeMessage } from './wire.ts';

export function createCreateStore(
  service: Service,
): Unary<CreateStoreRequest, CreateStoreResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    const id = readStoreId(service.newId());
    const record = await service.datastore.createStore({ id, name: request.name });
    return create(CreateStoreResponseSchema, storeFields(record));
  };
}

export function createGetStore(service: Service): Unary<GetStoreRequest, GetStoreResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    const record = await service.datastore.readStore(readStoreId(request.storeId));
    if (record === undefined) throw new Refusal('store_id_not_found', 'Store ID not found');
    return create(GetStoreResponseSchema, storeFields(record));
  };
}

export function createListStores(service: Service): Unary<ListStoresRequest, ListStoresResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    const page = await service.datastore.listStores({
      pageSize: request.pageSize ?? limits.pageSizeDefault,
      cursor: request.continuationToken,
      name: request.name,
    });
    return create(ListStoresResponseSchema, {
      stores: page.rows.map(storeMessage),
      continuationToken: page.cursor,
    });
  };
}

export function createDeleteStore(
  service: Service,
): Unary<DeleteStoreRequest, DeleteStoreResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    await service.datastore.deleteStore(readStoreId(request.storeId));
    return create(DeleteStoreResponseSchema);
  };
}
