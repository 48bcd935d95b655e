/** WriteTuples: what it adds to the wire's Write, and that it judges tuples as that does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeEach(async () => {
  drive = await openDrive(['document:1#viewer@user:anne']);
});
afterEach(() => drive.close());

function tuple(text: string, more: object = {}) {
  const { user: subject, relation, object } = tupleKey(text);
  return { subject, relation, object, ...more };
}
const request = (more: object) => ({ store_id: drive.store, ...more }) as never;
const write = (more: object) => drive.ask('WriteTuples', request(more));
const refusal = (more: object) => drive.refusal('WriteTuples', request(more));
/** As answers spell it: without a fraction where there is none. */
const later = (ms: number) => new Date(drive.clock.time + ms).toISOString().replace('.000Z', 'Z');
const allowed = async (text: string) => {
  const asked = { store_id: drive.store, tuple_key: tupleKey(text) };
  return (await drive.ask('Check', asked)).body.allowed;
};
async function stored(): Promise<object[]> {
  const { body } = await drive.ask('ReadTuples', { store_id: drive.store });
  return body.tuples.map(({ tuple }: { tuple: object }) => tuple);
}

const anne = tuple('document:1#viewer@user:anne');
const bob = tuple('document:1#viewer@user:bob');

test('deletes and writes; the token is that of the header', async () => {
  const { body, headers } = await write({ writes: [bob], deletes: [anne] });
  expect(body).toEqual({
    consistency_token: headers['pemba-consistency-token'],
    repeated_write: false,
  });
  expect(headers['openfga-authorization-model-id']).toBe(drive.model);
  expect(await stored()).toEqual([bob]);
  const seen = { token: body.consistency_token };
  const { headers: after } = await drive.ask('ReadTuples', { store_id: drive.store }, seen);
  expect(after['pemba-consistency-token']).toBe(body.consistency_token);
});

describe('expiry', () => {
  test('to the millisecond: allowed before, denied from then on, in every answer', async () => {
    await write({ writes: [{ ...bob, expires_at: later(1_000) }] });
    drive.clock.time += 999;
    expect(await allowed('document:1#viewer@user:bob')).toBe(true);
    expect(await stored()).toEqual([anne, { ...bob, expires_at: later(1) }]);
    drive.clock.time += 1;
    expect(await allowed('document:1#viewer@user:bob')).toBe(false);
    expect(await stored()).toEqual([anne]);
    const { body } = await drive.ask('Read', { store_id: drive.store });
    expect(body.tuples).toHaveLength(1);
    const asked = { store_id: drive.store, subject: 'user:bob', object: 'document:1' };
    expect((await drive.ask('ListRelations', asked)).body.relations).toEqual([]);
  });

  test('a part of a millisecond is cut off, not added', async () => {
    const expires_at = '2024-01-01T00:00:01.000999999Z';
    await write({ writes: [{ ...bob, expires_at }] });
    expect(await stored()).toContainEqual({ ...bob, expires_at: '2024-01-01T00:00:01Z' });
  });

  test.each([0, -1, -86_400_000])('one that is over by now (%d ms) is refused', async (ms) => {
    const refused = await refusal({ writes: [{ ...bob, expires_at: later(ms) }] });
    expect(refused.code).toBe('validation_error');
    expect(refused.message).toMatch(/expire|past/);
    expect(await stored()).toEqual([anne]);
  });

  test.each(['ListRelations', 'Explain'])('a contextual tuple of %s has none', async (method) => {
    const asked = {
      store_id: drive.store,
      subject: 'user:bob',
      relation: 'viewer',
      object: 'document:1',
      contextual_tuples: [{ ...bob, expires_at: later(1_000) }],
    };
    const refused = await drive.refusal(method, asked);
    expect(refused.code).toBe('validation_error');
    expect(refused.message).toContain('a contextual tuple exists for this request alone');
  });

  test('the wire cannot make what ends permanent by writing it again', async () => {
    await write({ writes: [{ ...bob, expires_at: later(1_000) }] });
    const tuple_keys = [tupleKey('document:1#viewer@user:bob')];
    const again = { store_id: drive.store, writes: { tuple_keys, on_duplicate: 'ignore' } };
    expect((await drive.refusal('Write', again)).code).toBe('aborted');
  });
});

