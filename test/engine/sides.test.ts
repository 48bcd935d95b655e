/**
 * Wide objects and deep groups, decided from the subject's side: the same answers as from the
 * object's, whatever was remembered before and whatever was written since; over a resident graph,
 * and over SQLite alone.
 */
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createWalk } from '../../src/engine/check.ts';
import { sideSizes } from '../../src/engine/sides.ts';
import { compile, namesOf } from '../../src/model/compile.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { openSqlite, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import type { TupleReader } from '../../src/storage/tuple-reader.ts';
import { answerOf, modelIdOf, modelOf, type Question, storeIdOf, tupleOf } from './world.ts';

const tooComplex = 'authorization_model_resolution_too_complex';
const unknown = 'validation_error';

const model = modelOf(`
type user
type group
  relations
    define member: [user, user:*, user with open, group#member, group#member with open]
type folder
  relations
    define parent: [folder]
    define viewer: [user, group#member] or viewer from parent
    define barred: [user]
    define open: viewer but not barred
    define seen: [user] or open
    define seer: [user, folder#seer] or seer from parent
type document
  relations
    define parent: [folder]
    define viewer: [group#member, group#member with open] or viewer from parent
    define owner: [user]
    define banned: [user, group#member]
    define shown: viewer but not banned
    define opened: open from parent
    define listed: seen from parent

condition open(now_open: bool) {
  now_open
}`);

const wide = 70;
/** The document that many groups may view, each of them in a group of its own. */
const crowd = Array.from({ length: wide }, (_, i) => [
  `document:1#viewer@group:g${i}#member`,
  `group:g${i}#member@group:h${i}#member`,
]).flat();

const sizes = { ...sideSizes };
beforeEach(() => {
  sideSizes.wideFrom = 64;
});
afterEach(() => void Object.assign(sideSizes, sizes));

class Store {
  private readonly datastore: SqliteDatastore;
  private readonly model: CompiledModel;
  private readonly id = storeIdOf(1);
  /** Ranges and tuples that the last check read. */
  reads = 0;

  private constructor(datastore: SqliteDatastore, compiled: CompiledModel) {
    this.datastore = datastore;
    this.model = compiled;
  }

  static async open(resident: boolean, tuples: readonly string[]): Promise<Store> {
    const graphBytesMax = resident ? 1024 * 1024 : 0;
    const datastore = await openSqlite({ path: ':memory:', clock: systemClock, graphBytesMax });
    onTestFinished(() => datastore.close());
    const names = namesOf(model);
    const record = { id: modelIdOf(1), schemaVersion: '1.1', definition: '{}', names };
    await datastore.writeModel(storeIdOf(1), record);
    const compiled = datastore.local.view(storeIdOf(1), (snapshot) =>
      compile(model, (name) => snapshot.symbol(name)),
    );
    const store = new Store(datastore, compiled);
    await store.change(tuples, []);
    await datastore.graphs.settled();
    const place = datastore.graphs.place(storeIdOf(1))?.kind;
    expect(place === 'memory').toBe(resident);
    return store;
  }

  async change(writes: readonly (string | [string, string])[], deletes: readonly string[]) {
    await this.datastore.write(this.id, {
      deletes: deletes.map(tupleOf),
      writes: writes.map(tupleOf),
      onDuplicate: 'error',
      onMissing: 'error',
    });
  }

  check(text: string, question: Question = {}) {
    const { object, relation, subject } = tupleOf(text);
    const { contextual, context = {}, ...limits } = question;
    const contextualTuples = (contextual ?? []).map(tupleOf);
    return this.datastore.local.view(this.id, (snapshot) => {
      const { reader, reads } = counting(snapshot);
      const request = { subject, contextualTuples, context, now: 0, ...limits };
      const verdict = createWalk(reader, this.model, request).check(object, relation);
      this.reads = reads();
      return answerOf(verdict);
    });
  }
}

function counting(base: TupleReader): { reader: TupleReader; reads: () => number } {
  let reads = 0;
  const reader: TupleReader = {
    ...(base.store === undefined ? {} : { store: base.store }),
    lastChange: (...kind) => base.lastChange?.(...kind) ?? expect.fail('it says'),
    symbol: (text) => base.symbol(text),
    entity: (type, id) => base.entity(type, id),
    entityRef: (entity) => base.entityRef(entity),
    idsOf: (entities) => base.idsOf(entities),
    guard: (guard) => base.guard(guard),
    find: (...key) => {
      reads++;
      return base.find(...key);
    },
    subjects: (...range) => {
      reads++;
      return base.subjects(...range);
    },
    objects: (...range) => {
      reads++;
      return base.objects(...range);
    },
  };
  return { reader, reads: () => reads };
}

