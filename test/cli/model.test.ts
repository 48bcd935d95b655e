/** `pemba model`: judging, converting and testing files, and models on a server. */
import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderOf, pemba, pembaJson, startTestServer } from './run.ts';

const dsl = `model
  schema 1.1

type user

type document
  relations
    define owner: [user, user with in_office]
    define viewer: [user:*] or owner

condition in_office(ip: ipaddress) {
  ip.in_cidr("10.0.0.0/8")
}
`;

describe('validate', () => {
  test('a sound model', async () => {
    using folder = folderOf({ 'model.fga': dsl });
    const file = folder.file('model.fga');
    expect(await pemba(['model', 'validate', '--file', file])).toEqual({
      code: 0,
      stdout: `valid ${file}\n`,
      stderr: '',
    });
    expect(await pembaJson(['model', 'validate', '--file', file])).toEqual({
      is_valid: true,
      faults: [],
    });
  });

  test('every fault of what a DSL means, with line and column, exit 1', async () => {
    using folder = folderOf({
      'model.fga': dsl
        .replace('[user:*] or owner', '[user:*] or editor')
        .replace('[user, user', '[nobody, user')
        .replace('ip.in_cidr("10.0.0.0/8")', 'ip'),
    });
    const file = folder.file('model.fga');
    const { code, stdout } = await pemba(['model', 'validate', '--file', file]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.at(-1)).toBe('3 faults');
    expect(lines.map((line) => line.replace(/: .*/, '')).slice(0, -1)).toEqual([
      `${file}:8:12`,
      `${file}:9:12`,
      `${file}:11:11`,
    ]);
  });

  test('every fault of a DSL that does not parse', async () => {
    using folder = folderOf({
      'model.fga': dsl.replace(' or owner', ' or or').replace('type user\n', 'typ user\n'),
    });
    const file = folder.file('model.fga');
    const done = await pemba(['model', 'validate', '--file', file, '--json']);
    expect(done.code).toBe(1);
    const { is_valid, error, faults } = JSON.parse(done.stdout);
    expect({ is_valid, error: typeof error }).toEqual({ is_valid: false, error: 'string' });
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]).toMatchObject({ file, line: 4, column: 1 });
  });

  test('faults of JSON: of its text, and of what it means', async () => {
    const model = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        { type: 'document', relations: { viewer: { computedUserset: { relation: 'owner' } } } },
      ],
    };
    using folder = folderOf({
      'meaning.json': JSON.stringify(model, undefined, 2),
      'text.json': '{\n  "schema_version": "1.1",\n  "type_definitions" []\n}',
    });
    const meaning = await pemba(['model', 'validate', '--file', folder.file('meaning.json')]);
    expect(meaning.code).toBe(1);
    expect(meaning.stdout).toMatch(/meaning\.json:10:9: /);
    const text = await pemba(['model', 'validate', '--file', folder.file('text.json')]);
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/text\.json:3: is not JSON/);
  });

  test('a file that is not there: exit 6', async () => {
    const { code, stderr } = await pemba(['model', 'validate', '--file', 'no/model.fga']);
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: 'error: cannot read `no/model.fga`: there is no such file\n',
    });
  });
});

