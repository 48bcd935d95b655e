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
import type { Page, PageQuery, StoreRecord } from '../storage/datastore.ts';
import type { Caller } from './access/access.ts';
import type { Call, Unary } from './call.ts';
import { refuseLate } from './consistency.ts';
import type { Service } from './service.ts';
import { readStoreId, storeFields, storeMessage } from './wire.ts';

export function createCreateStore(
  service: Service,
): Unary<CreateStoreRequest, CreateStoreResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    const id = readStoreId(service.newId());
    const creator = callerOf(service, call);
    // First: a role on a store that does not come to be is of no use, a store without an admin neither.
    if (creator !== undefined) await service.access.grant(creator.principal.id, 'admin', id);
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
    const query = {
      pageSize: request.pageSize ?? limits.pageSizeDefault,
      cursor: request.continuationToken,
      name: request.name,
    };
    const caller = callerOf(service, call);
    const visible = caller && (await service.access.visibleStores(caller));
    const page =
      visible === undefined
        ? await service.datastore.listStores(query)
        : await listVisible(service, [...visible].sort(), caller?.principal.id ?? '', query);
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
    const store = readStoreId(request.storeId);
    // First: what is left of a store that is half deleted is for those alone who may do all.
    if (callerOf(service, call) !== undefined) await service.access.forget(store);
    await service.datastore.deleteStore(store);
    return create(DeleteStoreResponseSchema);
  };
}

/** Undefined where nobody is asked who calls. */
function callerOf(service: Service, { principal }: Call): Caller | undefined {
  return principal === undefined || principal.kind === 'anonymous'
    ? undefined
    : service.callers.callerOf(principal);
}

/**
 * The page of those stores alone, so that neither its rows nor its cursor tell of another one.
 * REQUIRES: `ids` are in order.
 */
async function listVisible(
  { datastore }: Service,
  ids: readonly string[],
  principal: string,
  { pageSize, cursor, name }: PageQuery & { readonly name: string },
): Promise<Pick<Page<StoreRecord>, 'rows' | 'cursor'>> {
  const query = ['visible stores', principal, name];
  const after = String(datastore.cursors.decode(query, cursor)?.[0] ?? '');
  const rows: StoreRecord[] = [];
  for (const id of ids) {
    if (id <= after) continue;
    const record = await datastore.readStore(readStoreId(id));
    if (record === undefined || (name !== '' && record.name !== name)) continue;
    const last = rows.at(-1);
    if (last !== undefined && rows.length === pageSize) {
      return { rows, cursor: datastore.cursors.encode(query, [last.id]) };
    }
    rows.push(record);
  }
  return { rows, cursor: '' };
}
