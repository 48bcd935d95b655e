/** Write: all or nothing, and every way in which it refuses. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeEach(async () => {
  drive = await openDrive(['document:1#viewer@user:anne']);
});
afterEach(() => drive.close());

interface Change {
  readonly writes?: readonly object[];
  readonly deletes?: readonly object[];
  readonly on_duplicate?: string;
  readonly on_missing?: string;
}

function request({ writes, deletes, on_duplicate = '', on_missing = '' }: Change) {
  return {
    store_id: drive.store,
    ...(writes === undefined ? {} : { writes: { tuple_keys: writes, on_duplicate } }),
    ...(deletes === undefined ? {} : { deletes: { tuple_keys: deletes, on_missing } }),
  } as never;
}

async function stored(): Promise<string[]> {
  const { tuples } = (await drive.ask('Read', { store_id: drive.store })).body;
  return tuples
    .map(
      ({ key }: { key: ReturnType<typeof tupleKey> }) =>
        `${key.object}#${key.relation}@${key.user}`,
    )
    .sort();
}

async function tupleCount(): Promise<number> {
  const request = { store_id: drive.store, page_size: 100 };
  return (await drive.ask('Read', request)).body.tuples.length;
}

async function changes(): Promise<number> {
  return (await drive.ask('ReadChanges', { store_id: drive.store })).body.changes.length;
}

const anne = tupleKey('document:1#viewer@user:anne');
const bob = tupleKey('document:1#viewer@user:bob');
const guarded = (hours: number | undefined) => ({
  ...tupleKey('document:1#owner@user:eve'),
  condition: { name: 'at_work', ...(hours === undefined ? {} : { context: { limit: hours } }) },
});

test('deletes and writes, and names the revision and the model', async () => {
  const { body, headers } = await drive.ask('Write', request({ deletes: [anne], writes: [bob] }));
  expect(body).toEqual({});
  expect(headers).toMatchObject({ 'openfga-authorization-model-id': drive.model });
  expect(headers['pemba-consistency-token']).toMatch(/./);
  expect(await stored()).toEqual(['document:1#viewer@user:bob']);
});

/** Each leaves the one stored tuple as it was, and no entry in the changelog. */
const refusals: readonly (readonly [string, () => Change, ErrorCode, string])[] = [
  ['nothing', () => ({}), 'invalid_write_input', 'at least one write, or at least one delete'],
  [
    'a tuple that exists',
    () => ({ writes: [bob, anne] }),
    'write_failed_due_to_invalid_input',
    "cannot write a tuple which already exists: user: 'user:anne', relation: 'viewer', object: 'document:1'",
  ],
  [
    'a delete of none',
    () => ({ writes: [bob], deletes: [tupleKey('document:1#viewer@user:zoe')] }),
    'write_failed_due_to_invalid_input',
    "cannot delete a tuple which does not exist: user: 'user:zoe'",
  ],
  [
    'a tuple twice',
    () => ({ writes: [bob, bob] }),
    'cannot_allow_duplicate_tuples_in_one_request',
    "duplicate tuple in write: user: 'user:bob', relation: 'viewer', object: 'document:1'",
  ],
  [
    'a delete twice',
    () => ({ deletes: [anne, anne] }),
    'cannot_allow_duplicate_tuples_in_one_request',
    'duplicate tuple in write',
  ],
  [
    'a delete and a write of one',
    () => ({ writes: [anne], deletes: [anne] }),
    'cannot_allow_duplicate_tuples_in_one_request',
    'duplicate tuple in write',
  ],
  [
    'one tuple with two conditions',
    () => ({ writes: [guarded(1), guarded(2)] }),
    'cannot_allow_duplicate_tuples_in_one_request',
    'duplicate tuple in write',
  ],
  [
    'an unknown type',
    () => ({ writes: [bob, tupleKey('ghost:1#viewer@user:bob')] }),
    'validation_error',
    "Invalid tuple 'ghost:1#viewer@user:bob'. Reason: type 'ghost' not found",
  ],
  [
    'an unknown relation',
    () => ({ writes: [tupleKey('document:1#ghost@user:bob')] }),
    'validation_error',
    "relation 'document#ghost' not found",
  ],
  [
    'a relation that takes no tuples',
    () => ({ writes: [tupleKey('document:1#reader@user:bob')] }),
    'validation_error',
    "type 'user' is not an allowed type restriction for 'document#reader'",
  ],
  [
    'a subject of a wrong type',
    () => ({ writes: [tupleKey('document:1#viewer@folder:1')] }),
    'validation_error',
    "type 'folder' is not an allowed type restriction for 'document#viewer'",
  ],
  [
    'a wildcard',
    () => ({ writes: [tupleKey('folder:1#viewer@user:*')] }),
    'validation_error',
    "the typed wildcard 'user:*' is not an allowed type restriction for 'folder#viewer'",
  ],
  [
    'a wildcard as an object',
    () => ({ writes: [tupleKey('document:*#viewer@user:bob')] }),
    'validation_error',
    'cannot reference a typed wildcard',
  ],
  [
    'a userset on a tupleset',
    () => ({ writes: [tupleKey('document:1#parent@group:1#member')] }),
    'validation_error',
    "Invalid tuple 'document:1#parent@group:1#member'",
  ],
  [
    'no subject',
    () => ({ writes: [{ ...bob, user: '' }] }),
    'validation_error',
    "Invalid tuple 'document:1#viewer@'. Reason: the 'user' field is malformed",
  ],
  [
    'no relation',
    () => ({ writes: [{ ...bob, relation: '' }] }),
    'validation_error',
    "Invalid tuple 'document:1#@user:bob'. Reason: the 'relation' field is malformed",
  ],
  [
    'no object',
    () => ({ writes: [{ ...bob, object: '' }] }),
    'validation_error',
    "invalid 'object' field format",
  ],
  [
    'no condition where there must be one',
    () => ({ writes: [tupleKey('document:1#owner@user:eve')] }),
    'validation_error',
    'Reason: condition is missing',
  ],
  [
    'a condition where there is none',
    () => ({ writes: [{ ...bob, condition: { name: 'at_work' } }] }),
    'validation_error',
    "Invalid tuple 'document:1#viewer@user:bob (condition at_work)'. Reason: invalid condition for type restriction",
  ],
  [
    'a parameter of the wrong type',
    () => ({
      writes: [{ ...guarded(1), condition: { name: 'at_work', context: { limit: 'x' } } }],
    }),
    'validation_error',
    "Invalid tuple 'document:1#owner@user:eve (condition at_work)'",
  ],
  [
    'a malformed subject to delete',
    () => ({ deletes: [{ ...anne, user: 'a:b:c' }] }),
    'validation_error',
    "Invalid tuple 'document:1#viewer@a:b:c'. Reason: the 'user' field is malformed",
  ],
  [
    'a delete without a relation',
    () => ({ deletes: [{ ...anne, relation: '' }] }),
    'validation_error',
    "Invalid tuple 'document:1#@user:anne'. Reason: the 'relation' field is malformed",
  ],
  [
    'a tuple that holds without being written',
    () => ({ writes: [tupleKey('group:1#member@group:1#member')] }),
    'validation_error',
    'cannot write a tuple that is implicit',
  ],
  [
    'a strange on_duplicate',
    () => ({ writes: [bob], on_duplicate: 'replace' }),
    'validation_error',
    'invalid on_duplicate option: replace',
  ],
  [
    'a strange on_missing',
    () => ({ deletes: [anne], on_missing: 'replace' }),
    'validation_error',
    'invalid on_missing option: replace',
  ],
];

