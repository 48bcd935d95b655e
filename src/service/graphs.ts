/** ReadGraphs: which stores are answered from memory, and which are not, and why. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { limits } from '../base/limits.ts';
import {
  Place,
  PlaceReason,
  type ReadGraphsRequest,
  type ReadGraphsResponse,
  ReadGraphsResponseSchema,
  type StoreGraphSchema,
} from '../gen/pemba/v1/server_service_pb.ts';
import type { AwayReason, Graphs, Place as PlaceOf } from '../storage/graphs.ts';
import type { Unary } from './call.ts';
import { readStoreId } from './wire.ts';

const reasons = {
  'too large': PlaceReason.TOO_LARGE,
  'gave way': PlaceReason.GAVE_WAY,
  failed: PlaceReason.FAILED,
} as const satisfies { readonly [reason in AwayReason]: PlaceReason };

export function createReadGraphs(graphs: Graphs): Unary<ReadGraphsRequest, ReadGraphsResponse> {
  return (request) => {
    const { bytesMax, bytes, storesIn } = graphs;
    return create(ReadGraphsResponseSchema, {
      bytesMax: BigInt(bytesMax),
      bytes: BigInt(bytes),
      storesInMemory: storesIn.memory,
      storesLoading: storesIn.loading,
      storesInStorage: storesIn.storage,
      graphs: asked(graphs, request.storeId),
    });
  };
}

function asked(graphs: Graphs, storeId: string): MessageInitShape<typeof StoreGraphSchema>[] {
  if (storeId === '') {
    const places = graphs.places(limits.graphsListedMax);
    return places.map(([store, place]) => ({ storeId: store, ...wirePlace(place) }));
  }
  return [{ storeId, ...wirePlace(graphs.place(readStoreId(storeId))) }];
}

function wirePlace(place: PlaceOf | undefined) {
  switch (place?.kind) {
    case 'memory':
      return {
        place: Place.MEMORY,
        bytes: BigInt(place.bytes),
        tuples: BigInt(place.tuples),
        changes: BigInt(place.changes),
      };
    case 'loading':
      return { place: Place.LOADING };
    case 'storage':
      return { place: Place.STORAGE, reason: reasons[place.reason] };
    case undefined:
      return { place: Place.STORAGE, reason: PlaceReason.NOT_READ };
  }
}
