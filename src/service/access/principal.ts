/**
 * Principals as objects of the system store. The id says everything that a principal is known by:
 * the same text as a key's name, a client's id or a subject never names two principals.
 */
import type { Principal } from '../../authn/authenticator.ts';
import { objectOf } from '../../authn/identity/id-text.ts';
import type { TokenClient } from '../../authn/verified-token.ts';
import { principalType } from './system-model.ts';

/** Who can have a role: the holders of the keys of one name, or a client of an issuer. */
export type Holder =
  | { readonly kind: 'preshared'; readonly id: string }
  | {
      readonly kind: 'oidc';
      readonly issuer: string;
      readonly claim: TokenClient['claim'];
      readonly id: string;
    };

export const clientClaims = ['azp', 'client_id', 'sub'] as const satisfies TokenClient['claim'][];

export function isClientClaim(text: string): text is TokenClient['claim'] {
  return clientClaims.some((claim) => claim === text);
}

/** Undefined where its parts make no id: too long, or no Unicode. Such a principal has no role. */
export function principalId(holder: Holder): string | undefined {
  const parts =
    holder.kind === 'preshared' ? [holder.id] : [holder.claim, holder.issuer, holder.id];
  const object = objectOf(principalType, namespaces[holder.kind], parts);
  return typeof object === 'string' ? undefined : object.id;
}

const namespaces = { preshared: 'key', oidc: 'client' } as const;

/** REQUIRES: `principalId` made the id. */
export function holderOf(id: string): Holder | undefined {
  const bar = id.indexOf('|');
  const [first = '', issuer, client, ...rest] = id
    .slice(bar + 1)
    .split('/')
    .map(plain);
  switch (id.slice(0, Math.max(0, bar))) {
    case namespaces.preshared:
      return issuer === undefined ? { kind: 'preshared', id: first } : undefined;
    case namespaces.oidc:
      if (!isClientClaim(first) || client === undefined || rest.length > 0) return undefined;
      return { kind: 'oidc', claim: first, issuer: issuer ?? '', id: client };
    default:
      return undefined;
  }
}

function plain(spelled: string): string {
  return decodeURIComponent(spelled.replace(/\+([0-9a-f]{2})/g, '%$1'));
}

/** The part of a principal that roles belong to. */
export function holderIn(principal: Principal): Holder | undefined {
  return principal.kind === 'anonymous' ? undefined : principal;
}
