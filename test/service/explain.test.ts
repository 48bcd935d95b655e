/** Explain: what goes over the wire of an explanation; what it says is tested with the engine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDrive, tupleKey } from './harness.ts';

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive([
    'document:1#parent@folder:top',
    'folder:top#viewer@user:anne',
    'document:1#banned@user:bob',
  ]);
  const condition = { name: 'at_work', context: { limit: 17 } };
  const tuple = { ...tupleKey('document:1#owner@user:eve'), condition };
  await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [tuple] } });
});
afterAll(() => drive.close());

const request = (question: string, more: object = {}) => {
  const { user: subject, relation, object } = tupleKey(question);
  return { store_id: drive.store, subject, relation, object, ...more };
};
const explanationOf = async (question: string, more: object = {}) =>
  (await drive.ask('Explain', request(question, more))).body;

test('allowed: the one way that proves it', async () => {
  const explanation = await explanationOf('document:1#viewer@user:anne');
  const part = {
    object: 'document:1',
    relation: 'viewer',
    value: 'VALUE_TRUE',
    end: 'END_UNSPECIFIED',
    tuples: [],
    tupleset: '',
  };
  const used = { value: 'VALUE_TRUE', contextual: false, missing_parameters: [], error: '' };
  const parent = { subject: 'folder:top', relation: 'parent', object: 'document:1' };
  const viewer = { subject: 'user:anne', relation: 'viewer', object: 'folder:top' };
  const question = {
    ...part,
    object: 'folder:top',
    operator: 'OPERATOR_DIRECT',
    tuples: [{ ...used, tuple: viewer }],
    children: [],
  };
  const through = {
    ...part,
    operator: 'OPERATOR_USERSET',
    tuples: [{ ...used, tuple: parent }],
    children: [question],
  };
  const from = { ...part, operator: 'OPERATOR_FROM', tupleset: 'parent', children: [through] };
  expect(explanation).toEqual({
    outcome: 'OUTCOME_ALLOWED',
    missing_parameters: [],
    tree: { ...part, operator: 'OPERATOR_UNION', children: [from] },
    truncated: false,
    would_allow: [],
    subject: 'user:anne',
    missing_scopes: [],
    obligations: [],
  });
});

test('denied: what would allow it', async () => {
  const explanation = await explanationOf('document:1#reader@user:zoe');
  expect(explanation).toMatchObject({ outcome: 'OUTCOME_DENIED', missing_parameters: [] });
  expect(explanation.would_allow).toEqual([
    { tuples: [{ subject: 'user:zoe', relation: 'viewer', object: 'document:1' }] },
    { tuples: [{ subject: 'user:zoe', relation: 'viewer', object: 'folder:top' }] },
  ]);
  expect((await explanationOf('document:1#reader@user:bob')).would_allow).toEqual([]);
});

test('conditional: what is missing, and what there is', async () => {
  const explanation = await explanationOf('document:1#owner@user:eve');
  expect(explanation).toMatchObject({
    outcome: 'OUTCOME_CONDITIONAL',
    missing_parameters: ['hour'],
    would_allow: [],
  });
  expect(explanation.tree.tuples).toEqual([
    {
      tuple: {
        subject: 'user:eve',
        relation: 'owner',
        object: 'document:1',
        condition: { name: 'at_work', context: { limit: 17 } },
      },
      value: 'VALUE_UNKNOWN',
      contextual: false,
      parameters: { limit: 17 },
      missing_parameters: ['hour'],
      error: '',
    },
  ]);
  const given = await explanationOf('document:1#owner@user:eve', { context: { hour: 9 } });
  expect(given.outcome).toBe('OUTCOME_ALLOWED');
});

test('a contextual tuple is marked', async () => {
  const contextual_tuples = [{ subject: 'user:zoe', relation: 'viewer', object: 'document:1' }];
  const { outcome, tree } = await explanationOf('document:1#viewer@user:zoe', {
    contextual_tuples,
  });
  expect(outcome).toBe('OUTCOME_ALLOWED');
  expect(tree.children[0].tuples).toMatchObject([{ contextual: true }]);
});

test('what Check refuses for another reason, this refuses alike', async () => {
  const context = { hour: 'noon' };
  const mine = await drive.refusal('Explain', request('document:1#owner@user:eve', { context }));
  const check = await drive.refusal('Check', {
    store_id: drive.store,
    tuple_key: tupleKey('document:1#owner@user:eve'),
    context,
  });
  expect([mine.code, mine.message]).toEqual([check.code, check.message]);
});

test.each([
  ['no subject', { subject: 'anne' }, '`anne` is no subject'],
  ['a relation that is none', { relation: 'editor' }, "relation 'document#editor' not found"],
  ['an empty relation', { relation: '' }, 'invalid ExplainRequest.Relation'],
  [
    'a condition without a name',
    { contextual_tuples: [{ subject: 'user:a', condition: {} }] },
    'invalid TupleCondition.Name',
  ],
])('%s is refused', async (_, change, message) => {
  const refusal = await drive.refusal('Explain', request('document:1#viewer@user:anne', change));
  expect(refusal.code).toBe('validation_error');
  expect(refusal.message).toContain(message);
});

test('the headers are those of a check', async () => {
  const { headers } = await drive.ask('Explain', request('document:1#viewer@user:anne'));
  expect(headers).toMatchObject({
    'openfga-authorization-model-id': drive.model,
    'pemba-consistency-token': expect.any(String),
  });
});
