/** ListObjects, StreamedListObjects and ListUsers: what they answer, refuse, cut and hold. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { Call, Method } from '../../src/service/call.ts';
import { callOf, openDrive, type TestLimits, tupleKey } from './harness.ts';

type Drive = Awaited<ReturnType<typeof openDrive>>;

let drive: Drive;
afterEach(() => drive.close());

const tuples = [
  'document:1#viewer@user:anne',
  'document:2#viewer@group:eng#member',
  'group:eng#member@user:anne',
  'group:eng#member@user:bob',
  'document:3#parent@folder:f',
  'folder:f#viewer@user:anne',
  'document:4#viewer@user:*',
  'document:4#viewer@user:anne',
  'document:4#banned@user:anne',
];

function objectsOf(user: string, relation: string, more: JsonObject = {}) {
  return { store_id: drive.store, type: 'document', relation, user, ...more };
}

function usersOf(object: string, relation: string, kind: string, more: JsonObject = {}) {
  const [type, id] = object.split(':') as [string, string];
  const [kindType, kindRelation] = kind.split('#') as [string, string | undefined];
  const filter = kindRelation === undefined ? {} : { relation: kindRelation };
  return {
    store_id: drive.store,
    object: { type, id },
    relation,
    user_filters: [{ type: kindType, ...filter }],
    ...more,
  };
}

describe('answers', () => {
  test.each([
    ['user:anne', 'viewer', ['document:1', 'document:2', 'document:3', 'document:4']],
    ['user:anne', 'reader', ['document:1', 'document:2', 'document:3']],
    ['user:bob', 'viewer', ['document:2', 'document:4']],
    ['user:nobody', 'reader', ['document:4']],
    ['user:*', 'viewer', ['document:4']],
    ['group:eng#member', 'viewer', ['document:2']],
    ['group:eng', 'viewer', []],
    ['user:anne', 'owner', []],
  ])('%s is %s of', async (user, relation, expected) => {
    drive = await openDrive(tuples);
    const { body, headers } = await drive.ask('ListObjects', objectsOf(user, relation));
    expect(body.objects.toSorted()).toEqual(expected);
    expect(headers).toMatchObject({
      'openfga-authorization-model-id': drive.model,
      'pemba-consistency-token': expect.any(String),
    });
    expect(headers).not.toHaveProperty('pemba-truncated');
    const streamed = await drive.ask('StreamedListObjects', objectsOf(user, relation));
    expect(streamed.body.map(({ object }: { object: string }) => object)).toEqual(body.objects);
    expect(streamed.headers).toEqual(headers);
    for (const object of body.objects) {
      const check = { store_id: drive.store, tuple_key: { user, relation, object } };
      expect((await drive.ask('Check', check)).body.allowed).toBe(true);
    }
  });

  test.each([
    [
      'document:2',
      'viewer',
      'user',
      [
        { type: 'user', id: 'anne' },
        { type: 'user', id: 'bob' },
      ],
    ],
    ['document:3', 'reader', 'user', [{ type: 'user', id: 'anne' }]],
    ['document:2', 'viewer', 'group#member', [{ type: 'group', id: 'eng', relation: 'member' }]],
    ['group:eng', 'member', 'group#member', [{ type: 'group', id: 'eng', relation: 'member' }]],
    ['document:4', 'reader', 'user', [{ type: 'user' }]],
    ['document:1', 'viewer', 'folder', []],
  ])('%s %s of kind %s', async (object, relation, kind, expected) => {
    drive = await openDrive(tuples);
    const { body, headers } = await drive.ask('ListUsers', usersOf(object, relation, kind));
    const parts = body.users.map((user: JsonObject) => Object.values(user)[0]);
    expect(parts).toEqual(expected);
    expect(headers).toMatchObject({
      'openfga-authorization-model-id': drive.model,
      'pemba-consistency-token': expect.any(String),
    });
  });

  test('contextual tuples and context count', async () => {
    drive = await openDrive();
    const condition = { name: 'at_work', context: { limit: 17 } };
    const owner = { ...tupleKey('document:9#owner@user:anne'), condition };
    const lists = async (hour: number) => {
      const [flat, context] = [[owner], { hour }];
      const objects = objectsOf('user:anne', 'viewer', {
        contextual_tuples: { tuple_keys: flat },
        context,
      });
      const users = usersOf('document:9', 'viewer', 'user', { contextual_tuples: flat, context });
      return [
        (await drive.ask('ListObjects', objects)).body.objects,
        (await drive.ask('ListUsers', users)).body.users,
      ];
    };
    expect(await lists(10)).toEqual([['document:9'], [{ object: { type: 'user', id: 'anne' } }]]);
    expect(await lists(20)).toEqual([[], []]);
  });
});

describe('refusals', () => {
  const badTuple = { user: 'user:anne', relation: 'nothing', object: 'document:1' };
  const badCondition = {
    ...tupleKey('document:1#owner@user:anne'),
    condition: { name: 'at_work', context: { unknown: 1 } },
  };
  const noContext = {
    ...tupleKey('document:1#owner@user:anne'),
    condition: { name: 'at_work', context: { limit: 17 } },
  };

  test.each([
    ['a type that is not there', { type: 'nothing' }, 'type_not_found'],
    ['a relation that is not there', { relation: 'nothing' }, 'relation_not_found'],
    ['a user of no known type', { user: 'nothing:1' }, 'validation_error'],
    ['a userset of no known relation', { user: 'group:1#nothing' }, 'validation_error'],
    ['a user that is none', { user: 'anne' }, 'validation_error'],
    ['the type before the user', { type: 'nothing', user: 'nothing:1' }, 'type_not_found'],
    ['a type that no type can be', { type: 'a b' }, 'type_invalid_pattern'],
    [
      'a contextual tuple before all',
      { type: 'nothing', contextual_tuples: { tuple_keys: [badTuple] } },
      'invalid_tuple',
    ],
    [
      'a contextual tuple whose condition alone is wrong',
      { contextual_tuples: { tuple_keys: [badCondition] } },
      'validation_error',
    ],
    [
      'context that nobody gave',
      { contextual_tuples: { tuple_keys: [noContext] } },
      'validation_error',
    ],
  ])('objects: %s', async (_, change, code) => {
    drive = await openDrive();
    const request = objectsOf('user:anne', 'viewer', change);
    expect((await drive.refusal('ListObjects', request)).code).toBe(code);
    expect((await drive.refusal('StreamedListObjects', request)).code).toBe(code);
  });

  test.each([
    ['a type that is not there', { object: { type: 'nothing', id: '1' } }, 'type_not_found'],
    ['a relation that is not there', { relation: 'nothing' }, 'relation_not_found'],
    ['a kind of no known type', { user_filters: [{ type: 'nothing' }] }, 'type_not_found'],
    [
      'a kind of no known relation',
      { user_filters: [{ type: 'group', relation: 'nothing' }] },
      'relation_not_found',
    ],
    [
      'the kind before the object',
      { object: { type: 'nothing', id: '1' }, user_filters: [{ type: 'group', relation: 'no' }] },
      'relation_not_found',
    ],
    ['no kind', { user_filters: [] }, 'validation_error'],
    ['two kinds', { user_filters: [{ type: 'user' }, { type: 'group' }] }, 'validation_error'],
    [
      'a contextual tuple before all',
      { relation: 'no', contextual_tuples: [badTuple] },
      'invalid_tuple',
    ],
    ['context that nobody gave', { contextual_tuples: [noContext] }, 'validation_error'],
  ])('users: %s', async (_, change, code) => {
    drive = await openDrive();
    const request = usersOf('document:1', 'viewer', 'user', change);
    expect((await drive.refusal('ListUsers', request)).code).toBe(code);
  });
});

/** A user with so many documents, and a document with so many users. */
function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => [
    `document:${i}#viewer@user:anne`,
    `document:all#viewer@user:${i}`,
  ]).flat();
}

