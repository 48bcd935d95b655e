/** What storage lost, leaked or forgot in another engine. */
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { migrations, storeTables } from '../../src/storage/sqlite/schema.ts';
import { RandomSource } from '../oracle/random-source.ts';
import {
  openService,
  serviceOver,
  type TestService,
  testClock,
  tupleKey,
} from '../service/harness.ts';
import { ask, filled, opened, temporaryFile, write, writeModel, writeRaw } from './manners.ts';
import { watched } from './reads.ts';

const model = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [user, user:*, group#member]
    define editor: [user]
    define banned: [user]
    define reader: viewer but not banned`;

const numbered = (count: number, relation = 'viewer', start = 0): string[] =>
  Array.from({ length: count }, (_, i) => `document:${start + i}#${relation}@user:u${start + i}`);

/** Every row of a list, read in pages of this size. */
async function pages(
  service: TestService,
  method: 'Read' | 'ReadChanges',
  request: Record<string, string | Record<string, string>>,
  size: number,
): Promise<string[]> {
  const texts: string[] = [];
  for (let token = ''; ; ) {
    const asked = { ...request, page_size: size, continuation_token: token };
    const { body } = await service.ask(method, asked);
    for (const row of body.tuples ?? body.changes) {
      const { object, relation, user } = row.key ?? row.tuple_key;
      texts.push(`${object}#${relation}@${user}`);
    }
    const next: string = body.continuation_token;
    if (next === '' || next === token) return texts;
    token = next;
  }
}

describe('writes', () => {
  test('A39: a write around its limit is stored whole or not at all', async () => {
    const service = await opened(temporaryFile());
    const store = await filled(service, { model });
    const most = limits.tuplesPerWriteMax;
    let stored: string[] = [];
    for (const count of [most - 1, most, most + 1]) {
      const texts = numbered(count, 'viewer', stored.length);
      const request = { store_id: store, writes: { tuple_keys: texts.map(tupleKey) } };
      if (count <= most) {
        await service.ask('Write', request);
        stored = stored.concat(texts);
      } else {
        expect((await service.refusal('Write', request)).code).toBe('exceeded_entity_limit');
      }
      expect(await pages(service, 'ReadChanges', { store_id: store }, 100)).toEqual(stored);
      expect((await pages(service, 'Read', { store_id: store }, 100)).sort()).toEqual(
        stored.toSorted(),
      );
    }
  });

  test('A39: a write above the parameters that a statement takes is stored whole', async () => {
    const service = await opened(temporaryFile());
    const store = await filled(service, { model });
    // SQLite takes 32,766 parameters in one statement.
    await writeRaw(service.datastore, store, numbered(33_000));
    for (const id of ['0', '32766', '32767', '32999']) {
      const tuple_key = { object: `document:${id}`, relation: 'viewer', user: `user:u${id}` };
      expect((await service.ask('Check', { store_id: store, tuple_key })).body.allowed).toBe(true);
    }
    expect((await pages(service, 'ReadChanges', { store_id: store }, 100)).length).toBe(33_000);
  });

  test('A39: a fault at any tuple of a write leaves nothing of it', async () => {
    const service = await opened();
    const store = await filled(service, { model, tuples: ['document:x#viewer@user:x'] });
    for (const at of [0, 1, 49, 98, 99]) {
      const texts = numbered(100);
      texts[at] = 'document:x#viewer@user:x';
      const writes = { tuple_keys: texts.map(tupleKey) };
      const refusal = await service.refusal('Write', { store_id: store, writes });
      expect(refusal.code).toBe('write_failed_due_to_invalid_input');
      expect(await pages(service, 'Read', { store_id: store }, 100)).toEqual([
        'document:x#viewer@user:x',
      ]);
      expect((await pages(service, 'ReadChanges', { store_id: store }, 100)).length).toBe(1);
    }
  });

  test('revision order: every write is seen at its own revision, and takes one of its own', async () => {
    const service = await opened(temporaryFile());
    const store = await filled(service, { model });
    const tokens: string[] = [];
    const one = async (i: number) => {
      const text = `document:${i}#viewer@user:anne`;
      const tuple_keys = [tupleKey(text)];
      const written = await service.ask('Write', { store_id: store, writes: { tuple_keys } });
      const token = written.headers['pemba-consistency-token'] as string;
      tokens.push(token);
      const asked = { store_id: store, tuple_key: tupleKey(text) };
      expect((await service.ask('Check', asked, { token })).body.allowed).toBe(true);
      const later = await service.ask('Check', { ...asked, consistency: 'HIGHER_CONSISTENCY' });
      expect(later.body.allowed).toBe(true);
    };
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => one(round * 20 + i)));
    }
    expect(new Set(tokens).size).toBe(1_000);
    const page = await service.datastore.readChanges(store, {
      pageSize: 2_000,
      cursor: '',
      objectType: '',
      since: undefined,
    });
    const revisions = page.rows.map((row) => row.revision);
    expect(revisions).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 2));
  });

  test('stale caches: after a write is acknowledged, no answer is from before it', async () => {
    const service = await opened();
    const store = await filled(service, { model });
    const random = new RandomSource(5);
    const item = { object: 'document:1', relation: 'reader', user: 'user:anne' };
    const worker = async (name: string) => {
      const own = { ...item, object: `document:${name}` };
      const key = { ...own, relation: 'viewer' };
      for (let round = 0; round < 40; round++) {
        const on = round % 2 === 0;
        const change = { tuple_keys: [key] };
        await service.ask('Write', {
          store_id: store,
          ...(on ? { writes: change } : { deletes: change }),
        });
        for (let again = random.below(3); again >= 0; again--) {
          const asked = await service.ask('Check', { store_id: store, tuple_key: own });
          expect(asked.body.allowed).toBe(on);
        }
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(worker));
    // The model is remembered too.
    await write(service, store, ['document:1#viewer@user:anne']);
    for (const [text, allowed] of [
      [model.replace('[user, user:*, group#member]', '[user:*]'), false],
      [model, true],
    ] as const) {
      await writeModel(service, store, text);
      const asked = await service.ask('Check', { store_id: store, tuple_key: item });
      expect(asked.body.allowed).toBe(allowed);
    }
  });
});

