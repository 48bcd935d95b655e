/** An item of a batch that passes at a glance breaks no rule, looked at one by one. */
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { BatchCheckItemSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { createFieldChecks } from '../../src/service/fields.ts';
import { createItemGlance } from '../../src/service/glance.ts';

const passes = createItemGlance();
const check = createFieldChecks(systemClock)(BatchCheckItemSchema);

const usual = fc.constantFrom('user:anne', 'viewer', 'document:plan', 'team:core#member', 'c-1');
const text = fc.oneof(
  { weight: 9, arbitrary: usual },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x', 'x y', 'x'.repeat(51), 'x'.repeat(600)) },
);
const rare = <Value>(value: Value) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.constant(value));
const key = fc.record({ user: text, relation: text, object: text });
const item = fc
  .record({
    tupleKey: fc.oneof({ weight: 9, arbitrary: key }, fc.constant(undefined)),
    correlationId: text,
    context: rare({ at: '\u0000' }),
    contextualTuples: rare({ tupleKeys: [{ user: 'no one', relation: ' ', object: 'x' }] }),
  })
  .map((init) => create(BatchCheckItemSchema, init));

function keepsRules(each: Parameters<typeof passes>[0]): boolean {
  try {
    check(each);
    return true;
  } catch {
    return false;
  }
}

test('what passes keeps all rules, and most that keeps them passes', () => {
  let seen = 0;
  let kept = 0;
  const property = fc.property(item, (each) => {
    const keeps = keepsRules(each);
    if (keeps) kept++;
    if (!passes(each)) return;
    seen++;
    expect(keeps).toBe(true);
  });
  fc.assert(property, { seed: 1, numRuns: 5_000 });
  expect(seen).toBeGreaterThan(kept / 2);
});
