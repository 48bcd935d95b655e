/** The calls that change roles, which only a Pemba server answers. */
import type { Holder } from '../src/service/access/principal.ts';
import type { HttpRequest } from './http.ts';
import { isUnknownMethod, needsPemba } from './tuple-client.ts';

export type WirePrincipal =
  | { readonly key: string; readonly client?: undefined }
  | {
      readonly key?: undefined;
      readonly client: { readonly issuer: string; readonly id: string; readonly claim: string };
    };

export function wirePrincipal(holder: Holder): WirePrincipal {
  if (holder.kind === 'preshared') return { key: holder.id };
  const { issuer, id, claim } = holder;
  return { client: { issuer, id, claim } };
}

export interface WireRoleGrant {
  readonly principal: WirePrincipal;
  readonly role: string;
}

/** `store_id` '' for all stores. */
export interface WireRoleChange extends WireRoleGrant {
  readonly store_id: string;
}

export interface RoleClient {
  grantRole(change: WireRoleChange): Promise<void>;
  revokeRole(change: WireRoleChange): Promise<void>;
  /** With the server's secret as the token of the client. */
  bootstrap(principal: WirePrincipal): Promise<void>;
  /** '' for all stores. */
  roles(store: string): AsyncGenerator<WireRoleGrant>;
}

export function createRoleClient(server: {
  readonly apiUrl: string;
  readonly call: (request: HttpRequest) => Promise<unknown>;
}): RoleClient {
  const ask = async (path: string, body: unknown): Promise<unknown> => {
    try {
      return await server.call({ method: 'POST', path, body, repeatable: true });
    } catch (error) {
      throw isUnknownMethod(error) ? needsPemba(server.apiUrl, 'a role', error) : error;
    }
  };
  return {
    async grantRole(change) {
      await ask('/roles/grant', change);
    },
    async revokeRole(change) {
      await ask('/roles/revoke', change);
    },
    async bootstrap(principal) {
      await ask('/roles/bootstrap', { principal });
    },
    async *roles(store_id) {
      for (let cursor = ''; ; ) {
        const page = (await ask('/roles/list', { store_id, cursor })) as {
          readonly grants: readonly WireRoleGrant[];
          readonly cursor: string;
        };
        yield* page.grants;
        cursor = page.cursor;
        if (cursor === '') return;
      }
    },
  };
}
