/**
 * What an identity file decides beside the relations: whose question it is, and what the token
 * must have besides. Pure functions; each says undefined where there is nothing to refuse.
 */
import type { JsonObject } from '../../base/json.ts';
import type { CompiledIdentity } from './compiled.ts';
import type { CallerRole } from './file.ts';
import { formatMapped, type MappedObject } from './id-text.ts';
import { askedSubjects, type MappedIdentity, type SignInFacts } from './mapped.ts';
import { MappingRefusal } from './mapping-refusal.ts';

/** In `scopes`: what a caller needs to ask about other subjects than the token's. */
const askAnyKey = 'check_any';
const askAnyScope = 'fga.check.any';

export type Bound =
  /** Each of them must be allowed; the mapped tuples and context belong to the question. */
  | { readonly kind: 'mapped'; readonly subjects: readonly MappedObject[] }
  /** The request's own subject stands, and nothing of the token belongs to the question. */
  | { readonly kind: 'asked' };

/**
 * `asked` is the subject as the request spells it. Throws a MappingRefusal where it is not the
 * token's and may not be another.
 */
export function bindSubject(
  identity: CompiledIdentity,
  mapped: MappedIdentity,
  asked: string,
  callerScopes: ReadonlySet<string>,
): Bound {
  const { binding } = identity;
  const own = formatMapped(mapped.subject);
  const left = asked === '' || asked === `${mapped.subject.type}:me`;
  if (asked === own || (left && binding === 'substitute')) {
    return { kind: 'mapped', subjects: askedSubjects(mapped) };
  }
  if (asked !== '' && mayAskAny(identity, callerScopes)) return { kind: 'asked' };
  throw new MappingRefusal('subject_mismatch', 'subject_binding');
}

/** Whether a caller who sends a subject's token may ask about others all the same. */
export function mayAskAny(
  { binding, scopes }: CompiledIdentity,
  callerScopes: ReadonlySet<string>,
): boolean {
  return binding === 'service' && callerScopes.has(scopes.get(askAnyKey) ?? askAnyScope);
}

/**
 * The scopes of which the token lacks each, where the relation needs one of them as well. Every
 * entry that names the relation counts.
 */
export function missingScopes(
  identity: CompiledIdentity,
  type: string,
  relation: string,
  scopes: ReadonlySet<string>,
): readonly string[] | undefined {
  return identity.ceilings.find(
    (entry) =>
      entry.relation === relation &&
      (entry.type ?? type) === type &&
      !entry.any.some((scope) => scopes.has(scope)),
  )?.any;
}

/** What a client must ask its issuer for; the names are those of OAuth's requests (RFC 9470). */
export interface StepUp {
  readonly acr_values?: readonly string[];
  readonly amr_all?: readonly string[];
  readonly amr_any?: readonly string[];
  /** Seconds. */
  readonly max_age?: number;
}

/** What the sign-in is short of, all demands of the relation together. `now` is in milliseconds. */
export function missingStepUp(
  identity: CompiledIdentity,
  type: string,
  relation: string,
  facts: SignInFacts,
  now: number,
): StepUp | undefined {
  const entry = identity.stepUps.find((each) => each.type === type && each.relation === relation);
  if (entry === undefined) return undefined;
  const { acr_any, amr_all, amr_any, max_age } = entry;
  const { acr, amr, authTime } = facts;
  const enough =
    (acr_any === undefined || (acr !== undefined && acr_any.includes(acr))) &&
    (amr_all === undefined || amr_all.every((method) => amr.has(method))) &&
    (amr_any === undefined || amr_any.some((method) => amr.has(method))) &&
    (max_age === undefined || (authTime !== undefined && now / 1_000 - authTime <= max_age));
  if (enough) return undefined;
  return {
    ...(acr_any && { acr_values: acr_any }),
    ...(amr_all && { amr_all }),
    ...(amr_any && { amr_any }),
    ...(max_age !== undefined && { max_age }),
  };
}

/** The value of `WWW-Authenticate` (RFC 9470). Words of the file hold no quote and no space. */
export function challengeOf({ acr_values, max_age }: StepUp): string {
  const parts = [
    'Bearer error="insufficient_user_authentication"',
    'error_description="A stronger or more recent sign-in is needed"',
    ...(acr_values === undefined ? [] : [`acr_values="${acr_values.join(' ')}"`]),
    ...(max_age === undefined ? [] : [`max_age="${max_age}"`]),
  ];
  return parts.join(', ');
}

/**
 * The scope that the file asks of a caller for a method, named as `BatchCheck` or `batch_check`;
 * undefined where it asks for none.
 */
export function scopeFor(identity: CompiledIdentity, method: string): string | undefined {
  return identity.scopes.get(
    method.replace(/[A-Z]/g, (letter, at) => `${at === 0 ? '' : '_'}${letter.toLowerCase()}`),
  );
}

/** What a caller of this issuer may do for the sake of its scopes. */
export function callerRoles(
  identity: CompiledIdentity,
  issuer: string,
  scopes: ReadonlySet<string>,
): readonly CallerRole[] {
  const entries = identity.issuers.get(issuer)?.roles ?? [];
  return entries.filter(({ scope }) => scopes.has(scope));
}

const reserved = 'token_';

/** Whether a parameter's value is the token's to give, and nobody else's. */
export function isReserved(name: string): boolean {
  return name.startsWith(reserved);
}

/**
 * The context of a question: the request's own, and over it what the token says. ENSURES: no name
 * that begins with `token_` is the request's, whether the token gives it or not.
 */
export function joinContext(request: JsonObject, mapped: JsonObject | undefined): JsonObject {
  const own = Object.entries(request).filter(([name]) => !isReserved(name));
  return Object.fromEntries([...own, ...Object.entries(mapped ?? {})]);
}
