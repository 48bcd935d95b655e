/** What lists and explanations got wrong, or held on to, in another engine. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { JsonObject } from '@bufbuild/protobuf';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import {
  openDrive,
  openService,
  serviceOver,
  type TestService,
  testClock,
  tupleKey,
} from '../service/harness.ts';
import { ask, filled, holds, opened, temporaryFile } from './manners.ts';
import { watched } from './reads.ts';

describe('answers', () => {
  test('A15: a contextual tuple counts by the branch that it is of, in every manner', async () => {
    await holds({
      model: `
model
  schema 1.1
type user
type role
  relations
    define assignee: [user, user:*]
type document
  relations
    define operator: [user:*, role#assignee]
    define delete: operator
    define strict: operator but not public
    define public: [user:*]`,
      tuples: ['document:1#operator@role:admin#assignee', 'role:admin#assignee@user:anne'],
      checks: {
        'document:1#delete@user:anne': 'allowed',
        'document:1#strict@user:anne': 'allowed',
        'document:1#delete@user:outsider': 'denied',
        'document:1#delete@user:*': 'denied',
        'document:1#delete@role:admin#assignee': 'allowed',
        'document:1#delete@role:other#assignee': 'denied',
      },
    });
  });

  test('A16: two usersets of one type are two usersets, in every manner', async () => {
    await holds({
      model: `
model
  schema 1.1
type user
type scope
  relations
    define public: [user, user:*]
    define verified: [user]
type resource
  relations
    define access: [scope#public, scope#verified]
    define both: access and access`,
      tuples: [
        'resource:1#access@scope:a#verified',
        'scope:a#public@user:*',
        'scope:a#verified@user:anne',
        'resource:2#access@scope:a#public',
      ],
      checks: {
        'resource:1#access@user:bob': 'denied',
        'resource:1#both@user:bob': 'denied',
        'resource:1#access@user:anne': 'allowed',
        'resource:2#both@user:bob': 'allowed',
        'resource:1#access@scope:a#verified': 'allowed',
        'resource:1#access@scope:a#public': 'denied',
      },
    });
  });

  test('A37: of many conditional tuples a late one grants, in every manner', async () => {
    await holds({
      model: `
model
  schema 1.1
type user
type group
  relations
    define member: [user with before, user]
type document
  relations
    define parent: [document with before]
    define direct: [group#member with before]
    define view: direct or view from parent
condition before(hour: int, limit: int) {
  hour < limit
}`,
      tuples: [
        ...[1, 2, 3, 18].map(
          (limit) => [`document:1#direct@group:${limit}#member`, 'before', { limit }] as const,
        ),
        ...[1, 2, 3, 18].map(
          (limit) => [`document:2#parent@document:p${limit}`, 'before', { limit }] as const,
        ),
        ...[1, 2, 3, 18].map((limit) => `group:${limit}#member@user:anne`),
        ...[1, 2, 3, 18]
          .map((limit) => `document:p${limit}#direct@group:own#member`)
          .map((text) => [text, 'before', { limit: 24 }] as const),
        ['group:own#member@user:beth', 'before', { limit: 10 }],
        'group:1#member@user:carl',
      ],
      context: { hour: 9 },
      checks: {
        'document:1#view@user:anne': 'allowed',
        'document:2#view@user:beth': 'allowed',
        'document:1#view@user:carl': 'denied',
        'document:2#view@user:anne': 'denied',
        'document:1#view@group:18#member': 'allowed',
        'document:1#view@group:1#member': 'denied',
      },
    });
  });

  test.each(['r%', '[user] or r%', 'r% but not banned', '([user, node#r%] or r%) but not banned'])(
    'A51: a long chain of relations on one object is followed or refused: %s',
    async (define) => {
      for (const length of [20, 120, 1_500]) {
        const service = await opened();
        const lines = Array.from(
          { length },
          (_, i) => `    define r${i}: ${define.replaceAll('%', String(i + 1))}`,
        );
        const model = `
model
  schema 1.1
type user
type node
  relations
    define banned: [user]
${lines.join('\n')}
    define r${length}: [user]`;
        const store = await filled(service, { model, tuples: [`node:a#r${length}@user:anne`] });
        for (const [user, right] of [
          ['user:anne', true],
          ['user:beth', false],
        ] as const) {
          for (const [method, answer] of await everyAnswer(service, store, {
            object: 'node:a',
            relation: 'r0',
            user,
          })) {
            expect([right, tooComplex], `${method} of ${length}`).toContain(answer);
            if (length === 20) expect(answer, method).toBe(right);
          }
        }
      }
    },
  );

  test('A58: siblings do not share the depth of a path, in every manner', async () => {
    const service = await openService({ checkDepthMax: 5 });
    onTestFinished(() => service.close());
    const wide = Array.from({ length: 200 }, (_, i) => [
      `folder:top#parent@folder:${i}`,
      `folder:${i}#parent@folder:x${i}`,
      `folder:x${i}#parent@folder:end`,
    ]).flat();
    const store = await filled(service, {
      model: `
model
  schema 1.1
type user
type folder
  relations
    define parent: [folder]
    define banned: [user]
    define viewer: [user] or viewer from parent
    define gated: viewer but not banned`,
      tuples: [...wide, 'folder:end#viewer@user:anne', 'folder:top#banned@user:carl'],
    });
    await ask(service, store, [
      { check: 'folder:top#viewer@user:anne', expected: 'allowed' },
      { check: 'folder:top#gated@user:anne', expected: 'allowed' },
      { check: 'folder:top#gated@user:beth', expected: 'denied' },
      { check: 'folder:top#gated@user:carl', expected: 'denied' },
    ]);
  });
});

const tooComplex = 'authorization_model_resolution_too_complex';

interface Asked {
  readonly object: string;
  readonly relation: string;
  readonly user: string;
}

/** What every method but Check says: whether the user has the relation, or the refusal's code. */
async function everyAnswer(
  service: TestService,
  store: string,
  { object, relation, user }: Asked,
): Promise<[method: string, answer: boolean | string][]> {
  const [type = '', id = ''] = object.split(':');
  const [kind = ''] = user.split(':');
  const base = { store_id: store, relation };
  const list = { ...base, type, user };
  const users = { ...base, object: { type, id }, user_filters: [{ type: kind }] };
  const query = { store_id: store, subject: user, object };
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  const methods: [method: string, request: JsonObject, read: (body: any) => boolean | string][] = [
    ['ListObjects', list, (body) => body.objects.includes(object)],
    ['StreamedListObjects', list, (body) => JSON.stringify(body).includes(`"${object}"`)],
    [
      'ListUsers',
      users,
      (body) => JSON.stringify(body).includes(`"${user.slice(kind.length + 1)}"`),
    ],
    [
      'ListRelations',
      { ...query, relations: [relation] },
      ({ relations, unanswered: [first] }) => first?.code ?? relations.length === 1,
    ],
    ['Explain', { ...query, relation }, ({ outcome }) => outcome === 'OUTCOME_ALLOWED'],
  ];
  const answers: [string, boolean | string][] = [];
  for (const [method, request, read] of methods) {
    try {
      answers.push([method, read((await service.ask(method, request)).body)]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answers.push([method, error.code]);
    }
  }
  return answers;
}

const groups = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [user, group#member]
    define banned: [user]
    define reader: viewer but not banned
    define both: viewer and reader`;

const question: Asked = { object: 'document:1', relation: 'both', user: 'user:anne' };
const chain = [
  'document:1#viewer@group:a#member',
  'group:a#member@group:b#member',
  'group:b#member@user:anne',
];

describe('reads', () => {
  test.each([1, 1_000])(
    'A53: a delete in the midst of an answer leaves it as it was before or after, in slices of %d',
    async (sliceSteps) => {
      const path = temporaryFile();
      const clock = testClock();
      const datastore = await openSqlite({ path, clock });
      const store = await filled(serviceOver(datastore, clock), { model: groups, tuples: chain });
      // Another process, which commits while the answer is between two reads.
      const other = new Database(path);
      const last = '(SELECT max(subject) FROM tuple)';
      other.exec(`CREATE TEMP TABLE kept AS SELECT * FROM tuple WHERE subject = ${last}`);
      let [pauseAt, reads] = [0, 0];
      const pausing = watched(datastore, () => {
        if (++reads === pauseAt) {
          other.exec('DELETE FROM main.tuple WHERE subject = (SELECT subject FROM kept)');
        }
      });
      const service = serviceOver(pausing, clock, {
        lists: { sliceSteps, sliceMs: sliceSteps === 1 ? 0 : 1_000 },
      });
      const before = await everyAnswer(service, store, question);
      expect(before.map(([, answer]) => answer)).toEqual(before.map(() => true));
      const most = reads;
      const seen = new Set<string>();
      for (pauseAt = 1; pauseAt <= most; pauseAt++) {
        reads = 0;
        const answers = await everyAnswer(service, store, question);
        let deleted = false;
        for (const [method, answer] of answers) {
          expect([true, false], `${method}, read ${pauseAt}`).toContain(answer);
          // Whoever comes after the first that does not see the tuple does not see it either.
          if (deleted) expect(answer, `${method}, read ${pauseAt}`).toBe(false);
          if (answer === false) deleted = true;
          seen.add(`${answer}`);
        }
        other.exec('INSERT OR IGNORE INTO main.tuple SELECT * FROM kept');
      }
      expect(seen).toEqual(new Set(['true', 'false']));
      other.close();
      await datastore.close();
    },
  );

  test('A10: a read that fails is an error of the whole answer, never a part of one', async () => {
    const clock = testClock();
    const datastore = await openSqlite({ path: ':memory:', clock });
    onTestFinished(() => datastore.close());
    let [failAt, reads] = [0, 0];
    const failing = watched(datastore, () => {
      if (++reads === failAt) throw new Error('disk I/O error');
    });
    const service = serviceOver(failing, clock);
    const tuples = [...chain, 'group:a#member@user:carl', 'document:1#banned@user:carl'];
    const store = await filled(service, { model: groups, tuples });
    let failures = 0;
    for (const relation of ['viewer', 'reader', 'both']) {
      for (const user of ['user:anne', 'user:beth', 'user:carl']) {
        failAt = 0;
        const asked = { object: 'document:1', relation, user };
        const right = await everyAnswer(service, store, asked);
        for (let at = 1; ; at++) {
          [failAt, reads] = [at, 0];
          const outcome = await everyAnswer(service, store, asked).catch((error) => error);
          if (reads < at) break;
          expect((outcome as Error).message).toBe('disk I/O error');
          failures++;
          failAt = 0;
          expect(await everyAnswer(service, store, asked)).toEqual(right);
        }
      }
    }
    expect(failures).toBeGreaterThan(100);
  });
});

/** So many documents of one user, and as many users of one document. */
function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => [
    `document:${i}#viewer@user:anne`,
    `document:all#viewer@user:${i}`,
  ]).flat();
}

