/**
 * The identity file in a program of your own: verified claims in, contextual tuples and context
 * out, in OpenFGA's spelling, for a server of Pemba or for one of OpenFGA.
 */

import { challengeOf, type StepUp } from './authn/identity/decisions.ts';
import { IdentityFileError } from './authn/identity/file-fault.ts';
import { formatMapped } from './authn/identity/id-text.ts';
import { Identity } from './authn/identity/identity.ts';
import { askedSubjects, type MappedIdentity } from './authn/identity/mapped.ts';
import { MappingRefusal } from './authn/identity/mapping-refusal.ts';
import type { Verifier } from './authn/verifier.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { Refusal } from './base/errors.ts';
import type { JsonObject } from './base/json.ts';
import { limits } from './base/limits.ts';

export type { StepUp } from './authn/identity/decisions.ts';
export type { MappingReason, RefusalClass } from './authn/identity/mapping-refusal.ts';
export type { JsonObject } from './base/json.ts';
export { IdentityFileError, MappingRefusal, Refusal };

export interface ContextualTuple {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

export interface ContextualIdentity {
  /** Ask once for each; the answer is yes if all are allowed. One, but for delegated tokens. */
  readonly users: readonly string[];
  readonly contextualTuples: readonly ContextualTuple[];
  readonly context: JsonObject;
}

export interface ContextualOptions {
  /**
   * `union` takes `authority: token` of the file as `union`, for a server that cannot leave stored
   * tuples out. Without it such a map is refused.
   */
  readonly authority?: 'union';
}

/** Who is meant by a token, in OpenFGA's spelling. */
export interface TokenUsers {
  readonly subject: string;
  /** As those of a ContextualIdentity. */
  readonly users: readonly string[];
}

/** What a token is short of, where the relations alone would allow. */
export type Lack =
  /** One of these scopes is needed. */
  | { readonly kind: 'scope'; readonly anyOf: readonly string[] }
  /** The challenge is the value of `WWW-Authenticate` that asks for it (RFC 9470). */
  | { readonly kind: 'step_up'; readonly stepUp: StepUp; readonly challenge: string };

export interface IdentityMapper {
  /**
   * REQUIRES: the claims are verified; nothing here checks a signature. The issuer is their `iss`.
   * Throws a MappingRefusal, or a Refusal where there are more tuples than the wire takes.
   */
  contextual(claims: object, options?: ContextualOptions): ContextualIdentity;

  /**
   * Who is asked about, for a server that maps the token itself.
   * REQUIRES: the claims are verified. Throws a MappingRefusal.
   */
  users(claims: object): TokenUsers;

  /**
   * What the file demands of a token beside the relations, `scope_ceiling` and `step_up`, for this
   * relation to objects of this type; undefined if the token has it. To be asked once all of
   * `users` are allowed: who is not allowed anyway is not sent to sign in again.
   * REQUIRES: the claims are verified. Throws a MappingRefusal.
   */
  lacking(claims: object, type: string, relation: string): Lack | undefined;

  /**
   * The claims of a subject's token, once its signature, issuer, audience, type and times hold.
   * Rejects with a Refusal: `unavailable` where the issuer's keys cannot be had, else one of the
   * codes for a bad token. Remembers what it verified until the token ends.
   */
  verify(token: string): Promise<JsonObject>;
}

/** Throws an IdentityFileError that names every fault of the file. */
export function identity(yamlText: string, clock: Clock = systemClock): IdentityMapper {
  const file = new Identity(yamlText);
  let verifier: Promise<Verifier> | undefined;
  return {
    async verify(token) {
      verifier ??= verifierOf(file, clock);
      const { claims } = await (await verifier).verify(token, 'subject');
      return claims;
    },
    contextual: (claims, options = {}) => contextualOf(mapped(file, claims, clock.now()), options),
    users(claims) {
      const identity = mapped(file, claims, clock.now());
      const users = askedSubjects(identity).map(formatMapped);
      return { subject: formatMapped(identity.subject), users };
    },
    lacking(claims, type, relation) {
      const now = clock.now();
      const { scopes, facts } = mapped(file, claims, now);
      const anyOf = file.missingScopes(type, relation, scopes);
      if (anyOf !== undefined) return { kind: 'scope', anyOf };
      const stepUp = file.missingStepUp(type, relation, facts, now);
      return stepUp && { kind: 'step_up', stepUp, challenge: challengeOf(stepUp) };
    },
  };
}

function mapped(file: Identity, claims: object, now: number): MappedIdentity {
  const issuer: unknown = Object.hasOwn(claims, 'iss') && 'iss' in claims ? claims.iss : '';
  const outcome = file.map(String(issuer), claims, now);
  if (outcome.kind === 'refused') throw outcome.refusal;
  return outcome.identity;
}

/** Loaded when it is first used: who verifies elsewhere needs none of it. */
async function verifierOf(file: Identity, clock: Clock): Promise<Verifier> {
  const { Verifier } = await import('./authn/verifier.ts');
  return new Verifier(file.issuers, { clock });
}

function contextualOf(mapped: MappedIdentity, options: ContextualOptions): ContextualIdentity {
  const { tuples, tokenOnly, context } = mapped;
  const [only] = tokenOnly;
  if (only !== undefined && options.authority !== 'union') {
    throw new Refusal(
      'unimplemented',
      `authority_not_supported: \`authority: token\` of \`${only.type}#${only.relation}\` needs a ` +
        "server that leaves stored tuples out; pass `authority: 'union'` to let them count",
    );
  }
  if (tuples.length > limits.contextualTuplesMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `too_many_contextual_tuples: the claims give ${tuples.length}, and a request takes ` +
        `${limits.contextualTuplesMax}; filter them in \`each\``,
    );
  }
  return {
    users: askedSubjects(mapped).map(formatMapped),
    contextualTuples: tuples.map(({ object, relation, subject }) => ({
      user: formatMapped(subject),
      relation,
      object: formatMapped(object),
    })),
    context,
  };
}
