// Roles: what each gives, and to whom; who may see a store; the first admin and the last one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Principal } from '../../src/authn/authenticator.ts';
import { limits } from '../../src/base/limits.ts';
import { systemStoreId } from '../../src/model/ids.ts';
import type { Access } from '../../src/service/access/access.ts';
import { Callers } from '../../src/service/access/caller.ts';
import { type Holder, holderOf, principalId } from '../../src/service/access/principal.ts';
import {
  demandOf,
  kinOf,
  type Permission,
  type Role,
  roles,
} from '../../src/service/access/roles.ts';
import { createAccess } from '../../src/service/router.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { openService, type TestService } from './harness.ts';

let service: TestService;
let access: Access;
let store: string;
const callers = new Callers(() => undefined);
const key = (id: string): Principal => ({ kind: 'preshared', id, keyId: '00000000' });
const callerOf = (id: string) => callers.callerOf({ kind: 'preshared', id, keyId: '' });
const permits = (id: string, permission: Permission, on = store) =>
  access.permits(callerOf(id), permission, on);

beforeEach(async () => {
  service = await openService();
  access = createAccess(service);
  store = (await service.ask('CreateStore', { name: 'drive' })).body.id;
});
afterEach(() => service.close());

const permissions = [...roles, 'see', 'read_model'] as const;
/** `create` is asked of no store. */
const onStore = permissions.filter((permission) => permission !== 'create');
const gives: { readonly [role in Role]: readonly Permission[] } = {
  check: ['check', 'see'],
  read: ['check', 'read', 'see', 'read_model'],
  write: ['write', 'see'],
  model: ['model', 'see', 'read_model'],
  admin: ['check', 'read', 'write', 'model', 'admin', 'see', 'read_model'],
  create: ['create'],
};

describe.each(roles.filter((role) => role !== 'create'))('%s on a store', (role) => {
  test('gives what it says there, and nothing elsewhere', async () => {
    const other = (await service.ask('CreateStore', { name: 'other' })).body.id;
    await access.grant('key|web', role, store as never);
    expect(onStore.filter((permission) => permits('web', permission))).toEqual(gives[role]);
    expect(onStore.filter((permission) => permits('web', permission, other))).toEqual([]);
    expect(permissions.filter((permission) => permits('web', permission, ''))).toEqual([]);
    expect(onStore.filter((permission) => permits('other', permission))).toEqual([]);
  });
});

test.each(roles)('%s on all stores gives it on each, also on those to come', async (role) => {
  await access.grant('key|web', role, '');
  const wide = role === 'admin' ? [...gives.admin, 'create'] : gives[role];
  expect(permissions.filter((each) => permits('web', each, '')).sort()).toEqual([...wide].sort());
  const later = (await service.ask('CreateStore', { name: 'later' })).body.id;
  const there = permissions.filter((each) => each !== 'create' && permits('web', each, later));
  expect(there.sort()).toEqual(wide.filter((each) => each !== 'create').sort());
});

test('before anybody granted anything, all is denied', () => {
  expect(onStore.filter((permission) => permits('web', permission))).toEqual([]);
});

test('a role that is taken away is gone at once, cached or not', async () => {
  await access.grant('key|web', 'check', store as never);
  for (let i = 0; i < 3; i++) expect(permits('web', 'check')).toBe(true);
  await access.revoke('key|web', 'check', store as never);
  expect(permits('web', 'check')).toBe(false);
  await access.grant('key|web', 'check', store as never);
  expect(permits('web', 'check')).toBe(true);
});

test.each([
  '',
  '*',
  'system',
  'store:*',
  '01ARZ3NDEKTSV4RRFFQ69G5FAV ',
  '01arz3ndektsv4rrffq69g5fav',
  '\ud800',
  'x'.repeat(100_000),
])("what is no id of a store is nobody's: %.30j", async (text) => {
  await access.grant('key|web', 'admin', store as never);
  expect(permissions.filter((permission) => permits('web', permission, text))).toEqual([]);
});