describe('snapshots', () => {
  test('A53: a delete in the midst of a check leaves its answer as it was before', async () => {
    const path = temporaryFile();
    const clock = testClock();
    const datastore = await openSqlite({ path, clock });
    const plain = serviceOver(datastore, clock);
    const tuples = ['document:1#viewer@group:a#member', 'group:a#member@group:b#member'];
    tuples.push('group:b#member@user:anne');
    const store = await filled(plain, { model, tuples });
    const question = { store_id: store, tuple_key: tupleKey('document:1#reader@user:anne') };
    const allowed = async (service: TestService) =>
      (await service.ask('Check', question)).body.allowed;

    // Another process, which commits while the check is between two reads.
    const other = new Database(path);
    const last = '(SELECT max(subject) FROM tuple)';
    other.exec(`CREATE TEMP TABLE kept AS SELECT * FROM tuple WHERE subject = ${last}`);
    let [pauseAt, reads] = [1, 0];
    const pausing = watched(datastore, () => {
      if (++reads === pauseAt) other.exec(`DELETE FROM main.tuple WHERE subject = ${last}`);
    });
    const service = serviceOver(pausing, clock);
    for (; ; pauseAt++) {
      reads = 0;
      expect(await allowed(service), `a delete before read ${pauseAt}`).toBe(true);
      if (reads < pauseAt) break;
      expect(await allowed(plain)).toBe(false);
      other.exec('INSERT INTO main.tuple SELECT * FROM kept');
    }
    expect(pauseAt).toBeGreaterThan(4);
    other.close();
    await datastore.close();
  });

  test('A55: asking about what nobody wrote leaves the file as it was', async () => {
    const path = temporaryFile();
    const service = await opened(path);
    const store = await filled(service, { model, tuples: ['document:1#viewer@user:anne'] });
    const eye = new Database(path, { readonly: true });
    const rows = () =>
      ['store', ...storeTables].map((table) =>
        eye.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
      );
    const before = rows();
    const version = eye.pragma('data_version', { simple: true });
    for (let i = 0; i < 300; i++) {
      const object = `document:never-${i}`;
      const user = `user:nobody-${i}`;
      const key = { object, relation: 'viewer', user };
      await service.ask('Check', {
        store_id: store,
        tuple_key: key,
        contextual_tuples: { tuple_keys: [{ ...key, relation: 'editor' }] },
      });
      await service.ask('Expand', { store_id: store, tuple_key: { object, relation: 'reader' } });
      for (const method of ['ListObjects', 'StreamedListObjects']) {
        await service.ask(method, { store_id: store, type: 'document', relation: 'reader', user });
      }
      await service.ask('ListUsers', {
        store_id: store,
        object: { type: 'document', id: `never-${i}` },
        relation: 'reader',
        user_filters: [{ type: 'user' }],
      });
      const query = { store_id: store, subject: user, object };
      await service.ask('ListRelations', query);
      await service.ask('Explain', { ...query, relation: 'reader' });
      await service.ask('Read', { store_id: store, tuple_key: { ...key, relation: '' } });
      await service.ask('ReadChanges', { store_id: store, type: `type-${i}` });
      const unknown = `01H0H015178Y2V4CX1${String(i).padStart(8, '0')}`;
      expect((await service.refusal('Check', { store_id: unknown, tuple_key: key })).code).toBe(
        'latest_authorization_model_not_found',
      );
    }
    expect(rows()).toEqual(before);
    expect(eye.pragma('data_version', { simple: true })).toBe(version);
    eye.close();
  });
});

