// The embedding API, as a program uses it.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open, type Pemba, type Store } from '../src/index.ts';

let pemba: Pemba;
let store: Store;
beforeEach(async () => {
  pemba = await open(':memory:');
  store = await pemba.createStore('embedded');
});
afterEach(() => pemba.close());

const dsl = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, group#member, user with in_time]
condition in_time(now: timestamp, until: timestamp) {
  now < until
}
`;

test('a model, tuples and checks', async () => {
  await store.writeModel(dsl);
  const first = await store.write({
    writes: [
      { subject: 'group:eng#member', relation: 'viewer', object: 'document:1' },
      { subject: 'user:anne', relation: 'member', object: 'group:eng' },
    ],
  });
  const ask = (subject: string) =>
    store.check({ subject, relation: 'viewer', object: 'document:1' });
  expect(ask('user:anne')).toEqual({ kind: 'allowed' });
  expect(ask('user:bob')).toEqual({ kind: 'denied' });

  const second = await store.write({
    deletes: [{ subject: 'user:anne', relation: 'member', object: 'group:eng' }],
  });
  expect(second).toBe(first + 1);
  expect(ask('user:anne')).toEqual({ kind: 'denied' });
});

test('contextual tuples count for one check; a missing parameter is named', async () => {
  await store.writeModel(dsl);
  const question = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };
  const condition = { name: 'in_time', context: { until: '2030-01-01T00:00:00Z' } };
  const contextualTuples = [{ ...question, condition }];
  const at = (now: string) => store.check({ ...question, contextualTuples, context: { now } });
  expect(at('2029-01-01T00:00:00Z')).toEqual({ kind: 'allowed' });
  expect(at('2031-01-01T00:00:00Z')).toEqual({ kind: 'denied' });
  expect(store.check({ ...question, contextualTuples })).toMatchObject({
    kind: 'unknown',
    condition: 'in_time',
    parameters: ['now'],
  });
  expect(store.check(question)).toEqual({ kind: 'denied' });
});

test.each([
  ['an object without a type', { subject: 'user:anne', relation: 'viewer', object: 'document' }],
  ['a subject without an id', { subject: 'user:', relation: 'viewer', object: 'document:1' }],
  ['an unknown type', { subject: 'user:anne', relation: 'viewer', object: 'paper:1' }],
  ['an unknown relation', { subject: 'user:anne', relation: 'reader', object: 'document:1' }],
  ['an unknown userset', { subject: 'group:eng#boss', relation: 'viewer', object: 'document:1' }],
])('%s is refused by check', async (_what, question) => {
  await store.writeModel(dsl);
  expect(() => store.check(question)).toThrow(
    expect.objectContaining({ code: 'validation_error' }),
  );
});

test('a bad write is refused and nothing of it is written', async () => {
  await store.writeModel(dsl);
  const good = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };
  const refused = (writes: (typeof good)[]) =>
    expect(store.write({ writes })).rejects.toMatchObject({ code: 'validation_error' });
  await refused([good, { ...good, subject: 'document:2' }]);
  await refused([good, good]);
  expect(store.check(good)).toEqual({ kind: 'denied' });
});

test('a bad model and a bad store id are refused', async () => {
  await expect(
    store.writeModel('model\n  schema 1.1\ntype user\n  relations\n    define a: b\n'),
  ).rejects.toThrow(/b/);
  expect(() => pemba.store('drive')).toThrow(/ULID/);
  expect(() => store.check({ subject: 'user:a', relation: 'r', object: 'o:1' })).toThrow(
    expect.objectContaining({ code: 'latest_authorization_model_not_found' }),
  );
});
