/** `requirePermission` for Express 5. */
import type { Request, RequestHandler } from 'express';
import { checkInStore } from './check-in-store.ts';
import { checkByPemba, checkOverHttp } from './check-over-http.ts';
import { deciding } from './decide.ts';
import { Grants } from './grants.ts';
import type { Gate, Permission } from './permission.ts';

export type { CheckServer } from './check-over-http.ts';
export type {
  Check,
  CheckQuestion,
  Gate,
  Grant,
  NamedObject,
  Permission,
  TokenCheck,
} from './permission.ts';
export type { Refused } from './refused.ts';
export { checkByPemba, checkInStore, checkOverHttp };

const grants = new Grants<object>();

/** Lets a request through to the next handler only if its token's subject has the permission. */
export function requirePermission<Params = Request['params']>(
  gate: Gate,
  permission: Permission<Request<Params>>,
): RequestHandler<Params> {
  const decide = deciding(gate, permission);
  return async (request, response, next) => {
    const decision = await decide(request, request.headers.authorization);
    if (decision.kind === 'refused') {
      response.status(decision.status).set(decision.headers).json(decision.body);
      return;
    }
    grants.set(request, decision.grant);
    next();
  };
}

/** Who was let through. REQUIRES: the request has passed `requirePermission`. */
export const grantOf = (request: Pick<Request, 'headers'>) => grants.of(request);
