/** ReadTuples and ReadTupleChanges: what is stored, until when, and what became of it. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { byteLength } from '../base/bytes.ts';
import type { JsonValue } from '../base/json.ts';
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
import { formatObject, formatSubject, type Tuple } from '../model/tuple.ts';
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
    const page = await service.datastore.readTuples(store, readFilter(request.filter) ?? {}, {
      ...pageOf(request),
      fits: roomFor(({ tuple }) => tuple),
    });
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
      fits: roomFor(({ tuple }) => tuple),
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

/** Clients of gRPC take 4 MiB, and the context of one tuple can have 32 KiB. */
function roomFor<Row>(tupleOf: (row: Row) => Tuple): (row: Row) => boolean {
  let bytes = 0;
  return (row) => {
    bytes += bytesOfTuple(tupleOf(row));
    return bytes <= limits.tuplePageBytesMax;
  };
}

/** Of times, tokens and the heads of fields, at most. */
const bytesBeside = 200;

/** What a tuple takes in a response at most: a little more than in truth. */
function bytesOfTuple({ object, relation, subject, condition }: Tuple): number {
  const key = formatObject(object).length + relation.length + formatSubject(subject).length;
  if (condition === undefined) return bytesBeside + 4 * key;
  return bytesBeside + 4 * key + byteLength(condition.name) + bytesOfJson(condition.context);
}

/** As the values of a `google.protobuf.Struct`, or as JSON. */
function bytesOfJson(value: JsonValue): number {
  if (typeof value === 'string') return bytesPerValue + 2 * byteLength(value);
  if (value === null || typeof value !== 'object') return bytesPerValue;
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, item) => sum + bytesOfJson(item), bytesPerValue);
  }
  return Object.entries(value).reduce<number>(
    (sum, [name, item]) => sum + bytesPerValue + byteLength(name) + bytesOfJson(item),
    bytesPerValue,
  );
}

/** The longest number as JSON has 24 characters. */
const bytesPerValue = 26;

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
