/** Expand: one level of the rewrite, as the wire's tree. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive([
    'document:1#viewer@user:bob',
    'document:1#viewer@user:anne',
    'document:1#viewer@group:eng#member',
    'document:1#parent@folder:top',
  ]);
});
afterAll(() => drive.close());

const expand = (text: string, more: object = {}) => {
  const [object, relation] = text.split('#');
  return { store_id: drive.store, tuple_key: { object, relation }, ...more } as never;
};

const leaf = (name: string, value: object) => ({ name, leaf: value });

test('a union of a leaf of each kind', async () => {
  const { body } = await drive.ask('Expand', expand('document:1#viewer'));
  const name = 'document:1#viewer';
  expect(body.tree.root).toEqual({
    name,
    union: {
      nodes: [
        leaf(name, { users: { users: ['group:eng#member', 'user:anne', 'user:bob'] } }),
        leaf(name, { computed: { userset: 'document:1#owner' } }),
        leaf(name, {
          tupleToUserset: {
            tupleset: 'document:1#parent',
            computed: [{ userset: 'folder:top#viewer' }],
          },
        }),
      ],
    },
  });
});

test('a difference', async () => {
  const { body } = await drive.ask('Expand', expand('document:1#reader'));
  const name = 'document:1#reader';
  expect(body.tree.root).toEqual({
    name,
    difference: {
      base: leaf(name, { computed: { userset: 'document:1#viewer' } }),
      subtract: leaf(name, { computed: { userset: 'document:1#banned' } }),
    },
  });
});

test('contextual tuples count', async () => {
  const contextual_tuples = { tuple_keys: [tupleKey('folder:9#viewer@user:zoe')] };
  const { body } = await drive.ask('Expand', expand('folder:9#viewer', { contextual_tuples }));
  expect(body.tree.root.leaf.users.users).toEqual(['user:zoe']);
});

const contextual = (change: object) => ({
  contextual_tuples: { tuple_keys: [{ ...tupleKey('document:1#owner@user:zoe'), ...change }] },
});

test.each([
  ['ghost:1#viewer', {}, 'validation_error', "type 'ghost' not found"],
  ['document:1#ghost', {}, 'validation_error', "relation 'document#ghost' not found"],
  ['document#viewer', {}, 'validation_error', "invalid 'object' field format"],
  ['document:1#viewer', contextual({ user: 'folder:1' }), 'invalid_tuple', 'not an allowed type'],
  // Only the condition is wrong: another code than Check has for it.
  ['document:1#viewer', contextual({}), 'validation_error', 'condition is missing'],
  // Contextual tuples are judged before the question.
  ['ghost:1#viewer', contextual({ user: 'folder:1' }), 'invalid_tuple', 'not an allowed type'],
])('%s with %j is %s', async (text, more, code, message) => {
  const refusal = await drive.refusal('Expand', expand(text, more));
  expect([refusal.code, refusal.message]).toEqual([code, expect.stringContaining(message)]);
});

test.each([{ object: 'document:1' }, { relation: 'viewer' }, {}])(
  '%j asks nothing',
  async (key) => {
    const refusal = await drive.refusal('Expand', { store_id: drive.store, tuple_key: key });
    expect(refusal.code).toBe('validation_error');
    expect(refusal.malformedRequest).toBe(true);
  },
);
