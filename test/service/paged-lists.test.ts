/** ListObjects and ListSubjects of `pemba.v1`: what they answer, refuse, keep and never mix. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromJson, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { ListObjectsResponseSchema } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { type Asked, driveModel, openDrive, type TestLimits, tupleKey } from './harness.ts';

type Drive = Awaited<ReturnType<typeof openDrive>>;

let drive: Drive;
afterEach(() => drive.close());

const listObjects = 'QueryService/ListObjects';
const listSubjects = 'ListSubjects';

const objects = (more: JsonObject = {}): JsonObject => ({
  store_id: drive.store,
  subject: 'user:anne',
  ...more,
});
const subjects = (more: JsonObject = {}): JsonObject => ({
  store_id: drive.store,
  object: 'document:1',
  ...more,
});

const ask = async (method: string, request: JsonObject, options?: Asked) =>
  (await drive.ask(method, request, options)).body;

async function allPages(method: string, request: JsonObject, sizes = [7]) {
  const rows: JsonObject[] = [];
  const tokens = new Set<string>();
  const counts = new Set<number>();
  for (let cursor = '', page = 0; page === 0 || cursor !== ''; page++) {
    const page_size = sizes[page % sizes.length] as number;
    const answer = await ask(method, { ...request, page_size, cursor });
    const own: JsonObject[] = answer.objects ?? answer.subjects;
    expect(own.length).toBeLessThanOrEqual(page_size);
    if (answer.cursor !== '') expect(own.length).toBe(page_size);
    rows.push(...own);
    tokens.add(answer.consistency_token);
    counts.add(answer.count);
    cursor = answer.cursor;
  }
  expect(tokens.size).toBe(1);
  expect(counts.size).toBe(1);
  return rows;
}

const write = (tuples: readonly string[], more: JsonObject = {}) =>
  drive.ask('Write', {
    store_id: drive.store,
    ...(tuples.length === 0 ? {} : { writes: { tuple_keys: tuples.map(tupleKey) } }),
    ...more,
  });

const owner = (object: string, user: string) => ({
  ...tupleKey(`${object}#owner@${user}`),
  condition: { name: 'at_work', context: { limit: 17 } },
});

/** On a file, lists can be interrupted and held. */
function onDisk(bounds: TestLimits['lists'] = {}): TestLimits {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-pages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { path: join(folder, 'pemba.db'), lists: bounds };
}

const tuples = [
  'document:1#viewer@user:anne',
  'document:2#viewer@group:eng#member',
  'group:eng#member@user:anne',
  'document:3#parent@folder:f',
  'folder:f#viewer@user:anne',
  'document:4#viewer@user:*',
  'document:4#banned@user:anne',
];

