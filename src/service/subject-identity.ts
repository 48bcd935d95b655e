/**
 * Whose rights a call asks about, where it brings a subject token: the token verified, and its claims
 * mapped by the identity file. Who *makes* the call is another question, which the guard answers.
 */
import type { Identity, Outcome } from '../authn/identity/identity.ts';
import type { MappedIdentity } from '../authn/identity/mapped.ts';
import type { IdentitySource } from '../authn/identity/source.ts';
import { AuthenticationRefusal } from '../authn/refusal.ts';
import type { VerifiedToken } from '../authn/verified-token.ts';
import type { Verifier } from '../authn/verifier.ts';
import { Refusal } from '../base/errors.ts';
import type { Call } from './call.ts';

/** What a server with an identity file has. The verifier trusts the issuers of the file. */
export interface IdentityParts {
  readonly verifier: Verifier;
  readonly source: IdentitySource;
}

/** Claims mapped at one moment, by one version of the file. */
export interface TokenSubject {
  readonly identity: Identity;
  /** Grows with each version of the file. */
  readonly generation: number;
  readonly mapped: MappedIdentity;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** A token that is verified. */
export interface SubjectToken {
  /** What it says at that moment. Throws a MappingRefusal. */
  at(now: number): TokenSubject;
}

interface Remembered {
  readonly generation: number;
  readonly second: number;
  readonly identity: Identity;
  readonly outcome: Outcome;
}

export class SubjectIdentity {
  readonly #verifier: Verifier;
  readonly #source: IdentitySource;
  /** The last mapping of each token: an expression may read the time, in whole seconds. */
  readonly #mappings = new WeakMap<VerifiedToken, Remembered>();

  constructor({ verifier, source }: IdentityParts) {
    this.#verifier = verifier;
    this.#source = source;
  }

  /** At once where the token is known. Throws or rejects with a SubjectTokenRefusal. */
  verify(token: string): SubjectToken | Promise<SubjectToken> {
    const known = this.#verifier.known(token, 'subject');
    if (known !== undefined) return this.#tokenOf(known);
    return this.#verifier.verify(token, 'subject').then(
      (verified) => this.#tokenOf(verified),
      (error: unknown) => {
        throw error instanceof AuthenticationRefusal ? new SubjectTokenRefusal(error) : error;
      },
    );
  }

  #tokenOf(token: VerifiedToken): SubjectToken {
    return { at: (now) => this.#map(token, now) };
  }

  #map(token: VerifiedToken, now: number): TokenSubject {
    const { generation, identity } = this.#source;
    const second = Math.floor(now / 1_000);
    let last = this.#mappings.get(token);
    if (last?.generation !== generation || last.second !== second) {
      const outcome = identity.map(token.issuer, token.claims, now);
      last = { generation, second, identity, outcome };
      this.#mappings.set(token, last);
    }
    const { outcome } = last;
    if (outcome.kind === 'refused') throw outcome.refusal;
    return { identity, generation, mapped: outcome.identity, now };
  }
}

/** Says that it is not the caller's own token that was refused. */
export class SubjectTokenRefusal extends AuthenticationRefusal {
  override name = 'SubjectTokenRefusal';

  constructor({ reason, retryAfterSeconds }: AuthenticationRefusal) {
    super(
      reason,
      retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1_000 },
    );
    this.message = `pemba-subject-token: ${this.message}`;
  }
}

/** The call's subject token, verified; undefined where it brings none. */
export function subjectTokenOf(
  subjects: SubjectIdentity | undefined,
  call: Call,
): SubjectToken | undefined | Promise<SubjectToken> {
  const { subjectToken } = call.credentials;
  if (subjectToken === '') return undefined;
  if (subjects !== undefined) return subjects.verify(subjectToken);
  throw new Refusal(
    'validation_error',
    'this server takes no `pemba-subject-token`: it has no identity file; start it with one, or leave the header out',
  );
}

/** Runs `answer` with the call's subject token: without a promise, where there is nothing to verify. */
export function withSubjectToken<Answer>(
  subjects: SubjectIdentity | undefined,
  call: Call,
  answer: (token: SubjectToken | undefined) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const token = subjectTokenOf(subjects, call);
  return token instanceof Promise ? token.then(answer) : answer(token);
}
