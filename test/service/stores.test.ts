/** Stores by name: created, read, listed, deleted. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDrive, openService, type TestService, tupleKey } from './harness.ts';

let service: TestService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const unknown = '01HK0000000000000000000000';

test('a store is created, and read back', async () => {
  const { body } = await service.ask('CreateStore', { name: 'first store' });
  expect(body).toEqual({
    id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
    name: 'first store',
    created_at: '2024-01-01T00:00:00Z',
    updated_at: '2024-01-01T00:00:00Z',
  });
  const read = await service.ask('GetStore', { store_id: body.id });
  expect(read.body).toEqual(body);
});

test('a store that nobody created is not found', async () => {
  const refusal = await service.refusal('GetStore', { store_id: unknown });
  expect([refusal.code, refusal.message]).toEqual(['store_id_not_found', 'Store ID not found']);
});

test('stores are listed in the order of their ids, by name if asked', async () => {
  const own = await openService();
  const ids: string[] = [];
  for (const name of ['one', 'two', 'one', 'three', 'four']) {
    ids.push((await own.ask('CreateStore', { name })).body.id);
  }
  const list = async (more: object) => {
    const seen: string[] = [];
    let token = '';
    do {
      const request = { page_size: 2, continuation_token: token, ...more };
      const { body } = await own.ask('ListStores', request);
      seen.push(...body.stores.map(({ id }: { id: string }) => id));
      token = body.continuation_token;
    } while (token !== '');
    return seen;
  };
  expect(await list({})).toEqual(ids);
  expect(await list({ name: 'one' })).toEqual([ids[0], ids[2]]);
  expect(await list({ name: 'ones' })).toEqual([]);
  const refusal = await own.refusal('ListStores', { continuation_token: 'nonsense' });
  expect(refusal.code).toBe('invalid_continuation_token');
  await own.close();
});

test('a deleted store is gone, with all that was in it', async () => {
  const drive = await openDrive(['document:1#viewer@user:anne']);
  const { store: store_id, model } = drive;
  expect((await drive.ask('DeleteStore', { store_id })).body).toEqual({});
  expect((await drive.refusal('GetStore', { store_id })).code).toBe('store_id_not_found');
  expect((await drive.ask('ListStores', {})).body.stores).toEqual([]);
  expect((await drive.ask('Read', { store_id })).body.tuples).toEqual([]);
  const check = { store_id, tuple_key: tupleKey('document:1#viewer@user:anne') };
  expect((await drive.refusal('Check', check)).code).toBe('latest_authorization_model_not_found');
  const read = { store_id, id: model };
  const refusal = await drive.refusal('ReadAuthorizationModel', read);
  expect(refusal.code).toBe('authorization_model_not_found');
  await drive.close();
});

test('to delete a store that nobody created is no error', async () => {
  expect((await service.ask('DeleteStore', { store_id: unknown })).body).toEqual({});
});

test.each([['UpdateStore', { name: 'new name' }]])(
  '%s is not implemented',
  async (method, request) => {
    const refusal = await service.refusal(method, { store_id: unknown, ...request });
    expect([refusal.code, refusal.malformedRequest]).toEqual(['unimplemented', false]);
    // The field rules come first all the same.
    const malformed = await service.refusal(method, { ...request, store_id: '1' });
    expect([malformed.code, malformed.malformedRequest]).toEqual(['validation_error', true]);
  },
);
