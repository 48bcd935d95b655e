/** ReadTuples and ReadTupleChanges: what is stored, until when, and what became of it. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { limits } from '../base/limits.ts';
import {
  ChangeKind,
  type ReadTupleChangesRequest,
  type ReadTupleChangesResponse,
  ReadTupleChangesResponseSchema,
  type ReadTuplesRequest,
  type ReadTuplesResponse,
  ReadTuplesResponseSchema,
  type TupleChangeSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import type { StoreId } from '../model/ids.ts';
import type { ChangeRecord } from '../storage/datastore.ts';
import { formatConsistencyToken } from '../storage/revision.ts';
import type { Unary } from './call.ts';
import { answeredAt, refuseLate } from './consistency.ts';
import { readFilter, tupleInit } from './pemba-tuple.ts';
import type { Service } from './service.ts';
import { readStoreId } from './wire.ts';

export function createReadTuples(service: Service): Unary<ReadTuplesRequest, ReadTuplesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const page = await service.datastore.readTuples(
      store,
      readFilter(request.filter) ?? {},
      pageOf(request),
    );
    const consistencyToken = answeredAt(call, store, page.revision);
    const tuples = page.rows.map(({ tuple, writtenAt }) => ({
      tuple: tupleInit(tuple),
      writtenAt: timestampFromMs(writtenAt),
    }));
    return create(ReadTuplesResponseSchema, { tuples, cursor: page.cursor, consistencyToken });
  };
}

export function createReadTupleChanges(
  service: Service,
): Unary<ReadTupleChangesRequest, ReadTupleChangesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    refuseLate(service, call);
    const { objectType, startTime } = request;
    const page = await service.datastore.readChanges(store, {
      ...pageOf(request),
      objectType,
      since: startTime === undefined ? undefined : timestampMs(startTime),
    });
    const consistencyToken = answeredAt(call, store, page.revision);
    const changes = page.rows.map((change) => changeInit(store, change));
    return create(ReadTupleChangesResponseSchema, {
      changes,
      cursor: page.cursor,
      consistencyToken,
    });
  };
}

function pageOf({ pageSize, cursor }: { readonly pageSize: number; readonly cursor: string }) {
  return { pageSize: pageSize === 0 ? limits.tuplePageSizeDefault : pageSize, cursor };
}

function changeInit(
  store: StoreId,
  change: ChangeRecord,
): MessageInitShape<typeof TupleChangeSchema> {
  return {
    kind: kindOf(change),
    tuple: tupleInit(change.tuple),
    changedAt: timestampFromMs(change.writtenAt),
    consistencyToken: formatConsistencyToken(store, change.revision),
  };
}

function kindOf({ operation, expired }: ChangeRecord): ChangeKind {
  if (operation === 'write') return ChangeKind.WRITE;
  return expired ? ChangeKind.EXPIRY : ChangeKind.DELETE;
}
