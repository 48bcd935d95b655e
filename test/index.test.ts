// The embedding API, as a program uses it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../src/base/limits.ts';
import { open, type Pemba, type Question, type Store, type TupleText } from '../src/index.ts';

let pemba: Pemba;
let store: Store;
beforeEach(async () => {
  pemba = await open(':memory:');
  store = await pemba.createStore('embedded');
});
afterEach(() => pemba.close());

const dsl = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user:*, group#member, user with in_time]
    define banned: [user]
    define reader: viewer but not banned
condition in_time(now: timestamp, until: timestamp) {
  now < until
}
`;

const tuple = (text: string): TupleText => {
  const [, object = '', relation = '', subject = ''] = /^(.*?)#([^@]*)@(.*)$/.exec(text) ?? [];
  return { object, relation, subject };
};
const anne = tuple('document:1#viewer@user:anne');
const until = (day: string) => ({ name: 'in_time', context: { until: `${day}T00:00:00Z` } });

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const refused = (code: string) => expect.objectContaining({ name: 'Refusal', code });

describe('check', () => {
  test('a model, tuples and checks', async () => {
    await store.writeModel(dsl);
    const first = await store.write({
      writes: [tuple('document:1#viewer@group:eng#member'), tuple('group:eng#member@user:anne')],
    });
    expect(store.check(anne)).toEqual({ kind: 'allowed' });
    expect(store.check({ ...anne, subject: 'user:bob' })).toEqual({ kind: 'denied' });

    const second = await store.write({ deletes: [tuple('group:eng#member@user:anne')] });
    expect(second).toEqual({ revision: first.revision + 1, repeated: false });
    expect(store.check(anne)).toEqual({ kind: 'denied' });
  });

  test('contextual tuples count for one check; a missing parameter is named', async () => {
    await store.writeModel(dsl);
    const contextualTuples = [{ ...anne, condition: until('2030-01-01') }];
    const at = (now: string) => store.check({ ...anne, contextualTuples, context: { now } });
    expect(at('2029-01-01T00:00:00Z')).toEqual({ kind: 'allowed' });
    expect(at('2031-01-01T00:00:00Z')).toEqual({ kind: 'denied' });
    expect(store.check({ ...anne, contextualTuples })).toMatchObject({
      kind: 'unknown',
      condition: 'in_time',
      parameters: ['now'],
    });
    expect(store.check(anne)).toEqual({ kind: 'denied' });
  });

  test('an older model can be asked for', async () => {
    const older = await store.writeModel(dsl);
    await store.write({ writes: [anne] });
    const newer = await store.writeModel(dsl.replace('user, user:*, ', 'user:*, '));
    expect(store.check(anne)).toEqual({ kind: 'denied' });
    expect(store.check({ ...anne, modelId: newer })).toEqual({ kind: 'denied' });
    expect(store.check({ ...anne, modelId: older })).toEqual({ kind: 'allowed' });
  });

  test.each<[what: string, change: Partial<Question>]>([
    ['an object without a type', { object: 'document' }],
    ['a subject without an id', { subject: 'user:' }],
    ['an unknown type', { object: 'paper:1' }],
    ['an unknown relation', { relation: 'writer' }],
    ['an unknown userset', { subject: 'group:eng#boss' }],
    ['an object that is too long', { object: `document:${'x'.repeat(limits.objectLengthMax)}` }],
    ['a subject that is too long', { subject: `user:${'x'.repeat(limits.subjectLengthMax)}` }],
    [
      'too many contextual tuples',
      { contextualTuples: Array(limits.contextualTuplesMax + 1).fill(anne) },
    ],
    ['a context that is too deep', { context: { now: nested(limits.contextDepthMax + 1) } }],
  ])('%s is refused', async (_what, change) => {
    await store.writeModel(dsl);
    const question = { ...anne, ...change };
    expect(() => store.check(question)).toThrow(refused('validation_error'));
    expect(store.batchCheck([question, anne])).toMatchObject([
      { kind: 'failed', refusal: { code: 'validation_error' } },
      { kind: 'denied' },
    ]);
    expect(() => store.explain(question)).toThrow(refused('validation_error'));
  });

  test('a batch answers in the order of its questions, and takes so many', async () => {
    await store.writeModel(dsl);
    await store.write({
      writes: [anne, { ...anne, object: 'document:2', condition: until('2030-01-01') }],
    });
    const context = { now: '2029-01-01T00:00:00Z' };
    const second = { ...anne, object: 'document:2' };
    const verdicts = store.batchCheck([
      anne,
      { ...second, context },
      second,
      { ...anne, subject: 'user:bob' },
      { ...anne, subject: 'user:bob', contextualTuples: [{ ...anne, subject: 'user:bob' }] },
    ]);
    expect(verdicts.map(({ kind }) => kind)).toEqual([
      'allowed',
      'allowed',
      'unknown',
      'denied',
      'allowed',
    ]);
    const most = Array(limits.batchChecksMax).fill(anne);
    expect(store.batchCheck(most)).toHaveLength(limits.batchChecksMax);
    expect(() => store.batchCheck([...most, anne])).toThrow(refused('validation_error'));
  });

  test('what takes longer than its time, or was given up before, is refused', async () => {
    await store.writeModel(dsl);
    const late = { timeoutMs: 0 };
    expect(() => store.check({ ...anne, ...late })).toThrow(refused('deadline_exceeded'));
    expect(() => store.batchCheck([anne], late)).toThrow(refused('deadline_exceeded'));
    const gone = { signal: AbortSignal.abort() };
    expect(() => store.check({ ...anne, ...gone })).toThrow(refused('cancelled'));
    await expect(store.write({ writes: [anne] }, gone)).rejects.toThrow(refused('cancelled'));
    await expect(
      store.listObjects({ type: 'document', relation: 'viewer', subject: 'user:anne', ...late }),
    ).rejects.toThrow(refused('deadline_exceeded'));
    expect(store.check(anne)).toEqual({ kind: 'denied' });
  });

  test('a list that its time cuts is refused, not a part of one', async () => {
    await store.writeModel(dsl);
    for (let at = 0; at < 5_000; at += 1_000) {
      const documents = Array.from({ length: 1_000 }, (_, i) => `document:${at + i}#viewer`);
      await store.write({ writes: documents.map((text) => tuple(`${text}@user:anne`)) });
    }
    const question = { type: 'document', relation: 'reader', subject: 'user:anne' };
    expect((await store.listObjects({ ...question, timeoutMs: 60_000 })).objects).toHaveLength(
      5_000,
    );
    await expect(store.listObjects({ ...question, timeoutMs: 1 })).rejects.toThrow(
      refused('deadline_exceeded'),
    );
  });
});

