/** An identity file in use: claims to subjects, and what it decides beside the relations. */
import type { IssuerConfig } from '../issuer.ts';
import { compileIdentity } from './compile-identity.ts';
import type { CompiledIdentity } from './compiled.ts';
import {
  type Bound,
  bindSubject,
  callerRoles,
  mayAskAny,
  missingScopes,
  missingStepUp,
  type StepUp,
  scopeFor,
} from './decisions.ts';
import { type Explanation, explainClaims } from './explain.ts';
import type { CallerRole, SubjectBinding } from './file.ts';
import type { FileFault } from './file-fault.ts';
import { type LintModel, lintIdentity } from './lint.ts';
import { mapClaims } from './map-claims.ts';
import type { MappedIdentity, SignInFacts } from './mapped.ts';
import { MappingRefusal } from './mapping-refusal.ts';

export type Outcome =
  | { readonly kind: 'mapped'; readonly identity: MappedIdentity }
  | { readonly kind: 'refused'; readonly refusal: MappingRefusal };

export class Identity {
  readonly #compiled: CompiledIdentity;

  /** Reads and compiles the text of a file. Throws an IdentityFileError that names every fault. */
  constructor(text: string) {
    this.#compiled = compileIdentity(text);
  }

  get issuers(): readonly IssuerConfig[] {
    return [...this.#compiled.issuers.values()].map(({ config }) => config);
  }

  get binding(): SubjectBinding {
    return this.#compiled.binding;
  }

  /** REQUIRES: the claims are verified, and the issuer's. `now` is in milliseconds since 1970. */
  map(issuer: string, claims: unknown, now: number): Outcome {
    try {
      return { kind: 'mapped', identity: mapClaims(this.#compiled, issuer, claims, now) };
    } catch (error) {
      if (!(error instanceof MappingRefusal)) throw error;
      return { kind: 'refused', refusal: error };
    }
  }

  /** Throws a MappingRefusal where the request may not ask about its subject. */
  bindSubject(
    mapped: MappedIdentity,
    asked: string,
    callerScopes: ReadonlySet<string> = new Set(),
  ): Bound {
    return bindSubject(this.#compiled, mapped, asked, callerScopes);
  }

  /** Whether the caller may ask about other subjects than the token's. */
  mayAskAny(callerScopes: ReadonlySet<string>): boolean {
    return mayAskAny(this.#compiled, callerScopes);
  }

  /** One of which the subject's token must have; undefined if it has what the relation needs. */
  missingScopes(
    type: string,
    relation: string,
    scopes: ReadonlySet<string>,
  ): readonly string[] | undefined {
    return missingScopes(this.#compiled, type, relation, scopes);
  }

  /** Undefined if the sign-in is enough for the relation. */
  missingStepUp(
    type: string,
    relation: string,
    facts: SignInFacts,
    now: number,
  ): StepUp | undefined {
    return missingStepUp(this.#compiled, type, relation, facts, now);
  }

  /** The scope that a caller's token needs for a method; undefined where the file asks for none. */
  scopeFor(method: string): string | undefined {
    return scopeFor(this.#compiled, method);
  }

  /** What a caller of the issuer may do for the sake of its scopes, beside what it was granted. */
  callerRoles(issuer: string, scopes: ReadonlySet<string>): readonly CallerRole[] {
    return callerRoles(this.#compiled, issuer, scopes);
  }

  explain(issuer: string, claims: unknown, now: number): Explanation {
    return explainClaims(this.#compiled, issuer, claims, now);
  }

  /** What is wrong with the file beside a model; without one, what may not be meant. */
  lint(model?: LintModel): readonly FileFault[] {
    return lintIdentity(this.#compiled, model);
  }
}
