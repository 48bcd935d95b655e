/**
 * What is asked on behalf of a token, in either of two ways: its claims are mapped here, and a check
 * is asked about everybody whom it speaks of; or a server that has the identity file is asked once.
 */
import { joinContext } from '../authn/identity/decisions.ts';
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { IdentityMapper } from '../identity.ts';
import { formatObject, type ObjectRef } from '../model/tuple.ts';
import type { Check, CheckQuestion, Gate, TokenCheck } from './permission.ts';
import { challenged, denied, lacking, type Refused } from './refused.ts';

export interface Asked {
  readonly relation: string;
  readonly object: ObjectRef;
  /** The request's own. */
  readonly context: JsonObject;
  readonly signal: AbortSignal;
}

export interface Questions {
  readonly users: readonly string[];
  /** Undefined if it is allowed. Rejects where that cannot be told. */
  refusal(asked: Asked): Promise<Refused | undefined>;
}

export const notAllowed = 'this is not allowed';

/** REQUIRES: the claims are those of the token, verified. Throws a Refusal where they say nobody. */
export function questionsFor(gate: Gate, token: string, claims: JsonObject): Questions {
  const { check } = gate;
  return typeof check === 'function'
    ? questionsOfTuples(gate, check, claims)
    : questionsOfToken(gate, check, token, claims);
}

function questionsOfTuples({ identity, authority }: Gate, check: Check, claims: JsonObject) {
  const mapped = identity.contextual(claims, authority === undefined ? {} : { authority });
  const { users, contextualTuples } = mapped;
  // Of nobody at all everything would be true.
  assert(users.length > 0, 'somebody is asked about');
  return {
    users,
    async refusal({ relation, object, context, signal }: Asked): Promise<Refused | undefined> {
      const shared = {
        relation,
        object: formatObject(object),
        contextualTuples,
        context: joinContext(context, mapped.context),
        signal,
      };
      const answers = await Promise.all(
        users.map((subject) => answerOf(check, { ...shared, subject })),
      );
      if (!answers.every((allowed) => allowed)) return denied(notAllowed, 'the check says no');
      return lackOf(identity, claims, object.type, relation);
    },
  };
}

async function answerOf(check: Check, question: CheckQuestion): Promise<boolean> {
  const answer: unknown = await check(question);
  if (typeof answer !== 'boolean') throw new TypeError('a check answers true or false');
  return answer;
}

function questionsOfToken(
  { identity }: Gate,
  check: TokenCheck,
  token: string,
  claims: JsonObject,
) {
  const { subject, users } = identity.users(claims);
  return {
    users,
    async refusal({ relation, object, context, signal }: Asked): Promise<Refused | undefined> {
      const question = { token, subject, relation, object: formatObject(object), context, signal };
      const { allowed, challenge } = await check.checkToken(question);
      if (typeof allowed !== 'boolean') throw new TypeError('a check answers true or false');
      // The server has seen to it, if its file is the same.
      if (allowed) return lackOf(identity, claims, object.type, relation);
      if (challenge !== undefined)
        return challenged(challenge, 'the check asks for a better sign-in');
      return denied(notAllowed, 'the check says no');
    },
  };
}

function lackOf(
  identity: IdentityMapper,
  claims: JsonObject,
  type: string,
  relation: string,
): Refused | undefined {
  const lack = identity.lacking(claims, type, relation);
  return lack && lacking(lack);
}
