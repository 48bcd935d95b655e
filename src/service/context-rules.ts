/** What a context (the `Struct` of a request or a tuple) may hold, whatever its conditions declare. */
import type { JsonObject, JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';

/**
 * Control characters have no place in what ends up in keys and logs; a number that JSON cannot
 * write, or text that UTF-8 cannot, would make two different contexts look alike.
 *
 * ENSURES: undefined only for a context that `canonicalJson` may be asked about.
 */
export function faultOfContext(context: JsonObject): string | undefined {
  return faultOfValue(context, 0);
}

function faultOfValue(value: JsonValue, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return faultOfText(value, 'value');
    case 'number':
      return Number.isFinite(value) ? undefined : `context value \`${value}\` is not a JSON number`;
    case 'boolean':
      return undefined;
  }
  if (value === null) return undefined;
  if (depth === limits.contextDepthMax) {
    return `context is nested deeper than ${limits.contextDepthMax} levels`;
  }
  for (const [key, nested] of Object.entries(value)) {
    const fault = faultOfText(key, 'key') ?? faultOfValue(nested, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const controlPattern = /\p{Cc}/u;

function faultOfText(text: string, part: 'key' | 'value'): string | undefined {
  if (!text.isWellFormed()) return `context ${part} must be valid UTF-8`;
  if (!controlPattern.test(text)) return undefined;
  return `context ${part} ${JSON.stringify(text)} contains forbidden characters`;
}