describe('tenants', () => {
  const shared = [...numbered(9), ...numbered(9, 'editor')];
  const filters = [
    {},
    { object: 'document:1', relation: '', user: '' },
    { object: 'document:1', relation: 'viewer', user: '' },
    { object: 'document:', relation: '', user: 'user:u1' },
    { object: 'document:', relation: 'viewer', user: 'user:u1' },
    { object: 'document:1', relation: '', user: 'user:u1' },
    { object: 'document:1', relation: 'viewer', user: 'user:u1' },
  ];

  test('A54: two stores with equal ids never show in one another, on any page', async () => {
    const service = await opened();
    const first = await filled(service, { model, tuples: shared });
    const other = shared.map((text) => text.replace('user:', 'user:other-'));
    const second = await filled(service, { model, tuples: [...shared.slice(0, 3), ...other] });
    for (const [store, own] of [
      [first, shared],
      [second, [...shared.slice(0, 3), ...other]],
    ] as const) {
      for (const filter of filters) {
        const request = { store_id: store, ...('object' in filter ? { tuple_key: filter } : {}) };
        const whole = (await pages(service, 'Read', request, 100)).sort();
        expect(whole.every((text) => own.includes(text))).toBe(true);
        for (const size of [1, 2, 3, 4, 5, 6, 7]) {
          expect((await pages(service, 'Read', request, size)).sort()).toEqual(whole);
        }
      }
      for (const size of [1, 7, 100]) {
        expect(await pages(service, 'ReadChanges', { store_id: store }, size)).toEqual(own);
      }
      await ask(service, store, [
        { check: 'document:8#editor@user:u8', expected: store === first ? 'allowed' : 'denied' },
        {
          check: 'document:8#editor@user:other-u8',
          expected: store === first ? 'denied' : 'allowed',
        },
      ]);
    }
  });

  test('A56: the newest revision of one store is never taken for that of another', async () => {
    const service = await opened();
    const first = await filled(service, { model, tuples: numbered(1) });
    const second = await filled(service, { model });
    for (let i = 0; i < 30; i++) await write(service, second, [`document:${i}#viewer@user:u${i}`]);
    const asked = Array.from({ length: 40 }, async (_, i) => {
      const store = i % 2 === 0 ? first : second;
      const { headers, body } = await service.ask('Check', {
        store_id: store,
        tuple_key: tupleKey('document:29#viewer@user:u29'),
        consistency: 'HIGHER_CONSISTENCY',
      });
      expect(body.allowed).toBe(store === second);
      return headers['pemba-consistency-token'];
    });
    const tokens = await Promise.all(asked);
    expect(new Set(tokens).size).toBe(2);
    const [ofFirst = '', ofSecond = ''] = tokens;
    const question = { store_id: first, tuple_key: tupleKey('document:0#viewer@user:u0') };
    expect((await service.ask('Check', question, { token: ofFirst })).body.allowed).toBe(true);
    const refusal = await service.refusal('Check', question, { token: ofSecond });
    expect(refusal.message).toContain('belongs to another store');
  });

  test('A57: deleting a store, and emptying it, leaves the others as they are', async () => {
    const path = temporaryFile();
    const service = await openService({ path });
    const kept = await filled(service, { model, tuples: shared });
    const gone = await filled(service, { model, tuples: shared });
    await writeRaw(service.datastore, gone, numbered(3_000, 'banned'));
    const ofKept = await service.ask('ReadAuthorizationModels', { store_id: kept });
    const [{ id: modelOfKept }] = ofKept.body.authorization_models;
    // A model is looked up within its store alone.
    const foreign = {
      store_id: gone,
      authorization_model_id: modelOfKept,
      tuple_key: tupleKey('document:1#viewer@user:u1'),
    };
    expect((await service.ask('Check', { ...foreign, store_id: kept })).body.allowed).toBe(true);
    expect((await service.refusal('Check', foreign)).code).toBe('authorization_model_not_found');

    const everything = async (of: TestService) => [
      await pages(of, 'Read', { store_id: kept }, 100),
      await pages(of, 'ReadChanges', { store_id: kept }, 100),
      (await of.ask('ReadAuthorizationModels', { store_id: kept })).body,
    ];
    const before = await everything(service);
    await service.ask('DeleteStore', { store_id: gone });
    expect(await everything(service)).toEqual(before);
    await service.close();

    const again = await opened(path);
    const eye = new Database(path, { readonly: true });
    const count = (what: string) => eye.prepare(`SELECT count(${what}`).pluck().get();
    // Emptying goes on by a step between two writes; so many rows are fewer than 100 steps.
    for (let i = 0; i < 100 && count('*) FROM purge') !== 0; i++) await again.datastore.ready();
    for (const table of storeTables) {
      expect(count(`DISTINCT store) FROM ${table}`), table).toBeLessThanOrEqual(1);
    }
    eye.close();
    expect(await everything(again)).toEqual(before);
    expect(await pages(again, 'Read', { store_id: gone }, 100)).toEqual([]);
    expect((await again.refusal('GetStore', { store_id: gone })).code).toBe('store_id_not_found');
  });
});

