/**
 * A question as it is asked on behalf of a subject token: who must be allowed, with which tuples and
 * context beside the request's own, and what else the identity file demands of the answer.
 */
import { isReserved, joinContext, type StepUp } from '../authn/identity/decisions.ts';
import { formatMapped } from '../authn/identity/id-text.ts';
import { askedSubjects } from '../authn/identity/mapped.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { narrowed } from '../engine/narrowed.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { formatTuple, type Tuple } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import type { Call } from './call.ts';
import type { Service } from './service.ts';
import type { SubjectToken, TokenSubject } from './subject-identity.ts';
import { decidedByToken, tokenTuples } from './token-tuples.ts';

export interface Asked {
  /** Whom it is about, spelled as the wire spells it. */
  readonly about: string;
  /** Who must be allowed, each: with a delegated token, the actor too, or alone. */
  readonly users: readonly string[];
  /** Whether the answer is about the token's subject, and nobody else. */
  readonly isOwn: boolean;
  /** The contextual tuples: those of the token, then the request's. */
  tuples(model: CompiledModel, own: readonly Tuple[]): readonly Tuple[];
  context(own: JsonObject | undefined): JsonObject;
  /** The stored tuples, as far as they count for this question. */
  reader(base: TupleReader, model: CompiledModel): TupleReader;
  /** What is short of the file's demands on the relation, whatever the tuples say. */
  shortOf(type: string, relation: string): Shortage | undefined;
  /** Whether the token alone decides what the tuple says. */
  isDecided(tuple: Tuple): boolean;
  /** Equal for two questions that no answer can tell apart by their tokens; undefined for none. */
  readonly key: JsonValue | undefined;
}

/** `scopes`: one of them would do. `stepUp`: the answer would be yes after a better sign-in. */
export type Shortage =
  | { readonly kind: 'scopes'; readonly scopes: readonly string[] }
  | { readonly kind: 'step_up'; readonly stepUp: StepUp };

/** Whether a request means what it says: no token brings more, and without a file nothing is reserved. */
export function isPlain(service: Service, token: SubjectToken | undefined): boolean {
  return token === undefined && service.subjects === undefined;
}

/**
 * The question that the request puts about `user`. Throws a MappingRefusal where the token is not for
 * them.
 */
export function ask(
  service: Service,
  call: Call,
  token: SubjectToken | undefined,
  user: string,
  now: number,
): Asked {
  if (isPlain(service, token)) return new PlainQuestion(user);
  if (token === undefined) return new UntrustedQuestion(user);
  const subject = token.at(now);
  const bound = subject.identity.bindSubject(subject.mapped, user, scopesOf(call));
  return bound.kind === 'asked' ? new UntrustedQuestion(user) : new OwnQuestion(subject);
}

/**
 * The question of a list of subjects, which names none. A token answers for its own subject alone:
 * others would be judged by a sign-in that is not theirs, and Check would not say of them either.
 */
export function askAboutAnybody(
  service: Service,
  call: Call,
  token: SubjectToken | undefined,
  now: number,
): Asked {
  if (token === undefined) return ask(service, call, token, '', now);
  const subject = token.at(now);
  if (subject.identity.mayAskAny(scopesOf(call))) return new UntrustedQuestion('');
  return new OwnQuestion(subject);
}

function scopesOf({ principal }: Call): ReadonlySet<string> {
  return new Set(principal?.kind === 'oidc' ? principal.scopes : []);
}

/** A class, so that a check pays for one object and no closures. */
class PlainQuestion implements Asked {
  readonly about: string;
  readonly users: readonly string[];
  readonly isOwn = false;
  readonly key = undefined;

  constructor(user: string) {
    this.about = user;
    this.users = [user];
  }

  isDecided(_tuple: Tuple): boolean {
    return false;
  }

  tuples(_model: CompiledModel, own: readonly Tuple[]): readonly Tuple[] {
    return own;
  }

  context(own: JsonObject = {}): JsonObject {
    return own;
  }

  reader(base: TupleReader, _model: CompiledModel): TupleReader {
    return base;
  }

