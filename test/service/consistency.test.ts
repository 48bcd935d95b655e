/** Consistency tokens: their text, and that reads keep to them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { ConsistencyPreference } from '../../src/gen/openfga/v1/openfga_service_consistency_pb.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { createMethods } from '../../src/service/router.ts';
import { formatConsistencyToken, parseConsistencyToken } from '../../src/storage/revision.ts';
import { callOf, openDrive, tupleKey } from './harness.ts';

const store = '01HK0000000000000000000000' as StoreId;
const other = '01HK0000000000000000000001' as StoreId;

describe('the text of a token', () => {
  test.each([0, 1, 35, 36, 1_000_000, Number.MAX_SAFE_INTEGER])('revision %d comes back', (at) => {
    const token = formatConsistencyToken(store, at);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(parseConsistencyToken(token, store)).toBe(at);
  });

  test('a token of another store is refused', () => {
    const token = formatConsistencyToken(other, 7);
    expect(() => parseConsistencyToken(token, store)).toThrow('another store');
  });

  const token = formatConsistencyToken(store, 12_345);
  const changed = [...token].map((char, at) => {
    return `${token.slice(0, at)}${char === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
  });
  const cut = [...token].map((_, at) => token.slice(0, at));
  const odd = [`${token}=`, `${token} `, ` ${token}`, `${token}A`, 'x', '💥', '__proto__'];
  test.each([...changed, ...cut.slice(1), ...odd])('%j is refused', (text) => {
    expect(() => parseConsistencyToken(text, store)).toThrow(Refusal);
  });

  test('a revision with zeros before it is another spelling, and refused', () => {
    const body = `${store}-007-0`;
    const text = Buffer.from(body).toString('base64url');
    expect(() => parseConsistencyToken(text, store)).toThrow(Refusal);
  });
});

describe('reads and tokens', () => {
  let drive: Awaited<ReturnType<typeof openDrive>>;
  let written: string;
  beforeAll(async () => {
    drive = await openDrive();
    const writes = { tuple_keys: [tupleKey('document:1#viewer@user:anne')] };
    const answer = await drive.ask('Write', { store_id: drive.store, writes });
    written = answer.headers['pemba-consistency-token'] ?? '';
  });
  afterAll(() => drive.close());

  const anne = { user: 'user:anne', relation: 'viewer', object: 'document:1' };
  const reads: [method: string, fields: () => object][] = [
    ['Check', () => ({ tuple_key: anne })],
    ['Check', () => ({ tuple_key: anne, consistency: 'HIGHER_CONSISTENCY' })],
    ['BatchCheck', () => ({ checks: [{ correlation_id: 'a', tuple_key: anne }] })],
    ['Expand', () => ({ tuple_key: { relation: 'viewer', object: 'document:1' } })],
    ['Read', () => ({})],
    ['ReadChanges', () => ({})],
    ['ReadAuthorizationModel', () => ({ id: drive.model })],
    ['ReadAuthorizationModels', () => ({})],
    ['ReadAssertions', () => ({ authorization_model_id: drive.model })],
  ];

  test.each(reads)('%s carries the token of what it saw', async (method, fields) => {
    const request = { store_id: drive.store, ...fields() } as never;
    for (const token of ['', written]) {
      const { headers } = await drive.ask(method, request, { token });
      const seen = headers['pemba-consistency-token'] ?? '';
      const id = drive.store as StoreId;
      expect(parseConsistencyToken(seen, id)).toBe(parseConsistencyToken(written, id));
    }
  });

  test.each(reads)('%s refuses a token that is none', async (method, fields) => {
    const request = { store_id: drive.store, ...fields() } as never;
    const bad = await drive.refusal(method, request, { token: 'nonsense' });
    expect(bad.code).toBe('validation_error');
    const foreign = formatConsistencyToken(other, 1);
    const wrong = await drive.refusal(method, request, { token: foreign });
    expect(wrong.code).toBe('validation_error');
    expect(wrong.message).toContain('another store');
  });

  test.each(reads)('%s does not answer for a revision to come', async (method, fields) => {
    const request = { store_id: drive.store, ...fields() } as never;
    const token = formatConsistencyToken(drive.store as StoreId, 1_000);
    // A deadline right now leaves no time to wait for it.
    const refusal = await drive.refusal(method, request, { token, deadline: 1e-9 });
    expect(refusal.code).toBe('unavailable');
  });

  test('a read that waits for a revision sees the write that brings it', async () => {
    const next = parseConsistencyToken(written, drive.store as StoreId) + 1;
    const token = formatConsistencyToken(drive.store as StoreId, next);
    const bob = { user: 'user:bob', relation: 'viewer', object: 'document:1' };
    const check = drive.ask('Check', { store_id: drive.store, tuple_key: bob }, { token });
    await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [bob] } });
    expect((await check).body.allowed).toBe(true);
    await drive.ask('Write', { store_id: drive.store, deletes: { tuple_keys: [bob] } });
  });

  test('a refusal carries the token too', async () => {
    const method = drive.methods.find(({ descriptor }) => descriptor.name === 'Check');
    const call = callOf('Check');
    const tupleKey = { ...anne, relation: 'nothing' };
    const request = { storeId: drive.store, authorizationModelId: '', tupleKey, consistency: 0 };
    expect(() => method?.handle(request as never, call)).toThrow(Refusal);
    expect(call.responseHeaders['pemba-consistency-token']).toMatch(/./);
  });

  test('the newest is asked of the record, however fresh what is here', async () => {
    // A record that is ahead of this machine, as where another one writes.
    const ahead = { ...drive.datastore, head: async () => 1_000 };
    const [check] = createMethods({ datastore: ahead, clock: drive.clock }).filter(
      ({ descriptor }) => descriptor.name === 'Check',
    );
    const ask = async (consistency: number) => {
      const call = callOf('Check', { deadline: 1e-9 });
      const request = { storeId: drive.store, authorizationModelId: '', tupleKey: anne };
      return await check?.handle({ ...request, consistency } as never, call);
    };
    expect(await ask(ConsistencyPreference.MINIMIZE_LATENCY)).toMatchObject({ allowed: true });
    const refused = ask(ConsistencyPreference.HIGHER_CONSISTENCY);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('nothing is begun after the deadline', async () => {
    const request = { store_id: drive.store, tuple_key: anne };
    const refusal = await drive.refusal('Check', request, { deadline: 0 });
    expect(refusal.code).toBe('deadline_exceeded');
  });
});
