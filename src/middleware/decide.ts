/**
 * Whether a request is let through: its token is verified, its claims are mapped, and everybody
 * whose rights the token speaks of is checked. Only answers that are exactly yes let it through.
 */
import { bearerToken } from '../authn/bearer-token.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { formatObject, isNameText } from '../model/tuple.ts';
import { objectOf } from './object-of.ts';
import type { Gate, Grant, Permission } from './permission.ts';
import { notAllowed, type Questions, questionsFor } from './questions.ts';
import { denied, type Refused, refusedFor, undecided } from './refused.ts';

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
  const { claims, questions } = who;
  const { relation } = permission;
  const object = objectOf(await permission.object(request));
  if (object === undefined) return denied(notAllowed, 'the request names no possible object');
  const context = (await permission.context?.(request)) ?? {};
  const refused = await within(gate.timeoutMs ?? limits.requestTimeoutMs, (signal) =>
    questions.refusal({ relation, object, context, signal }),
  );
  if (refused !== undefined) return refused;
  const { users } = questions;
  return { kind: 'allowed', grant: { claims, users, relation, object: formatObject(object) } };
}

type Identified =
  | { readonly kind: 'identified'; readonly claims: JsonObject; readonly questions: Questions }
  | Refused;

async function identified(gate: Gate, authorization: string | undefined): Promise<Identified> {
  try {
    const token = bearerToken(authorization);
    const claims = await gate.identity.verify(token);
    return { kind: 'identified', claims, questions: questionsFor(gate, token, claims) };
  } catch (error) {
    return refusedFor(error);
  }
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
