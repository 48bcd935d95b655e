/** Read and ReadChanges: what is stored and what happened, page by page, rewrites not followed. */
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type ReadChangesRequest,
  type ReadChangesResponse,
  ReadChangesResponseSchema,
  type ReadRequest,
  type ReadRequestTupleKey,
  type ReadResponse,
  ReadResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { TupleFilter } from '../storage/datastore.ts';
import type { Unary } from './call.ts';
import { answeredAt, refuseLate } from './consistency.ts';
import type { Service } from './service.ts';
import { changeMessage, readStoreId, readSubject, tupleMessage } from './wire.ts';

export function createRead(service: Service): Unary<ReadRequest, ReadResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const filter = request.tupleKey === undefined ? {} : readFilter(request.tupleKey);
    const page = await service.datastore.readTuples(store, filter, {
      pageSize: request.pageSize ?? limits.pageSizeDefault,
      cursor: request.continuationToken,
    });
    answeredAt(call, store, page.revision);
    return create(ReadResponseSchema, {
      tuples: page.rows.map(tupleMessage),
      continuationToken: page.cursor,
    });
  };
}

/** A filter must name an object, or a type of objects and a subject. */
function readFilter(key: ReadRequestTupleKey): TupleFilter {
  const colon = key.object.indexOf(':');
  const objectType = colon === -1 ? '' : key.object.slice(0, colon);
  const objectId = key.object.slice(colon + 1);
  if (objectType === '' || (objectId === '' && key.user === '')) {
    throw new Refusal(
      'validation_error',
      "the 'tuple_key' field was provided but the object type field is required and both the object id and user cannot be empty",
    );
  }
  const subject = key.user === '' ? undefined : readSubject(key.user);
  if (subject?.fault !== undefined) throw new Refusal('validation_error', subject.fault);
  return {
    objectType,
    ...(objectId === '' ? {} : { objectId }),
    ...(key.relation === '' ? {} : { relation: key.relation }),
    ...(subject === undefined ? {} : { subject: subject.value }),
  };
}

export function createReadChanges(
  service: Service,
): Unary<ReadChangesRequest, ReadChangesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const since = request.startTime === undefined ? undefined : timestampMs(request.startTime);
    if (since !== undefined && since < 0 && request.continuationToken === '') {
      throw new Refusal('invalid_start_time', 'Invalid start time');
    }
    const page = await service.datastore.readChanges(store, {
      pageSize: request.pageSize ?? limits.pageSizeDefault,
      cursor: request.continuationToken,
      objectType: request.type,
      since,
    });
    answeredAt(call, store, page.revision);
    return create(ReadChangesResponseSchema, {
      changes: page.rows.map(changeMessage),
      continuationToken: page.cursor,
    });
  };
}
