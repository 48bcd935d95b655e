/**
 * JSON as one reading alone: an object that says a name twice is refused, for another reader (a
 * gateway in front) may take the other value. `JSON.parse` takes the last without a word.
 */
import { isJsonObject, type JsonObject } from '../base/json.ts';

export type StrictFault = 'malformed' | 'ambiguous' | 'too_deep';

/** The object that `text` is, or what is wrong with it. */
export function parseStrict(text: string, depthMax: number): JsonObject | StrictFault {
  // First: its parser does not recurse without bound, and what it takes the walk below can trust.
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'malformed';
  }
  if (!isJsonObject(value)) return 'malformed';
  return faultOf(text, depthMax) ?? value;
}

const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/** REQUIRES: `text` is JSON. */
function faultOf(text: string, depthMax: number): StrictFault | undefined {
  const open: Set<string>[] = [];
  for (const [found, colon] of text.matchAll(token)) {
    if (found === '{' || found === '[') {
      if (open.length === depthMax) return 'too_deep';
      open.push(new Set());
    } else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(found.slice(0, -colon.length)) as string;
      const names = open.at(-1);
      if (names?.has(name)) return 'ambiguous';
      names?.add(name);
    }
  }
  return undefined;
}
