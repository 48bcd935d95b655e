import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { parseModel } from '../../src/model/parse.ts';

const viewer = (rewrite: unknown) => ({
  type_definitions: [{ type: 'document', relations: { viewer: rewrite } }],
});

function rewriteOf(definition: unknown) {
  return parseModel(definition).types.get('document')?.relations.get('viewer')?.rewrite;
}

const fromParent = { kind: 'from', tupleset: 'parent', relation: 'viewer' };

test.each([
  ['this', { this: {} }, { kind: 'this' }],
  ['computedUserset', { computedUserset: { relation: 'a' } }, { kind: 'computed', relation: 'a' }],
  [
    'computed_userset',
    { computed_userset: { relation: 'a' } },
    { kind: 'computed', relation: 'a' },
  ],
  [
    'tupleToUserset',
    {
      tupleToUserset: { tupleset: { relation: 'parent' }, computedUserset: { relation: 'viewer' } },
    },
    fromParent,
  ],
  [
    'tuple_to_userset with an empty object',
    {
      tuple_to_userset: {
        tupleset: { object: '', relation: 'parent' },
        computed_userset: { object: '', relation: 'viewer' },
      },
    },
    fromParent,
  ],
  [
    'union',
    { union: { child: [{ this: {} }, { this: {} }] } },
    { kind: 'union', children: [{ kind: 'this' }, { kind: 'this' }] },
  ],
  [
    'difference',
    { difference: { base: { this: {} }, subtract: { computedUserset: { relation: 'b' } } } },
    { kind: 'exclusion', base: { kind: 'this' }, subtract: { kind: 'computed', relation: 'b' } },
  ],
  ['a null beside the rewrite', { this: {}, union: null }, { kind: 'this' }],
])('reads the rewrite %s', (_, wire, rewrite) => {
  expect(rewriteOf(viewer(wire))).toEqual(rewrite);
});

test('nulls and empty values are as good as absent', () => {
  const model = parseModel({
    schema_version: '',
    type_definitions: [{ type: 'user', relations: {}, metadata: null }, { type: 'team' }],
    conditions: null,
  });
  expect(model.schemaVersion).toBe('1.1');
  expect([...model.types.keys()]).toEqual(['user', 'team']);
  expect(model.conditions.size).toBe(0);
});

test.each([['1.1'], ['1.2']])('schema version %s is kept', (version) => {
  expect(parseModel({ schema_version: version }).schemaVersion).toBe(version);
});

test('reads type restrictions in both spellings', () => {
  const restrictions = [
    { type: 'user' },
    { type: 'user', wildcard: {} },
    { type: 'group', relation: 'member', condition: 'c' },
    { type: 'user', relation: '', condition: '' },
  ];
  const read = (field: string) =>
    parseModel({
      type_definitions: [
        {
          type: 'document',
          relations: { viewer: { this: {} } },
          metadata: { relations: { viewer: { [field]: restrictions }, unknown: null } },
        },
      ],
    })
      .types.get('document')
      ?.relations.get('viewer')?.restrictions;
  const expected = [
    { type: 'user', relation: '', wildcard: false, condition: '' },
    { type: 'user', relation: '', wildcard: true, condition: '' },
    { type: 'group', relation: 'member', wildcard: false, condition: 'c' },
    { type: 'user', relation: '', wildcard: false, condition: '' },
  ];
  expect(read('directly_related_user_types')).toEqual(expected);
  expect(read('directlyRelatedUserTypes')).toEqual(expected);
});

test('hostile keys are names like any other', () => {
  const model = parseModel(
    JSON.parse(
      '{"type_definitions":[{"type":"__proto__","relations":{"__proto__":{"this":{}},"constructor":{"this":{}}}}],' +
        '"conditions":{"__proto__":{"name":"__proto__","expression":"true","parameters":{"__proto__":{"type_name":"TYPE_NAME_INT"}}}}}',
    ),
  );
  const type = model.types.get('__proto__');
  expect([...(type?.relations.keys() ?? [])]).toEqual(['__proto__', 'constructor']);
  expect(model.conditions.get('__proto__')?.parameters.get('__proto__')?.name).toBe('int');
  // A field that only a prototype has is no field.
  expect(() => parseModel(Object.create({ schema_version: '9' }))).not.toThrow();
  expect(() => parseModel(Object.create({ schemaVersion: '9' }))).not.toThrow();
});