describe('objects', () => {
  test('all types and relations at once, in the order of the model', async () => {
    drive = await openDrive(tuples);
    const { body, headers } = await drive.ask(listObjects, objects());
    expect(body).toEqual({
      objects: [
        { object: 'group:eng', relations: ['member'], unanswered: [] },
        { object: 'folder:f', relations: ['viewer'], unanswered: [] },
        { object: 'document:1', relations: ['viewer', 'reader'], unanswered: [] },
        { object: 'document:2', relations: ['viewer', 'reader'], unanswered: [] },
        { object: 'document:3', relations: ['viewer', 'reader'], unanswered: [] },
        { object: 'document:4', relations: ['banned', 'viewer'], unanswered: [] },
      ],
      cursor: '',
      count: 6,
      consistency_token: headers['pemba-consistency-token'],
    });
    expect(headers['openfga-authorization-model-id']).toBe(drive.model);
  });

  test('types and relations that were asked for, whatever their order', async () => {
    drive = await openDrive(tuples);
    const listed = async (more: JsonObject) =>
      (await ask(listObjects, objects(more))).objects.map(
        ({ object, relations }: { object: string; relations: string[] }) =>
          `${object} ${relations.join(' ')}`,
      );
    expect(await listed({ types: ['folder', 'group'] })).toEqual([
      'group:eng member',
      'folder:f viewer',
    ]);
    expect(await listed({ relations: ['banned', 'member'] })).toEqual([
      'group:eng member',
      'document:4 banned',
    ]);
    expect(await listed({ types: ['document'], relations: ['reader'] })).toEqual([
      'document:1 reader',
      'document:2 reader',
      'document:3 reader',
    ]);
  });

  test('what cannot be computed is a row, and fails nothing', async () => {
    drive = await openDrive(tuples);
    const writes = {
      tuple_keys: [owner('document:1', 'user:anne'), owner('document:9', 'user:anne')],
    };
    await write([], { writes });
    const list = (more: JsonObject) =>
      ask(listObjects, objects({ types: ['document'], relations: ['owner', 'viewer'], ...more }));
    const lacking = (relation: string) => ({
      relation,
      code: 'validation_error',
      message: expect.stringContaining("missing context parameters '[hour]'"),
      missing_parameters: ['hour'],
    });
    const { objects: rows, count } = await list({});
    expect(count).toBe(4);
    expect(rows[0]).toEqual({
      object: 'document:1',
      relations: ['viewer'],
      unanswered: [lacking('owner')],
    });
    expect(rows[4]).toEqual({
      object: 'document:9',
      relations: [],
      unanswered: [lacking('owner'), lacking('viewer')],
    });
    expect((await list({ context: { hour: 10 } })).count).toBe(5);
    expect((await list({ context: { hour: 20 } })).objects).toHaveLength(4);
  });

  test('ids are in the order of their code points, the same on every page', async () => {
    const ids = ['b', 'a', '10', '2', '\u{1d4b3}', '\uffee', 'Z', 'é'];
    drive = await openDrive(ids.map((id) => `document:${id}#viewer@user:anne`));
    const rows = await allPages(listObjects, objects({ relations: ['viewer'] }), [1, 3]);
    expect(rows.map(({ object }) => object)).toEqual(
      ['10', '2', 'Z', 'a', 'b', 'é', '\uffee', '\u{1d4b3}'].map((id) => `document:${id}`),
    );
  });
});

const nested = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'folder',
      relations: { parent: { this: {} }, viewer: { this: {} } },
      metadata: {
        relations: {
          parent: {
            directly_related_user_types: [
              { type: 'folder' },
              { type: 'folder', condition: 'open' },
            ],
          },
          viewer: {
            directly_related_user_types: [{ type: 'user' }, { type: 'user', wildcard: {} }],
          },
        },
      },
    },
    {
      type: 'document',
      relations: {
        parent: { this: {} },
        viewer: {
          tupleToUserset: {
            tupleset: { relation: 'parent' },
            computedUserset: { relation: 'viewer' },
          },
        },
      },
      metadata: { relations: { parent: { directly_related_user_types: [{ type: 'folder' }] } } },
    },
  ],
  conditions: {
    open: {
      name: 'open',
      expression: 'yes',
      parameters: { yes: { type_name: 'TYPE_NAME_BOOL' } },
    },
  },
} as const satisfies JsonValue;