function nested(depth: number): string {
  return JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
}

describe('lists and reasons', () => {
  beforeEach(async () => {
    await store.writeModel(dsl);
    await store.write({
      writes: [
        ...['anne', 'bob', 'carl'].map((name) => tuple(`document:1#viewer@user:${name}`)),
        tuple('document:1#banned@user:carl'),
        tuple('document:2#viewer@user:*'),
        tuple('document:2#banned@user:bob'),
        tuple('document:3#viewer@group:eng#member'),
        tuple('group:eng#member@user:anne'),
        { ...tuple('document:4#viewer@user:anne'), condition: until('2030-01-01') },
      ],
    });
  });

  const kinds: [kind: string, path: () => string][] = [
    ['in memory', () => ':memory:'],
    ['on disk', temporaryFile],
  ];

  test.each(kinds)('objects are those that a check allows, %s', async (_, path) => {
    const other = await open(path());
    onTestFinished(() => other.close());
    const copy = other.store(store.id);
    await copy.writeModel(dsl);
    const tuples = await all(store.read());
    await copy.write({ writes: tuples.map((stored) => stored.tuple) });
    const ask = (subject: string, relation: string, now?: string) =>
      copy.listObjects({
        type: 'document',
        relation,
        subject,
        ...(now === undefined ? {} : { context: { now } }),
      });
    expect((await ask('user:anne', 'reader', '2029-01-01T00:00:00Z')).objects).toEqual(
      ['1', '2', '3', '4'].map((id) => `document:${id}`),
    );
    expect((await ask('user:bob', 'reader')).objects).toEqual(['document:1']);
    expect((await ask('group:eng#member', 'viewer')).objects).toEqual(['document:3']);
    // One whose answer hangs on the time is told apart; it fails nothing.
    expect(await ask('user:anne', 'viewer')).toMatchObject({
      objects: ['document:1', 'document:2', 'document:3'],
      unanswered: [{ object: 'document:4', verdict: { kind: 'unknown', parameters: ['now'] } }],
    });
    expect(
      await copy.listObjects({
        type: 'document',
        relation: 'viewer',
        subject: 'user:zoe',
        contextualTuples: [tuple('document:9#viewer@user:zoe')],
      }),
    ).toEqual({ objects: ['document:2', 'document:9'], unanswered: [] });
  });

  test('subjects are those that a check allows; a wildcard says for whom it does not speak', async () => {
    const ask = (object: string, relation: string, kind: string) =>
      store.listSubjects({ object, relation, kind });
    expect(await ask('document:1', 'reader', 'user')).toEqual({
      subjects: [
        { subject: 'user:anne', except: [] },
        { subject: 'user:bob', except: [] },
      ],
      unanswered: [],
    });
    expect((await ask('document:2', 'reader', 'user')).subjects).toContainEqual({
      subject: 'user:*',
      except: ['user:bob'],
    });
    expect((await ask('document:3', 'viewer', 'group#member')).subjects).toEqual([
      { subject: 'group:eng#member', except: [] },
    ]);
    expect((await ask('document:4', 'viewer', 'user')).unanswered).toMatchObject([
      { subject: 'user:anne', verdict: { kind: 'unknown' } },
    ]);
  });

  test.each([
    ['type_not_found', { type: 'paper' }],
    ['relation_not_found', { relation: 'writer' }],
    ['validation_error', { subject: 'user' }],
    ['validation_error', { relation: 'x'.repeat(limits.nameLengthMax + 1) }],
  ])('a list is refused with %s: %o', async (code, change) => {
    const question = { type: 'document', relation: 'viewer', subject: 'user:anne', ...change };
    await expect(store.listObjects(question)).rejects.toThrow(refused(code));
  });

  test('relations, in the order of the model, and those that nobody can tell', () => {
    const ask = (object: string) => store.listRelations({ object, subject: 'user:anne' });
    expect(ask('document:1')).toEqual({ relations: ['viewer', 'reader'], unanswered: [] });
    expect(ask('document:4')).toMatchObject({
      relations: [],
      unanswered: [{ relation: 'viewer', verdict: { kind: 'unknown' } }, { relation: 'reader' }],
    });
    const carl = { object: 'document:1', subject: 'user:carl', relations: ['reader', 'banned'] };
    expect(store.listRelations(carl).relations).toEqual(['banned']);
    expect(() => store.listRelations({ ...carl, relations: ['writer'] })).toThrow(
      refused('validation_error'),
    );
  });

  test('an explanation has texts, and what would allow a denial allows it', async () => {
    const question = { object: 'document:3', relation: 'reader', subject: 'user:bob' };
    const { outcome, wouldAllow } = store.explain(question);
    expect(outcome).toBe('denied');
    for (const contextualTuples of wouldAllow) {
      expect(store.check({ ...question, contextualTuples })).toEqual({ kind: 'allowed' });
    }
    expect(wouldAllow).toContainEqual([tuple('document:3#viewer@user:bob')]);
    const { tree } = store.explain({ ...question, subject: 'user:anne' });
    expect(tree).toMatchObject({ object: 'document:3', operator: 'exclusion', value: 'true' });
    expect(JSON.stringify(tree)).toContain('"subject":"group:eng#member"');
  });

  test('an expansion shows one level', () => {
    expect(store.expand({ object: 'document:3', relation: 'viewer' })).toEqual({
      name: 'document:3#viewer',
      kind: 'users',
      users: ['group:eng#member'],
    });
    expect(() => store.expand({ object: 'document:3', relation: 'no' })).toThrow(
      refused('validation_error'),
    );
  });
});

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'pemba.db');
}

