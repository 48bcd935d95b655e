/** DeleteTuples: what is meant and nothing else, in rounds that come to an end. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openDrive } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeEach(async () => {
  const viewers = Array.from({ length: 25 }, (_, i) => `document:1#viewer@user:u${i}`);
  drive = await openDrive([...viewers, 'document:2#viewer@user:u1', 'folder:1#viewer@user:u1']);
});
afterEach(() => drive.close());

const remove = async (more: object) =>
  (await drive.ask('DeleteTuples', { store_id: drive.store, ...more } as never)).body;
const refusal = (more: object, token = '') =>
  drive.refusal('DeleteTuples', { store_id: drive.store, ...more } as never, { token });
async function left(): Promise<number> {
  const { body } = await drive.ask('ReadTuples', { store_id: drive.store, page_size: 1_000 });
  return body.tuples.length;
}

test.each([
  [{ filter: { object: 'document:1' } }, 25],
  [{ filter: { object_type: 'document' } }, 26],
  [{ filter: { relation: 'viewer' } }, 27],
  [{ filter: { subject: 'user:u1' } }, 3],
  [{ filter: { subject_type: 'user', object_type: 'folder' } }, 1],
  [{ filter: { object: 'document:1', relation: 'owner' } }, 0],
  [{ all: true }, 27],
  [{ all: true, filter: {} }, 27],
])('%j deletes %d at once', async (what, count) => {
  const { deleted, cursor, consistency_token } = await remove(what);
  expect({ deleted, cursor }).toEqual({ deleted: count, cursor: '' });
  expect(consistency_token).toMatch(/./);
  expect(await left()).toBe(27 - count);
});

test('in rounds; what is written meanwhile stays', async () => {
  const filter = { object: 'document:1' };
  let { deleted, cursor } = await remove({ filter, limit: 10 });
  expect(deleted).toBe(10);
  expect(cursor).not.toBe('');
  const writes = { tuple_keys: [{ user: 'user:zoe', relation: 'viewer', object: 'document:1' }] };
  await drive.ask('Write', { store_id: drive.store, writes });
  for (let rounds = 1; cursor !== ''; rounds++) {
    expect(rounds).toBeLessThan(5);
    const round = await remove({ filter, limit: 10, cursor });
    deleted += round.deleted;
    cursor = round.cursor;
  }
  expect(deleted).toBe(25);
  expect(await left()).toBe(3);
  // Whoever lost the cursor begins again: nothing is deleted twice.
  expect((await remove({ filter })).deleted).toBe(1);
});

test.each([
  ['nothing', {}, 'the filter is empty'],
  ['an empty filter', { filter: {} }, 'the filter is empty'],
  ['a limit alone', { limit: 10 }, 'the filter is empty'],
  ['all, and a filter', { all: true, filter: { object: 'document:1' } }, 'give no filter'],
  ['a malformed object', { filter: { object: 'document' } }, '`document` is no object'],
])('%s deletes nothing', async (_, what, message) => {
  const refused = await refusal(what);
  expect(refused.code).toBe('validation_error');
  expect(refused.message).toContain(message);
  expect(await left()).toBe(27);
});

test('a cursor belongs to its filter', async () => {
  const { cursor } = await remove({ filter: { object: 'document:1' }, limit: 1 });
  const refused = await refusal({ filter: { relation: 'viewer' }, cursor });
  expect(refused.code).toBe('invalid_continuation_token');
  expect((await refusal({ all: true, cursor })).code).toBe('invalid_continuation_token');
  expect(await left()).toBe(26);
});

test('a token that is none is refused before anything is deleted', async () => {
  expect((await refusal({ all: true }, 'nonsense')).code).toBe('validation_error');
  expect(await left()).toBe(27);
});

test('a round without a limit', async () => {
  const count = limits.deletedPerRoundDefault;
  for (const part of [0, 1]) {
    const writes = Array.from({ length: count / 2 + 1 }, (_, i) => ({
      subject: `user:${part}-${i}`,
      relation: 'viewer',
      object: 'document:9',
    }));
    await drive.ask('WriteTuples', { store_id: drive.store, writes });
  }
  expect((await remove({ filter: { object: 'document:9' } })).deleted).toBe(count);
});
