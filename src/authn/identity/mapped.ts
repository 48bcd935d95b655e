/** What claims say, once mapped. */
import type { JsonObject } from '../../base/json.ts';
import type { ActorMode } from './file.ts';
import type { MappedObject } from './id-text.ts';

export interface MappedIdentity {
  readonly issuer: string;
  /** Name of the map that was used. */
  readonly map: string;
  readonly subject: MappedObject;
  /** Who acts on behalf of the subject, where the token is delegated. */
  readonly actor: MappedObject | undefined;
  readonly actorMode: ActorMode;
  /** Each once, in the file's order. The subject of every one is the mapped subject. */
  readonly tuples: readonly MappedTuple[];
  /** Relations that the token alone decides: what is stored of the subject there does not count. */
  readonly tokenOnly: readonly TypeRelation[];
  /** Every name begins with `token_`. */
  readonly context: JsonObject;
  readonly scopes: ReadonlySet<string>;
  readonly facts: SignInFacts;
}

export interface MappedTuple {
  readonly object: MappedObject;
  readonly relation: string;
  readonly subject: MappedObject;
}

export interface TypeRelation {
  readonly type: string;
  readonly relation: string;
}

/** How and when the subject signed in; undefined and empty where the token does not say. */
export interface SignInFacts {
  readonly acr: string | undefined;
  readonly amr: ReadonlySet<string>;
  /** Seconds since 1970. */
  readonly authTime: number | undefined;
}

/** Those who must be allowed, each of them, for the answer to be yes. */
export function askedSubjects(identity: MappedIdentity): readonly MappedObject[] {
  const { subject, actor, actorMode } = identity;
  if (actor === undefined || actorMode === 'subject') return [subject];
  return actorMode === 'actor' ? [actor] : [subject, actor];
}