describe('writes', () => {
  beforeEach(() => store.writeModel(dsl));

  test('a bad write is refused and nothing of it is written', async () => {
    const write = (writes: TupleText[]) => store.write({ writes });
    await expect(write([anne, { ...anne, subject: 'document:2' }])).rejects.toThrow(
      refused('validation_error'),
    );
    await expect(write([anne, anne])).rejects.toThrow(
      refused('cannot_allow_duplicate_tuples_in_one_request'),
    );
    await expect(write([])).rejects.toThrow(refused('invalid_write_input'));
    const large = { name: 'in_time', context: { until: 'x'.repeat(limits.tupleContextBytesMax) } };
    await expect(write([{ ...anne, condition: large }])).rejects.toThrow(
      refused('validation_error'),
    );
    expect(store.check(anne)).toEqual({ kind: 'denied' });
  });

  test('takes so many tuples and no more', async () => {
    const tuples = (count: number, type: string) =>
      Array.from({ length: count }, (_, i) => tuple(`document:${type}${i}#viewer@user:anne`));
    const most = limits.tuplesPerLargeWriteMax;
    await store.write({ writes: tuples(most - 1, 'a') });
    await store.write({ writes: tuples(most, 'b') });
    await expect(store.write({ writes: tuples(most + 1, 'c') })).rejects.toThrow(
      refused('exceeded_entity_limit'),
    );
    expect(await all(store.read())).toHaveLength(2 * most - 1);
    expect(await store.deleteTuples({ subject: 'user:anne' })).toBe(2 * most - 1);
    expect(await all(store.read())).toEqual([]);
  });

  test('preconditions, duplicates, replacement, expiry and keys', async () => {
    const { revision } = await store.write({ writes: [anne], idempotencyKey: 'once' });
    expect(await store.write({ writes: [anne], idempotencyKey: 'once' })).toEqual({
      revision,
      repeated: true,
    });
    await expect(store.write({ writes: [anne] })).rejects.toThrow(
      refused('write_failed_due_to_invalid_input'),
    );
    expect(await store.write({ writes: [anne], onDuplicate: 'ignore' })).toEqual({
      revision,
      repeated: false,
    });
    const bob = { ...anne, subject: 'user:bob' };
    const guarded = (must: 'exist' | 'not_exist') =>
      store.write({ writes: [bob], preconditions: [{ must, filter: anne }] });
    await expect(guarded('not_exist')).rejects.toThrow(refused('failed_precondition'));
    await guarded('exist');
    await store.write({
      writes: [{ ...anne, condition: until('2030-01-01') }],
      onDuplicate: 'replace',
    });
    expect(store.check(anne).kind).toBe('unknown');
    await expect(
      store.write({ writes: [{ ...anne, object: 'document:2', expiresAt: new Date(0) }] }),
    ).rejects.toThrow(refused('validation_error'));
    const expiresAt = new Date('2100-01-01T00:00:00Z');
    await store.write({ writes: [{ ...anne, object: 'document:2', expiresAt }] });
    const [stored] = await all(store.read({ object: 'document:2' }));
    expect(stored?.tuple).toEqual({ ...anne, object: 'document:2', expiresAt });
    expect(stored?.writtenAt).toBeInstanceOf(Date);
    await store.write({ deletes: [tuple('document:9#viewer@user:x')], onMissing: 'ignore' });
  });

  test('tuples and changes are read to their end, whatever the pages', async () => {
    const count = 2 * limits.tuplePageSizeMax + 1;
    for (let at = 0; at < count; at += 1_000) {
      const length = Math.min(1_000, count - at);
      const writes = Array.from({ length }, (_, i) => tuple(`document:${at + i}#viewer@user:anne`));
      await store.write({ writes });
    }
    const { revision } = await store.write({ deletes: [{ ...anne, object: 'document:7' }] });
    expect(await all(store.read())).toHaveLength(count - 1);
    expect(await all(store.read({ objectType: 'group' }))).toEqual([]);
    const changes = await all(store.changes());
    expect(changes).toHaveLength(count + 1);
    expect(changes.at(-1)).toMatchObject({
      kind: 'delete',
      tuple: { ...anne, object: 'document:7' },
      revision,
    });
    expect(changes.map((change) => change.revision)).toEqual(
      changes.map((change) => change.revision).toSorted((a, b) => a - b),
    );
    expect(await all(store.changes({ objectType: 'group' }))).toEqual([]);
  });

  test('deleting wants a filter, or the word for all', async () => {
    await store.write({ writes: [anne, tuple('group:eng#member@user:anne')] });
    await expect(store.deleteTuples({})).rejects.toThrow(refused('validation_error'));
    expect(await store.deleteTuples({ objectType: 'group' })).toBe(1);
    expect(await store.deleteTuples('all')).toBe(1);
  });
});

