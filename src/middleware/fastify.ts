/** `requirePermission` for Fastify 5, as a hook of a route: `preHandler`, or `onRequest`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
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

/** Lets a request through to the route's handler only if its token's subject has the permission. */
export function requirePermission<Request extends FastifyRequest = FastifyRequest>(
  gate: Gate,
  permission: Permission<Request>,
): (request: Request, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  const decide = deciding(gate, permission);
  return async (request, reply) => {
    const decision = await decide(request, request.headers.authorization);
    if (decision.kind === 'refused') {
      return await reply.code(decision.status).headers(decision.headers).send(decision.body);
    }
    grants.set(request, decision.grant);
    return undefined;
  };
}

/** Who was let through. REQUIRES: the request has passed `requirePermission`. */
export const grantOf = (request: Pick<FastifyRequest, 'headers'>) => grants.of(request);
