/**
 * Why claims could not be mapped, by name. A message names the place in the identity file, never
 * what a claim says: it goes into logs and answers.
 */
import { type ErrorCode, Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/**
 * `mapping`: the claims are not what the file expects, or an expression failed on them.
 * `denial`: the claims were understood, and the file says no.
 */
export type RefusalClass = 'mapping' | 'denial';

export const mappingReasons = {
  unknown_issuer: ['denial', 'no issuer of the identity file gave these claims'],
  issuer_not_for_subjects: ['denial', 'the tokens of this issuer are for callers only'],
  requirement_not_met: ['denial', '`require` does not hold for these claims'],
  claims_elsewhere: [
    'denial',
    'the token leaves out a claim that is read here, because it would hold too many entries; have the issuer filter it',
  ],
  too_many_entries: [
    'denial',
    'the claim has more entries than `max` allows; have the issuer filter it, or raise `max`',
  ],
  too_many_tuples: [
    'denial',
    `the claims give more than ${limits.mappedTuplesMax} tuples; map fewer of them`,
  ],
  actor_not_mapped: [
    'denial',
    'the token is delegated (`act`) but the map names no actor; add `actor`, with `mode: subject` if it shall not matter',
  ],
  actor_missing: ['mapping', 'the token is delegated (`act`) but gives no id for the actor'],
  claims_malformed: ['mapping', 'the claims are no JSON object of a token'],
  claims_too_deep: [
    'mapping',
    `the claims nest deeper than ${limits.tokenDepthMax} levels of lists and objects`,
  ],
  claim_number_inexact: [
    'mapping',
    'a claim is a whole number beyond 2^53, whose digits may be lost; have the issuer send text',
  ],
  expression_failed: ['mapping', 'the expression fails on these claims'],
  not_true_or_false: ['mapping', 'the expression gives neither true nor false'],
  not_a_list: ['mapping', 'the expression of `each` gives no list'],
  id_not_text: ['mapping', 'the id is not text; write `string(…)` around a number'],
  id_empty: ['mapping', 'the id, or a part of it, is empty'],
  id_not_unicode: ['mapping', 'the id holds half of a surrogate pair, which is no character'],
  id_too_long: [
    'mapping',
    `the object is longer than ${limits.objectLengthMax} characters, as spelled`,
  ],
  context_not_json: ['mapping', 'the expression gives what is no JSON value'],
  context_too_large: [
    'mapping',
    `the context takes more than ${limits.mappedContextBytesMax} bytes`,
  ],
  scopes_malformed: ['mapping', 'the claim `scope`, or `scp`, is neither text nor a list of it'],
  subject_mismatch: ['denial', 'the request asks about another subject than the token is for'],
} as const satisfies Record<string, readonly [RefusalClass, string]>;

export type MappingReason = keyof typeof mappingReasons;

/** The place is a path in the identity file; '' for the claims as a whole. */
export class MappingRefusal extends Refusal {
  override name = 'MappingRefusal';
  readonly reason: MappingReason;
  readonly place: string;

  constructor(reason: MappingReason, place: string) {
    const where = place === '' ? '' : ` (\`${place}\` of the identity file)`;
    super(codes[mappingReasons[reason][0]], `${reason}: ${mappingReasons[reason][1]}${where}`);
    this.reason = reason;
    this.place = place;
  }

  get class(): RefusalClass {
    return mappingReasons[this.reason][0];
  }
}

const codes: Readonly<Record<RefusalClass, ErrorCode>> = {
  mapping: 'invalid_claims',
  denial: 'forbidden',
};
