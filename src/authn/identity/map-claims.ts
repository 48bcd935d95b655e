/**
 * Verified claims in, a subject with its tuples and context out. It fails closed: whatever is not
 * exactly as the file expects it is a refusal with a name, never a smaller result.
 */
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { limits } from '../../base/limits.ts';
import { type ClaimMap, claimsOf } from './claims.ts';
import type {
  CompiledIdentity,
  CompiledIssuer,
  CompiledMap,
  CompiledReference,
  CompiledTuple,
} from './compiled.ts';
import { ContextMeter } from './context-value.ts';
import type { CompiledExpression, Scope } from './expression.ts';
import { formatMapped, type MappedObject, objectOf } from './id-text.ts';
import type { MappedIdentity, MappedTuple } from './mapped.ts';
import { MappingRefusal } from './mapping-refusal.ts';
import { readsLeftOut, refuseLeftOut } from './overage.ts';
import { factsOf, scopesOf } from './token-facts.ts';

/** Told of each part of the map as it is done, for explanations. */
export interface Trace {
  rule(place: string, gave: readonly string[]): void;
}

/** Throws a MappingRefusal. `now` is in milliseconds since 1970. */
export function mapClaims(
  identity: CompiledIdentity,
  issuer: string,
  claims: unknown,
  now: number,
  trace?: Trace,
): MappedIdentity {
  const trusted = issuerOf(identity, issuer);
  const values = claimsOf(claims);
  const named = values.get('iss');
  if (named !== undefined && named !== issuer) throw new MappingRefusal('unknown_issuer', '');
  const seconds = Math.floor(now / 1_000);
  return new Mapping(trusted, { claims: values, now: BigInt(seconds) }, seconds, trace).identity();
}

/** Throws a MappingRefusal where the issuer's tokens say nothing of subjects. */
export function issuerOf(identity: CompiledIdentity, issuer: string): CompiledIssuer {
  const trusted = identity.issuers.get(issuer);
  if (trusted === undefined) throw new MappingRefusal('unknown_issuer', '');
  if (!trusted.config.use.includes('subject')) {
    throw new MappingRefusal('issuer_not_for_subjects', '');
  }
  return trusted;
}

class Mapping {
  readonly #issuer: CompiledIssuer;
  readonly #map: CompiledMap;
  readonly #scope: Scope;
  readonly #claims: ClaimMap;
  readonly #seconds: number;
  readonly #trace: Trace | undefined;

  constructor(issuer: CompiledIssuer, scope: Scope, seconds: number, trace: Trace | undefined) {
    this.#issuer = issuer;
    this.#map = issuer.map;
    this.#scope = scope;
    this.#claims = scope.claims;
    this.#seconds = seconds;
    this.#trace = trace;
  }

  identity(): MappedIdentity {
    refuseLeftOut(this.#map, this.#claims);
    this.#require();
    const subject = this.#subject();
    const tolerance = this.#issuer.config.clockToleranceMs / 1_000;
    return {
      issuer: this.#issuer.config.issuer,
      map: this.#map.name,
      subject,
      actor: this.#actor(),
      actorMode: this.#map.actor?.mode ?? 'both',
      tuples: this.#tuples(subject),
      tokenOnly: this.#map.tuples
        .filter(({ authority }) => authority === 'token')
        .map(({ object, relation }) => ({ type: object.type, relation })),
      context: this.#context(),
      scopes: scopesOf(this.#claims),
      facts: factsOf(this.#claims, this.#seconds + tolerance),
    };
  }

  #require(): void {
    const { requirement } = this.#map;
    if (requirement === undefined) return;
    const holds = truth(requirement, this.#scope);
    this.#trace?.rule(requirement.place, [String(holds)]);
    if (!holds) throw new MappingRefusal('requirement_not_met', requirement.place);
  }

  #subject(): MappedObject {
    const subject = reference(this.#map.subject, this.#scope);
    this.#trace?.rule(this.#map.subject.place, [formatMapped(subject)]);
    return subject;
  }

  /** A token that is delegated never counts as if it were the subject's own by mere silence. */
  #actor(): MappedObject | undefined {
    const { actor } = this.#map;
    const delegated = this.#claims.get('act') !== undefined;
    if (actor === undefined) {
      if (delegated) throw new MappingRefusal('actor_not_mapped', `maps.${this.#map.name}`);
      return undefined;
    }
    const values = actor.parts.map((part) => part.evaluate(this.#scope));
    if (values.every((value) => value === undefined)) {
      if (delegated) throw new MappingRefusal('actor_missing', actor.place);
      return undefined;
    }
    const object = objectFrom(actor, values);
    this.#trace?.rule(actor.place, [formatMapped(object)]);
    return object;
  }

  #tuples(subject: MappedObject): readonly MappedTuple[] {
    const tuples = new Map<string, MappedTuple>();
    for (const rule of this.#map.tuples) {
      if (rule.authority === 'store') continue;
      const gave: string[] = [];
      for (const scope of this.#entries(rule)) {
        if (rule.when !== undefined && !truth(rule.when, scope)) continue;
        const object = reference(rule.object, scope);
        const text = `${formatMapped(object)}#${rule.relation}`;
        tuples.set(text, { object, relation: rule.relation, subject });
        if (tuples.size > limits.mappedTuplesMax) {
          throw new MappingRefusal('too_many_tuples', rule.place);
        }
        gave.push(text);
      }
      this.#trace?.rule(rule.place, gave);
    }
    return [...tuples.values()];
  }

  /** What the rule is applied to: the claims, or each entry of the list. */
  #entries(rule: CompiledTuple): readonly Scope[] {
    const { each } = rule;
    const { claims, now } = this.#scope;
    if (rule.overage === 'ignore' && readsLeftOut(rule, claims)) return [];
    if (each === undefined) return [this.#scope];
    const list = each.evaluate(this.#scope);
    if (list === undefined) return [];
    if (!Array.isArray(list)) throw new MappingRefusal('not_a_list', each.place);
    if (list.length <= rule.max) return list.map((item: unknown) => ({ claims, now, item }));
    if (rule.overage === 'ignore') return [];
    throw new MappingRefusal('too_many_entries', each.place);
  }

  #context(): JsonObject {
    const meter = new ContextMeter();
    const context: Record<string, JsonValue> = {};
    for (const [name, expression] of this.#map.context) {
      const value = expression.evaluate(this.#scope);
      if (value === undefined) continue;
      meter.spend(name.length + 2, expression.place);
      context[name] = meter.jsonOf(value, expression.place);
      this.#trace?.rule(expression.place, [JSON.stringify(context[name])]);
    }
    return context;
  }
}

function truth(expression: CompiledExpression, scope: Scope): boolean {
  const value = expression.evaluate(scope);
  if (typeof value !== 'boolean') throw new MappingRefusal('not_true_or_false', expression.place);
  return value;
}

function reference(to: CompiledReference, scope: Scope): MappedObject {
  return objectFrom(
    to,
    to.parts.map((part) => part.evaluate(scope)),
  );
}

function objectFrom(to: CompiledReference, values: readonly unknown[]): MappedObject {
  const object = objectOf(to.type, to.namespace, values);
  if (typeof object === 'string') throw new MappingRefusal(object, to.place);
  return object;
}
