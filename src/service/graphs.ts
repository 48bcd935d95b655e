/** ReadGraphs: which stores are answered from memory, and which are not, and why. */
import { create } from '@bufbuild/protobuf';
import { limits } from '../base/limits.ts';
import {
  Place,
  PlaceReason,
  type ReadGraphsRequest,
  type ReadGraphsResponse,
  ReadGraphsResponseSchema,
} from '../gen/pemba/v1/server_service_pb.ts';
import type { StoreId } from '../model/ids.ts';
import type { AwayReason, Graphs, Place as PlaceOf, ShownGraphs } from '../storage/graphs.ts';
import type { Unary } from './call.ts';
import { readStoreId } from './wire.ts';

const reasons = {
  'too large': PlaceReason.TOO_LARGE,
  'gave way': PlaceReason.GAVE_WAY,
  failed: PlaceReason.FAILED,
} as const satisfies { readonly [reason in AwayReason]: PlaceReason };

export function createReadGraphs(graphs: Graphs): Unary<ReadGraphsRequest, ReadGraphsResponse> {
  return (request) => {
    const store = request.storeId === '' ? undefined : readStoreId(request.storeId);
    const shown = graphs.shown(store ?? limits.graphsListedMax);
    return shown instanceof Promise
      ? shown.then((found) => responseOf(found, store))
      : responseOf(shown, store);
  };
}

function responseOf(shown: ShownGraphs, store: StoreId | undefined): ReadGraphsResponse {
  const { bytesMax, bytes, storesIn } = shown;
  // A store that is asked for is answered, also where nobody has read it.
  const places: readonly (readonly [StoreId, PlaceOf | undefined])[] =
    store !== undefined && shown.places.length === 0 ? [[store, undefined]] : shown.places;
  return create(ReadGraphsResponseSchema, {
    bytesMax: BigInt(bytesMax),
    bytes: BigInt(bytes),
    storesInMemory: storesIn.memory,
    storesLoading: storesIn.loading,
    storesInStorage: storesIn.storage,
    graphs: places.map(([id, place]) => ({ storeId: id, ...wirePlace(place) })),
  });
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