function onDisk(bounds: TestLimits['lists']): TestLimits {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-service-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { path: join(folder, 'pemba.db'), lists: { ...bounds } };
}

const places = [
  ['in memory', (bounds: TestLimits['lists']): TestLimits => ({ lists: { ...bounds } })],
  ['on disk', onDisk],
] as const;

describe.each(places)('A32: a list that is cut says so, %s', (_, limitsOf) => {
  test.each([
    [29, 29, 'true'],
    [30, 30, undefined],
    [31, 30, undefined],
  ])('at most %i results of 30', async (resultsMax, listed, truncated) => {
    for (const sliceSteps of [7, 10_000]) {
      drive = await openDrive(
        many(30),
        limitsOf({ resultsMax, sliceSteps, sliceMs: sliceSteps === 7 ? 0 : 1_000 }),
      );
      const objects = await drive.ask('ListObjects', objectsOf('user:anne', 'viewer'));
      expect(objects.body.objects).toHaveLength(listed);
      expect(objects.headers['pemba-truncated']).toBe(truncated);
      for (const relation of ['viewer', 'reader']) {
        const users = await drive.ask('ListUsers', usersOf('document:all', relation, 'user'));
        expect(users.body.users).toHaveLength(listed);
        expect(users.headers['pemba-truncated']).toBe(truncated);
      }
      // A stream has no such bound.
      const streamed = await drive.ask('StreamedListObjects', objectsOf('user:anne', 'viewer'));
      expect(streamed.body).toHaveLength(30);
      expect(streamed.headers).not.toHaveProperty('pemba-truncated');
      if (sliceSteps === 7) await drive.close();
    }
  });

  test.each(['ListObjects', 'StreamedListObjects', 'ListUsers'])(
    '%s answers with what it found in its time',
    async (method) => {
      drive = await openDrive(
        many(300),
        limitsOf({ sliceSteps: 10, sliceMs: 0, timeoutMs: 1_000 }),
      );
      const request =
        method === 'ListUsers'
          ? usersOf('document:all', 'viewer', 'user')
          : objectsOf('user:anne', 'viewer');
      const lengthOf = (body: JsonObject | readonly JsonObject[]) =>
        Array.isArray(body) ? body.length : (Object.values(body)[0] as unknown[]).length;
      const whole = await drive.ask(method, request);
      expect(lengthOf(whole.body)).toBe(300);
      drive.clock.tick = 100;
      for (const leftMs of [undefined, 600]) {
        const deadline = leftMs === undefined ? undefined : drive.clock.monotonic() + leftMs;
        const cut = await drive.ask(method, request, deadline === undefined ? {} : { deadline });
        expect(lengthOf(cut.body)).toBeGreaterThan(0);
        expect(lengthOf(cut.body)).toBeLessThan(300);
        expect(cut.headers).toMatchObject({ 'pemba-truncated': 'true' });
      }
    },
  );
});