  shortOf(): undefined {
    return undefined;
  }
}

/** With an identity file, and nothing of a token in the question. */
class UntrustedQuestion extends PlainQuestion {
  override tuples(_model: CompiledModel, own: readonly Tuple[]): readonly Tuple[] {
    for (const tuple of own) refuseReserved(tuple);
    return own;
  }

  override context(own: JsonObject = {}): JsonObject {
    return joinContext(own, undefined);
  }

  override reader(base: TupleReader, model: CompiledModel): TupleReader {
    return narrowed(base, model, { hidden: undefined, isReserved: reservedIn(model) });
  }
}

/** About the token's subject, with all that the token says. */
class OwnQuestion implements Asked {
  readonly about: string;
  readonly users: readonly string[];
  readonly isOwn = true;
  readonly #subject: TokenSubject;

  constructor(subject: TokenSubject) {
    this.#subject = subject;
    this.about = formatMapped(subject.mapped.subject);
    this.users = askedSubjects(subject.mapped).map(formatMapped);
  }

  tuples(model: CompiledModel, own: readonly Tuple[]): readonly Tuple[] {
    const { mapped } = this.#subject;
    for (const tuple of own) {
      refuseReserved(tuple);
      if (!this.isDecided(tuple)) continue;
      throw new Refusal(
        'validation_error',
        `the contextual tuple \`${formatTuple(tuple)}\` says what the subject token alone decides; leave it out`,
      );
    }
    // Where one of the request's has the same key, the first one counts.
    const tuples = tokenTuples(mapped, model);
    return own.length === 0 ? tuples : [...tuples, ...own];
  }

  isDecided(tuple: Tuple): boolean {
    return decidedByToken(this.#subject.mapped, tuple);
  }

  context(own: JsonObject = {}): JsonObject {
    return joinContext(own, this.#subject.mapped.context);
  }

  reader(base: TupleReader, model: CompiledModel): TupleReader {
    const { subject, tokenOnly } = this.#subject.mapped;
    const hidden = tokenOnly.length === 0 ? undefined : { subject, relations: tokenOnly };
    return narrowed(base, model, { hidden, isReserved: reservedIn(model) });
  }

  shortOf(type: string, relation: string): Shortage | undefined {
    const { identity, mapped, now } = this.#subject;
    const scopes = identity.missingScopes(type, relation, mapped.scopes);
    if (scopes !== undefined) return { kind: 'scopes', scopes };
    const stepUp = identity.missingStepUp(type, relation, mapped.facts, now);
    return stepUp && { kind: 'step_up', stepUp };
  }

  get key(): JsonValue {
    const { generation, mapped } = this.#subject;
    const { tuples, tokenOnly, context, scopes, facts } = mapped;
    return [
      generation,
      this.users,
      this.about,
      tuples.map(({ object, relation }) => [formatMapped(object), relation]),
      tokenOnly.map(({ type, relation }) => [type, relation]),
      context,
      [...scopes].sort(),
      [facts.acr ?? null, [...facts.amr].sort(), facts.authTime ?? null],
    ];
  }
}

const knownModels = new WeakMap<CompiledModel, boolean>();

/** Undefined where no condition of the model has a parameter of a reserved name. */
function reservedIn(model: CompiledModel): ((name: string) => boolean) | undefined {
  let reads = knownModels.get(model);
  if (reads === undefined) {
    const names = [...model.model.conditions.values()].flatMap(({ parameters }) => [
      ...parameters.keys(),
    ]);
    reads = names.some(isReserved);
    knownModels.set(model, reads);
  }
  return reads ? isReserved : undefined;
}

/** What only a token may say is not the store's to keep, nor a request's to bring. */
export function refuseReserved(tuple: Tuple): void {
  const name = Object.keys(tuple.condition?.context ?? {}).find(isReserved);
  if (name === undefined) return;
  throw new Refusal(
    'validation_error',
    `the tuple \`${formatTuple(tuple)}\` sets \`${name}\`, which only a subject token can say; leave it out of its context`,
  );
}