describe('duplicates and what is missing', () => {
  const ends = () => ({ ...anne, expires_at: later(1_000) });

  test('error, which is the default', async () => {
    for (const on_duplicate of ['ON_DUPLICATE_UNSPECIFIED', 'ON_DUPLICATE_ERROR']) {
      const { code } = await refusal({ writes: [anne], on_duplicate });
      expect(code).toBe('write_failed_due_to_invalid_input');
    }
    for (const on_missing of ['ON_MISSING_UNSPECIFIED', 'ON_MISSING_ERROR']) {
      const { code } = await refusal({ deletes: [bob], on_missing });
      expect(code).toBe('write_failed_due_to_invalid_input');
    }
  });

  test('ignore: the same is passed over, another expiry is a conflict', async () => {
    await write({ writes: [anne], on_duplicate: 'ON_DUPLICATE_IGNORE' });
    await write({ deletes: [bob], on_missing: 'ON_MISSING_IGNORE' });
    const refused = await refusal({ writes: [ends()], on_duplicate: 'ON_DUPLICATE_IGNORE' });
    expect(refused.code).toBe('aborted');
    expect(await stored()).toEqual([anne]);
  });

  test('replace: expiry and condition become those of the request, or go', async () => {
    const on_duplicate = 'ON_DUPLICATE_REPLACE';
    await write({ writes: [ends(), bob], on_duplicate });
    expect(await stored()).toEqual([ends(), bob]);
    await write({ writes: [anne], on_duplicate });
    expect(await stored()).toEqual([anne, bob]);
    const condition = (limit: number) => ({ name: 'at_work', context: { limit } });
    const eve = (limit: number) =>
      tuple('document:2#owner@user:eve', { condition: condition(limit) });
    await write({ writes: [eve(1)] });
    await write({ writes: [eve(2)], on_duplicate });
    expect(await stored()).toContainEqual(eve(2));
  });
});

describe('preconditions', () => {
  const exists = (filter: object) => ({ requirement: 'REQUIREMENT_MUST_EXIST', filter });
  const missing = (filter: object) => ({ requirement: 'REQUIREMENT_MUST_NOT_EXIST', filter });

  test.each([
    ['a tuple that exists', exists({ ...anne }), true],
    ['some tuple of an object', exists({ object: 'document:1' }), true],
    ['some tuple of a subject', exists({ subject: 'user:anne', object_type: 'document' }), true],
    ['another subject', exists({ ...bob }), false],
    ['another type', exists({ subject: 'user:anne', object_type: 'folder' }), false],
    ['a subject type', exists({ object: 'document:1', subject_type: 'group' }), false],
    ['none there', missing({ ...bob }), true],
    ['one there', missing({ ...anne }), false],
  ])('%s', async (_, precondition, holds) => {
    const change = { writes: [bob], preconditions: [exists({ ...anne }), precondition] };
    if (holds) {
      await write(change);
      expect(await stored()).toEqual([anne, bob]);
      return;
    }
    const refused = await refusal(change);
    expect(refused.code).toBe('failed_precondition');
    // Which one, and what it asked for.
    expect(refused.message).toMatch(/^precondition 2 /);
    expect(refused.message).toMatch(/user:anne|user:bob|document:1/);
    expect(await stored()).toEqual([anne]);
  });

  test.each([
    ['no requirement', { filter: { object: 'document:1' } }, 'precondition 1 names no requirement'],
    ['an empty filter', exists({}), 'precondition 1 must name an `object` or a `subject`'],
    ['a type alone', exists({ object_type: 'document' }), 'precondition 1 must name'],
    ['a malformed object', exists({ object: 'document' }), '`document` is no object'],
    ['a wildcard object', exists({ object: 'document:*' }), '`document:*` is no object'],
    ['a malformed subject', exists({ subject: 'anne' }), '`anne` is no subject'],
    [
      'an object and a type',
      exists({ object: 'document:1', object_type: 'document' }),
      '`object` or `object_type`, not both',
    ],
  ])('%s is refused', async (_, precondition, message) => {
    const refused = await refusal({ writes: [bob], preconditions: [precondition] });
    expect(refused.code).toBe('validation_error');
    expect(refused.message).toContain(message);
  });
});