describe('the first admin', () => {
  test('is made once, whoever comes second', async () => {
    expect(await access.isBootstrapped()).toBe(false);
    const made = await Promise.all(['key|a', 'key|b', 'key|c'].map((id) => access.bootstrap(id)));
    expect(made.filter(Boolean)).toEqual([true]);
    expect(await access.isBootstrapped()).toBe(true);
    expect(['a', 'b', 'c'].filter((id) => permits(id, 'admin', ''))).toHaveLength(1);
  });

  test('once is once: also when it is no admin any more', async () => {
    await access.bootstrap('key|a');
    await access.grant('key|b', 'admin', '');
    await access.revoke('key|a', 'admin', '');
    expect(await access.bootstrap('key|a')).toBe(false);
    expect(permits('a', 'admin', '')).toBe(false);
  });

  test('the last admin stays, of two who take each other one does', async () => {
    await access.bootstrap('key|a');
    await expect(access.revoke('key|a', 'admin', '')).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await access.grant('key|b', 'admin', '');
    const taken = await Promise.allSettled([
      access.revoke('key|a', 'admin', ''),
      access.revoke('key|b', 'admin', ''),
    ]);
    expect(taken.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(['a', 'b'].filter((id) => permits(id, 'admin', ''))).toHaveLength(1);
  });
});

describe('principals', () => {
  const holders: Holder[] = [
    { kind: 'preshared', id: 'a' },
    ...(['azp', 'client_id', 'sub'] as const).flatMap((claim) =>
      [
        ['https://a.example', 'b'],
        ['https://a.example/b', 'c'],
        ['https://a.example', 'b/c'],
        ['https://a.example/', 'b|c'],
        ['https://a.example/+2f', 'b'],
        ['https://a.example//', 'b'],
        ['key', 'a'],
        ['a', '*'],
        ['a', 'b#admin'],
        ['a', 'ä😀'],
      ].map(([issuer = '', id = '']): Holder => ({ kind: 'oidc', issuer, claim, id })),
    ),
  ];

  test('each has an id of its own, that says who it is', () => {
    const ids = holders.map(principalId);
    expect(new Set(ids).size).toBe(holders.length);
    expect(ids.map((id) => holderOf(id ?? ''))).toEqual(holders);
    for (const id of ids) expect(id).toMatch(/^[\w|@.+/-]+$/);
  });

  test.each([
    'nameless',
    'key',
    '|a',
    'client|azp/x',
    'client|azp/x/y/z',
    'client|iss/x/y',
    'other|a',
  ])('what is no id of one is nobody: %s', (id) => expect(holderOf(id)).toBeUndefined());

  test('one whose id is too long has no role, not even for its scopes', async () => {
    const scopes = ['all'];
    const file = new Callers(() => ({ callerRoles: () => [{ role: 'admin' }] }) as never);
    const long: Principal = {
      kind: 'oidc',
      issuer: 'https://a.example',
      claim: 'azp',
      id: 'x'.repeat(limits.objectLengthMax),
      subject: 's',
      scopes,
    };
    await access.prepare();
    expect(() => file.callerOf(long)).toThrow('longer');
    const caller = file.callerOf({ ...long, id: 'x' });
    expect(access.permits(caller, 'admin', store)).toBe(true);
    expect(access.permits(callers.callerOf({ ...long, id: 'x' }), 'admin', store)).toBe(false);
  });
});

describe('stores', () => {
  const names = async (principal: Principal, request = {}) => {
    const { body } = await ask('ListStores', { page_size: 2, ...request }, principal);
    return body;
  };
  // The harness makes the methods with an access of their own, over the same datastore.
  const ask = (method: string, request: object, principal: Principal) =>
    service.ask(method, request as never, { principal });

  test('whoever creates one is its admin, and nobody else is anything', async () => {
    const { id } = (await ask('CreateStore', { name: 'mine' }, key('web'))).body;
    expect(permits('web', 'admin', id)).toBe(true);
    expect(permits('web', 'admin')).toBe(false);
    expect(permits('other', 'see', id)).toBe(false);
  });

  test('a deleted one leaves no role behind', async () => {
    const { id } = (await ask('CreateStore', { name: 'mine' }, key('web'))).body;
    await access.grant('key|reader', 'read', id);
    await ask('DeleteStore', { store_id: id }, key('web'));
    expect(permits('web', 'admin', id)).toBe(false);
    expect(permits('reader', 'see', id)).toBe(false);
    expect((await access.grants(id, { pageSize: 10, cursor: '' })).grants).toEqual([]);
  });

  test('are listed as far as the caller may see them, in pages of their own', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push(
        (await ask('CreateStore', { name: `store-${i % 2}` }, key(i < 4 ? 'web' : 'x'))).body.id,
      );
      await ask('CreateStore', { name: 'not-mine' }, key('somebody'));
    }
    const seen: string[] = [];
    let continuation_token = '';
    do {
      const page = await names(key('web'), { continuation_token });
      seen.push(...page.stores.map(({ id }: { id: string }) => id));
      continuation_token = page.continuation_token;
      const told = Buffer.from(continuation_token, 'base64url').toString('latin1');
      for (const id of told.match(/[0-9A-Z]{26}/g) ?? []) expect(ids).toContain(id);
    } while (continuation_token !== '');
    expect(seen).toEqual(ids.slice(0, 4));
    const named = await names(key('web'), { page_size: 10, name: 'store-1' });
    expect(named.stores.map(({ id }: { id: string }) => id)).toEqual([ids[1], ids[3]]);
    expect((await names(key('nobody'))).stores).toEqual([]);
    await access.grant('key|nobody', 'check', '');
    expect((await names(key('nobody'), { page_size: 100 })).stores).toHaveLength(11);
  });

  test('a cursor of one caller is none of another', async () => {
    for (let i = 0; i < 3; i++) await ask('CreateStore', { name: 'mine' }, key('web'));
    const { continuation_token } = await names(key('web'));
    expect(continuation_token).not.toBe('');
    await expect(names(key('other'), { continuation_token })).rejects.toMatchObject({
      code: 'invalid_continuation_token',
    });
  });
});

