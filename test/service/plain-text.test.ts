/** The short look at a text never lets through what its rule, looked at the long way, would not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldRules, type Rule } from '../../src/service/field-rules.ts';
import { plainTest } from '../../src/service/plain-text.ts';

type TextRule = Rule & { kind: 'text' };

const rules = new Map<string, TextRule>();
for (const fields of Object.values(fieldRules)) {
  for (const rule of Object.values(fields)) {
    if (rule.kind === 'text') rules.set(JSON.stringify(rule), rule);
  }
}

/** What the rule says, by its words. */
function keeps({ pattern, bytesMin = 0, bytesMax = Infinity, oneOf }: TextRule, text: string) {
  const bytes = Buffer.byteLength(text);
  return (
    bytes >= bytesMin &&
    bytes <= bytesMax &&
    (pattern === undefined || new RegExp(pattern, 'u').test(text)) &&
    (oneOf === undefined || oneOf.includes(text)) &&
    !/\p{Cc}/u.test(text) &&
    text.isWellFormed()
  );
}

const character = fc.oneof(
  { weight: 9, arbitrary: fc.string({ minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
);
const text = fc.oneof(
  fc.string({ unit: character, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('A', '7', 'Z'), minLength: 24, maxLength: 28 }),
  fc
    .tuple(fc.constantFrom('a', ':', '-'), fc.constantFrom(1, 36, 50, 254, 256, 512))
    .chain(([each, length]) => fc.constantFrom(-1, 0, 1).map((more) => each.repeat(length + more))),
);

describe('a text that passes the short look keeps its rule', () => {
  test.each([...rules])('%s', (_, rule) => {
    const isPlain = plainTest(rule);
    if (isPlain === undefined) return;
    const property = fc.property(text, (each) => {
      if (isPlain(each)) expect(keeps(rule, each)).toBe(true);
    });
    fc.assert(property, { seed: 1, numRuns: 1_000 });
    for (let code = 0; code <= 0x1_00; code++) {
      const each = String.fromCharCode(code).repeat(3);
      if (isPlain(each)) expect(keeps(rule, each)).toBe(true);
    }
  });
});

test('what nearly every check says passes it', () => {
  const passes = (message: string, field: string, value: string) =>
    plainTest(fieldRules[message]?.[field] as TextRule)?.(value);
  expect(passes('CheckRequest', 'store_id', '01HK0000000000000000000000')).toBe(true);
  expect(passes('CheckRequestTupleKey', 'user', 'team:core#member')).toBe(true);
  expect(passes('CheckRequestTupleKey', 'relation', 'can_view')).toBe(true);
  expect(passes('CheckRequestTupleKey', 'object', 'document:plan')).toBe(true);
  expect(passes('BatchCheckItem', 'correlation_id', '5f0c-1_a')).toBe(true);
});