describe('stores and models', () => {
  test('a bad model and a bad store id are refused', async () => {
    await expect(
      store.writeModel('model\n  schema 1.1\ntype user\n  relations\n    define a: b\n'),
    ).rejects.toThrow(/b/);
    expect(() => pemba.store('drive')).toThrow(/ULID/);
    expect(() => store.check({ subject: 'user:a', relation: 'r', object: 'o:1' })).toThrow(
      refused('latest_authorization_model_not_found'),
    );
    await expect(pemba.createStore('x')).rejects.toThrow(refused('validation_error'));
  });

  test('a model has as many types and bytes as the server takes, and no more', async () => {
    const types = (count: number) => ({
      schema_version: '1.1',
      type_definitions: Array.from({ length: count }, (_, i) => ({ type: `t${i}` })),
    });
    await store.writeModel(types(limits.modelTypesMax));
    await expect(store.writeModel(types(limits.modelTypesMax + 1))).rejects.toThrow(
      refused('exceeded_entity_limit'),
    );
    const expression = `now < until && ${'true && '.repeat(100)}true`;
    await expect(store.writeModel(dsl.replace('now < until', expression))).rejects.toThrow(
      refused('validation_error'),
    );
    const relation = (i: number) => `    define ${'r'.repeat(40)}${i}: [user]\n`;
    const large = `${dsl.split('type group')[0]}type large\n  relations\n${Array.from({ length: 3_000 }, (_, i) => relation(i)).join('')}`;
    await expect(store.writeModel(large)).rejects.toThrow(refused('exceeded_entity_limit'));
  });

  test('a store that is deleted has nothing left', async () => {
    await store.writeModel(dsl);
    await store.write({ writes: [anne] });
    await pemba.deleteStore(store.id);
    expect(await all(store.read())).toEqual([]);
    expect(() => store.check(anne)).toThrow(refused('latest_authorization_model_not_found'));
    await pemba.deleteStore(store.id);
  });
});

