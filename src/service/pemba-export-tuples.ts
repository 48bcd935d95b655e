/** ExportTuples: all tuples as of one revision, with their number and checksum. */
import { create } from '@bufbuild/protobuf';
import { limits } from '../base/limits.ts';
import {
  type ExportTuplesRequest,
  type ExportTuplesResponse,
  ExportTuplesResponseSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import { TupleChecksum } from '../model/tuple-checksum.ts';
import type { ServerStream } from './call.ts';
import { answeredAt, refuseLate, viewFor } from './consistency.ts';
import { readFilter, tupleInit } from './pemba-tuple.ts';
import type { Service } from './service.ts';
import { readStoreId } from './wire.ts';

export function createExportTuples(
  service: Service,
): ServerStream<ExportTuplesRequest, ExportTuplesResponse> {
  return async function* exportTuples(request, call) {
    const store = readStoreId(request.storeId);
    const filter = readFilter(request.filter) ?? {};
    const { datastore, clock } = service;
    await viewFor(service, call, { store, preference: undefined }, () => undefined);
    using held = await datastore.holdTuples(store, call.deadline - clock.monotonic());
    const checksum = new TupleChecksum();
    let { cursor } = request;
    do {
      refuseLate(service, call);
      const page = held.read(filter, { pageSize: limits.exportPageTuples, cursor });
      const consistencyToken = answeredAt(call, store, page.revision);
      for (const { tuple } of page.rows) checksum.addTuple(tuple);
      cursor = page.cursor;
      yield create(ExportTuplesResponseSchema, {
        tuples: page.rows.map(({ tuple }) => tupleInit(tuple)),
        cursor,
        consistencyToken,
        count: BigInt(checksum.count),
        checksum: checksum.value,
      });
      // Others get their turn between two messages.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (cursor !== '');
  };
}
