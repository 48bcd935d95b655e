/** What an expression gives, as a JSON value for the context of conditions; bounded in size. */
import { byteLength } from '../../base/bytes.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { limits } from '../../base/limits.ts';
import { MappingRefusal } from './mapping-refusal.ts';

/** Counts over all values of one context: a short expression can repeat a long claim many times. */
export class ContextMeter {
  #left = limits.mappedContextBytesMax;

  /** Throws a MappingRefusal for what is not JSON and for what is too large. */
  jsonOf(value: unknown, place: string, depth = 0): JsonValue {
    if (depth > limits.contextDepthMax) throw new MappingRefusal('context_not_json', place);
    if (typeof value === 'string') {
      this.spend(
        value.length > limits.mappedContextBytesMax ? value.length : byteLength(value) + 2,
        place,
      );
      return value;
    }
    this.spend(8, place);
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'bigint' || typeof value === 'number') return numberOf(value, place);
    if (Array.isArray(value)) return value.map((each) => this.jsonOf(each, place, depth + 1));
    return this.#objectOf(value, place, depth);
  }

  spend(bytes: number, place: string): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new MappingRefusal('context_too_large', place);
  }

  /** A map of the claims, or one that the expression made, which is a plain object. */
  #objectOf(value: unknown, place: string, depth: number): JsonObject {
    const plain = typeof value === 'object' && value !== null && value.constructor === Object;
    if (!(value instanceof Map || plain)) throw new MappingRefusal('context_not_json', place);
    const entries: [string, JsonValue][] = [];
    for (const [key, each] of value instanceof Map ? value : Object.entries(value as object)) {
      if (typeof key !== 'string') throw new MappingRefusal('context_not_json', place);
      this.spend(byteLength(key) + 2, place);
      entries.push([key, this.jsonOf(each, place, depth + 1)]);
    }
    return Object.fromEntries(entries);
  }
}

function numberOf(value: bigint | number, place: string): number {
  const number = Number(value);
  const exact = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (!exact) throw new MappingRefusal('context_not_json', place);
  return number;
}
