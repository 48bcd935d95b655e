/**
 * The cursors of `pemba.v1`: none that was altered, cut, or made for something else is taken, and
 * none leads into a store that has the id of a deleted one.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { StoreId } from '../../src/model/ids.ts';
import type { TestService } from '../service/harness.ts';
import { filled, opened, write, writeModel } from './manners.ts';

const model = `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
    define editor: [user]`;
const tuples = [1, 2, 3, 4].flatMap((i) => [
  `document:${i}#viewer@user:anne`,
  `document:1#editor@user:u${i}`,
]);

interface Query {
  readonly method: string;
  readonly request: JsonObject;
  /** The same method asked for something else, or for other pages of it: what a cursor is bound to. */
  readonly others: readonly JsonObject[];
}

const queries: readonly Query[] = [
  {
    method: 'QueryService/ListObjects',
    request: { subject: 'user:anne', page_size: 1 },
    others: [
      { subject: 'user:u1' },
      { types: ['user'] },
      { relations: ['viewer'] },
      { context: { now: 1 } },
      { scope: { object: 'user:anne', relation: 'viewer' } },
      {
        contextual_tuples: [{ subject: 'user:anne', relation: 'viewer', object: 'document:9' }],
      },
    ],
  },
  {
    method: 'ListSubjects',
    request: { object: 'document:1', page_size: 1 },
    others: [
      { object: 'document:2' },
      { relations: ['editor'] },
      { subject_types: ['user'] },
      { context: { now: 1 } },
      { contextual_tuples: [{ subject: 'user:u9', relation: 'viewer', object: 'document:1' }] },
    ],
  },
  {
    method: 'ReadTuples',
    request: { filter: { object_type: 'document' }, page_size: 1 },
    others: [
      { filter: {} },
      { filter: { relation: 'viewer' } },
      { filter: { object: 'document:1' } },
      { filter: { object_type: 'document', relation: 'viewer' } },
      { filter: { object_type: 'document', subject_type: 'user' } },
      { filter: { subject: 'user:anne' } },
    ],
  },
  {
    method: 'ReadTupleChanges',
    request: { page_size: 1 },
    others: [{ object_type: 'document' }],
  },
  {
    method: 'DeleteTuples',
    request: { filter: { subject: 'user:anne' }, limit: 1 },
    others: [
      { filter: { subject: 'user:u1' } },
      { filter: { subject: 'user:anne', relation: 'viewer' } },
      { filter: { subject: 'user:anne', object_type: 'document' } },
      { filter: { subject_type: 'user' } },
      { filter: {}, all: true },
    ],
  },
];

/** A cursor of each query in the store, which has more to tell or to delete. */
async function cursorsOf(service: TestService, store: string): Promise<string[]> {
  const cursors: string[] = [];
  for (const { method, request } of queries) {
    const { body } = await service.ask(method, { store_id: store, ...request });
    expect(body.cursor, method).not.toBe('');
    cursors.push(body.cursor);
  }
  return cursors;
}

const isRefused = ['invalid_continuation_token', 'query_string_type_continuation_token_mismatch'];

async function refused(service: TestService, method: string, request: JsonObject): Promise<void> {
  const { code } = await service.refusal(method, request);
  expect(isRefused, `${method} ${JSON.stringify(request)}`).toContain(code);
}

describe('A41, page tokens: of pemba.v1', () => {
  test('A41, page tokens: a cursor with any byte changed, cut or made longer is refused', async () => {
    const service = await opened();
    const store = await filled(service, { model, tuples });
    const cursors = await cursorsOf(service, store);
    for (const [i, { method, request }] of queries.entries()) {
      const cursor = cursors[i] as string;
      const bytes = Buffer.from(cursor, 'base64url');
      for (let at = 0; at < bytes.length; at++) {
        for (const flip of [0x01, 0x80, 0xff]) {
          const changed = Buffer.from(bytes);
          changed[at] = (bytes[at] as number) ^ flip;
          const text = changed.toString('base64url');
          await refused(service, method, { store_id: store, ...request, cursor: text });
        }
        if (at === 0) continue;
        const text = bytes.subarray(0, at).toString('base64url');
        await refused(service, method, { store_id: store, ...request, cursor: text });
      }
      for (const text of [`${cursor}A`, `${cursor}=`, `A${cursor}`, cursor.slice(1)]) {
        await refused(service, method, { store_id: store, ...request, cursor: text });
      }
      const next = await service.ask(method, { store_id: store, ...request, cursor });
      expect(next.body.deleted ?? next.body.consistency_token).toBeTruthy();
    }
  });

  test('A41, page tokens: a cursor is of its method, its query and its store alone', async () => {
    const service = await opened();
    const store = await filled(service, { model, tuples });
    const same = await filled(service, { model, tuples });
    const cursors = await cursorsOf(service, store);
    const read = await service.ask('Read', { store_id: store, page_size: 1 });
    cursors.push(read.body.continuation_token);
    for (const [i, { method, request, others }] of queries.entries()) {
      for (const [j, cursor] of cursors.entries()) {
        if (i !== j) await refused(service, method, { store_id: store, ...request, cursor });
      }
      const own = { ...request, cursor: cursors[i] as string };
      for (const other of others) {
        const { filter: _, ...rest } = own as JsonObject;
        const asked = 'filter' in other ? { ...rest, ...other } : { ...own, ...other };
        await refused(service, method, { store_id: store, ...asked });
      }
      await refused(service, method, { store_id: same, ...own });
    }
    // Of all that was refused, nothing was deleted.
    const left = await service.ask('Read', { store_id: same, page_size: 100 });
    expect(left.body.tuples).toHaveLength(tuples.length);
    const rest = await service.ask('Read', { store_id: store, page_size: 100 });
    expect(rest.body.tuples).toHaveLength(tuples.length - 1);
  });

  test('A41, page tokens: no cursor of a deleted store is good for one that takes its id', async () => {
    const service = await opened();
    const store: StoreId = await filled(service, { model, tuples });
    const cursors = await cursorsOf(service, store);
    await service.ask('DeleteStore', { store_id: store });
    const still = async (codes: readonly string[]) => {
      for (const [i, { method, request }] of queries.entries()) {
        const asked = { store_id: store, ...request, cursor: cursors[i] as string };
        const { code } = await service.refusal(method, asked);
        expect(codes, method).toContain(code);
      }
    };
    // Lists are of a model, which is gone; the others are of the store itself.
    const gone = ['authorization_model_not_found', 'invalid_continuation_token'];
    await still(gone);
    await service.datastore.createStore({ id: store, name: 'again' });
    await writeModel(service, store, model);
    await write(service, store, tuples);
    await still(gone);
    const { body } = await service.ask('Read', { store_id: store, page_size: 100 });
    expect(body.tuples).toHaveLength(tuples.length);
  });
});
