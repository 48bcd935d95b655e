/** GrantRole, RevokeRole, ListRoles and Bootstrap: the roles as the wire has them. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import {
  type BootstrapRequest,
  type BootstrapResponse,
  BootstrapResponseSchema,
  type GrantRoleRequest,
  type GrantRoleResponse,
  GrantRoleResponseSchema,
  type ListRolesRequest,
  type ListRolesResponse,
  ListRolesResponseSchema,
  type Principal as PrincipalMessage,
  PrincipalSchema,
  type RevokeRoleRequest,
  type RevokeRoleResponse,
  RevokeRoleResponseSchema,
} from '../../gen/pemba/v1/access_service_pb.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Call, Unary } from '../call.ts';
import { refuseLate } from '../consistency.ts';
import type { Service } from '../service.ts';
import { readStoreId } from '../wire.ts';
import { type Holder, holderOf, isClientClaim, principalId } from './principal.ts';
import { isRole, type Role } from './roles.ts';

export function createGrantRole(service: Service): Unary<GrantRoleRequest, GrantRoleResponse> {
  return async (request, call) => {
    refuseUseless(service, call);
    const { principal, role, store } = readGrant(request);
    await service.access.grant(principal, role, store);
    return create(GrantRoleResponseSchema);
  };
}

export function createRevokeRole(service: Service): Unary<RevokeRoleRequest, RevokeRoleResponse> {
  return async (request, call) => {
    refuseUseless(service, call);
    const { principal, role, store } = readGrant(request);
    await service.access.revoke(principal, role, store);
    return create(RevokeRoleResponseSchema);
  };
}

export function createListRoles(service: Service): Unary<ListRolesRequest, ListRolesResponse> {
  return async (request, call) => {
    refuseUseless(service, call);
    const pageSize = request.pageSize === 0 ? limits.tuplePageSizeDefault : request.pageSize;
    const page = { pageSize, cursor: request.cursor };
    const { grants, cursor } = await service.access.grants(readStore(request.storeId), page);
    return create(ListRolesResponseSchema, {
      cursor,
      grants: grants.flatMap(({ principal, role }) => {
        const holder = holderOf(principal);
        return holder === undefined ? [] : [{ principal: messageOf(holder), role }];
      }),
    });
  };
}

/** REQUIRES: the guard has let the call through, which it does for the secret alone. */
export function createBootstrap(service: Service): Unary<BootstrapRequest, BootstrapResponse> {
  return async (request, call) => {
    refuseLate(service, call);
    const isFirst = await service.access.bootstrap(readPrincipal(request.principal));
    service.bootstrapSecret.end();
    if (isFirst) return create(BootstrapResponseSchema);
    throw new Refusal('failed_precondition', 'this server has had its first admin');
  };
}

/** Roles that nobody checks would be a trap for the day on which somebody does. */
function refuseUseless(service: Service, call: Call): void {
  refuseLate(service, call);
  if (call.principal !== undefined && call.principal.kind !== 'anonymous') return;
  throw new Refusal(
    'failed_precondition',
    'this server does not ask who calls, so that roles mean nothing; see --authn-method',
  );
}

interface ReadGrant {
  readonly principal: string;
  readonly role: Role;
  readonly store: StoreId | '';
}

function readGrant(request: GrantRoleRequest | RevokeRoleRequest): ReadGrant {
  const { role } = request;
  const store = readStore(request.storeId);
  if (!isRole(role)) throw invalid('`role` is check, read, write, model, admin or create');
  if (role === 'create' && store !== '') {
    throw invalid('`create` is a role on no store in particular; leave `store_id` out');
  }
  return { principal: readPrincipal(request.principal), role, store };
}

function readPrincipal(message: PrincipalMessage | undefined): string {
  const principal = principalId(readHolder(message));
  if (principal === undefined) throw invalid('the principal is longer than an id may be');
  return principal;
}

function readStore(text: string): StoreId | '' {
  return text === '' ? '' : readStoreId(text);
}

/** REQUIRES: the field rules have passed the parts. */
function readHolder(principal: PrincipalMessage | undefined): Holder {
  switch (principal?.kind.case) {
    case 'key':
      return { kind: 'preshared', id: principal.kind.value };
    case 'client': {
      const { issuer, id, claim } = principal.kind.value;
      if (!isClientClaim(claim)) throw invalid('`claim` is azp, client_id or sub');
      return { kind: 'oidc', issuer, id, claim };
    }
    default:
      throw invalid('`principal` is `{"key": …}` or `{"client": …}`');
  }
}

function messageOf(holder: Holder): PrincipalMessage {
  if (holder.kind === 'preshared') {
    return create(PrincipalSchema, { kind: { case: 'key', value: holder.id } });
  }
  const { issuer, id, claim } = holder;
  return create(PrincipalSchema, { kind: { case: 'client', value: { issuer, id, claim } } });
}

function invalid(message: string): Refusal {
  return new Refusal('validation_error', message, { malformedRequest: true });
}
