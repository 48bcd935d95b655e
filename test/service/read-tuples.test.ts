/** Read and ReadChanges: filters, pages and tokens. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDrive, tupleKey } from './harness.ts';

const tuples = [
  'document:1#viewer@user:anne',
  'document:1#viewer@group:eng#member',
  'document:1#banned@user:anne',
  'document:2#viewer@user:anne',
  'document:2#viewer@user:*',
  'folder:1#viewer@user:anne',
];

let drive: Awaited<ReturnType<typeof openDrive>>;
beforeAll(async () => {
  drive = await openDrive(tuples);
  drive.clock.time += 60_000;
  const guarded = {
    ...tupleKey('document:3#owner@user:eve'),
    condition: { name: 'at_work', context: { limit: 17 } },
  };
  await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys: [guarded] } });
});
afterAll(() => drive.close());

interface Row {
  readonly key: ReturnType<typeof tupleKey>;
}

function texts(rows: readonly Row[]): string[] {
  return rows.map(({ key }) => `${key.object}#${key.relation}@${key.user}`).sort();
}

async function read(more: object) {
  return (await drive.ask('Read', { store_id: drive.store, ...more })).body;
}

describe('filters', () => {
  const owned = 'document:3#owner@user:eve';
  test.each([
    [null, [...tuples, owned]],
    [{ object: 'document:1' }, tuples.slice(0, 3)],
    [{ object: 'document:1', relation: 'viewer' }, tuples.slice(0, 2)],
    [{ object: 'document:1', relation: 'viewer', user: 'user:anne' }, tuples.slice(0, 1)],
    [{ object: 'document:1', user: 'user:anne' }, [tuples[0], tuples[2]]],
    [{ object: 'document:', user: 'user:anne' }, [tuples[0], tuples[2], tuples[3]]],
    [{ object: 'document:', relation: 'viewer', user: 'user:anne' }, [tuples[0], tuples[3]]],
    [{ object: 'document:', user: 'user:*' }, [tuples[4]]],
    [{ object: 'document:', user: 'group:eng#member' }, [tuples[1]]],
    [{ object: 'document:', user: 'group:eng' }, []],
    [{ object: 'ghost:1' }, []],
    [{ object: 'document:a:b' }, []],
  ])('%j', async (tuple_key, expected) => {
    const { tuples: rows, continuation_token } = await read({ tuple_key });
    expect(texts(rows)).toEqual(expected.toSorted());
    expect(continuation_token).toBe('');
  });

  test.each([
    {},
    { user: 'user:anne' },
    { relation: 'viewer' },
    { object: 'document:' },
    { object: 'document:', relation: 'viewer' },
    { object: 'document', user: 'user:anne' },
    { object: ':1', user: 'user:anne' },
  ])('%j is too wide', async (tuple_key) => {
    const refusal = await drive.refusal('Read', { store_id: drive.store, tuple_key });
    expect(refusal.code).toBe('validation_error');
    expect(refusal.message).toBe(
      "the 'tuple_key' field was provided but the object type field is required and both the object id and user cannot be empty",
    );
  });

  test('a malformed subject is refused', async () => {
    const tuple_key = { object: 'document:', user: 'a:b:c' };
    const refusal = await drive.refusal('Read', { store_id: drive.store, tuple_key });
    expect(refusal.message).toBe("the 'user' field is malformed");
  });
});

test('a tuple comes back with its condition and its time', async () => {
  const { tuples: rows } = await read({ tuple_key: { object: 'document:3' } });
  expect(rows).toEqual([
    {
      key: {
        ...tupleKey('document:3#owner@user:eve'),
        condition: { name: 'at_work', context: { limit: 17 } },
      },
      timestamp: '2024-01-01T00:01:00Z',
    },
  ]);
});

test('an unknown store holds nothing', async () => {
  const { body } = await drive.ask('Read', { store_id: '01HK0000000000000000000000' });
  expect(body).toEqual({ tuples: [], continuation_token: '' });
});

describe('pages', () => {
  test.each([1, 2, 3, 6, 7, 100])('of %d hold every tuple once', async (page_size) => {
    const seen: string[] = [];
    let token = '';
    do {
      const page = await read({ page_size, continuation_token: token });
      expect(page.tuples.length).toBeLessThanOrEqual(page_size);
      seen.push(...texts(page.tuples));
      token = page.continuation_token;
      expect(token).toMatch(/^$|^[A-Za-z0-9_-]+={0,2}$/);
    } while (token !== '');
    expect(seen.sort()).toEqual([...tuples, 'document:3#owner@user:eve'].sort());
  });

  test('a token of another query, and none at all, are refused', async () => {
    const { continuation_token } = await read({ page_size: 1 });
    const requests = [
      { continuation_token, tuple_key: { object: 'document:1' } },
      { continuation_token: 'nonsense' },
    ];
    for (const request of requests) {
      const refusal = await drive.refusal('Read', { store_id: drive.store, ...request });
      expect(refusal.code).toBe('invalid_continuation_token');
    }
  });
});

describe('changes', () => {
  const ask = async (more: object) =>
    (await drive.ask('ReadChanges', { store_id: drive.store, ...more })).body;

  test('come in the order of writing, deletes without their condition', async () => {
    const own = await openDrive(['document:1#viewer@user:anne']);
    const guarded = {
      ...tupleKey('document:1#owner@user:eve'),
      condition: { name: 'at_work', context: { limit: 17 } },
    };
    await own.ask('Write', { store_id: own.store, writes: { tuple_keys: [guarded] } });
    own.clock.time += 1_000;
    const deletes = { tuple_keys: [tupleKey('document:1#owner@user:eve')] };
    await own.ask('Write', { store_id: own.store, deletes });
    const { changes } = (await own.ask('ReadChanges', { store_id: own.store })).body;
    expect(changes).toEqual([
      {
        tuple_key: tupleKey('document:1#viewer@user:anne'),
        operation: 'TUPLE_OPERATION_WRITE',
        timestamp: '2024-01-01T00:00:00Z',
      },
      {
        tuple_key: guarded,
        operation: 'TUPLE_OPERATION_WRITE',
        timestamp: '2024-01-01T00:00:00Z',
      },
      {
        tuple_key: tupleKey('document:1#owner@user:eve'),
        operation: 'TUPLE_OPERATION_DELETE',
        timestamp: '2024-01-01T00:00:01Z',
      },
    ]);
    await own.close();
  });

  test('of a type', async () => {
    expect((await ask({ type: 'folder' })).changes).toHaveLength(1);
    expect((await ask({ type: 'document' })).changes).toHaveLength(6);
    expect((await ask({ type: 'ghost' })).changes).toHaveLength(0);
  });

  test('since a time', async () => {
    const since = { start_time: '2024-01-01T00:00:30Z' };
    expect((await ask(since)).changes).toHaveLength(1);
    expect((await ask({ start_time: '1970-01-01T00:00:00Z' })).changes).toHaveLength(7);
    const early = { store_id: drive.store, start_time: '1969-12-31T23:59:59Z' };
    const refusal = await drive.refusal('ReadChanges', early);
    expect(refusal.code).toBe('invalid_start_time');
  });

  test.each([1, 3, 7])(
    'in pages of %d, with a token at the end that goes on',
    async (page_size) => {
      let token = '';
      let count = 0;
      for (;;) {
        const page = await ask({ page_size, continuation_token: token });
        expect(page.continuation_token).not.toBe('');
        if (page.changes.length === 0) {
          expect(page.continuation_token).toBe(token);
          break;
        }
        count += page.changes.length;
        token = page.continuation_token;
      }
      expect(count).toBe(7);
    },
  );

  test('a token is bound to its type', async () => {
    const { continuation_token } = await ask({ type: 'document', page_size: 1 });
    const other = { store_id: drive.store, type: 'folder', continuation_token };
    const refusal = await drive.refusal('ReadChanges', other);
    expect(refusal.code).toBe('query_string_type_continuation_token_mismatch');
    const nonsense = { store_id: drive.store, continuation_token: 'nonsense' };
    const malformed = await drive.refusal('ReadChanges', nonsense);
    expect(malformed.code).toBe('invalid_continuation_token');
  });

  test('of an unknown store there are none, and no token', async () => {
    const { body } = await drive.ask('ReadChanges', { store_id: '01HK0000000000000000000000' });
    expect(body).toEqual({ changes: [], continuation_token: '' });
  });
});
