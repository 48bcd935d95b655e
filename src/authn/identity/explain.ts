/**
 * How claims were mapped, step by step. It holds what came out and the names of the claims that
 * were read, never what else a claim says: it is printed.
 */
import { type ClaimMap, type ClaimValue, claimsOf } from './claims.ts';
import {
  type CompiledIdentity,
  type CompiledMap,
  type CompiledReference,
  expressionsOf,
} from './compiled.ts';
import type { CompiledExpression } from './expression.ts';
import { issuerOf, mapClaims } from './map-claims.ts';
import type { MappedIdentity } from './mapped.ts';
import { MappingRefusal } from './mapping-refusal.ts';

export interface Explanation {
  readonly issuer: string;
  /** Undefined where no issuer of the file is meant. */
  readonly map: string | undefined;
  /** In the file's order. */
  readonly steps: readonly ExplainedStep[];
  readonly identity: MappedIdentity | undefined;
  readonly refusal: MappingRefusal | undefined;
}

export interface ExplainedStep {
  /** Path in the file. */
  readonly place: string;
  readonly expressions: readonly string[];
  readonly claims: readonly ReadClaim[];
  /** What came out, as text; undefined where the mapping did not come so far. */
  readonly gave: readonly string[] | undefined;
}

export interface ReadClaim {
  /** As `act.sub`; `*` for all claims. */
  readonly path: string;
  readonly present: boolean;
}

export function explainClaims(
  identity: CompiledIdentity,
  issuer: string,
  claims: unknown,
  now: number,
): Explanation {
  const gave = new Map<string, readonly string[]>();
  let mapped: MappedIdentity | undefined;
  let refusal: MappingRefusal | undefined;
  let map: CompiledMap | undefined;
  let values: ClaimMap = new Map();
  try {
    map = issuerOf(identity, issuer).map;
    values = claimsOf(claims);
    mapped = mapClaims(identity, issuer, claims, now, {
      rule: (place, results) => gave.set(place, results),
    });
  } catch (error) {
    if (!(error instanceof MappingRefusal)) throw error;
    refusal = error;
  }
  const steps = map === undefined ? [] : stepsOf(map);
  return {
    issuer,
    map: map?.name,
    identity: mapped,
    refusal,
    steps: steps.map(({ place, expressions }) => ({
      place,
      expressions: expressions.map(({ text }) => text),
      claims: claimsRead(expressions, values),
      gave: gave.get(place) ?? (mapped === undefined ? undefined : []),
    })),
  };
}

interface Step {
  readonly place: string;
  readonly expressions: readonly CompiledExpression[];
}

function stepsOf(map: CompiledMap): Step[] {
  const one = (expression: CompiledExpression): Step => ({
    place: expression.place,
    expressions: [expression],
  });
  const reference = ({ place, parts }: CompiledReference): Step => ({ place, expressions: parts });
  return [
    ...(map.requirement === undefined ? [] : [one(map.requirement)]),
    reference(map.subject),
    ...(map.actor === undefined ? [] : [reference(map.actor)]),
    ...map.tuples.map((rule) => ({ place: rule.place, expressions: expressionsOf(rule) })),
    ...map.context.values().map(one),
  ];
}

function claimsRead(expressions: readonly CompiledExpression[], claims: ClaimMap): ReadClaim[] {
  const paths = new Set(expressions.flatMap(({ reads }) => [...reads]));
  return [...paths].map((path) => ({ path, present: path === '*' || isPresent(claims, path) }));
}

function isPresent(claims: ClaimMap, path: string): boolean {
  let value: ClaimValue | undefined = claims;
  for (const name of path.split('.')) {
    value = value instanceof Map ? value.get(name) : undefined;
  }
  return value !== undefined;
}