describe('what is kept', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  /** Bytes and handles that so many calls leave behind, once some have been made. */
  async function left(
    calls: number,
    call: (i: number) => Promise<void>,
  ): Promise<{ bytes: number; handles: number }> {
    const work = async (count: number) => {
      for (let i = 0; i < count; i++) await call(i);
    };
    const now = () => {
      collect();
      collect();
      const handles = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
      return { bytes: process.memoryUsage().heapUsed, handles: handles.length };
    };
    await work(calls / 10);
    const before = now();
    await work(calls);
    const after = now();
    return { bytes: after.bytes - before.bytes, handles: after.handles - before.handles };
  }

  const places: [place: string, path: () => string | undefined, calls: number][] = [
    ['in memory', () => undefined, 20_000],
    // Each holds a snapshot of its own there, which takes ten times as long.
    ['on disk', temporaryFile, 2_000],
  ];

  test.each(places)(
    'A08: lists that their bound of results cuts keep nothing, %s',
    { timeout: 120_000 },
    async (_, path, calls) => {
      const drive = await openDrive(many(30), {
        ...fileOf(path()),
        lists: { resultsMax: 10, sliceSteps: 10, sliceMs: 0 },
      });
      onTestFinished(() => drive.close());
      const kept = await left(calls, async (i) => {
        const { headers } = await drive.ask(...listOf(drive.store, i));
        if (i % 3 !== 1) expect(headers['pemba-truncated']).toBe('true');
      });
      expect(kept.handles).toBe(0);
      // Not two hundred bytes a call: a list that is kept has thousands.
      expect(kept.bytes).toBeLessThan(calls * 200);
    },
  );

  test.each(places)(
    'A09: lists that their deadline cuts keep nothing, %s',
    { timeout: 120_000 },
    async (_, path, calls) => {
      const drive = await openDrive(many(300), {
        ...fileOf(path()),
        lists: { sliceSteps: 10, sliceMs: 0 },
      });
      onTestFinished(() => drive.close());
      drive.clock.tick = 1;
      const kept = await left(calls, async (i) => {
        const deadline = drive.clock.monotonic() + 8;
        const { headers } = await drive.ask(...listOf(drive.store, i), { deadline });
        expect(headers['pemba-truncated']).toBe('true');
      });
      expect(kept.handles).toBe(0);
      expect(kept.bytes).toBeLessThan(calls * 200);
    },
  );

  function fileOf(path: string | undefined) {
    return path === undefined ? {} : { path };
  }

  function listOf(store: string, i: number): [method: string, request: JsonObject] {
    const objects = { store_id: store, type: 'document', relation: 'viewer', user: 'user:anne' };
    if (i % 3 === 0) return ['ListObjects', objects];
    if (i % 3 === 1) return ['StreamedListObjects', objects];
    const users = { object: { type: 'document', id: 'all' }, user_filters: [{ type: 'user' }] };
    return ['ListUsers', { store_id: store, relation: 'viewer', ...users }];
  }

  test('results cached on cancel: a list that is cut or given up is whole the next time', async () => {
    const drive = await openDrive(many(100), {
      path: temporaryFile(),
      lists: { sliceSteps: 10, sliceMs: 0 },
    });
    onTestFinished(() => drive.close());
    for (let i = 0; i < 3; i++) {
      const list = listOf(drive.store, i);
      const whole = (await drive.ask(...list)).body;
      for (let budget = 1; budget < 30; budget++) {
        drive.clock.tick = 1;
        const deadline = drive.clock.monotonic() + budget;
        await drive.ask(...list, { deadline }).catch((error) => {
          expect((error as Refusal).code).toMatch(/deadline_exceeded|resource_exhausted/);
        });
        drive.clock.tick = 0;
        const signal = AbortSignal.abort();
        expect((await drive.refusal(...list, { signal })).code).toBe('cancelled');
        expect((await drive.ask(...list)).body).toEqual(whole);
      }
    }
  });

  test('deadlocks: far more long lists than there are snapshots all come to their end', async () => {
    const drive = await openDrive(many(60), {
      path: temporaryFile(),
      lists: { sliceSteps: 10, sliceMs: 0 },
    });
    onTestFinished(() => drive.close());
    const asked = Array.from({ length: 20 * limits.heldSnapshotsMax }, async (_, i) => {
      if (i % 5 === 4) {
        const tuple_keys = [tupleKey(`document:new${i}#viewer@user:beth`)];
        await drive.ask('Write', { store_id: drive.store, writes: { tuple_keys } });
        return 0;
      }
      if (i % 7 === 6) {
        const gone = { signal: AbortSignal.abort() };
        expect((await drive.refusal(...listOf(drive.store, i), gone)).code).toBe('cancelled');
        return 0;
      }
      const { body } = await drive.ask(...listOf(drive.store, i));
      return (body.objects ?? body.users ?? body).length;
    });
    const lengths = new Set(await Promise.all(asked));
    expect(lengths).toEqual(new Set([0, 60]));
  });
});