test('reads nested parameter types', () => {
  const type_name = 'TYPE_NAME_LIST';
  const generic_types = [
    { typeName: 'TYPE_NAME_MAP', genericTypes: [{ type_name: 'TYPE_NAME_ANY' }] },
  ];
  const parameters = { p: { type_name, generic_types } };
  const model = parseModel({ conditions: { c: { name: 'c', expression: 'true', parameters } } });
  expect(model.conditions.get('c')?.parameters.get('p')).toEqual({
    name: 'list',
    generics: [{ name: 'map', generics: [{ name: 'any', generics: [] }] }],
  });
});

const nested = (depth: number): unknown =>
  depth === 1 ? { this: {} } : { union: { child: [nested(depth - 1)] } };
const parameter = (type: unknown) => ({
  conditions: { c: { name: 'c', expression: 'true', parameters: { p: type } } },
});

test.each([
  ['a model that is no object', [], /the model must be an object/],
  ['another schema version', { schema_version: '1.0' }, /invalid schema version/],
  ['types that are no list', { type_definitions: {} }, /`type_definitions`.* must be a list/],
  [
    'a type twice',
    { type_definitions: [{ type: 'a' }, { type: 'a' }] },
    /an authorization model cannot contain duplicate types: `a`/,
  ],
  [
    'a rewrite of no kind',
    viewer({}),
    /relation 'viewer' in object type 'document' is invalid: invalid userset rewrite definition/,
  ],
  ['a null rewrite', viewer(null), /relation 'viewer' in object type 'document' must be an object/],
  ['a rewrite of two kinds', viewer({ this: {}, union: { child: [] } }), /invalid userset rewrite/],
  ['an exclusion without a base', viewer({ difference: { subtract: { this: {} } } }), /invalid us/],
  ['rewrites nested too deep', viewer(nested(limits.rewriteDepthMax + 1)), /nests more than 40/],
  ['a relation that is no text', viewer({ computedUserset: { relation: 1 } }), /must be a string/],
  [
    'an unspecified parameter type',
    parameter({ type_name: 'TYPE_NAME_UNSPECIFIED' }),
    /failed to decode parameter type for parameter 'p': unknown condition parameter type `TYPE_NAME_UNSPECIFIED`/,
  ],
  [
    'a restriction that is userset and wildcard',
    {
      type_definitions: [
        {
          type: 'document',
          relations: { viewer: { this: {} } },
          metadata: {
            relations: {
              viewer: {
                directly_related_user_types: [{ type: 'user', relation: 'friend', wildcard: {} }],
              },
            },
          },
        },
      ],
    },
    /names both a relation and a wildcard/,
  ],
  ['a list of nothing', parameter({ type_name: 'TYPE_NAME_LIST' }), /requires 1 generic types/],
])('refuses %s', (_, definition, message) => {
  const parse = () => parseModel(definition);
  expect(parse).toThrow(Refusal);
  expect(parse).toThrow(message);
});

test('the deepest rewrite that is allowed is read', () => {
  expect(() => parseModel(viewer(nested(limits.rewriteDepthMax)))).not.toThrow();
});

test('whatever JSON says, nothing but a Refusal is thrown', () => {
  const keys = fc.constantFrom(
    ...['schema_version', 'type_definitions', 'conditions', 'type', 'relations', 'metadata'],
    ...[
      'union',
      'child',
      'difference',
      'base',
      'this',
      'computedUserset',
      'tupleToUserset',
      'name',
    ],
    ...['parameters', 'generic_types', 'type_name', 'directly_related_user_types', '__proto__'],
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<unknown>(null, '', 'a', '1.1', 0, true, 'TYPE_NAME_LIST', 'TYPE_NAME_INT'),
      fc.array(tie('json'), { maxLength: 3 }),
      fc
        .array(fc.tuple(keys, tie('json')), { maxLength: 5 })
        .map((entries) => Object.fromEntries(entries)),
    ),
  }));
  fc.assert(
    fc.property(json, (definition) => {
      try {
        parseModel(definition);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect((error as Refusal).code).toBe('invalid_authorization_model');
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});