describe.each([true, false])('resident: %s', (resident) => {
  test('what one check found is there for the next, of the subject and of the object', async () => {
    const store = await Store.open(resident, [...crowd, 'group:h69#member@user:anne']);
    expect(store.check('document:1#viewer@user:anne')).toBe('allowed');
    expect(store.check('document:1#viewer@user:anne')).toBe('allowed');
    expect(store.reads).toBeLessThan(10);
    expect(store.check('document:1#viewer@user:beth')).toBe('denied');
    expect(store.check('document:1#viewer@user:carl')).toBe('denied');
    expect(store.reads).toBeLessThan(10);
  });

  test('folders in a circle, by two ways: that they go on without end is seen at once', async () => {
    sideSizes.wideFrom = 1;
    const circle = [0, 1].flatMap((i) => [
      `folder:${i}#parent@folder:${1 - i}`,
      `folder:${i}#seer@folder:${1 - i}#seer`,
    ]);
    const store = await Store.open(resident, [...circle, 'folder:1#seer@user:anne']);
    expect(store.check('folder:0#seer@user:anne')).toBe('allowed');
    expect(store.check('folder:0#seer@user:beth')).toBe('denied');
    expect(store.check('folder:0#seer@user:beth', { stepsMax: 1_000 })).toBe('denied');
  });

  const changes: readonly [
    what: string,
    writes: (string | [string, string])[],
    deletes: string[],
  ][] = [
    ['a member joins', ['group:h69#member@user:beth'], []],
    ['a member leaves', [], ['group:h69#member@user:anne']],
    ['a group leaves the group', [], ['group:g69#member@group:h69#member']],
    ['a group joins a group', ['group:g3#member@group:x#member'], []],
    ['the group may not view any more', [], ['document:1#viewer@group:g69#member']],
    ['another group may view', ['document:1#viewer@group:x#member'], []],
    ['everybody joins', ['group:h5#member@user:*'], []],
    ['a condition comes', [['group:h4#member@user:beth', 'open']], []],
    ['a condition comes on the way', [['group:g4#member@group:x#member', 'open']], []],
    ['a condition comes before', [['document:1#viewer@group:x#member', 'open']], []],
    ['a folder comes above', ['document:1#parent@folder:1', 'folder:1#viewer@user:beth'], []],
    ['the member is banned', ['document:1#banned@user:anne'], []],
    ['a group is banned', ['document:1#banned@group:h69#member'], []],
    ['something else is written', ['document:1#owner@user:beth'], []],
  ];

  test.each(changes)('%s: every answer is that of a walk from the object', async (_, ...change) => {
    const store = await Store.open(resident, [
      ...crowd,
      'group:h69#member@user:anne',
      'group:x#member@user:beth',
    ]);
    const contextual = [
      'group:h7#member@user:beth',
      ['group:h69#member@user:anne', 'open'],
    ] as const;
    const answers = () =>
      ['anne', 'beth', 'carl', '*'].flatMap((user) =>
        ['document:1#viewer', 'document:1#shown', 'group:g69#member'].flatMap((asked) => [
          store.check(`${asked}@user:${user}`),
          store.check(`${asked}@user:${user}`, { context: { now_open: true } }),
          store.check(`${asked}@user:${user}`, { contextual }),
          store.check(`${asked}@user:${user}`, { contextual, context: { now_open: false } }),
          store.check(`${asked}@user:${user}`, { depthMax: 3 }),
          store.check(`${asked}@user:${user}`, { depthMax: 2 }),
        ]),
      );
    const fromObject = () => {
      sideSizes.wideFrom = Number.POSITIVE_INFINITY;
      const right = answers();
      sideSizes.wideFrom = 1;
      return right;
    };
    expect(fromObject()).toEqual(answers());
    await store.change(...change);
    expect(answers()).toEqual(fromObject());
    // And back again: what was true before is so once more.
    const [writes, deletes] = change;
    await store.change(
      deletes,
      writes.map((write) => (typeof write === 'string' ? write : write[0])),
    );
    expect(answers()).toEqual(fromObject());
  });

  test('a denial that is remembered is refused once a chain is too deep, and again when not', async () => {
    const store = await Store.open(resident, crowd);
    const question = 'document:1#viewer@user:beth';
    const limits = { depthMax: 4 };
    expect([store.check(question, limits), store.check(question, limits)]).toEqual([
      'denied',
      'denied',
    ]);
    const chain = ['group:h8#member@group:i#member', 'group:i#member@group:j#member'];
    await store.change(chain, []);
    expect(store.check(question, limits)).toBe(tooComplex);
    expect(store.check(question)).toBe('denied');
    expect(store.check(question, limits)).toBe(tooComplex);
    await store.change([], ['group:i#member@group:j#member']);
    expect(store.check(question, limits)).toBe('denied');
  });

  test('groups in a circle are walked, and the answer is the same', async () => {
    const store = await Store.open(resident, [...crowd, 'group:h1#member@group:g1#member']);
    expect(store.check('document:1#viewer@user:beth')).toBe('denied');
    await store.change(['group:h2#member@user:beth'], []);
    expect(store.check('document:1#viewer@user:beth')).toBe('allowed');
  });

  test('a condition that cannot be told is an error only where it decides', async () => {
    const store = await Store.open(resident, crowd);
    await store.change([['group:h5#member@user:anne', 'open']], []);
    const question = 'document:1#viewer@user:anne';
    expect(store.check(question)).toBe(unknown);
    expect(store.check(question, { context: { now_open: true } })).toBe('allowed');
    expect(store.check(question, { context: { now_open: false } })).toBe('denied');
    await store.change(['group:h6#member@user:anne'], []);
    expect(store.check(question)).toBe('allowed');
  });

  test('where the tuples of the object are fewer, their conditions count as well', async () => {
    const own = Array.from({ length: wide + 30 }, (_, i) => `group:m${i}#member@user:anne`);
    const store = await Store.open(resident, [...crowd, ...own]);
    await store.change([['document:1#viewer@group:m5#member', 'open']], []);
    const question = 'document:1#viewer@user:anne';
    expect(store.check(question)).toBe(unknown);
    expect(store.check(question, { context: { now_open: true } })).toBe('allowed');
    expect(store.check(question, { context: { now_open: false } })).toBe('denied');
    await store.change(['document:1#viewer@group:m6#member'], []);
    expect(store.check(question)).toBe('allowed');
  });

  test('what is no plain union is walked, and what leads to it', async () => {
    const folders = Array.from({ length: wide }, (_, i) => `document:1#parent@folder:${i}`);
    const store = await Store.open(resident, [...folders, 'folder:5#viewer@user:anne']);
    const answers = () => ['opened', 'listed'].map((r) => store.check(`document:1#${r}@user:anne`));
    expect(answers()).toEqual(['allowed', 'allowed']);
    await store.change(['folder:5#barred@user:anne'], []);
    expect(answers()).toEqual(['denied', 'denied']);
    await store.change(['folder:6#seen@user:anne'], []);
    expect(answers()).toEqual(['denied', 'allowed']);
  });

  test('steps count for whoever is spared them: the limit is the same, cold and warm', async () => {
    const store = await Store.open(resident, [...crowd, 'group:h69#member@user:anne']);
    for (const question of ['document:1#viewer@user:anne', 'document:1#viewer@user:beth']) {
      let least = 1;
      while (store.check(question, { stepsMax: least }) === tooComplex) least++;
      expect(store.check(question, { stepsMax: least - 1 })).toBe(tooComplex);
      expect(store.check(question, { stepsMax: least })).not.toBe(tooComplex);
    }
  });

  test('a subject with more than is looked at is walked to from the object', async () => {
    sideSizes.subjectStepsMax = 10;
    const many = Array.from({ length: 20 }, (_, i) => `group:m${i}#member@user:anne`);
    const store = await Store.open(resident, [...crowd, ...many, 'group:h69#member@user:anne']);
    expect(store.check('document:1#viewer@user:anne')).toBe('allowed');
    await store.change([], ['group:h69#member@user:anne']);
    expect(store.check('document:1#viewer@user:anne')).toBe('denied');
  });
});
