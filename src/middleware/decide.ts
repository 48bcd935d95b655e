/**
 * Whether a request is let through: its token is verified, its claims are mapped, and everybody
 * whose rights the token speaks of is checked. Only answers that are exactly yes let it through.
 */
import { bearerToken } from '../authn/bearer-token.ts';
import { joinContext } from '../authn/identity/decisions.ts';
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { ContextualIdentity } from '../identity.ts';
import { formatObject, isNameText, type ObjectRef } from '../model/tuple.ts';
import { objectOf } from './object-of.ts';
import type { Check, CheckQuestion, Gate, Grant, Permission } from './permission.ts';
import { denied, lacking, type Refused, refusedFor, undecided } from './refused.ts';

export type Decision = { readonly kind: 'allowed'; readonly grant: Grant } | Refused;

/** Decides about one request; `authorization` is its header. Rejects only where `onRefused` throws. */
export type Decide<Request> = (
  request: Request,
  authorization: string | undefined,
) => Promise<Decision>;

/** Throws a Refusal, when the application starts, for what can never be asked. */
export function deciding<Request>(gate: Gate, permission: Permission<Request>): Decide<Request> {
  const { relation } = permission;
  if (!isNameText(relation) || relation.length > limits.nameLengthMax) {
    throw new Refusal('validation_error', `\`${relation}\` cannot be the name of a relation`);
  }
  return async (request, authorization) => {
    let decision: Decision;
    try {
      decision = await decided(gate, permission, request, authorization);
    } catch (error) {
      decision = undecided(error);
    }
    if (decision.kind === 'refused') gate.onRefused?.(decision);
    return decision;
  };
}

async function decided<Request>(
  gate: Gate,
  permission: Permission<Request>,
  request: Request,
  authorization: string | undefined,
): Promise<Decision> {
  const who = await identified(gate, authorization);
  if (who.kind === 'refused') return who;
  const { claims, mapped } = who;
  const { relation } = permission;
  const object = objectOf(await permission.object(request));
  if (object === undefined) return denied(notAllowed, 'the request names no possible object');
  const context = joinContext((await permission.context?.(request)) ?? {}, mapped.context);
  if (!(await allAllowed(gate, { mapped, relation, object, context }))) {
    return denied(notAllowed, 'the check says no');
  }
  const lack = lackOf(gate, claims, object.type, relation);
  if (lack !== undefined) return lack;
  const { users } = mapped;
  return { kind: 'allowed', grant: { claims, users, relation, object: formatObject(object) } };
}

const notAllowed = 'this is not allowed';

type Identified =
  | {
      readonly kind: 'identified';
      readonly claims: JsonObject;
      readonly mapped: ContextualIdentity;
    }
  | Refused;

async function identified(gate: Gate, authorization: string | undefined): Promise<Identified> {
  const { identity, authority } = gate;
  try {
    const claims = await identity.verify(bearerToken(authorization));
    const mapped = identity.contextual(claims, authority === undefined ? {} : { authority });
    return { kind: 'identified', claims, mapped };
  } catch (error) {
    return refusedFor(error);
  }
}

function lackOf(
  { identity }: Gate,
  claims: JsonObject,
  type: string,
  relation: string,
): Refused | undefined {
  const lack = identity.lacking(claims, type, relation);
  return lack && lacking(lack);
}

interface Asked {
  readonly mapped: ContextualIdentity;
  readonly relation: string;
  readonly object: ObjectRef;
  readonly context: JsonObject;
}

async function allAllowed(gate: Gate, asked: Asked): Promise<boolean> {
  const { users, contextualTuples } = asked.mapped;
  // Of nobody at all everything would be true.
  assert(users.length > 0, 'somebody is asked about');
  const { relation, context } = asked;
  const object = formatObject(asked.object);
  return await within(gate.timeoutMs ?? limits.requestTimeoutMs, async (signal) => {
    const shared = { relation, object, contextualTuples, context, signal };
    const answers = await Promise.all(
      users.map((subject) => answerOf(gate.check, { ...shared, subject })),
    );
    return answers.every((allowed) => allowed);
  });
}

async function answerOf(check: Check, question: CheckQuestion): Promise<boolean> {
  const answer: unknown = await check(question);
  if (typeof answer !== 'boolean') throw new TypeError('a check answers true or false');
  return answer;
}

/** What is late rejects; the work is told by its signal. */
async function within<Result>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${timeoutMs} ms`));
    controller.abort();
  }, timeoutMs);
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
