/** The line where a text stops being JSON: `JSON.parse` tells it only sometimes. */

const blank = /[ \t\r\n]*/y;
const scalar =
  /"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null/y;
const text = /"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;

/** REQUIRES: `json` is not JSON. The line of the first token that cannot stand where it does. */
export function faultLineOf(json: string): number {
  return json.slice(0, faultOffset(json)).split('\n').length;
}

/** What may come next: a value, a key, what follows a value, or the same where a list may end. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

function faultOffset(json: string): number {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  for (let at = 0; ; ) {
    at = skip(blank, json, at);
    const letter = json[at];
    const inside = open.at(-1);
    if (letter === undefined) return at;
    if (expected === ':') {
      if (letter !== ':') return at;
      [expected, at] = ['value', at + 1];
    } else if (expected === ', or end' && letter === ',' && inside !== undefined) {
      [expected, at] = [inside === '{' ? 'key' : 'value', at + 1];
    } else if (closes(letter, inside, expected)) {
      open.pop();
      [expected, at] = [', or end', at + 1];
    } else if (expected === 'key' || expected === 'key or }') {
      const end = skip(text, json, at);
      if (end === at) return at;
      [expected, at] = [':', end];
    } else if (expected === ', or end') {
      return at;
    } else if (letter === '[' || letter === '{') {
      open.push(letter);
      [expected, at] = [letter === '[' ? 'value or ]' : 'key or }', at + 1];
    } else {
      const end = skip(scalar, json, at);
      if (end === at) return at;
      [expected, at] = [', or end', end];
    }
  }
}

function closes(letter: string, inside: '[' | '{' | undefined, expected: Expected): boolean {
  if (letter === ']')
    return inside === '[' && (expected === ', or end' || expected === 'value or ]');
  return letter === '}' && inside === '{' && (expected === ', or end' || expected === 'key or }');
}

/** The end of what the sticky pattern matches here; `at` itself where it matches nothing. */
function skip(pattern: RegExp, json: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(json) ? pattern.lastIndex : at;
}