describe('transform', () => {
  test('fga to json and back is the same model', async () => {
    using folder = folderOf({ 'model.fga': dsl });
    const json = await pemba(['model', 'transform', '--file', folder.file('model.fga')]);
    expect(JSON.parse(json.stdout)).toMatchObject({ schema_version: '1.1' });
    using second = folderOf({ 'model.json': json.stdout });
    const back = await pemba(['model', 'transform', '--file', second.file('model.json')]);
    expect(back.stdout.replaceAll(/\n+/g, '\n')).toBe(dsl.replaceAll(/\n+/g, '\n'));
  });

  const modules = {
    'fga.mod': "schema: '1.2'\ncontents:\n  - core.fga\n  - docs/docs.fga\n",
    'core.fga': 'module core\n\ntype user\n\ntype org\n  relations\n    define member: [user]\n',
    'docs/docs.fga':
      'module docs\n\nextend type org\n  relations\n    define editor: [user]\n\ntype page\n  relations\n    define org: [org]\n    define viewer: member from org\n',
  };

  test('modules become one model', async () => {
    using folder = folderOf(modules);
    const args = ['model', 'transform', '--file', folder.file('fga.mod'), '--output-format', 'fga'];
    const { code, stdout } = await pemba(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/schema 1\.2[\s\S]*type org[\s\S]*define editor[\s\S]*type page/);
    expect(await pembaJson(['model', 'validate', '--file', folder.file('fga.mod')])).toMatchObject({
      is_valid: true,
    });
  });

  test('a fault of a module names the module', async () => {
    using folder = folderOf({ ...modules, 'core.fga': 'module core\n\ntype user\n' });
    const { code, stdout } = await pemba(['model', 'validate', '--file', folder.file('fga.mod')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/docs\/docs\.fga:3:13: extended type org does not exist/);
  });

  test('a module outside the folder is refused', async () => {
    using outside = folderOf({ 'core.fga': modules['core.fga'] });
    using folder = folderOf({
      ...modules,
      'fga.mod': modules['fga.mod'].replace('core.fga', 'link.fga'),
    });
    symlinkSync(outside.file('core.fga'), folder.file('link.fga'));
    const { code, stderr } = await pemba(['model', 'transform', '--file', folder.file('fga.mod')]);
    expect(code).toBe(6);
    expect(stderr).toMatch(/`link\.fga` lies outside the folder/);
  });
});

describe('test', () => {
  const store = `name: docs
model_file: ./model.fga
tuples:
  - user: user:anne
    relation: owner
    object: document:1
tests:
  - name: owners
    tuple_file: more.csv
    check:
      - users: [user:anne, user:bob]
        object: document:1
        assertions:
          owner: true
          viewer: true
      - user: user:carl
        object: document:1
        context: {ip: 10.1.2.3}
        assertions:
          owner: false
  - name: lists
    list_objects:
      - user: user:anne
        type: document
        assertions:
          owner: [document:1]
          viewer: [document:1]
    list_users:
      - object: document:1
        user_filter: [{type: user}]
        assertions:
          owner: {users: [user:anne]}
    check:
      - user: user:bob
        object: document:1
        assertions:
          owner: false
`;
  const csv =
    'user_type,user_id,relation,object_type,object_id,condition_name,condition_context\n' +
    'user,bob,owner,document,1,,\nuser,dora,owner,document,1,in_office,"{""ip"":""10.0.0.1""}"\n';
  const files = { 'store.fga.yaml': store, 'model.fga': dsl, 'more.csv': csv };

  test('all pass, lists among them', async () => {
    using folder = folderOf(files);
    const { code, stdout } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        '# Test Summary #\nTests 2/2 passing\nChecks 6/6 passing\n' +
        'ListObjects 2/2 passing\nListUsers 1/1 passing\n',
    });
  });

  test('a failure is printed with what was expected and what came, exit 1', async () => {
    using folder = folderOf({
      ...files,
      'store.fga.yaml': store
        .replace('owner: true', 'owner: false')
        .replace('owner: false\n  -', 'owner: true\n  -'),
    });
    const args = ['model', 'test', '--tests', folder.file('store.fga.yaml')];
    const { code, stdout } = await pemba(args);
    expect(code).toBe(1);
    expect(stdout).toBe(`(FAILING) owners: Checks (2/5 passing)
ⅹ Check(user=user:anne,relation=owner,object=document:1): expected=false, got=true
ⅹ Check(user=user:bob,relation=owner,object=document:1): expected=false, got=true
ⅹ Check(user=user:carl,relation=owner,object=document:1,context={"ip":"10.1.2.3"}): expected=true, got=false
---
# Test Summary #
Tests 1/2 passing
Checks 3/6 passing
ListObjects 2/2 passing
ListUsers 1/1 passing
`);
    const json = JSON.parse((await pemba([...args, '--json'])).stdout);
    expect(json.summary).toEqual({
      tests: { passed: 1, total: 2 },
      checks: { passed: 3, total: 6 },
      list_objects: { passed: 2, total: 2 },
      list_users: { passed: 1, total: 1 },
    });
    expect(json.results[0].check_results[0]).toEqual({
      request: { user: 'user:anne', relation: 'owner', object: 'document:1' },
      expected: false,
      got: true,
      error: null,
      test_result: false,
    });
  });

  test('a list that holds something else fails, with both lists', async () => {
    using folder = folderOf({
      ...files,
      'store.fga.yaml': store
        .replace('viewer: [document:1]', 'viewer: [document:2, document:1]')
        .replace('users: [user:anne]}', 'users: []}'),
    });
    const args = ['model', 'test', '--tests', folder.file('store.fga.yaml')];
    const { code, stdout } = await pemba([...args, '--suppress-summary']);
    expect(code).toBe(1);
    expect(
      stdout,
    ).toBe(`(FAILING) lists: Checks (1/1 passing) | ListObjects (1/2 passing) | ListUsers (0/1 passing)
ⅹ ListObjects(user=user:anne,relation=viewer,type=document): expected=[document:1 document:2], got=[document:1]
ⅹ ListUsers(object=document:1,relation=owner,user_filter=user): expected=[], got=[user:anne]
---
`);
    const { results } = JSON.parse((await pemba([...args, '--json'])).stdout);
    expect(results[1].list_users_results).toEqual([
      {
        request: {
          object: { type: 'document', id: '1' },
          relation: 'owner',
          user_filters: [{ type: 'user' }],
        },
        expected: [],
        got: ['user:anne'],
        error: null,
        test_result: false,
      },
    ]);
  });

  test('a check that cannot be answered fails, whatever was expected', async () => {
    using folder = folderOf({
      ...files,
      'store.fga.yaml': store.replace('- user: user:carl', '- user: nobody:carl'),
    });
    const { code, stdout } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/expected=false, got=N\/A, error=validation_error: .*nobody/);
  });

  test('tuples that the model does not allow fail their test, with all its checks', async () => {
    using folder = folderOf({ ...files, 'more.csv': csv.replace('user,bob', 'group,bob') });
    const { code, stdout } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\(FAILING\) owners: Checks \(0\/5 passing\)\nⅹ \w+: .*group/);
  });

  test('a pattern of files; the failing one is named', async () => {
    using folder = folderOf({
      ...files,
      'deep/one.fga.yaml': store.replace('./model.fga', './m.fga').replace('more.csv', 'm.csv'),
      'deep/m.fga': dsl,
      'deep/m.csv': csv.replace('user,bob', 'user,bert'),
    });
    const { code, stdout } = await pemba(['model', 'test', '--tests', '**/*.fga.yaml'], {
      cwd: folder.path,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\(FAILING\) deep\/one\.fga\.yaml: owners/);
    expect(stdout).toMatch(/Tests 3\/4 passing/);
  });

  test.each([
    ['no file', { 'store.fga.yaml': store, 'model.fga': dsl }, 6, /cannot read `more\.csv`/],
    ['a bad line', { ...files, 'more.csv': `${csv}user,\n` }, 6, /more\.csv:4: 2 fields/],
    [
      'no model',
      { ...files, 'store.fga.yaml': store.replace('model_file', 'model_flie') },
      6,
      /neither `model` nor/,
    ],
    [
      'a bad model',
      { ...files, 'model.fga': dsl.replace('type user\n', 'typ user\n') },
      6,
      /model\.fga:4:1: /,
    ],
    [
      'user and users',
      { ...files, 'store.fga.yaml': store.replace('- users:', '- user: user:x\n        users:') },
      6,
      /store\.fga\.yaml:11: .*not both/,
    ],
    [
      'no object',
      {
        ...files,
        'store.fga.yaml': store.replace(
          '        object: document:1\n        context',
          '        context',
        ),
      },
      6,
      /store\.fga\.yaml:16: .*no `object`/,
    ],
    [
      'no truth value',
      { ...files, 'store.fga.yaml': store.replace('viewer: true', 'viewer: maybe') },
      6,
      /store\.fga\.yaml:15: .*true or false/,
    ],
    [
      'no assertion',
      {
        ...files,
        'store.fga.yaml': store.replace('          owner: true\n          viewer: true\n', ''),
      },
      6,
      /store\.fga\.yaml:13: .*asserts nothing/,
    ],
    [
      'no test',
      { ...files, 'store.fga.yaml': store.slice(0, store.indexOf('tests:')) },
      1,
      /nothing was tested/,
    ],
    [
      'broken YAML',
      { ...files, 'store.fga.yaml': 'name: [' },
      6,
      /store\.fga\.yaml:1: is not YAML/,
    ],
  ])('%s: named with its line', async (_, broken, exit, message) => {
    using folder = folderOf(broken);
    const { code, stderr } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
  });

  test('a key that we do not know is told', async () => {
    using folder = folderOf({
      ...files,
      'store.fga.yaml': store.replace('name: docs', 'name: docs\ncolour: red'),
    });
    const { code, stderr } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `warning: ${folder.file('store.fga.yaml')}:2: the key \`colour\` is unknown and does nothing\n`,
    });
  });

  test('files outside the folder only with --allow-external-files, links included', async () => {
    using outside = folderOf({ 'more.csv': csv, 'model.fga': dsl });
    using folder = folderOf({ 'store.fga.yaml': store, 'model.fga': dsl });
    symlinkSync(outside.file('more.csv'), folder.file('more.csv'));
    const args = ['model', 'test', '--tests', folder.file('store.fga.yaml')];
    const refused = await pemba(args);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toMatch(/`more\.csv` lies outside the folder.*--allow-external-files/);
    expect((await pemba([...args, '--allow-external-files'])).code).toBe(0);
    using upwards = folderOf({
      'a/store.fga.yaml': store.replace('./model.fga', '../model.fga'),
      'model.fga': dsl,
    });
    const up = await pemba(['model', 'test', '--tests', upwards.file('a/store.fga.yaml')]);
    expect(up.stderr).toMatch(/`\.\.\/model\.fga` lies outside the folder/);
  });

  test('a model in the store file, its faults by the lines of that file', async () => {
    const inline = dsl.replace('type user\n', 'typ user\n').replaceAll(/^/gm, '  ');
    const text = store.replace('model_file: ./model.fga', `model: |\n${inline}`);
    using folder = folderOf({ ...files, 'store.fga.yaml': text });
    const { code, stderr } = await pemba([
      'model',
      'test',
      '--tests',
      folder.file('store.fga.yaml'),
    ]);
    expect(code).toBe(6);
    expect(stderr).toMatch(/store\.fga\.yaml:6:1: /);
  });
});

