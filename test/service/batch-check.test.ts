/** BatchCheck: the answers of Check, item by item; an item's refusal stays its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { createMethods } from '../../src/service/router.ts';
import { callOf, openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive([
    'document:1#viewer@user:anne',
    'document:1#viewer@group:eng#member',
    'group:eng#member@user:bob',
    'document:1#banned@user:bob',
  ]);
  const tuple = {
    ...tupleKey('document:1#owner@user:eve'),
    condition: { name: 'at_work', context: { limit: 17 } },
  };
  await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [tuple] } });
});
afterAll(() => drive.close());

interface Item {
  readonly tuple_key: ReturnType<typeof tupleKey>;
  readonly contextual_tuples?: object;
  readonly context?: object;
}

const guest = { contextual_tuples: { tuple_keys: [tupleKey('document:1#viewer@user:zoe')] } };
const banned = { contextual_tuples: { tuple_keys: [tupleKey('document:1#banned@user:zoe')] } };
const bad = { contextual_tuples: { tuple_keys: [tupleKey('document:1#viewer@folder:1')] } };

const items: readonly Item[] = [
  { tuple_key: tupleKey('document:1#viewer@user:anne') },
  { tuple_key: tupleKey('document:1#reader@user:anne') },
  { tuple_key: tupleKey('document:1#viewer@user:bob') },
  { tuple_key: tupleKey('document:1#reader@user:bob') },
  { tuple_key: tupleKey('document:1#viewer@user:zoe') },
  { tuple_key: tupleKey('document:1#viewer@user:zoe'), ...guest },
  { tuple_key: tupleKey('document:1#reader@user:zoe'), ...guest },
  { tuple_key: tupleKey('document:1#reader@user:zoe'), ...banned },
  { tuple_key: tupleKey('document:1#owner@user:eve') },
  { tuple_key: tupleKey('document:1#owner@user:eve'), context: { hour: 10 } },
  { tuple_key: tupleKey('document:1#owner@user:eve'), context: { hour: 20 } },
  { tuple_key: tupleKey('document:1#viewer@user:eve'), context: { hour: 10 } },
  { tuple_key: tupleKey('document:1#ghost@user:anne') },
  { tuple_key: tupleKey('document:1#viewer@anne') },
  { tuple_key: tupleKey('document:1#viewer@user:anne'), ...bad },
];

async function batch(checks: readonly object[]) {
  return await drive.ask('BatchCheck', { store_id: drive.store, checks } as never);
}

async function single(item: Item) {
  const request = { store_id: drive.store, ...item } as never;
  return await drive.ask('Check', request).then(
    ({ body }) => ({ allowed: body.allowed }),
    (error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      return { error: { input_error: error.code, message: error.message } };
    },
  );
}

test('a batch answers as single checks do, in any order', async () => {
  const expected = await Promise.all(items.map(single));
  const numbered = items.map((item, i) => ({ ...item, correlation_id: `c${i}` }));
  for (const checks of [numbered, numbered.toReversed()]) {
    const { body, headers } = await batch(checks);
    expect(Object.keys(body.result)).toHaveLength(items.length);
    for (const [i, answer] of expected.entries()) expect(body.result[`c${i}`]).toEqual(answer);
    expect(headers['openfga-authorization-model-id']).toBe(drive.model);
  }
});

test('the codes of items are those of the wire', async () => {
  const numbered = items.map((item, i) => ({ ...item, correlation_id: `c${i}` }));
  const { result } = (await batch(numbered)).body;
  expect(result.c8.error.input_error).toBe('validation_error');
  expect(result.c12.error.input_error).toBe('validation_error');
  expect(result.c14.error.input_error).toBe('invalid_tuple');
});

test('contexts that look alike are kept apart', async () => {
  const question = tupleKey('document:1#owner@user:eve');
  const contexts = [{ hour: 10 }, { hour: '10' }, { hour: '10", "limit": "20' }, { hour: null }];
  const checks = contexts.map((context, i) => ({
    tuple_key: question,
    context,
    correlation_id: `c${i}`,
  }));
  const { result } = (await batch(checks)).body;
  expect(result.c0).toEqual({ allowed: true });
  expect(result.c1).toEqual({ allowed: true });
  expect(result.c2.error.input_error).toBe('validation_error');
  expect(result.c3.error.input_error).toBe('validation_error');
});

describe('correlation ids', () => {
  const one = { tuple_key: tupleKey('document:1#viewer@user:anne') };

  test('`__proto__` is an id like any other', async () => {
    const { body } = await batch([{ ...one, correlation_id: '__proto__' }]);
    expect(Object.entries(body.result)).toEqual([['__proto__', { allowed: true }]]);
  });

  test('a repeated one fails the batch', async () => {
    const checks = [
      { ...one, correlation_id: 'a' },
      { ...one, correlation_id: 'a' },
    ];
    const request = { store_id: drive.store, checks };
    const refusal = await drive.refusal('BatchCheck', request);
    expect(refusal.code).toBe('validation_error');
    expect(refusal.message).toBe('received duplicate correlation id: a');
  });
});

test.each([
  [limits.batchChecksMax - 1, true],
  [limits.batchChecksMax, true],
  [limits.batchChecksMax + 1, false],
])('%d checks pass: %s', async (count, passes) => {
  const checks = Array.from({ length: count }, (_, i) => ({
    tuple_key: tupleKey('document:1#viewer@user:anne'),
    correlation_id: `c${i}`,
  }));
  if (passes) {
    expect(Object.keys((await batch(checks)).body.result)).toHaveLength(count);
    return;
  }
  const refusal = await drive.refusal('BatchCheck', { store_id: drive.store, checks });
  expect(refusal.message).toBe(
    `batchCheck received ${count} checks, the maximum allowed is ${limits.batchChecksMax}`,
  );
});

test('a batch against no model fails whole', async () => {
  const checks = [{ tuple_key: tupleKey('a:1#b@c:1'), correlation_id: 'a' }];
  const store_id = '01HK0000000000000000000000';
  const refusal = await drive.refusal('BatchCheck', { store_id, checks });
  expect(refusal.code).toBe('latest_authorization_model_not_found');
});

test('items after the deadline are not answered', async () => {
  let ticks = 0;
  const clock = { now: () => drive.clock.now(), monotonic: () => ticks++ };
  const method = createMethods({ datastore: drive.datastore, clock }).find(
    ({ descriptor }) => descriptor.name === 'BatchCheck',
  );
  const checks = Array.from({ length: 4 }, (_, i) => ({
    tupleKey: tupleKey('document:1#viewer@user:anne'),
    correlationId: `c${i}`,
  }));
  const request = { storeId: drive.store, authorizationModelId: '', consistency: 0, checks };
  // One look at the clock before the batch, and one before each item.
  const answer = method?.handle(request as never, callOf('BatchCheck', { deadline: 3 }));
  const late = { checkResult: { case: 'error', value: { code: { case: 'internalError' } } } };
  expect(answer).toMatchObject({
    result: {
      c0: { checkResult: { case: 'allowed', value: true } },
      c1: { checkResult: { case: 'allowed', value: true } },
      c2: late,
      c3: late,
    },
  });
});