describe('a scope', () => {
  const open = (object: string, parent: string, context: JsonObject) => ({
    ...tupleKey(`${object}#parent@${parent}`),
    condition: { name: 'open', context },
  });

  async function openFolders() {
    drive = await openDrive();
    await drive.ask('WriteAuthorizationModel', { store_id: drive.store, ...nested });
    await write([
      // A cycle of folders, and a tree beside it.
      'folder:b#parent@folder:a',
      'folder:c#parent@folder:b',
      'folder:a#parent@folder:c',
      'folder:d#parent@folder:b',
      'document:1#parent@folder:d',
      'document:2#parent@folder:a',
      'document:3#parent@folder:far',
      'folder:a#viewer@user:*',
      'folder:b#viewer@user:*',
      'folder:d#viewer@user:*',
      'folder:far#viewer@user:*',
    ]);
    const guarded = [
      open('folder:x', 'folder:d', {}),
      open('folder:y', 'folder:d', { yes: false }),
    ];
    const under = ['document:4#parent@folder:x', 'document:5#parent@folder:y'];
    const seen = ['folder:x#viewer@user:*', 'folder:y#viewer@user:*'];
    await write([], { writes: { tuple_keys: [...guarded, ...[...under, ...seen].map(tupleKey)] } });
  }

  const under = async (scope: JsonObject, more: JsonObject = {}) => {
    const request = objects({ relations: ['viewer'], scope, ...more });
    const { objects: rows } = await ask(listObjects, request);
    return rows.map(({ object, unanswered }: { object: string; unanswered: unknown[] }) =>
      unanswered.length > 0 ? `${object} ?` : object,
    );
  };

  test('is followed to its end, round cycles too', async () => {
    await openFolders();
    const inD = ['folder:x ?', 'document:1', 'document:4 ?'];
    expect(await under({ object: 'folder:d', relation: 'parent' })).toEqual(inD);
    const all = ['folder:a', 'folder:b', 'folder:d', 'folder:x ?'];
    expect(await under({ object: 'folder:a', relation: 'parent' })).toEqual([
      ...all,
      'document:1',
      'document:2',
      'document:4 ?',
    ]);
    expect(await under({ object: 'folder:unseen', relation: 'parent' })).toEqual([]);
  });

  test('or one level deep', async () => {
    await openFolders();
    const scope = { object: 'folder:a', relation: 'parent', direct: true };
    expect(await under(scope)).toEqual(['folder:b', 'document:2']);
    expect(await under(scope, { types: ['folder'] })).toEqual(['folder:b']);
  });

  test('conditions and contextual tuples lead on, or do not', async () => {
    await openFolders();
    const scope = { object: 'folder:d', relation: 'parent' };
    expect(await under(scope, { context: { yes: true } })).toEqual([
      'folder:x',
      'document:1',
      'document:4',
    ]);
    expect(await under(scope, { context: { yes: false } })).toEqual(['document:1']);
    const contextual = { subject: 'folder:d', relation: 'parent', object: 'folder:far' };
    const contextual_tuples = [contextual];
    const context = { yes: false };
    expect(await under(scope, { context, contextual_tuples })).toEqual([
      'folder:far',
      'document:1',
      'document:3',
    ]);
  });

  test.each([
    ['no object', { object: 'folder', relation: 'parent' }, 'is no object'],
    ['an object of no type', { object: 'robot:1', relation: 'parent' }, "type 'robot' not found"],
    ['a relation that nothing has', { object: 'folder:a', relation: 'up' }, 'no relation `up`'],
    [
      'a relation that takes no such object',
      { object: 'document:1', relation: 'parent' },
      'objects of the type `document`',
    ],
  ])('%s is refused', async (_, scope, message) => {
    await openFolders();
    const refusal = await drive.refusal(listObjects, objects({ scope }));
    expect(refusal.code).toBe('validation_error');
    expect(refusal.message).toContain(message);
  });
});

