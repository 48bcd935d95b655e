import { expect, test } from 'vitest';
import { faultOfTuple } from '../../src/model/validate-tuple.ts';
import { compiledOf, tupleOf } from './build.ts';

const model = await compiledOf(`type user
type employee
type group
  relations
    define member: [user, user:* with c]
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder]
    define owner: [user, user with c, user with d]
    define editor: [user with c, group#member]
    define viewer: [user, user:*, group#member, document#viewer] or viewer from parent
    define reader: viewer
    define mixed: [group, group#member with c]
condition c(x: int) {
  x < 100
}
condition d(y: string) {
  y == "a"
}
condition unused(z: bool) {
  z
}`);

const c = (context = {}) => ({ name: 'c', context });

test.each([
  ['document:1#viewer@user:anne', undefined],
  ['document:1#viewer@user:*', undefined],
  ['document:1#viewer@group:eng#member', undefined],
  ['document:1#parent@folder:1', undefined],
  ['document:1#owner@user:anne', undefined],
  ['document:1#owner@user:anne', c()],
  ['document:1#owner@user:anne', c({ x: 10 })],
  ['document:1#owner@user:anne', c({ x: '10' })],
  ['group:1#member@user:*', c()],
  // The condition needs only be named for the type: the shape is judged apart.
  ['group:1#member@user:anne', c()],
  ['document:1#viewer@user:a*b', undefined],
  ['document:1#mixed@group:1#member', c()],
])('%s is good', (text, condition) => {
  expect(faultOfTuple(model, tupleOf(text, condition), 'write')).toBeUndefined();
});

test.each([
  ['document:1#viewer@robot:1', "type 'robot' not found"],
  ['document:1#viewer@group:1#owner', "relation 'group#owner' not found"],
  ['document:1#viewer@group:*b#member', "the 'user' field is malformed"],
  ['document:1#viewer@group:1#mem*', "the 'user' field is malformed"],
  ['file:1#viewer@user:anne', "type 'file' not found"],
  ['document:*#viewer@user:anne', "the 'object' field cannot reference a typed wildcard"],
  ['document:1#@user:anne', "the 'relation' field is malformed"],
  ['document:1#a b@user:anne', "the 'relation' field is malformed"],
  ['document:1#nothing@user:anne', "relation 'document#nothing' not found"],
  [
    'document:1#viewer@employee:1',
    "type 'employee' is not an allowed type restriction for 'document#viewer'",
  ],
  [
    'document:1#editor@user:*',
    "the typed wildcard 'user:*' is not an allowed type restriction for 'document#editor'",
  ],
  [
    'document:1#viewer@document:1#owner',
    "'document#owner' is not an allowed type restriction for 'document#viewer'",
  ],
  [
    'document:1#reader@user:anne',
    "type 'user' is not an allowed type restriction for 'document#reader'",
  ],
  [
    'document:1#parent@folder:*',
    "unexpected wildcard relationship with tupleset relation 'document#parent'",
  ],
  [
    'document:1#parent@folder:1#viewer',
    "unexpected user 'folder:1#viewer' with tupleset relation 'document#parent'",
  ],
  [
    'document:1#parent@user:1',
    "type 'user' is not an allowed type restriction for 'document#parent'",
  ],
])('%s: %s', (text, reason) => {
  const fault = { kind: 'tuple', reason };
  expect(faultOfTuple(model, tupleOf(text), 'write')).toEqual(fault);
  expect(faultOfTuple(model, tupleOf(text), 'contextual')).toEqual(fault);
});

test.each([
  ['document:1#editor@user:anne', undefined, 'condition is missing'],
  ['group:1#member@user:*', undefined, 'condition is missing'],
  // A plain `group` needs no condition, but that is another shape.
  ['document:1#mixed@group:1#member', undefined, 'condition is missing'],
  ['document:1#owner@user:anne', { name: 'nothing', context: {} }, 'undefined condition'],
  [
    'document:1#owner@user:anne',
    { name: 'c\n', context: {} },
    'condition name contains forbidden characters',
  ],
  [
    'document:1#owner@user:anne',
    { name: 'unused', context: {} },
    'invalid condition for type restriction',
  ],
  ['document:1#editor@group:1#member', c(), 'invalid condition for type restriction'],
  ['document:1#owner@user:anne', c({ x: 1, y: 1 }), 'found invalid context parameter: y'],
  [
    'document:1#owner@user:anne',
    c({ x: 10.5 }),
    "parameter type error on condition 'c' - failed to convert context parameter 'x': expected an int value, but found numeric value '10.5'",
  ],
  [
    'document:1#owner@user:anne',
    { name: 'd', context: { y: 'a\u0000' } },
    'context value "a\\u0000" contains forbidden characters',
  ],
  [
    'document:1#owner@user:anne',
    { name: 'd', context: { y: [{ 'a\n': 1 }] } },
    'context key "a\\n" contains forbidden characters',
  ],
])('%s under %o: %s', (text, condition, reason) => {
  expect(faultOfTuple(model, tupleOf(text, condition), 'write')).toEqual({
    kind: 'condition',
    reason,
  });
});

test('a tuple that holds anyhow is refused by a write, and let pass by a request', () => {
  const tuple = tupleOf('document:1#viewer@document:1#viewer');
  expect(faultOfTuple(model, tuple, 'write')).toEqual({
    kind: 'tuple',
    reason: 'cannot write a tuple that is implicit',
  });
  expect(faultOfTuple(model, tuple, 'contextual')).toBeUndefined();
  const other = tupleOf('document:1#viewer@document:2#viewer');
  expect(faultOfTuple(model, other, 'write')).toBeUndefined();
});