describe('tokens', () => {
  /** One that goes on, by method, and the request that it belongs to. */
  async function tokensOf(service: TestService, store: string) {
    const requests = {
      Read: { store_id: store, page_size: 2 },
      ReadChanges: { store_id: store, page_size: 2 },
      ReadAuthorizationModels: { store_id: store, page_size: 1 },
      ListStores: { page_size: 1 },
    };
    const tokens: [keyof typeof requests, string][] = [];
    for (const method of Object.keys(requests) as (keyof typeof requests)[]) {
      const { body } = await service.ask(method, requests[method]);
      expect(body.continuation_token).not.toBe('');
      tokens.push([method, body.continuation_token]);
    }
    return { requests, tokens };
  }

  test('A41: a token with any byte changed, cut or borrowed is refused', async () => {
    const service = await opened();
    const first = await filled(service, { model, tuples: numbered(5) });
    await writeModel(service, first, model);
    const second = await filled(service, { model, tuples: numbered(5) });
    await writeModel(service, second, model);
    const { requests, tokens } = await tokensOf(service, first);
    const refused = async (method: keyof typeof requests, token: string, request: object = {}) => {
      const asked = { ...requests[method], ...request, continuation_token: token };
      const { code } = await service.refusal(method, asked);
      expect(['invalid_continuation_token', 'validation_error'], token).toContain(code);
    };
    for (const [method, token] of tokens) {
      for (let at = 0; at < token.length; at++) {
        for (const letter of ['A', 'B', '_', '9']) {
          const changed = token.slice(0, at) + letter + token.slice(at + 1);
          if (changed !== token) await refused(method, changed);
        }
        if (at > 0) await refused(method, token.slice(0, at));
      }
      for (const [other] of tokens) if (other !== method) await refused(other, token);
      if (method !== 'ListStores') await refused(method, token, { store_id: second });
    }
    const { headers } = await service.ask('Read', { store_id: first });
    const consistency = headers['pemba-consistency-token'] as string;
    const question = { store_id: first, tuple_key: tupleKey('document:0#viewer@user:u0') };
    for (let at = 0; at < consistency.length; at++) {
      for (const bad of [
        consistency.slice(0, at),
        `${consistency.slice(0, at)}${consistency[at] === 'Q' ? 'R' : 'Q'}${consistency.slice(at + 1)}`,
      ]) {
        if (bad === '') continue;
        const { code } = await service.refusal('Check', question, { token: bad });
        expect(code).toBe('validation_error');
      }
    }
    expect((await service.ask('Check', question)).body.allowed).toBe(true);
  });

  test('A50: a token that somebody makes, knowing its form, is refused and reaches no SQL', async () => {
    const service = await opened();
    const store = await filled(service, { model, tuples: numbered(5) });
    await writeModel(service, store, model);
    await filled(service, { model });
    const { requests, tokens } = await tokensOf(service, store);
    for (const [method, token] of tokens) {
      const bytes = Buffer.from(token, 'base64url');
      const code = bytes.subarray(0, 16);
      for (const position of [
        ['0) OR 1=1 --'],
        ["'; DROP TABLE tuple; --"],
        [0, 0, 0, 0, 0],
        [-1, -1, -1, -1, -1],
        [{ toString: 'x' }],
        [1e308],
      ]) {
        const payload = Buffer.from(JSON.stringify({ mark: '', position }));
        for (const forged of [
          Buffer.concat([code, payload]),
          payload,
          Buffer.concat([Buffer.alloc(16), payload]),
        ]) {
          const asked = { ...requests[method], continuation_token: forged.toString('base64url') };
          expect((await service.refusal(method, asked)).code).toBe('invalid_continuation_token');
        }
      }
    }
    // No secret is built in: another file takes no token of this one.
    const other = await opened();
    const [first] = tokens;
    const asked = { page_size: 2, store_id: store, continuation_token: first?.[1] ?? '' };
    expect((await other.refusal('Read', asked)).code).toBe('invalid_continuation_token');
    expect((await pages(service, 'Read', { store_id: store }, 2)).length).toBe(5);
  });

  test('page tokens: any legal name of a type pages to its end, and a bad one never restarts', async () => {
    const service = await opened();
    const types = ['doc|x', 'doc/x', 'doc,x', 'doc%7Cx', 'doc', 'документ', '{"a"}', "d'x"];
    const created = await service.ask('CreateStore', { name: 'pages' });
    const store: string = created.body.id;
    await service.ask('WriteAuthorizationModel', {
      store_id: store,
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        ...types.map((type) => ({
          type,
          relations: { viewer: { this: {} } },
          metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
        })),
      ],
    });
    for (const type of types) {
      const texts = Array.from({ length: 5 }, (_, i) => `${type}:a|${i}#viewer@user:b|${i}`);
      await service.ask('Write', { store_id: store, writes: { tuple_keys: texts.map(tupleKey) } });
      for (const size of [1, 2, 4, 5, 6]) {
        const request = { store_id: store, type };
        expect(await pages(service, 'ReadChanges', request, size)).toEqual(texts);
      }
      const { body } = await service.ask('ReadChanges', { store_id: store, type, page_size: 2 });
      for (const bad of ['=', 'x', `${body.continuation_token}A`, `A${body.continuation_token}`]) {
        const asked = { store_id: store, type, continuation_token: bad };
        await service.refusal('ReadChanges', asked);
      }
      const swapped = { store_id: store, type: `${type}2`, ...body };
      const { code } = await service.refusal('ReadChanges', swapped);
      expect(code).toBe('query_string_type_continuation_token_mismatch');
    }
  });
});