describe('subjects', () => {
  test('of all kinds that can be, each once with its relations', async () => {
    drive = await openDrive([...tuples, 'document:1#viewer@group:eng#member']);
    const { body } = await drive.ask(listSubjects, subjects({ relations: ['viewer', 'reader'] }));
    const row = (subject: string, relations: string[]) => ({
      subject,
      relations,
      unanswered: [],
      except: [],
    });
    expect(body.subjects).toEqual([
      row('user:anne', ['viewer', 'reader']),
      row('group:eng#member', ['viewer', 'reader']),
      row('document:1#owner', ['viewer', 'reader']),
      row('document:1#viewer', ['viewer', 'reader']),
      row('document:1#reader', ['reader']),
    ]);
    expect(body).toMatchObject({ cursor: '', count: 5 });
    const asked = { relations: ['viewer'], subject_types: ['group#member', 'user', 'folder'] };
    const listed = await ask(listSubjects, subjects(asked));
    expect(listed.subjects.map(({ subject }: JsonObject) => subject)).toEqual([
      'user:anne',
      'group:eng#member',
    ]);
  });

  test('a wildcard says whom it leaves out', async () => {
    drive = await openDrive([
      'document:1#viewer@user:*',
      'document:1#banned@user:anne',
      'document:1#banned@user:bob',
      'document:1#viewer@user:carl',
    ]);
    const list = async (relations: string[]) =>
      (await ask(listSubjects, subjects({ relations, subject_types: ['user'] }))).subjects;
    expect(await list(['reader'])).toEqual([
      {
        subject: 'user:*',
        relations: ['reader'],
        unanswered: [],
        except: ['user:anne', 'user:bob'],
      },
      { subject: 'user:carl', relations: ['reader'], unanswered: [], except: [] },
    ]);
    expect(await list(['viewer', 'reader'])).toMatchObject([
      { subject: 'user:*', relations: ['viewer', 'reader'], except: ['user:anne', 'user:bob'] },
      { subject: 'user:anne', relations: ['viewer'] },
      { subject: 'user:bob', relations: ['viewer'] },
      { subject: 'user:carl', relations: ['viewer', 'reader'] },
    ]);
  });

  test('what cannot be computed is a row, and fails nothing', async () => {
    drive = await openDrive(['document:1#viewer@user:bob']);
    await write([], { writes: { tuple_keys: [owner('document:1', 'user:anne')] } });
    const request = subjects({ relations: ['viewer'], subject_types: ['user'] });
    expect(await ask(listSubjects, request)).toMatchObject({
      subjects: [
        { subject: 'user:anne', relations: [], unanswered: [{ missing_parameters: ['hour'] }] },
        { subject: 'user:bob', relations: ['viewer'], unanswered: [] },
      ],
      count: 1,
    });
  });
});

describe('refusals', () => {
  const badTuple = { subject: 'user:a', relation: 'nothing', object: 'document:1' };
  test.each([
    ['no subject', listObjects, { subject: 'anne' }, 'validation_error'],
    ['a subject of no type', listObjects, { subject: 'robot:1' }, 'validation_error'],
    ['a type that is none', listObjects, { types: ['document', 'robot'] }, 'type_not_found'],
    ['a relation that nothing has', listObjects, { relations: ['no'] }, 'relation_not_found'],
    [
      'a relation that no asked type has',
      listObjects,
      { types: ['folder'], relations: ['member'] },
      'relation_not_found',
    ],
    ['a tuple that is none', listObjects, { contextual_tuples: [badTuple] }, 'invalid_tuple'],
    [
      'another model',
      listObjects,
      { model_id: '01HK0000000000000000000000' },
      'authorization_model_not_found',
    ],
    ['a cursor of nobody', listObjects, { cursor: 'AAAA' }, 'invalid_continuation_token'],
    ['no object', listSubjects, { object: 'document' }, 'validation_error'],
    ['all objects', listSubjects, { object: 'document:*' }, 'validation_error'],
    ['a relation that is none', listSubjects, { relations: ['member'] }, 'validation_error'],
    ['a kind of no type', listSubjects, { subject_types: ['robot'] }, 'type_not_found'],
    ['a kind of no relation', listSubjects, { subject_types: ['group#no'] }, 'relation_not_found'],
    ['a kind that is none', listSubjects, { subject_types: ['a#b#c'] }, 'validation_error'],
    ['a tuple that is none', listSubjects, { contextual_tuples: [badTuple] }, 'invalid_tuple'],
  ])('%s', async (_, method, change, code) => {
    drive = await openDrive(tuples);
    const request = method === listObjects ? objects(change) : subjects(change);
    expect((await drive.refusal(method, request)).code).toBe(code);
  });
});

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => [
    `document:${i}#viewer@user:anne`,
    `document:1#viewer@user:${i}`,
  ]).flat();
}

