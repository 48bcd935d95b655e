/** Assertions: kept with their model, replaced whole, held against it when they are written. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive();
});
afterAll(() => drive.close());

const at = () => ({ store_id: drive.store, authorization_model_id: drive.model });
const anne = tupleKey('document:1#viewer@user:anne');
const full = {
  tuple_key: anne,
  expectation: true,
  contextual_tuples: [anne],
  context: { hour: 10, nested: { list: [null, 1, 'x'] } },
};

async function written(assertions: readonly object[]) {
  await drive.ask('WriteAssertions', { ...at(), assertions } as never);
  return (await drive.ask('ReadAssertions', at())).body;
}

test('a model without assertions has an empty list', async () => {
  const { body } = await drive.ask('ReadAssertions', at());
  expect(body).toEqual({ authorization_model_id: drive.model, assertions: [] });
});

test('they come back as they were written, and the last write counts', async () => {
  const { assertions } = await written([full, { tuple_key: anne }]);
  expect(assertions).toEqual([
    full,
    { tuple_key: anne, expectation: false, contextual_tuples: [] },
  ]);
  expect((await written([{ tuple_key: anne }])).assertions).toHaveLength(1);
  expect((await written([])).assertions).toEqual([]);
});

test.each([
  ['WriteAssertions', {}],
  ['ReadAssertions', {}],
])('%s wants a model of the store', async (method) => {
  const request = { ...at(), authorization_model_id: '01HK0000000000000000000000' };
  expect((await drive.refusal(method, request)).code).toBe('authorization_model_not_found');
});

test.each([
  [{ tuple_key: tupleKey('ghost:1#viewer@user:anne') }, "type 'ghost' not found"],
  [{ tuple_key: tupleKey('document:1#ghost@user:anne') }, "relation 'document#ghost' not found"],
  [{ tuple_key: tupleKey('document:1#viewer@anne') }, "the 'user' field must be an object"],
  [
    { tuple_key: anne, contextual_tuples: [tupleKey('document:1#viewer@folder:1')] },
    "Invalid tuple 'document:1#viewer@folder:1'",
  ],
  [
    { tuple_key: anne, contextual_tuples: [tupleKey('document:1#owner@user:eve')] },
    'condition is missing',
  ],
])('%j is refused', async (assertion, message) => {
  const before = await drive.ask('ReadAssertions', at());
  const request = { ...at(), assertions: [{ tuple_key: anne }, assertion] };
  const refusal = await drive.refusal('WriteAssertions', request);
  expect([refusal.code, refusal.message]).toEqual([
    'validation_error',
    expect.stringContaining(message),
  ]);
  expect(await drive.ask('ReadAssertions', at())).toEqual(before);
});

test('all assertions of a model take so many bytes and no more', async () => {
  const assertion = (length: number) => ({
    tuple_key: anne,
    context: { note: 'x'.repeat(length) },
  });
  const sizeOf = (length: number) => ({ ...at(), assertions: [assertion(length)] });
  const refusal = await drive.refusal('WriteAssertions', sizeOf(limits.assertionsBytesMax));
  expect(refusal.code).toBe('exceeded_entity_limit');
  expect(refusal.message).toBe('The number of bytes exceeds the allowed limit of 64000');
  // The border, found by halving: one byte of context is one byte of the assertion.
  let passes = limits.assertionsBytesMax - 1_000;
  let fails: number = limits.assertionsBytesMax;
  while (fails - passes > 1) {
    const middle = Math.floor((passes + fails) / 2);
    const ok = await drive.ask('WriteAssertions', sizeOf(middle)).then(
      () => true,
      () => false,
    );
    if (ok) passes = middle;
    else fails = middle;
  }
  const overhead = limits.assertionsBytesMax - passes;
  // The tuple key with its tags and lengths, and those around the note.
  expect(overhead).toBe(2 + 12 + 8 + 11 + 4 + 4 + 6 + 4 + 4);
  await written([]);
});