test('nobody is listed of whom a list that was cut could not be sure', async () => {
  const banned = Array.from({ length: 300 }, (_, i) => `document:all#banned@user:${i}`);
  drive = await openDrive([...many(300), ...banned], {
    lists: { sliceSteps: 10, sliceMs: 0, timeoutMs: 1_000 },
  });
  drive.clock.tick = 100;
  const { body, headers } = await drive.ask('ListUsers', usersOf('document:all', 'reader', 'user'));
  expect(body.users).toEqual([]);
  expect(headers).toMatchObject({ 'pemba-truncated': 'true' });
});

describe('slices', () => {
  function ask(name: string, request: JsonObject, call: Call) {
    const method = drive.methods.find(({ descriptor }) => descriptor.name === name) as Method;
    return method.handle(fromJson(method.descriptor.input, request), call);
  }

  test('a short list is answered at once, without a promise', async () => {
    drive = await openDrive(many(30), onDisk({ sliceSteps: 1_000 }));
    const answer = ask('ListObjects', objectsOf('user:anne', 'viewer'), callOf('ListObjects'));
    expect(answer).not.toBeInstanceOf(Promise);
  });

  test.each([limits.listSliceMs - 1, limits.listSliceMs, limits.listSliceMs + 1])(
    'a list computes for %d ms at a time',
    async (ms) => {
      drive = await openDrive(many(30), onDisk({ sliceSteps: 30 }));
      // It looks at the clock for its end, when it begins, and after its 30 steps.
      let looks = 0;
      const { clock } = drive;
      const { monotonic } = clock;
      clock.monotonic = () => monotonic() + (looks++ < 3 ? 0 : ms);
      const answer = ask('ListObjects', objectsOf('user:anne', 'viewer'), callOf('ListObjects'));
      expect(answer instanceof Promise).toBe(ms >= limits.listSliceMs);
      await answer;
    },
  );

  test('a long one shows one revision, and others have their turn meanwhile', async () => {
    drive = await openDrive(many(300), onDisk({ sliceSteps: 10, sliceMs: 0 }));
    const before = await drive.ask('ListObjects', objectsOf('user:anne', 'viewer'));
    const token = before.headers['pemba-consistency-token'];
    const found: string[] = [];
    const call = callOf('StreamedListObjects');
    const stream = ask('StreamedListObjects', objectsOf('user:anne', 'viewer'), call);
    for await (const message of stream as AsyncIterable<{ object?: string }>) {
      found.push((message as { object: string }).object);
      if (found.length > 3) continue;
      // Removes what is still to come, and brings something new.
      const deletes = { tuple_keys: [tupleKey(`document:${300 - found.length}#viewer@user:anne`)] };
      const writes = { tuple_keys: [tupleKey(`document:new${found.length}#viewer@user:anne`)] };
      const check = { tuple_key: tupleKey(`document:${300 - found.length}#viewer@user:anne`) };
      await drive.ask('Write', { store_id: drive.store, writes, deletes });
      const { body } = await drive.ask('Check', { store_id: drive.store, ...check });
      expect(body.allowed).toBe(false);
    }
    expect(found).toEqual(before.body.objects);
    expect(call.responseHeaders['pemba-consistency-token']).toBe(token);
  });

  test('A08: a snapshot is let go of, however the list ends', async () => {
    drive = await openDrive(many(100), onDisk({ sliceSteps: 10, sliceMs: 0, resultsMax: 50 }));
    const gone = AbortSignal.abort();
    for (let i = 0; i < 3 * limits.heldSnapshotsMax; i++) {
      // Cut, given up by the caller, refused on the way, and not read to its end.
      await drive.ask('ListObjects', objectsOf('user:anne', 'viewer'));
      const request = objectsOf('user:anne', 'viewer');
      expect((await drive.refusal('ListObjects', request, { signal: gone })).code).toBe(
        'cancelled',
      );
      const stream = ask('StreamedListObjects', request, callOf('StreamedListObjects'));
      for await (const _ of stream as AsyncIterable<unknown>) break;
    }
    using held = await drive.datastore.local.hold(drive.store as never, 0);
    expect(held.view(() => 'free')).toBe('free');
  });

  test('a list waits for the revision that its caller has seen', async () => {
    drive = await openDrive(many(30), onDisk({ sliceSteps: 10, sliceMs: 0 }));
    const write = { writes: { tuple_keys: [tupleKey('document:late#viewer@user:anne')] } };
    const { headers } = await drive.ask('Write', { store_id: drive.store, ...write });
    const token = headers['pemba-consistency-token'] as string;
    const { body } = await drive.ask('ListObjects', objectsOf('user:anne', 'viewer'), { token });
    expect(body.objects).toContain('document:late');
  });
});
