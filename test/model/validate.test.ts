import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { parseModel } from '../../src/model/parse.ts';
import { validateModel } from '../../src/model/validate.ts';
import { modelOf } from './build.ts';

async function faultsOf(types: string): Promise<string[]> {
  return validateModel(await modelOf(types)).map((fault) => fault.message);
}

test.each([
  [
    'a relation by way of a group of groups',
    `type user
type group
  relations
    define member: [user, group#member]`,
  ],
  [
    'the same relation twice in a union',
    `type user
type document
  relations
    define editor: [user]
    define viewer: editor or editor`,
  ],
  [
    'a tupleset of which one type has the relation',
    `type user
type folder
  relations
    define viewer: [user]
type document
  relations
    define parent: [folder, user]
    define viewer: viewer from parent`,
  ],
  [
    'recursion with a way in',
    `type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent`,
  ],
  [
    'a condition that nothing uses',
    `type user
condition spare(x: int) {
  x < 100
}`,
  ],
  [
    'a diamond of intersections over a userset',
    `type user
type group
  relations
    define member: [user]
type document
  relations
    define d: [group#member]
    define b: d
    define c: d
    define a: b and c
    define e: a`,
  ],
])('accepts %s', async (_, types) => {
  expect(await faultsOf(types)).toEqual([]);
});

test.each([
  [
    'a type named self',
    'type self',
    ["the definition of type 'self' is invalid: self and this are reserved keywords"],
  ],
  [
    'an undefined computed relation',
    `type user
type document
  relations
    define viewer: [user] or editor`,
    ["'document#editor' relation is undefined"],
  ],
  [
    'a relation that is itself',
    `type user
type document
  relations
    define viewer: [user] or viewer`,
    [
      "the definition of relation 'viewer' in object type 'document' is invalid: invalid userset rewrite definition",
    ],
  ],
  [
    'an undefined tupleset',
    `type user
type document
  relations
    define viewer: [user] or viewer from parent`,
    ["'document#parent' relation is undefined"],
  ],
  [
    'a tupleset with a rewrite',
    `type user
type document
  relations
    define owner: [document]
    define parent: [document] or owner
    define viewer: [user] or viewer from parent`,
    [
      "the 'document#parent' relation is referenced in at least one tupleset and thus must be a direct relation",
    ],
  ],
  [
    'a tupleset that leads nowhere',
    `type user
type document
  relations
    define parent: [user]
    define viewer: [user] or viewer from parent`,
    [
      'undefined relation: viewer does not appear as a relation in any of the directly related user types [user]',
    ],
  ],
  [
    'a tupleset of usersets',
    `type user
type folder
  relations
    define parent: [folder, folder#parent]
    define viewer: [user] or viewer from parent`,
    ["the relation type 'folder#parent' on 'parent' in object type 'folder' is not valid"],
  ],
  [
    'a tupleset of a wildcard',
    `type user
type folder
  relations
    define parent: [folder, folder:*]
    define viewer: [user] or viewer from parent`,
    ["the relation type 'folder' on 'parent' in object type 'folder' is not valid"],
  ],
  [
    'a restriction to an unknown type',
    `type document
  relations
    define viewer: [user]`,
    ["the relation type 'user' on 'viewer' in object type 'document' is not valid"],
  ],
  [
    'a restriction to an unknown relation',
    `type user
type document
  relations
    define viewer: [user#friend]`,
    ["the relation type 'user#friend' on 'viewer' in object type 'document' is not valid"],
  ],
  [
    'a restriction under an unknown condition',
    `type user
type document
  relations
    define viewer: [user with c]`,
    ['condition c is undefined for relation viewer'],
  ],
  [
    'no entry point',
    `type group
  relations
    define member: [group#member]`,
    [
      "the definition of relation 'member' in object type 'group' is invalid: no entrypoints defined",
    ],
  ],
  [
    'an intersection of which one side has no entry point',
    `type user
type folder
  relations
    define parent: [folder]
    define viewer: viewer from parent
    define reader: [user] and viewer`,
    [
      "the definition of relation 'reader' in object type 'folder' is invalid: no entrypoints defined",
      "the definition of relation 'viewer' in object type 'folder' is invalid: no entrypoints defined",
    ],
  ],
  [
    'an exclusion of which the subtracted side has no entry point',
    `type user
type folder
  relations
    define parent: [folder]
    define banned: banned from parent
    define viewer: [user] but not banned`,
    [
      "the definition of relation 'banned' in object type 'folder' is invalid: no entrypoints defined",
      "the definition of relation 'viewer' in object type 'folder' is invalid: no entrypoints defined",
    ],
  ],
  [
    'a loop with an entry point',
    `type user
type document
  relations
    define editor: [user] or viewer
    define viewer: editor`,
    [
      "the definition of relation 'editor' in object type 'document' is invalid: an authorization model cannot contain a cycle",
      "the definition of relation 'viewer' in object type 'document' is invalid: an authorization model cannot contain a cycle",
    ],
  ],
  [
    'a loop without one',
    `type document
  relations
    define editor: viewer
    define viewer: editor`,
    [
      "the definition of relation 'editor' in object type 'document' is invalid: potential loop",
      "the definition of relation 'viewer' in object type 'document' is invalid: potential loop",
    ],
  ],
  [
    'a condition that is no bool',
    `type user
condition c(x: string) {
  x
}`,
    [
      "failed to compile expression on condition 'c' - expected a bool condition expression output, but got 'string'",
    ],
  ],
  [
    'a condition with an unknown name',
    `type user
condition c(x: string) {
  x == y
}`,
    ["failed to compile expression on condition 'c' - ERROR: c:1:6: undeclared reference to 'y'"],
  ],
])('refuses %s', async (_, types, messages) => {
  expect(await faultsOf(types)).toEqual(messages);
});

