/** An identity file as data: what its YAML says once the JSON Schema has let it pass. */
import type { SignatureAlgorithm, TokenUse } from '../issuer.ts';

export interface IdentityFile {
  readonly version: 1;
  readonly issuers: readonly IssuerEntry[];
  readonly maps: Readonly<Record<string, MapEntry>>;
  readonly scopes?: Readonly<Record<string, string>>;
  readonly scope_ceiling?: readonly CeilingEntry[];
  readonly step_up?: readonly StepUpEntry[];
  readonly subject_binding?: SubjectBinding;
}

/**
 * How the subject of a request and that of its token belong together. `verify`: they must be the
 * same. `substitute`: one that is left out is filled in. `service`: a caller with the scope
 * `check_any` may ask about others.
 */
export type SubjectBinding = 'verify' | 'substitute' | 'service';

export interface IssuerEntry {
  readonly issuer: string;
  readonly jwks_uri?: string;
  readonly audiences: readonly string[];
  readonly token_types?: readonly string[];
  readonly algorithms?: readonly SignatureAlgorithm[];
  readonly clock_tolerance?: string;
  readonly max_token_age?: string;
  readonly use?: readonly TokenUse[];
  readonly map: string;
  readonly roles?: readonly RoleEntry[];
  /** Another issuer of the file that names the same people and groups. */
  readonly same_names_as?: string;
}

/** What a caller may do whose token has the scope, beside what was granted to it. */
export interface RoleEntry extends CallerRole {
  readonly scope: string;
}

export interface CallerRole {
  readonly role: 'check' | 'read' | 'write' | 'model' | 'admin' | 'create';
  /** Absent for all stores. */
  readonly stores?: readonly string[];
}

export interface MapEntry {
  readonly require?: string;
  readonly subject: ReferenceEntry;
  readonly actor?: ReferenceEntry & { readonly mode?: ActorMode };
  readonly tuples?: readonly TupleEntry[];
  readonly context?: Readonly<Record<string, string>>;
}

/** Whose rights count where a token is delegated: both must be allowed, or one alone. */
export type ActorMode = 'both' | 'subject' | 'actor';

export interface ReferenceEntry {
  readonly type: string;
  readonly id: string | readonly string[];
  readonly namespace?: string;
}

export interface TupleEntry {
  readonly each?: string;
  readonly when?: string;
  readonly relation: string;
  readonly object: ReferenceEntry;
  readonly max?: number;
  /** `ignore`: where entries are too many or left out, the rule gives no tuple at all. */
  readonly overage?: 'deny' | 'ignore';
  readonly authority?: Authority;
}

/**
 * Who knows this relation of the subject. `union`: token and store both. `token`: what is stored
 * does not count. `store`: what the token says does not count.
 */
export type Authority = 'union' | 'token' | 'store';

export interface CeilingEntry {
  readonly type?: string;
  readonly relation: string;
  readonly any: readonly string[];
}

export interface StepUpEntry {
  readonly type: string;
  readonly relation: string;
  readonly acr_any?: readonly string[];
  readonly amr_all?: readonly string[];
  readonly amr_any?: readonly string[];
  readonly max_age?: number;
}
