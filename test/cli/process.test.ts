// Most commands are tested in this process: here it is shown that in one of its own each says the
// same, ends with the same code, and ends at all.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderOf, pemba, pembaJson, pembaProcess, startTestServer } from './run.ts';

const dsl = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const folder = folderOf({ 'model.fga': dsl, 'tuples.csv': 'no,tuples\n' });
const server = await startTestServer();
let env: Record<string, string>;
beforeAll(async () => {
  const create = ['store', 'create', '--model', folder.file('model.fga')];
  const { store } = await pembaJson(create, { env: { PEMBA_API_URL: server.url } });
  env = { PEMBA_API_URL: server.url, PEMBA_STORE_ID: store.id };
  await pemba(['tuple', 'write', 'user:anne', 'viewer', 'document:1'], { env });
});
afterAll(async () => {
  await server.close();
  folder[Symbol.dispose]();
});

const question = ['viewer', 'document:1'];

test.each([
  [0, ['store', 'list', '--json']],
  [0, ['model', 'get']],
  [0, ['tuple', 'read']],
  [1, ['tuple', 'write', 'user:anne', ...question]],
  [6, ['tuple', 'write', '--file', folder.file('tuples.csv')]],
  [0, ['tuple', 'export']],
  [2, ['tuple', 'delete', '--all']],
  [1, ['query', 'check', 'user:bob', ...question, '--exit-code']],
  [0, ['query', 'list-objects', 'user:anne', 'viewer', 'document']],
  [4, ['model', 'get', '--model-id', '01H0H015178Y2V4CX10C2KGHF4']],
  [0, ['model', 'validate', '--file', folder.file('model.fga')]],
  [0, ['graph']],
])('exit %d: %j', async (code, args) => {
  const own = await pembaProcess(args, { env });
  expect(own).toMatchObject({ code });
  expect(await pemba(args, { env })).toEqual(own);
});

test('what one command sets, the next one does not find', async () => {
  const lost = ['query', 'check', 'user:bob', ...question, '--exit-code'];
  expect(await pemba(lost, { env })).toMatchObject({ code: 1 });
  expect(await pemba(['tuple', 'read'], { env })).toMatchObject({ code: 0 });
  expect(await pemba(['tuple', 'read'])).toMatchObject({ code: 2 });
  expect(process.env.PEMBA_STORE_ID).toBeUndefined();
});