test('with memory for graphs the answers are the same, and what was written is seen at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const owned = await open(join(folder, 'pemba.db'), { graphMemory: 8 * 1024 * 1024 });
  onTestFinished(() => owned.close());
  const drive = await owned.createStore('owned');
  await drive.writeModel(dsl);
  for (let i = 0; i < 60; i++) {
    const document = tuple(`document:${i}#viewer@user:anne`);
    expect(drive.check(document)).toEqual({ kind: 'denied' });
    await drive.write({ writes: [document] });
    expect(drive.check(document)).toEqual({ kind: 'allowed' });
    const question = { subject: 'user:anne', relation: 'reader', type: 'document' };
    expect((await drive.listObjects(question)).objects).toHaveLength(i + 1);
  }
});

test.each([-1, 1.5, Number.NaN, 2 ** 60])('memory for graphs: %d bytes are none', async (bytes) => {
  const opened = open(':memory:', { graphMemory: bytes });
  await expect(opened).rejects.toMatchObject({ code: 'validation_error' });
});

test('how far a check may go is set as for a server', async () => {
  const chain = Array.from({ length: 40 }, (_, i) => tuple(`folder:${i}#parent@folder:${i + 1}`));
  const model = `model
  schema 1.1
type user
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
`;
  type Bounds = { checkDepthMax?: number; checkStepsMax?: number };
  const chained = async (bounds: Bounds) => {
    const opened = await open(':memory:', bounds);
    onTestFinished(() => opened.close());
    const folders = await opened.createStore('folders');
    await folders.writeModel(model);
    await folders.write({ writes: [...chain, tuple('folder:40#viewer@user:anne')] });
    return folders;
  };
  const asked = async (bounds: Bounds) =>
    (await chained(bounds)).check(tuple('folder:0#viewer@user:anne'));
  const refusal = refused('authorization_model_resolution_too_complex');
  expect(await asked({})).toEqual({ kind: 'failed', refusal });
  expect(await asked({ checkDepthMax: 40 })).toEqual({ kind: 'failed', refusal });
  expect(await asked({ checkDepthMax: 41 })).toEqual({ kind: 'allowed' });
  expect(await asked({ checkDepthMax: 41, checkStepsMax: 41 })).toEqual({
    kind: 'failed',
    refusal,
  });
  const listed = async (bounds: Bounds) => {
    const folders = await chained(bounds);
    const relation = 'viewer';
    const subject = 'user:anne';
    const { objects } = await folders.listObjects({ type: 'folder', relation, subject });
    const { subjects } = await folders.listSubjects({ object: 'folder:0', relation, kind: 'user' });
    return [objects.length, subjects.length];
  };
  expect(await listed({ checkDepthMax: 40 })).toEqual([40, 0]);
  expect(await listed({ checkDepthMax: 41 })).toEqual([41, 1]);
  for (const bound of [0, -1, 1.5, Number.NaN]) {
    for (const name of ['checkDepthMax', 'checkStepsMax']) {
      await expect(open(':memory:', { [name]: bound })).rejects.toEqual(
        refused('validation_error'),
      );
    }
  }
});

