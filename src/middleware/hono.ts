/** `requirePermission` for Hono 4. */
import type { Context, MiddlewareHandler } from 'hono';
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
export function requirePermission(gate: Gate, permission: Permission<Context>): MiddlewareHandler {
  const decide = deciding(gate, permission);
  return async (context, next) => {
    const decision = await decide(context, context.req.header('authorization'));
    if (decision.kind === 'refused') {
      return context.json(decision.body, decision.status, { ...decision.headers });
    }
    grants.set(context, decision.grant);
    await next();
    return undefined;
  };
}

/** Who was let through. REQUIRES: the request has passed `requirePermission`. */
export const grantOf = (context: Context) => grants.of(context);