describe('pages', () => {
  test('of 7 of 10,000 objects are one of 10,000, and the list is computed once', async () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `document:${i}#viewer@user:anne`);
    drive = await openDrive(ids);
    const request = objects({ types: ['document'], relations: ['viewer'] });
    const whole = await ask(listObjects, { ...request, page_size: 10_000 });
    expect(whole).toMatchObject({ count: 10_000, cursor: '' });
    const { local } = drive.datastore;
    let reads = 0;
    const counted = Object.assign(local, {
      view: countReads(local.view, () => reads++),
    });
    expect(counted.canHold).toBe(false);
    expect(await allPages(listObjects, request)).toEqual(whole.objects);
    expect(reads).toBeGreaterThan(0);
    // 1,429 pages; the one walk reads the subject's objects in a few runs.
    expect(reads).toBeLessThan(50);
    expect(await allPages(listObjects, request, [1, 999, 10_000])).toEqual(whole.objects);
  });

  test.each([
    ['objects', listObjects, () => objects({ relations: ['viewer'] })],
    ['subjects', listSubjects, () => subjects({ relations: ['viewer', 'reader'] })],
  ])('of %s show one list, whatever is written meanwhile', async (_, method, requestOf) => {
    for (const bounds of [{}, onDisk({ sliceSteps: 10, sliceMs: 0 })]) {
      drive = await openDrive(many(40), bounds);
      const before = await ask(method, { ...requestOf(), page_size: 100 });
      const first = await ask(method, { ...requestOf(), page_size: 10 });
      const deletes = {
        tuple_keys: many(30).filter((text) => text !== 'document:1#viewer@user:1'),
      };
      await write(['document:0a#viewer@user:anne', 'document:1#viewer@user:0a'], {
        deletes: { tuple_keys: deletes.tuple_keys.map(tupleKey) },
      });
      await drive.ask('WriteAuthorizationModel', { store_id: drive.store, ...nested });
      const rest = await ask(method, { ...requestOf(), page_size: 100, cursor: first.cursor });
      const rows = ({ objects: own, subjects: others }: JsonObject) => own ?? others;
      expect([...(rows(first) as []), ...(rows(rest) as [])]).toEqual(rows(before));
      expect(rest).toMatchObject({
        cursor: '',
        count: before.count,
        consistency_token: before.consistency_token,
      });
      if (bounds.path === undefined) await drive.close();
    }
  });

  test.each([
    [limits.listPageSizeDefault - 1, ''],
    [limits.listPageSizeDefault, ''],
    [limits.listPageSizeDefault + 1, 'more'],
  ])('a page without a size has so many rows: %i', async (count, more) => {
    drive = await openDrive(
      Array.from({ length: count }, (_, i) => `document:${i}#viewer@user:anne`),
    );
    const page = await ask(listObjects, objects({ relations: ['viewer'] }));
    expect(page.objects).toHaveLength(Math.min(count, limits.listPageSizeDefault));
    expect(page.cursor === '').toBe(more === '');
  });

  /** The rows of each page by number, and all of them. */
  async function pagesOf(method: string, request: JsonObject) {
    const sizes: number[] = [];
    const rows: JsonObject[] = [];
    for (let cursor = '', end = false; !end; end = cursor === '') {
      const page = await ask(method, { ...request, page_size: 10_000, cursor });
      const own = page.objects ?? page.subjects;
      if (own.length === 0 && page.cursor !== '') throw new Error('a page without rows goes on');
      sizes.push(own.length);
      rows.push(...own);
      cursor = page.cursor;
    }
    return { sizes, rows };
  }

  // Six bytes before the row and before each of its texts; 301 of the object, 6 of `viewer`.
  const rowBytes = 6 + (6 + 301) + (6 + 6);
  test.each([
    [3 * rowBytes - 1, [2, 2, 2, 1]],
    [3 * rowBytes, [3, 3, 1]],
    [3 * rowBytes + 1, [3, 3, 1]],
    // However long it is, one row at least.
    [1, [1, 1, 1, 1, 1, 1, 1]],
  ])('a page ends at %i bytes, after so many rows: %j', async (pageBytesMax, expected) => {
    // 97 characters of three bytes.
    const ids = Array.from({ length: 7 }, (_, i) => `document:${'\u20ac'.repeat(97)}${i}`);
    drive = await openDrive(
      ids.map((id) => `${id}#viewer@user:anne`),
      { lists: { pageBytesMax } },
    );
    const request = objects({ relations: ['viewer'] });
    const { sizes, rows } = await pagesOf(listObjects, request);
    expect(sizes).toEqual(expected);
    expect(rows.map(({ object }) => object)).toEqual(ids);
  });

  test('whom a wildcard leaves out counts for the size of a page', async () => {
    const banned = Array.from({ length: 20 }, (_, i) => `document:1#banned@user:${i}`);
    drive = await openDrive(
      ['document:1#viewer@user:*', ...banned, 'document:1#viewer@user:anne'],
      { lists: { pageBytesMax: 100 } },
    );
    const request = subjects({ relations: ['reader'], subject_types: ['user'] });
    expect((await pagesOf(listSubjects, request)).sizes).toEqual([1, 1]);
  });

  test('a page of the longest ids fits what gRPC clients take', async () => {
    const ids = Array.from(
      { length: 3_500 },
      (_, i) => `document:${'\u{1f600}'.repeat(243)}${1_000 + i}`,
    );
    drive = await openDrive(ids.map((each) => `${each}#viewer@user:anne`));
    const request = objects({ relations: ['viewer'] });
    const { sizes, rows } = await pagesOf(listObjects, request);
    expect(rows.map(({ object }) => object)).toEqual(ids);
    expect(sizes).toHaveLength(2);
    const first = await ask(listObjects, { ...request, page_size: 10_000 });
    const message = fromJson(ListObjectsResponseSchema, first);
    const { length } = toBinary(ListObjectsResponseSchema, message);
    expect(length).toBeLessThanOrEqual(limits.listPageBytesMax);
    // What is counted too much is little.
    expect(length).toBeGreaterThan(0.98 * limits.listPageBytesMax);
  });

  test('a count has no rows', async () => {
    drive = await openDrive(many(30));
    expect(await ask(listObjects, objects({ relations: ['viewer'], count_only: true }))).toEqual({
      objects: [],
      cursor: '',
      count: 30,
      consistency_token: expect.any(String),
    });
    const counted = await ask(
      listSubjects,
      subjects({ subject_types: ['user'], count_only: true }),
    );
    expect(counted).toMatchObject({ subjects: [], cursor: '', count: 31 });
  });
});

