/**
 * At which revision a request is answered: the consistency token that came with it, the one that
 * goes back, and the wire's preference for the newest.
 */
import { LRUCache } from 'lru-cache';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Interrupt } from '../engine/steps.ts';
import { ConsistencyPreference } from '../gen/openfga/v1/openfga_service_consistency_pb.ts';
import type { StoreId } from '../model/ids.ts';
import type { Revision, Snapshot } from '../storage/datastore.ts';
import { formatConsistencyToken, parseConsistencyToken } from '../storage/revision.ts';
import type { Call } from './call.ts';
import type { Service } from './service.ts';

const tokenHeader = 'pemba-consistency-token';

const tokensKept = 1_000;

/** Why a request is answered no earlier than now, beside its token. */
export type Preference = ConsistencyPreference | undefined;

/**
 * Runs `read` over one snapshot that is new enough for the call. At once, without a promise, when
 * the call asks for nothing: a check must not wait for the event loop.
 */
export function viewFor<Result>(
  service: Service,
  call: Call,
  at: { readonly store: StoreId; readonly preference: Preference },
  read: (snapshot: Snapshot) => Result,
): Result | Promise<Result> {
  const { store } = at;
  refuseLate(service, call);
  if (call.consistencyToken === '' && at.preference !== ConsistencyPreference.HIGHER_CONSISTENCY) {
    return view(service, call, store, read);
  }
  return reachFor(service, call, at).then(() => view(service, call, store, read));
}

/** The least revision that an answer to this call may show, as far as its token goes. */
export function leastRevision(call: Call, store: StoreId): Revision {
  return call.consistencyToken === '' ? 0 : parseConsistencyToken(call.consistencyToken, store);
}

/** For answers that the record itself gave at `revision`. Returns its token. */
export function answeredAt(call: Call, store: StoreId, revision: Revision): string {
  if (revision < leastRevision(call, store)) throw notReached();
  return setToken(call, store, revision);
}

/** Names the revision in the response. Returns its token. */
export function setToken(call: Call, store: StoreId, revision: Revision): string {
  const token = tokenOf(store, revision);
  call.responseHeaders[tokenHeader] = token;
  return token;
}

/** The newest token of each store: most answers carry the same one. */
const tokens = new LRUCache<StoreId, { readonly revision: Revision; readonly token: string }>({
  max: tokensKept,
});

/** The last of them. */
let last:
  | { readonly store: StoreId; readonly revision: Revision; readonly token: string }
  | undefined;

function tokenOf(store: StoreId, revision: Revision): string {
  if (last?.store === store && last.revision === revision) return last.token;
  const known = tokens.get(store);
  const token =
    known?.revision === revision ? known.token : formatConsistencyToken(store, revision);
  last = { store, revision, token };
  tokens.set(store, last);
  return token;
}

/**
 * Work that nobody waits for any more is not begun. The deadline alone says so: to look at the
 * call's signal would make one, with its timer, for every check.
 */
export function refuseLate(service: Service, call: Call): void {
  if (service.clock.monotonic() >= call.deadline) {
    throw new Refusal('deadline_exceeded', 'Request Deadline Exceeded');
  }
}

/** Ends synchronous work at the call's deadline. It cannot be cancelled: it takes the one thread. */
export function interruptOf(service: Service, call: Call): Interrupt {
  return () => refuseLate(service, call);
}

function view<Result>(
  service: Service,
  call: Call,
  store: StoreId,
  read: (snapshot: Snapshot) => Result,
): Result {
  return service.datastore.local.view(store, (snapshot) => {
    // Before `read`, so that a refusal carries the token too.
    setToken(call, store, snapshot.revision);
    return read(snapshot);
  });
}

async function reachFor(
  service: Service,
  call: Call,
  at: { readonly store: StoreId; readonly preference: Preference },
): Promise<void> {
  const { datastore, clock } = service;
  let revision = leastRevision(call, at.store);
  if (at.preference === ConsistencyPreference.HIGHER_CONSISTENCY) {
    revision = Math.max(revision, await datastore.head(at.store));
  }
  const waitMs = Math.max(0, Math.min(limits.revisionWaitMs, call.deadline - clock.monotonic()));
  if (!(await datastore.local.reach(at.store, revision, waitMs))) throw notReached();
}

function notReached(): Refusal {
  return new Refusal(
    'unavailable',
    'the revision that the request asks for has not arrived on this server; try again',
  );
}