test('the system store has no name that a request can say', async () => {
  await access.bootstrap('key|a');
  for (const [method, request] of [
    ['Read', {}],
    ['GetStore', {}],
    ['DeleteStore', {}],
    ['QueryService/ListSubjects', { object: 'system:pemba' }],
    ['ReadTuples', {}],
    ['Write', { writes: { tuple_keys: [] } }],
  ] as const) {
    const refusal = await service.refusal(method, {
      store_id: String(systemStoreId),
      ...request,
    } as JsonObject);
    expect(refusal.malformedRequest, method).toBe(true);
  }
  const { stores } = (await service.ask('ListStores', { page_size: 100 })).body;
  expect(stores.map(({ id }: { id: string }) => id)).toEqual([store]);
});

test('roles mean nothing where nobody is asked who calls', async () => {
  const request = { principal: { key: 'web' }, role: 'admin' };
  for (const principal of [undefined, { kind: 'anonymous' } as const]) {
    for (const method of ['GrantRole', 'RevokeRole', 'ListRoles']) {
      const asked = method === 'ListRoles' ? {} : request;
      const options = principal === undefined ? {} : { principal };
      expect((await service.refusal(method, asked, options)).code).toBe('failed_precondition');
    }
  }
});

test('another process that grants a role is heard at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-access-'));
  const path = join(folder, 'pemba.db');
  const [one, two] = [
    await openSqlite({ path, clock: service.clock }),
    await openSqlite({ path, clock: service.clock }),
  ];
  const here = createAccess({ datastore: one, clock: service.clock });
  const there = createAccess({ datastore: two, clock: service.clock });
  await here.prepare();
  expect(here.permits(callerOf('web'), 'admin', '')).toBe(false);
  await there.bootstrap('key|web');
  expect(here.permits(callerOf('web'), 'admin', '')).toBe(true);
  await one.close();
  await two.close();
  rmSync(folder, { recursive: true });
});

test('every method says whom it is for, and whose scope counts where the file is silent', () => {
  const names = new Set(service.methods.map(({ descriptor }) => descriptor.name));
  for (const { descriptor } of service.methods) {
    const demand = demandOf(descriptor);
    if (demand.on !== 'secret') expect(names).toContain(kinOf(demand));
  }
});