test.each(refusals)('%s is refused whole', async (_, change, code, message) => {
  const refusal = await drive.refusal('Write', request(change()));
  expect([refusal.code, refusal.message]).toEqual([code, expect.stringContaining(message)]);
  expect(await stored()).toEqual(['document:1#viewer@user:anne']);
  expect(await changes()).toBe(1);
});

describe('ignore', () => {
  test.each([
    ['a tuple that exists', { writes: [anne], on_duplicate: 'ignore' }, 1, 1],
    ['a tuple that exists, and a new one', { writes: [anne, bob], on_duplicate: 'ignore' }, 2, 2],
    ['a delete of none', { deletes: [bob], on_missing: 'ignore' }, 1, 1],
    ['a delete of none and one of one', { deletes: [bob, anne], on_missing: 'ignore' }, 0, 2],
  ])('%s', async (_, change, tuples, entries) => {
    await drive.ask('Write', request(change));
    expect(await stored()).toHaveLength(tuples);
    expect(await changes()).toBe(entries);
  });

  test('the same tuple under the same condition is left alone', async () => {
    await drive.ask('Write', request({ writes: [guarded(17)] }));
    await drive.ask('Write', request({ writes: [guarded(17)], on_duplicate: 'ignore' }));
    expect(await changes()).toBe(2);
  });

  test('the same tuple under another condition is a conflict', async () => {
    await drive.ask('Write', request({ writes: [guarded(17)] }));
    const again = request({ writes: [guarded(18)], on_duplicate: 'ignore' });
    const refusal = await drive.refusal('Write', again);
    expect(refusal.code).toBe('aborted');
    expect(await changes()).toBe(2);
  });
});