describe('on a server', () => {
  let server: Awaited<ReturnType<typeof startTestServer>>;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  test('write, list, get, the latest by default', async () => {
    using folder = folderOf({ 'model.fga': dsl, 'old.fga': 'model\n  schema 1.1\ntype user\n' });
    const env = { PEMBA_API_URL: server.url };
    const { store } = await pembaJson(['store', 'create', '--model', folder.file('old.fga')], {
      env,
    });
    expect(store.name).toBe('old');
    const there = { env: { ...env, PEMBA_STORE_ID: store.id } };
    const written = await pembaJson(['model', 'write', '--file', folder.file('model.fga')], there);
    const { authorization_models: models } = await pembaJson(['model', 'list'], there);
    expect(models).toHaveLength(2);
    expect(models[0].id).toBe(written.authorization_model_id);
    expect(models[0].created_at).toMatch(/^20\d\d-/);
    const latest = await pembaJson(['model', 'get'], there);
    expect(latest.id).toBe(models[0].id);
    const old = await pemba(['model', 'get', '--model-id', models[1].id], there);
    expect(old.stdout).toMatch(/^model\n {2}schema 1\.1\n\ntype user\n$/);
    const text = (await pemba(['model', 'get'], there)).stdout;
    expect(text.replaceAll(/\n+/g, '\n')).toBe(dsl.replaceAll(/\n+/g, '\n'));
  });

  test('a model that the server refuses: exit 4 and its reason; no store is made of a text that is none', async () => {
    using folder = folderOf({
      'bad.fga': dsl.replace('or owner', 'or editor'),
      'none.fga': 'modle\n',
    });
    const env = { PEMBA_API_URL: server.url };
    const { id } = await pembaJson(['store', 'create', '--name', 'refused'], { env });
    const refused = await pemba(
      ['model', 'write', '--file', folder.file('bad.fga'), '--store-id', id],
      { env },
    );
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/^error: invalid_authorization_model: /);
    const none = await pemba(
      ['store', 'create', '--name', 'none', '--model', folder.file('none.fga')],
      { env },
    );
    expect(none.code).toBe(6);
    expect(await pembaJson(['store', 'list', '--name', 'none'], { env })).toEqual({ stores: [] });
    const empty = await pemba(['model', 'get', '--store-id', id], { env });
    expect(empty.code).toBe(4);
    expect(empty.stderr).toMatch(/latest_authorization_model_not_found.*pemba model write/);
  });
});
