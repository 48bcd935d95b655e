/** DeleteTuples: a round of deleting by filter, as often as its cursor is brought back. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type DeleteTuplesRequest,
  type DeleteTuplesResponse,
  DeleteTuplesResponseSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import type { TupleFilter } from '../storage/datastore.ts';
import type { Unary } from './call.ts';
import { refuseLate, setToken, viewFor } from './consistency.ts';
import { readFilter } from './pemba-tuple.ts';
import type { Service } from './service.ts';
import { readStoreId } from './wire.ts';

export function createDeleteTuples(
  service: Service,
): Unary<DeleteTuplesRequest, DeleteTuplesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    const query = {
      filter: readDeletedFilter(request),
      limit: request.limit === 0 ? limits.deletedPerRoundDefault : request.limit,
      cursor: request.cursor,
    };
    // A token that is none must be refused before anything is deleted, not after.
    await viewFor(service, call, { store, preference: undefined }, () => undefined);
    refuseLate(service, call);
    const { deleted, cursor, revision } = await service.datastore.deleteTuples(store, query);
    const consistencyToken = setToken(call, store, revision);
    return create(DeleteTuplesResponseSchema, { deleted, cursor, consistencyToken });
  };
}

/** A filter that was forgotten must not delete a store. */
function readDeletedFilter(request: DeleteTuplesRequest): TupleFilter {
  const filter = readFilter(request.filter);
  if (filter === undefined && !request.all) {
    throw new Refusal(
      'validation_error',
      'the filter is empty: name an object, a subject, a type or a relation; to delete every tuple of the store, set `all`',
    );
  }
  if (filter !== undefined && request.all) {
    throw new Refusal('validation_error', '`all` deletes every tuple: give no filter beside it');
  }
  return filter ?? {};
}