test('what an earlier model allowed can be deleted under one that does not', async () => {
  const model = { schema_version: '1.1', type_definitions: [{ type: 'other' }] };
  await drive.ask('WriteAuthorizationModel', { store_id: drive.store, ...model });
  await drive.ask('Write', request({ deletes: [anne] }));
  expect(await stored()).toEqual([]);
});

test('a store without a model takes no tuples', async () => {
  const store_id = '01HK0000000000000000000000';
  const refusal = await drive.refusal('Write', { store_id, deletes: { tuple_keys: [anne] } });
  expect(refusal.code).toBe('latest_authorization_model_not_found');
});

describe('limits', () => {
  test.each([
    [limits.tuplesPerWriteMax - 1, true],
    [limits.tuplesPerWriteMax, true],
    [limits.tuplesPerWriteMax + 1, false],
  ])('%d tuples, writes and deletes together, pass: %s', async (count, passes) => {
    const writes = Array.from({ length: count - 1 }, (_, i) =>
      tupleKey(`document:1#viewer@user:${i}`),
    );
    const change = request({ writes, deletes: [anne] });
    if (passes) {
      await drive.ask('Write', change);
      expect(await tupleCount()).toBe(count - 1);
      return;
    }
    const refusal = await drive.refusal('Write', change);
    expect(refusal.code).toBe('exceeded_entity_limit');
    expect(refusal.message).toBe('The number of write operations exceeds the allowed limit of 100');
    expect(await changes()).toBe(1);
  });

  test.each([
    [limits.tupleContextBytesMax - 1, true],
    [limits.tupleContextBytesMax, true],
    [limits.tupleContextBytesMax + 1, false],
  ])('a context of %d bytes passes: %s', async (bytes, passes) => {
    const store_id = drive.store;
    await drive.ask('WriteAuthorizationModel', { store_id, ...noted });
    const note = 'x'.repeat(bytes - noteOverhead);
    const tuple = {
      ...tupleKey('document:1#viewer@user:anne2'),
      condition: { name: 'noted', context: { note } },
    };
    if (passes) {
      await drive.ask('Write', request({ writes: [tuple] }));
      return;
    }
    const refusal = await drive.refusal('Write', request({ writes: [tuple] }));
    expect(refusal.message).toContain(
      `condition context size limit exceeded: ${bytes} bytes exceeds ${limits.tupleContextBytesMax} bytes`,
    );
  });
});

/** Tag and length of the entry, the key, the value and the text, lengths of three bytes each. */
const noteOverhead = 4 + 6 + 4 + 4;

const noted = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'document',
      relations: { viewer: { this: {} } },
      metadata: {
        relations: {
          viewer: { directly_related_user_types: [{ type: 'user', condition: 'noted' }] },
        },
      },
    },
  ],
  conditions: {
    noted: {
      name: 'noted',
      expression: 'note != ""',
      parameters: { note: { type_name: 'TYPE_NAME_STRING' } },
    },
  },
};
