/** From a principal to a caller: its object in the system store, and the roles that its scopes bring. */
import type { Principal } from '../../authn/authenticator.ts';
import type { CallerRole } from '../../authn/identity/file.ts';
import type { Identity } from '../../authn/identity/identity.ts';
import { isStoreId } from '../../model/ids.ts';
import type { Tuple } from '../../model/tuple.ts';
import { type Caller, roleTuple } from './access.ts';
import { AccessRefusal } from './access-refusal.ts';
import { type Holder, principalId } from './principal.ts';
import { principalType } from './system-model.ts';

type Named = Exclude<Principal, { kind: 'anonymous' }>;

/** Throws an AccessRefusal for a principal that has no id. */
export class Callers {
  readonly #identity: () => Identity | undefined;
  /** Principals of tokens are remembered with the token; what they bring ends with the file. */
  readonly #known = new WeakMap<Named, { readonly caller: Caller; readonly of: unknown }>();

  constructor(identity: () => Identity | undefined) {
    this.#identity = identity;
  }

  callerOf(principal: Named): Caller {
    if (principal.kind === 'preshared') return callerWith(principal, []);
    const identity = this.#identity();
    const known = this.#known.get(principal);
    if (known !== undefined && known.of === identity) return known.caller;
    const { issuer, scopes } = principal;
    const caller = callerWith(principal, identity?.callerRoles(issuer, new Set(scopes)) ?? []);
    this.#known.set(principal, { caller, of: identity });
    return caller;
  }
}

function callerWith(holder: Holder, brought: readonly CallerRole[]): Caller {
  const id = principalId(holder);
  if (id === undefined) {
    throw new AccessRefusal('role_missing', 'the id of this client is longer than one with a role');
  }
  const tuples = brought.flatMap((role) => tuplesOf(id, role));
  const roles = tuples.map(({ object, relation }) => `${object.type}:${object.id}#${relation}`);
  return {
    principal: { type: principalType, id, relation: '' },
    brought: tuples,
    // Neither ids nor roles hold a blank.
    key: [id, ...roles].join(' '),
  };
}

function tuplesOf(principal: string, { role, stores }: CallerRole): readonly Tuple[] {
  if (stores === undefined) return [roleTuple(principal, role, '')];
  return stores.filter(isStoreId).map((store) => roleTuple(principal, role, store));
}