test('a question that brings nothing is answered and refused like one that brings an empty context', async () => {
  await store.writeModel(dsl);
  await store.write({ writes: [anne, tuple('document:1#viewer@group:eng#member')] });
  const texts = ['', '1', 'document:', ':1', 'document:1', 'document:*', 'document:1#viewer'];
  const objects = [...texts, 'folder:1', 'document:a b', 'document:\u0000', 'document:\ud800'];
  objects.push('document:é', `document:${'x'.repeat(100)}`, `document:${'x'.repeat(300)}`);
  const subjects = ['user:anne', 'user:*', 'user:', 'anne', 'group:eng#member', 'group:eng#none'];
  subjects.push('folder:1', 'user:\ud800', 'user:é', `user:${'x'.repeat(600)}`, 'user:a:b', '');
  const outcome = (ask: () => unknown): unknown => {
    try {
      return ask();
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    }
  };
  for (const object of objects) {
    for (const relation of ['viewer', 'reader', 'none', '', 'view er', '__proto__']) {
      for (const subject of subjects) {
        const question = { object, relation, subject };
        const whole = outcome(() => store.check({ ...question, context: {} }));
        expect(
          outcome(() => store.check(question)),
          JSON.stringify(question),
        ).toEqual(whole);
        const [inBatch, alone] = store.batchCheck([question, { ...question, context: {} }]);
        expect(inBatch, JSON.stringify(question)).toEqual(alone);
      }
    }
  }
});
