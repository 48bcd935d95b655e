/** What `requirePermission` is given, and what a check is asked. */
import type { JsonObject } from '../base/json.ts';
import type { ContextualOptions, ContextualTuple, IdentityMapper } from '../identity.ts';
import type { Refused } from './refused.ts';

/** What all routes of an application have in common. */
export interface Gate extends ContextualOptions {
  /** `identity(…)` of `pemba/identity`: whose tokens are trusted, and what their claims say. */
  readonly identity: IdentityMapper;
  /** `checkByPemba(…)`, `checkOverHttp(…)`, `checkInStore(…)`, or a function of your own. */
  readonly check: Check | TokenCheck;
  /** Milliseconds that the checks of one request may take together; 3,000 unless given. */
  readonly timeoutMs?: number;
  /** Told of each request that is not let through, for a log. What it throws ends the request. */
  readonly onRefused?: (refused: Refused) => void;
}

/** What one route asks for. */
export interface Permission<Request> {
  readonly relation: string;
  readonly object: (request: Request) => NamedObject | Promise<NamedObject>;
  /** Values for the parameters of conditions; none that begins with `token_` counts. */
  readonly context?: (request: Request) => JsonObject | Promise<JsonObject>;
}

/**
 * `type:id`, or its parts. The id is taken as the request has it: one that cannot be an id (`*`, one
 * with `#` or `:`, none at all) names no object, and is denied.
 */
export type NamedObject =
  | string
  | { readonly type: string; readonly id: string | readonly string[] | undefined };

export interface CheckQuestion {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly contextualTuples: readonly ContextualTuple[];
  readonly context: JsonObject;
  /** Ends when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * Answers true if it is allowed and false if it is denied. Whatever else comes, and whatever is
 * thrown, means that it cannot be told: the request is not let through.
 */
export type Check = (question: CheckQuestion) => boolean | Promise<boolean>;

/** A server that has the identity file too: it is asked once, with the token, and decides it all. */
export interface TokenCheck {
  checkToken(question: TokenQuestion): Promise<TokenAnswer>;
}

export interface TokenQuestion {
  /** Verified, of the subject. */
  readonly token: string;
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly context: JsonObject;
  readonly signal: AbortSignal;
}

export interface TokenAnswer {
  readonly allowed: boolean;
  /** A value for `WWW-Authenticate`, where a better sign-in would be allowed. */
  readonly challenge?: string;
}

/** Who was let through, for the handler. */
export interface Grant {
  /** All claims of the token, verified. */
  readonly claims: JsonObject;
  /** The subject of the token, and whoever acts for it: all of them were allowed. */
  readonly users: readonly string[];
  readonly relation: string;
  readonly object: string;
}
