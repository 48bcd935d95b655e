/** ReadTuples and ReadTupleChanges: filters, pages, ends, and what became of each tuple. */
import { fromJson, type Message, toBinary, toJsonString } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { callOf, openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeEach(async () => {
  drive = await openDrive([
    'document:1#viewer@user:anne',
    'document:1#viewer@group:eng#member',
    'document:1#banned@user:anne',
    'document:2#viewer@user:*',
    'folder:1#viewer@user:anne',
  ]);
});
afterEach(() => drive.close());

const ask = async (method: string, more: object = {}) =>
  (await drive.ask(method, { store_id: drive.store, ...more } as never)).body;
interface Row {
  readonly tuple: { readonly object: string; readonly relation: string; readonly subject: string };
}
const textsOf = (rows: readonly Row[]) =>
  rows.map(({ tuple }) => `${tuple.object}#${tuple.relation}@${tuple.subject}`).sort();

test.each([
  [null, 5],
  [{}, 5],
  [{ object: 'document:1' }, 3],
  [{ object_type: 'document' }, 4],
  [{ relation: 'viewer' }, 4],
  [{ subject: 'user:anne' }, 3],
  [{ subject: 'user:*' }, 1],
  [{ subject: 'group:eng' }, 0],
  [{ subject: 'group:eng#member' }, 1],
  [{ subject_type: 'group' }, 1],
  [{ subject_type: 'user', object_type: 'document' }, 3],
  [{ subject: 'user:anne', relation: 'viewer' }, 2],
  [{ object: 'document:1', relation: 'viewer', subject: 'user:anne' }, 1],
  [{ object: 'document:9' }, 0],
])('the filter %j finds %d, in one page or in many', async (filter, count) => {
  const whole = await ask('ReadTuples', { filter });
  expect(whole.tuples).toHaveLength(count);
  expect(whole.cursor).toBe('');
  const rows: Row[] = [];
  for (let cursor = ''; ; ) {
    const page = await ask('ReadTuples', { filter, page_size: 2, cursor });
    rows.push(...page.tuples);
    cursor = page.cursor;
    if (cursor === '') break;
  }
  expect(rows).toEqual(whole.tuples);
});

test('a tuple with all that is stored of it', async () => {
  const { user: subject, relation, object } = tupleKey('document:3#owner@user:eve');
  const condition = { name: 'at_work', context: { limit: 17 } };
  const expires_at = '2030-01-01T00:00:00Z';
  const written = { subject, relation, object, condition, expires_at };
  await ask('WriteTuples', { writes: [written] });
  const { tuples, consistency_token } = await ask('ReadTuples', { filter: { object } });
  expect(tuples).toEqual([{ tuple: written, written_at: '2024-01-01T00:00:00Z' }]);
  expect(consistency_token).toMatch(/./);
});

test.each([
  [{ filter: { object: 'document' } }, 'validation_error'],
  [{ filter: { subject: 'anne' } }, 'validation_error'],
  [{ filter: { subject: 'user:a', subject_type: 'user' } }, 'validation_error'],
  [{ cursor: 'abc' }, 'invalid_continuation_token'],
])('%j is refused', async (more, code) => {
  const refused = await drive.refusal('ReadTuples', { store_id: drive.store, ...more } as never);
  expect(refused.code).toBe(code);
});

test('a cursor belongs to its filter', async () => {
  const { cursor } = await ask('ReadTuples', { filter: { object: 'document:1' }, page_size: 1 });
  const other = { store_id: drive.store, filter: { object: 'document:2' }, cursor };
  expect((await drive.refusal('ReadTuples', other)).code).toBe('invalid_continuation_token');
});

test('a page without a size', async () => {
  const writes = Array.from({ length: limits.tuplePageSizeDefault + 1 }, (_, i) => ({
    subject: `user:${i}`,
    relation: 'viewer',
    object: 'document:7',
  }));
  await ask('WriteTuples', { writes });
  const filter = { object: 'document:7' };
  expect((await ask('ReadTuples', { filter })).tuples).toHaveLength(limits.tuplePageSizeDefault);
});

describe('changes', () => {
  const bob = { subject: 'user:bob', relation: 'viewer', object: 'document:1' };

  test('write, replacement, delete and expiry, each with the token of its revision', async () => {
    const before = await ask('ReadTupleChanges');
    expect(textsOf(before.changes)).toHaveLength(5);
    const expires_at = '2024-01-01T00:00:10Z';
    const on_duplicate = 'ON_DUPLICATE_REPLACE';
    const tokens = [
      (await ask('WriteTuples', { writes: [bob] })).consistency_token,
      (await ask('WriteTuples', { writes: [{ ...bob, expires_at }], on_duplicate }))
        .consistency_token,
    ];
    drive.clock.time += 60_000;
    await drive.datastore.collectExpired();
    tokens.push((await ask('ReadTuples')).consistency_token);
    tokens.push((await ask('DeleteTuples', { filter: { object: 'folder:1' } })).consistency_token);
    const { changes } = await ask('ReadTupleChanges', { cursor: before.cursor });
    expect(changes).toMatchObject([
      { kind: 'CHANGE_KIND_WRITE', tuple: bob },
      { kind: 'CHANGE_KIND_WRITE', tuple: { ...bob, expires_at } },
      { kind: 'CHANGE_KIND_EXPIRY', tuple: bob, changed_at: '2024-01-01T00:01:00Z' },
      { kind: 'CHANGE_KIND_DELETE', tuple: { object: 'folder:1' } },
    ]);
    const own = changes.map((change: { consistency_token: string }) => change.consistency_token);
    expect(own).toEqual(tokens);
    expect(changes[0].tuple).toEqual(bob);
  });

  test('the wire calls an expiry a delete', async () => {
    await ask('WriteTuples', { writes: [{ ...bob, expires_at: '2024-01-01T00:00:10Z' }] });
    drive.clock.time += 60_000;
    await drive.datastore.collectExpired();
    const { changes } = await ask('ReadChanges');
    expect(changes.at(-1)).toMatchObject({
      operation: 'TUPLE_OPERATION_DELETE',
      tuple_key: tupleKey('document:1#viewer@user:bob'),
    });
  });

  test('by type and by time, page by page', async () => {
    const some = await ask('ReadTupleChanges', { object_type: 'document', page_size: 3 });
    expect(some.changes).toHaveLength(3);
    const rest = await ask('ReadTupleChanges', { object_type: 'document', cursor: some.cursor });
    expect(rest.changes).toHaveLength(1);
    drive.clock.time += 10_000;
    await ask('WriteTuples', { writes: [bob] });
    drive.clock.time += 1;
    const since = await ask('ReadTupleChanges', { start_time: '2024-01-01T00:00:05Z' });
    expect(textsOf(since.changes)).toEqual(['document:1#viewer@user:bob']);
    const mixed = { store_id: drive.store, object_type: 'folder', cursor: some.cursor };
    expect((await drive.refusal('ReadTupleChanges', mixed)).code).toBe(
      'query_string_type_continuation_token_mismatch',
    );
  });
});

test.each([
  ['ReadTuples', 'tuples'],
  ['ReadTupleChanges', 'changes'],
])('a page of large tuples fits what clients take: %s', async (name, rows) => {
  // Short as JSON and long as messages; and the other way round.
  const numbers = Array.from({ length: 10_000 }, (_, i) => i % 10);
  const text = '"'.repeat(16_000);
  const writes = Array.from({ length: 150 }, (_, i) => ({
    object: { type: 'document', id: `large${i}` },
    relation: 'owner',
    subject: { type: 'user', id: 'eve', relation: '' },
    condition: { name: 'at_work', context: i % 2 === 0 ? { numbers } : { text, i } },
  }));
  const [onDuplicate, onMissing] = ['error', 'error'] as const;
  const write = { writes, deletes: [], onDuplicate, onMissing };
  await drive.datastore.write(drive.store as StoreId, write);

  const { descriptor, handle } = drive.methods.find((method) => method.descriptor.name === name)!;
  let count = 0;
  let pages = 0;
  for (let cursor = ''; pages === 0 || (cursor !== '' && count < 155); pages++) {
    const request = fromJson(descriptor.input, {
      store_id: drive.store,
      page_size: 1_000,
      cursor,
    });
    const answer = (await handle(request, callOf(name))) as Message;
    expect(toBinary(descriptor.output, answer).length).toBeLessThan(limits.tuplePageBytesMax);
    expect(toJsonString(descriptor.output, answer).length).toBeLessThan(limits.tuplePageBytesMax);
    const body = (await ask(name, { page_size: 1_000, cursor })) as Record<string, Row[]>;
    count += body[rows]!.length;
    cursor = String(body.cursor);
  }
  expect(count).toBe(155);
  expect(pages).toBeGreaterThan(3);
});