const type = (relations: Record<string, unknown>, restricted: Record<string, unknown[]> = {}) => ({
  type_definitions: [
    { type: 'user' },
    {
      type: 'document',
      relations,
      metadata: {
        relations: Object.fromEntries(
          Object.entries(restricted).map(([name, directly_related_user_types]) => [
            name,
            { directly_related_user_types },
          ]),
        ),
      },
    },
  ],
});
const user = [{ type: 'user' }];

test.each([
  ['an empty type name', { type_definitions: [{ type: '' }] }, /cannot be an empty string/],
  ['a type name with a colon', { type_definitions: [{ type: 'a:b' }] }, /'a:b' is invalid/],
  ['a relation named this', type({ this: { this: {} } }, { this: user }), /reserved keywords/],
  ['an empty relation name', type({ '': { this: {} } }, { '': user }), /empty string for a name/],
  [
    'a relation name with a space',
    type({ 'a b': { this: {} } }, { 'a b': user }),
    /'a b'.*invalid/,
  ],
  ['`this` without restrictions', type({ viewer: { this: {} } }), /must contain at least one/],
  [
    'restrictions without `this`',
    type(
      { a: { this: {} }, viewer: { computedUserset: { relation: 'a' } } },
      { a: user, viewer: user },
    ),
    /non-assignable relation 'viewer'.*should not contain/,
  ],
  [
    'a union of one',
    type({ viewer: { union: { child: [{ this: {} }] } } }, { viewer: user }),
    /'document#viewer' as union has less than 2 children/,
  ],
  [
    'a condition under another name',
    { conditions: { a: { name: 'b', expression: 'true' } } },
    /condition key 'a' does not match condition name 'b'/,
  ],
  [
    'too many types',
    {
      type_definitions: Array.from({ length: limits.modelTypesMax + 1 }, (_, i) => ({
        type: `t${i}`,
      })),
    },
    /at most 100 types/,
  ],
])('refuses %s', (_, definition, message) => {
  expect(validateModel(parseModel(definition))[0]?.message).toMatch(message);
});

test('a fault names its type, relation or condition', async () => {
  const [relation, condition] = validateModel(
    await modelOf(`type document
  relations
    define viewer: [user]
condition c(x: int) {
  x
}`),
  );
  expect(relation).toMatchObject({ type: 'document', relation: 'viewer' });
  expect(condition).toMatchObject({ condition: 'c' });
});

test('a model of relations in one long chain is judged in a moment, not by recursion', () => {
  const length = 20_000;
  const relations = Object.fromEntries(
    Array.from({ length }, (_, i) => [`r${i}`, { computedUserset: { relation: `r${i + 1}` } }]),
  );
  const model = parseModel(
    type({ ...relations, [`r${length}`]: { this: {} } }, { [`r${length}`]: user }),
  );
  expect(validateModel(model)).toEqual([]);
});
