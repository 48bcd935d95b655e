/**
 * Verified claims as values for expressions. A JSON object becomes a Map, so that no name of a
 * claim (`__proto__`, `constructor`) means anything but the claim.
 */
import { limits } from '../../base/limits.ts';
import { MappingRefusal } from './mapping-refusal.ts';

export type ClaimValue = null | boolean | bigint | number | string | ClaimValue[] | ClaimMap;
export type ClaimMap = Map<string, ClaimValue>;

/**
 * Whole numbers are `bigint`, which is CEL's int; others are doubles. Throws a MappingRefusal for
 * what is not JSON, nests too deep, or may have lost digits.
 */
export function claimsOf(claims: unknown): ClaimMap {
  const value = claimValue(claims, 0);
  if (!(value instanceof Map)) throw new MappingRefusal('claims_malformed', '');
  return value;
}

function claimValue(value: unknown, depth: number): ClaimValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return numberOf(value);
    case 'object':
      if (value === null) return null;
      if (depth >= limits.tokenDepthMax) throw new MappingRefusal('claims_too_deep', '');
      if (Array.isArray(value)) return value.map((element) => claimValue(element, depth + 1));
      return mapOf(value, depth);
    default:
      throw new MappingRefusal('claims_malformed', '');
  }
}

function mapOf(object: object, depth: number): ClaimMap {
  const map: ClaimMap = new Map();
  for (const [name, value] of Object.entries(object)) {
    // A verifier may say of an absent claim that it is undefined.
    if (value !== undefined) map.set(name, claimValue(value, depth + 1));
  }
  return map;
}

function numberOf(value: number): bigint | number {
  if (Number.isSafeInteger(value)) return BigInt(value);
  // Two accounts could be one: 9007199254740993 is read as 9007199254740992.
  if (Number.isInteger(value)) throw new MappingRefusal('claim_number_inexact', '');
  if (!Number.isFinite(value)) throw new MappingRefusal('claims_malformed', '');
  return value;
}