function countReads(
  view: Drive['datastore']['local']['view'],
  count: () => void,
): Drive['datastore']['local']['view'] {
  return (store, read) =>
    view(store, (snapshot) =>
      read({
        ...snapshot,
        objects(...range) {
          count();
          return snapshot.objects(...range);
        },
      }),
    );
}

describe('cursors', () => {
  const request = (more: JsonObject = {}) =>
    objects({ relations: ['viewer'], page_size: 3, ...more });
  const cursorOf = async (more: JsonObject = {}) => (await ask(listObjects, request(more))).cursor;

  test('with any byte flipped are refused', async () => {
    drive = await openDrive(many(10));
    const cursor: string = await cursorOf();
    const bytes = Buffer.from(cursor, 'base64url');
    const forged = [...bytes.keys()].flatMap((at) =>
      [1, 0x80, 0xff].map((bits) => {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] as number) ^ bits;
        return copy.toString('base64url');
      }),
    );
    const spelt = [cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, cursor.slice(4)];
    for (const text of [...forged, ...spelt]) {
      const refusal = await drive.refusal(listObjects, request({ cursor: text }));
      expect(refusal.code, text).toBe('invalid_continuation_token');
    }
    expect((await ask(listObjects, request({ cursor }))).objects).toHaveLength(3);
  });

  test('of another query are refused', async () => {
    drive = await openDrive(many(10));
    const cursor = await cursorOf();
    const tuple = { subject: 'user:anne', relation: 'viewer', object: 'document:1' };
    const changes: JsonObject[] = [
      { subject: 'user:bob' },
      { subject: 'group:eng#member' },
      { types: ['document'] },
      { relations: ['reader'] },
      { relations: ['viewer', 'reader'] },
      { relations: [] },
      { contextual_tuples: [tuple] },
      { context: { hour: 1 } },
      { scope: { object: 'folder:a', relation: 'parent' } },
      { model_id: '01HK0000000000000000000000' },
    ];
    for (const change of changes) {
      const refusal = await drive.refusal(listObjects, request({ cursor, ...change }));
      expect(refusal.code, JSON.stringify(change)).toBe('invalid_continuation_token');
    }
    const other = await drive.refusal(listSubjects, subjects({ cursor }));
    expect(other.code).toBe('invalid_continuation_token');
    // The same query in other words.
    const same = { cursor, relations: ['viewer', 'viewer'], model_id: drive.model, context: {} };
    expect((await ask(listObjects, request(same))).objects).toHaveLength(3);
  });

  test('of another store are refused, and those of the wire', async () => {
    drive = await openDrive(many(10));
    const cursor = await cursorOf();
    const { body: made } = await drive.ask('CreateStore', { name: 'other' });
    await drive.ask('WriteAuthorizationModel', { store_id: made.id, ...driveModel });
    const foreign = await drive.refusal(listObjects, request({ store_id: made.id, cursor }));
    expect(foreign.code).toBe('invalid_continuation_token');
    const read = await ask('Read', { store_id: drive.store, page_size: 1 });
    const token = { cursor: read.continuation_token };
    expect((await drive.refusal(listObjects, request(token))).code).toBe(
      'invalid_continuation_token',
    );
    const back = { store_id: drive.store, page_size: 1, continuation_token: cursor };
    expect((await drive.refusal('Read', back)).code).toBe('invalid_continuation_token');
  });

  test('of a deleted store read nothing, also where another takes its id', async () => {
    drive = await openDrive(many(10));
    const cursor = await cursorOf();
    await drive.ask('DeleteStore', { store_id: drive.store });
    const gone = async () => (await drive.refusal(listObjects, request({ cursor }))).code;
    expect(await gone()).toBe('authorization_model_not_found');
    await drive.ask('WriteAuthorizationModel', { store_id: drive.store, ...driveModel });
    await write(many(10));
    expect(await gone()).toBe('authorization_model_not_found');
  });

  test('go on where the list was let go of, unless the store has changed', async () => {
    // One byte holds no list.
    drive = await openDrive(many(10), { lists: { keptBytesMax: 1 } });
    const whole = await ask(listObjects, request({ page_size: 100 }));
    expect(await allPages(listObjects, request(), [3])).toEqual(whole.objects);
    const cursor = await cursorOf();
    await write(['document:new#viewer@user:bob']);
    const refusal = await drive.refusal(listObjects, request({ cursor }));
    expect(refusal.code).toBe('aborted');
    expect(refusal.message).toContain('the store has changed');
    expect(refusal.message).toContain('start it again');
  });

  test('show the model of the first page', async () => {
    drive = await openDrive(many(10), { lists: { keptBytesMax: 1 } });
    const cursor = await cursorOf();
    const { headers } = await drive.ask(listObjects, request({ cursor }));
    expect(headers['openfga-authorization-model-id']).toBe(drive.model);
  });

  test('never show less than a consistency token asks for', async () => {
    drive = await openDrive(many(10));
    const first = await ask(listObjects, request());
    const { cursor, consistency_token: shown } = first;
    const { headers } = await write(['document:new#viewer@user:anne']);
    const token = headers['pemba-consistency-token'] as string;
    const refusal = await drive.refusal(listObjects, request({ cursor }), { token });
    expect(refusal.code).toBe('aborted');
    const next = await drive.ask(listObjects, request({ cursor }), { token: shown });
    expect(next.headers['pemba-consistency-token']).toBe(shown);
    const newest = request({ cursor, consistency: 'HIGHER_CONSISTENCY' });
    expect((await ask(listObjects, newest)).consistency_token).toBe(shown);
    expect((await drive.ask(listObjects, request(), { token })).body.count).toBe(11);
  });
});

