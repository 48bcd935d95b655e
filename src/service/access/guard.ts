/**
 * The guard: no method answers a call before it knows who calls and that this caller may. It is put
 * around all methods at once, from their descriptors, and the transports serve nothing without it.
 */
import type { DescMethod, Message } from '@bufbuild/protobuf';
import type { Authenticator } from '../../authn/authenticator.ts';
import type { BootstrapSecret } from '../../authn/bootstrap-secret.ts';
import type { Identity } from '../../authn/identity/identity.ts';
import { AuthenticationRefusal } from '../../authn/refusal.ts';
import { assert } from '../../base/assert.ts';
import type { Call, Method } from '../call.ts';
import type { Access } from './access.ts';
import { AccessRefusal } from './access-refusal.ts';
import type { Callers } from './caller.ts';
import { type Demand, demandOf, kinOf } from './roles.ts';

export interface Guard {
  readonly authenticator: Authenticator;
  readonly access: Access;
  readonly callers: Callers;
  readonly bootstrapSecret: BootstrapSecret;
  /** The file in use; undefined where there is none. */
  readonly identity: () => Identity | undefined;
}

/** What a transport may serve. Only `guarded` makes one. */
export type GuardedMethod = Method & {
  /**
   * Finds out who calls, or refuses: for transports that know the caller before they have read the
   * request. `handle` does it where it was not done. No promise where the token is known.
   */
  readonly admit: (call: Call) => void | Promise<void>;
};

export function guarded(methods: readonly Method[], guard: Guard): readonly GuardedMethod[] {
  const admitCaller = admission(guard.authenticator);
  const admitSecret = secretAdmission(guard.bootstrapSecret);
  return methods.map((method): GuardedMethod => {
    const demand = demandOf(method.descriptor);
    const admit = demand.on === 'secret' ? admitSecret : admitCaller;
    const allow = demand.on === 'secret' ? () => {} : permission(method.descriptor, demand, guard);
    if (method.kind === 'server_streaming') {
      const { handle } = method;
      return {
        ...method,
        admit,
        async *handle(request, call) {
          await admit(call);
          allow(request, call);
          yield* handle(request, call);
        },
      };
    }
    const { handle } = method;
    return {
      ...method,
      admit,
      handle(request, call) {
        const admitted = admit(call);
        if (admitted !== undefined) {
          return admitted.then(() => {
            allow(request, call);
            return handle(request, call);
          });
        }
        allow(request, call);
        return handle(request, call);
      },
    };
  });
}

/** ENSURES: the call has its principal, or a refusal is thrown. */
function admission(authenticator: Authenticator): GuardedMethod['admit'] {
  return (call) => {
    if (call.principal !== undefined) return undefined;
    const refuse = (error: unknown): never => {
      if (error instanceof AuthenticationRefusal) explain(error, call);
      throw error;
    };
    try {
      const principal = authenticator.authenticate(call.credentials);
      if (principal instanceof Promise) {
        return principal.then((found) => {
          call.principal = found;
        }, refuse);
      }
      call.principal = principal;
      return undefined;
    } catch (error) {
      return refuse(error);
    }
  };
}

/** ENSURES: returns for the secret of a first admin. The call gets no principal: it has none. */
function secretAdmission(secret: BootstrapSecret): GuardedMethod['admit'] {
  return (call) => {
    try {
      secret.authenticate(call.credentials);
    } catch (error) {
      if (error instanceof AuthenticationRefusal) explain(error, call);
      throw error;
    }
  };
}

/** In the headers of RFC 6750 and RFC 9110. */
function explain(
  { reason, retryAfterSeconds, isFailedAttempt }: AuthenticationRefusal,
  call: Call,
) {
  if (retryAfterSeconds !== undefined) {
    call.responseHeaders['retry-after'] = String(retryAfterSeconds);
  }
  if (!isFailedAttempt) return;
  const isWrong = reason !== 'token_missing' && reason !== 'scheme_unknown';
  call.responseHeaders['www-authenticate'] = isWrong ? 'Bearer error="invalid_token"' : 'Bearer';
}

/** ENSURES: returns for a caller that may, else throws. REQUIRES: the call was admitted. */
function permission(
  method: DescMethod,
  demand: Exclude<Demand, { on: 'secret' }>,
  guard: Guard,
): (request: Message, call: Call) => void {
  const kin = kinOf(demand);
  const { access, callers } = guard;
  return (request, call) => {
    const { principal } = call;
    assert(principal !== undefined, 'the guard admits before it allows');
    if (principal.kind === 'anonymous') return;
    if (principal.kind === 'oidc') {
      const identity = guard.identity();
      const scope = identity?.scopeFor(method.name) ?? identity?.scopeFor(kin);
      if (scope !== undefined && !principal.scopes.includes(scope)) throw scopeMissing(scope, call);
    }
    if (demand.on === 'own') return;
    const store = demand.on === 'all' ? '' : storeOf(request);
    // Before the field rules have judged the request: what is no id is no store with a role on it.
    if (access.permits(callers.callerOf(principal), demand.permission, store)) return;
    throw roleMissing(demand, store);
  };
}

/** REQUIRES: `demandOf` has found that requests of the method name a store. */
function storeOf(request: Message & { readonly storeId?: string }): string {
  return request.storeId ?? '';
}

/** Scopes of the file are of the form that a header's quoted text takes. */
function scopeMissing(scope: string, call: Call): AccessRefusal {
  call.responseHeaders['www-authenticate'] = `Bearer error="insufficient_scope", scope="${scope}"`;
  return new AccessRefusal('scope_missing', `the token lacks the scope \`${scope}\``);
}

/** The same for a store that is there and one that is not. */
function roleMissing(
  demand: Exclude<Demand, { on: 'own' | 'secret' }>,
  store: string,
): AccessRefusal {
  const role = needed[demand.permission] ?? `the role \`${demand.permission}\``;
  const where =
    demand.on === 'store' || store !== '' ? 'on this store' : 'on all stores, which it asks for';
  return new AccessRefusal(
    'role_missing',
    `the caller does not have ${role} ${where}; an admin grants it: \`pemba role grant\``,
  );
}

const needed: { readonly [permission in string]?: string } = {
  see: 'any role',
  read_model: 'the role `read` or `model`',
};
