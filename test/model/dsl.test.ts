import { expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import {
  filesOfModules,
  ModelTextRefusal,
  modelFromDsl,
  modelFromModules,
  modelToDsl,
} from '../../src/model/dsl.ts';
import { parseModel } from '../../src/model/parse.ts';
import { validateModel } from '../../src/model/validate.ts';

const text = `model
  schema 1.1

type user

type group
  relations
    define member: [user, user:*, group#member]

type document
  relations
    define editor: [user with recent]
    define parent: [group]
    define reader: [user] but not editor
    define viewer: [user] or editor or member from parent

condition recent(current_time: timestamp, granted: list<timestamp>) {
  granted.all(g, current_time - g < duration("1h"))
}
`;

test('a model comes back from JSON as it was written', async () => {
  const json = await modelFromDsl(text);
  expect(validateModel(parseModel(json))).toEqual([]);
  expect(await modelToDsl(json)).toBe(text);
  expect(await modelFromDsl(await modelToDsl(json))).toEqual(json);
});

test('either spelling of the fields becomes DSL', async () => {
  const json = JSON.stringify(await modelFromDsl(text));
  const snake = json
    .replaceAll('computedUserset', 'computed_userset')
    .replaceAll('tupleToUserset', 'tuple_to_userset');
  expect(snake).not.toBe(json);
  expect(await modelToDsl(JSON.parse(snake))).toBe(text);
});

test('a syntax error names its line and column, counted from 1', async () => {
  const broken = 'model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define x: [user or';
  const refusal = await modelFromDsl(broken).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ModelTextRefusal);
  expect(refusal).toMatchObject({
    code: 'invalid_authorization_model',
    message: "line 6, column 21: mismatched input 'or' expecting {',', ']'}",
    problems: [{ file: '', line: 6, column: 21 }],
  });
});

test('a mix of operators without parentheses is refused', async () => {
  const mixed = 'model\n  schema 1.1\ntype doc\n  relations\n    define x: a and b or c\n';
  await expect(modelFromDsl(mixed)).rejects.toThrow(ModelTextRefusal);
});

test('what the DSL cannot say is refused, not said wrongly', async () => {
  const child = [{ computedUserset: { relation: 'a' } }, { this: {} }, { this: {} }];
  const restricted = { directly_related_user_types: [{ type: 'user' }] };
  const model = {
    schema_version: '1.1',
    type_definitions: [
      { type: 'user' },
      {
        type: 'document',
        relations: { a: { this: {} }, b: { union: { child } } },
        metadata: { relations: { a: restricted, b: restricted } },
      },
    ],
  };
  await expect(modelToDsl(model)).rejects.toThrow(Refusal);
  await expect(modelToDsl({ type_definitions: 1 })).rejects.toThrow(Refusal);
});

const modFile = 'schema: "1.2"\ncontents:\n  - core.fga\n  - wiki/wiki.fga\n';
const core = 'module core\n\ntype user\n\ntype group\n  relations\n    define member: [user]\n';
const wiki =
  'module wiki\n\nextend type group\n  relations\n    define owner: [user]\n\ntype page\n  relations\n    define viewer: [group#member]\n';

test('modules become one model that remembers them', async () => {
  expect(await filesOfModules(modFile)).toEqual(['core.fga', 'wiki/wiki.fga']);
  const json = await modelFromModules(modFile, [
    { name: 'wiki/wiki.fga', text: wiki },
    { name: 'core.fga', text: core },
  ]);
  const model = parseModel(json);
  expect(validateModel(model)).toEqual([]);
  expect(model.schemaVersion).toBe('1.2');
  expect([...(model.types.get('group')?.relations.keys() ?? [])]).toEqual(['member', 'owner']);
  expect(json).toMatchObject({
    type_definitions: expect.arrayContaining([
      expect.objectContaining({
        type: 'page',
        metadata: expect.objectContaining({
          module: 'wiki',
          source_info: { file: 'wiki/wiki.fga' },
        }),
      }),
    ]),
  });
});

test.each([
  ['a file that leads upwards', 'schema: "1.2"\ncontents:\n  - ../core.fga\n', /line 3, column 5/],
  ['another schema', 'schema: "1.1"\ncontents:\n  - core.fga\n', /line 1, column 9: unsupported/],
  ['no YAML', 'a: [', /line 2, column 6/],
])('an fga.mod with %s is refused', async (_, mod, message) => {
  await expect(filesOfModules(mod)).rejects.toThrow(message);
});

test('a file that is listed and missing is named', async () => {
  const files = [{ name: 'core.fga', text: core }];
  await expect(modelFromModules(modFile, files)).rejects.toThrow(
    'fga.mod: line 4, column 5: the file `wiki/wiki.fga` is missing',
  );
});

test('a problem inside a module names the module', async () => {
  const broken = wiki.replace('extend type group', 'extend type team');
  const files = [
    { name: 'core.fga', text: core },
    { name: 'wiki/wiki.fga', text: broken },
  ];
  await expect(modelFromModules(modFile, files)).rejects.toThrow(
    'wiki/wiki.fga: line 3, column 13: extended type team does not exist',
  );
});