const places = [
  ['in memory', (bounds: TestLimits['lists']): TestLimits => ({ lists: bounds ?? {} })],
  ['on disk', onDisk],
] as const;

describe.each(places)('a list is whole or an error, %s', (_, limitsOf) => {
  test.each([
    [29, false],
    [30, true],
    [31, true],
  ])('at most %i rows of 30: %s', async (rowsMax, passes) => {
    drive = await openDrive(many(30), limitsOf({ rowsMax, sliceSteps: 7, sliceMs: 0 }));
    const asked = [
      [listObjects, objects({ relations: ['viewer'] })],
      [
        listSubjects,
        subjects({ relations: ['viewer'], subject_types: ['user'], object: 'document:2' }),
      ],
    ] as const;
    await write(
      many(30)
        .map((_, i) => `document:2#viewer@user:x${i}`)
        .slice(0, 29),
    );
    for (const [method, request] of asked) {
      if (passes) {
        expect((await ask(method, request)).count).toBe(30);
      } else {
        const refusal = await drive.refusal(method, request);
        expect(refusal.code).toBe('resource_exhausted');
        expect(refusal.message).toContain('ask for less: name');
      }
    }
  });

  test.each([
    [29, false],
    [30, true],
    [31, true],
  ])('at most %i exceptions of 30: %s', async (exceptionsMax, passes) => {
    const banned = Array.from({ length: 30 }, (_, i) => `document:1#banned@user:${i}`);
    const everyone = ['document:1#viewer@user:*', ...banned];
    drive = await openDrive(everyone, limitsOf({ exceptionsMax, sliceSteps: 7, sliceMs: 0 }));
    const request = subjects({ relations: ['reader'], subject_types: ['user'] });
    if (passes) expect((await ask(listSubjects, request)).subjects[0].except).toHaveLength(30);
    else expect((await drive.refusal(listSubjects, request)).code).toBe('resource_exhausted');
  });

  test('one that is late is refused', async () => {
    drive = await openDrive(many(300), limitsOf({ sliceSteps: 10, sliceMs: 0, timeoutMs: 1_000 }));
    drive.clock.tick = 100;
    for (const [method, request] of [
      [listObjects, objects()],
      [listSubjects, subjects()],
    ] as const) {
      const refusal = await drive.refusal(method, request);
      expect(refusal.code).toBe('deadline_exceeded');
      const deadline = drive.clock.monotonic() + 600;
      expect((await drive.refusal(method, request, { deadline })).code).toBe('deadline_exceeded');
    }
  });
});

test('one that its caller gave up is given up, and lets go of its snapshot', async () => {
  drive = await openDrive(many(300), onDisk({ sliceSteps: 10, sliceMs: 0 }));
  const signal = AbortSignal.abort();
  for (let i = 0; i < 3 * limits.heldSnapshotsMax; i++) {
    expect((await drive.refusal(listObjects, objects(), { signal })).code).toBe('cancelled');
  }
  using held = await drive.datastore.local.hold(drive.store as never, 0);
  expect(held.view(() => 'free')).toBe('free');
});