describe('time and versions', () => {
  test('clocks and GC: a clock that jumps moves neither order nor what is newest', async () => {
    const path = temporaryFile();
    const service = await openService({ path });
    const store = await filled(service, { model });
    const hour = 3_600_000;
    const texts: string[] = [];
    const models: string[] = [];
    for (const jump of [0, hour, -2 * hour, 3 * hour, -hour, -24 * hour]) {
      service.clock.time += jump;
      const text = `document:${texts.length}#viewer@user:anne`;
      texts.push(text);
      await write(service, store, [text]);
      models.unshift(await writeModel(service, store, model));
      expect(await pages(service, 'ReadChanges', { store_id: store }, 2)).toEqual(texts);
      const latest = await service.ask('Check', { store_id: store, tuple_key: tupleKey(text) });
      expect(latest.body.allowed).toBe(true);
      expect(latest.headers['openfga-authorization-model-id']).toBe(models[0]);
    }
    await service.close();

    // A process that starts with a clock of yesterday makes ids that sort before the old ones.
    const later = await openService({ path });
    later.clock.time -= 24 * hour;
    const newest = await writeModel(later, store, model);
    expect(newest < (models[0] as string)).toBe(true);
    const latest = await later.ask('Check', {
      store_id: store,
      tuple_key: tupleKey(texts[0] as string),
    });
    expect(latest.headers['openfga-authorization-model-id']).toBe(newest);
    const listed = await later.ask('ReadAuthorizationModels', { store_id: store });
    expect(
      listed.body.authorization_models.map(({ id }: { id: string }) => id).slice(0, -1),
    ).toEqual([newest, ...models]);
    await later.close();
  });

  test('rollback: a file of a newer version is refused, so nothing in it is misread', async () => {
    const path = temporaryFile();
    const service = await openService({ path });
    await filled(service, { model });
    await service.close();
    const hand = new Database(path);
    expect(hand.pragma('user_version', { simple: true })).toBe(migrations.length);
    hand.pragma(`user_version = ${migrations.length + 1}`);
    hand.close();
    await expect(openService({ path })).rejects.toThrow('newer');
  });
});