describe('idempotency keys', () => {
  test('a second time nothing is written, and the answer is the first one', async () => {
    const change = { writes: [bob], idempotency_key: 'order-7' };
    const first = (await write(change)).body;
    await write({ deletes: [bob] });
    const second = (await write(change)).body;
    expect(second).toEqual({ consistency_token: first.consistency_token, repeated_write: true });
    expect(await stored()).toEqual([anne]);
  });

  test('also when what was written has expired meanwhile', async () => {
    const expires_at = later(1_000);
    const change = { writes: [{ ...bob, expires_at }], idempotency_key: 'order-8' };
    await write(change);
    drive.clock.time += 5_000;
    expect((await write(change)).body.repeated_write).toBe(true);
  });

  test('another write under the same key is refused', async () => {
    await write({ writes: [bob], idempotency_key: 'order-9' });
    const other = { deletes: [bob], idempotency_key: 'order-9' };
    expect((await refusal(other)).code).toBe('validation_error');
    expect(await stored()).toEqual([anne, bob]);
  });

  test('a write that was refused leaves the key free', async () => {
    expect((await refusal({ writes: [anne], idempotency_key: 'k' })).code).toMatch(/^write_failed/);
    expect((await write({ writes: [bob], idempotency_key: 'k' })).body.repeated_write).toBe(false);
  });
});

/** As the wire's Write, whose own tests have them all. */
test.each([
  ['nothing', {}, 'invalid_write_input', 'at least one write, or at least one delete'],
  ['a tuple twice', { writes: [bob, bob] }, 'cannot_allow_duplicate_tuples_in_one_request', 'bob'],
  [
    'a tuple to write and delete',
    { writes: [{ ...anne, expires_at: '2030-01-01T00:00:00Z' }], deletes: [anne] },
    'cannot_allow_duplicate_tuples_in_one_request',
    'duplicate tuple',
  ],
  ['an unknown type', { writes: [{ ...bob, object: 'a:1' }] }, 'validation_error', "type 'a' not"],
  ['a malformed subject', { writes: [{ ...bob, subject: 'b' }] }, 'validation_error', "'user'"],
  ['a malformed delete', { deletes: [{ ...bob, subject: 'a:b:c' }] }, 'validation_error', "'user'"],
  [
    'a condition that is not there',
    { writes: [{ ...bob, condition: { name: 'at_work' } }] },
    'validation_error',
    'invalid condition for type restriction',
  ],
  [
    'a model that is not there',
    { writes: [bob], model_id: '01HK0000000000000000000000' },
    'authorization_model_not_found',
    'not found',
  ],
])('%s is refused', async (_, change, code, message) => {
  const refused = await refusal(change);
  expect([refused.code, refused.message]).toEqual([code, expect.stringContaining(message)]);
  expect(await stored()).toEqual([anne]);
});

test.each([
  [limits.tuplesPerLargeWriteMax - 1, true],
  [limits.tuplesPerLargeWriteMax, true],
  [limits.tuplesPerLargeWriteMax + 1, false],
])('%d tuples in one write, deletes among them, pass: %s', async (count, passes) => {
  const writes = Array.from({ length: count - 1 }, (_, i) => tuple(`document:2#viewer@user:${i}`));
  const change = { writes, deletes: [anne] };
  if (passes) expect((await write(change)).body.repeated_write).toBe(false);
  else expect((await refusal(change)).code).toBe('exceeded_entity_limit');
});
