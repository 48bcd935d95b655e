/** What every handler is given: the datastore, the clock, and what they share in memory. */
import type { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import type { Clock } from '../base/clock.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ModelId, StoreId } from '../model/ids.ts';
import type { Datastore, Snapshot } from '../storage/datastore.ts';
import type { Graphs } from '../storage/graphs.ts';
import type { Access } from './access/access.ts';
import type { Callers } from './access/caller.ts';
import type { Call } from './call.ts';
import type { ModelCache, ResolvedModel } from './model-cache.ts';
import type { IdentityParts, SubjectIdentity } from './subject-identity.ts';
import { readOptionalModelId } from './wire.ts';

export interface ServiceContext {
  readonly datastore: Datastore;
  readonly clock: Clock;
  /** Levels that a check may descend; `limits.checkDepthMax` where it is absent. */
  readonly checkDepthMax?: number;
  /** Questions and tuples that a request may visit; `limits.checkStepsMax` where it is absent. */
  readonly checkStepsMax?: number;
  /** Bounds of the lists; those of `limits` where they are absent. */
  readonly lists?: Partial<ListBounds>;
  /** For the subject tokens of calls; where it is absent, such a call is refused. */
  readonly identity?: IdentityParts | undefined;
  /** Who may do what, where callers are asked who they are. The guard has the same ones. */
  readonly access?: {
    readonly access: Access;
    readonly callers: Callers;
    readonly bootstrapSecret: BootstrapSecret;
  };
  /** What the server can say of its resident graphs, where it has any. */
  readonly graphs?: Graphs;
}

export interface ListBounds {
  /** Results of a list that is not a stream. */
  readonly resultsMax: number;
  readonly timeoutMs: number;
  /** Rows of a list in pages, and of those whom one of its wildcards leaves out. */
  readonly rowsMax: number;
  readonly exceptionsMax: number;
  /** Bytes of one of their pages, unless it is a single row. */
  readonly pageBytesMax: number;
  /** Bytes of lists in pages that are kept, of either kind. */
  readonly keptBytesMax: number;
  /** Steps before a list looks at its time, and the time before other requests get their turn. */
  readonly sliceSteps: number;
  readonly sliceMs: number;
}

export interface Service {
  readonly datastore: Datastore;
  readonly clock: Clock;
  readonly checkDepthMax: number;
  readonly checkStepsMax: number;
  readonly lists: ListBounds;
  readonly models: ModelCache;
  /** Undefined on a server without an identity file. */
  readonly subjects: SubjectIdentity | undefined;
  readonly access: Access;
  readonly callers: Callers;
  readonly bootstrapSecret: BootstrapSecret;
  /** A new id for a store or a model: a ULID, greater than every one before it. */
  readonly newId: () => string;
}

/** The model that the request names, or the latest; the response's header says which it was. */
export function resolveModel(
  service: Service,
  call: Call,
  from: {
    readonly store: StoreId;
    readonly snapshot: Snapshot;
    readonly request: { readonly authorizationModelId: string };
  },
): CompiledModel {
  const wanted = readOptionalModelId(from.request.authorizationModelId);
  return resolveModelId(service, call, from.store, from.snapshot, wanted).model;
}

/** The same for an id that was read before; '' stands for the latest. */
export function resolveModelId(
  service: Service,
  call: Call,
  store: StoreId,
  snapshot: Snapshot,
  wanted: ModelId | '',
): ResolvedModel {
  const resolved = service.models.resolve(store, snapshot, wanted);
  call.responseHeaders['openfga-authorization-model-id'] = resolved.id;
  return resolved;
}
