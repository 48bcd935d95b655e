/**
 * The resident graph is a cache of a whole store, and the field's caches failed in known ways: what
 * they mixed up, kept too long or kept of something half done. Other files here ask their questions
 * of graphs too; these are about the graph itself.
 */
import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StoreId } from '../../src/model/ids.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import type { TupleText } from '../engine/world.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { serviceOver, type TestService, testClock, tupleKey } from '../service/harness.ts';
import {
  ask,
  filled,
  opened,
  temporaryFile,
  warm,
  write,
  writeModel,
  writeRaw,
} from './manners.ts';

const model = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, user with c, group#member]
type document
  relations
    define banned: [user, group#member]
    define viewer: [user, user:*, user with c, group#member]
    define reader: viewer but not banned
condition c(n: int, m: int) {
  n == m
}`;

/** A service whose graphs are folded after every few changes. */
async function folding(path: string): Promise<TestService> {
  const clock = testClock();
  const datastore = await openSqlite({
    path,
    clock,
    graphBytesMax: 64 * 1024 * 1024,
    graphBounds: { changesKept: 10, changesPerSlice: 7 },
    onFault(error) {
      throw error;
    },
  });
  const settled = () => datastore.graphs.settled();
  const service = { ...serviceOver(datastore, clock, { graphs: datastore.graphs }), settled };
  onTestFinished(() => service.close());
  return service;
}

/** Asks once of a graph that took everything in as it was written, once of one built of it all. */
async function askBoth(
  tuples: readonly TupleText[],
  items: Parameters<typeof ask>[2],
  of: string | JsonObject = model,
): Promise<void> {
  const path = temporaryFile();
  const grown = await opened(path);
  const store = await filled(grown, { model: of, raw: tuples });
  await ask(grown, store, items);
  await grown.close();
  const built = await opened(path);
  await warm(built, store);
  await ask(built, store, items);
}

const allowed = (check: string) => ({ check, expected: 'allowed' });
const denied = (check: string) => ({ check, expected: 'denied' });

describe('what is mixed up', () => {
  test('A19, A20, A22, A23, A42, A43, key collisions: no name runs into its type or a neighbour', async () => {
    const pieces = ['a', 'b', '|', ',', '"', '\\', '/', '.', '\u00e9', 'e\u0301', 'A', '[', '1'];
    const random = new RandomSource(23);
    const names = new Set<string>();
    while (names.size < 300) {
      const length = random.between(1, 4);
      names.add(Array.from({ length }, () => random.pick(pieces)).join(''));
    }
    const user = { directly_related_user_types: [{ type: 'user' }, { type: 'user|a' }] };
    const plain = (type: string) => ({
      type,
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: user } },
    });
    const definition = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        { type: 'user|a' },
        ...['doc', 'doc|a', 'doc,a'].map(plain),
      ],
    };
    const kept: string[] = [];
    const others: string[] = [];
    for (const name of names) {
      for (const type of ['doc', 'doc|a', 'doc,a']) {
        const check = `${type}:${name}#viewer@${random.pick(['user', 'user|a'])}:${name}`;
        (random.chance(0.5) ? kept : others).push(check);
      }
    }
    const items = [...kept.map(allowed), ...others.map(denied)];
    await askBoth(kept, random.shuffled(items).slice(0, 120), definition);
  });

  test('A12, A24: conditions, contexts and ids that look alike are told apart', async () => {
    const context = { n: 1 };
    await askBoth(
      [
        ['document:1#viewer@user:anne', 'c', { m: 1 }],
        ['document:1#viewer@user:Anne', 'c', { m: 2 }],
        ['document:\u00e9#viewer@user:anne', 'c', { m: 2 }],
        ['document:e\u0301#viewer@user:anne', 'c', { m: 1 }],
        'document:1#viewer@user:ANNE',
      ],
      [
        { ...allowed('document:1#viewer@user:anne'), context },
        { ...denied('document:1#viewer@user:Anne'), context },
        { ...denied('document:\u00e9#viewer@user:anne'), context },
        { ...allowed('document:e\u0301#viewer@user:anne'), context },
        { ...allowed('document:1#viewer@user:ANNE'), context },
        { ...denied('document:1#viewer@user:annE'), context },
        {
          check: 'document:1#viewer@user:Anne',
          context,
          contextual: [['document:1#viewer@user:Anne', 'c', { m: 1 }]],
          expected: 'allowed',
        },
        {
          check: 'document:1#viewer@user:anne',
          context,
          contextual: [['document:1#viewer@user:anne', 'c', { m: 3 }]],
          expected: 'denied',
        },
      ],
    );
  });

  test('A54, A56: two stores with equal ids, both in memory, never show in one another', async () => {
    const service = await opened();
    const [first, second] = [
      await filled(service, { model, tuples: ['document:1#viewer@user:anne'] }),
      await filled(service, { model, tuples: ['document:1#viewer@user:beth'] }),
    ];
    for (let round = 0; round < 20; round++) {
      const text = `document:${round + 2}#viewer@user:carl`;
      await write(service, round % 2 === 0 ? first : second, [text]);
      for (const [store, mine] of [
        [first, round % 2 === 0],
        [second, round % 2 === 1],
      ] as const) {
        await ask(service, store, [
          { check: text, expected: mine ? 'allowed' : 'denied' },
          {
            check: 'document:1#viewer@user:anne',
            expected: store === first ? 'allowed' : 'denied',
          },
          {
            check: 'document:1#viewer@user:beth',
            expected: store === first ? 'denied' : 'allowed',
          },
        ]);
      }
    }
  });

  test('A57: a store made again under the id of one that was in memory begins empty', async () => {
    const service = await opened(temporaryFile());
    const store = await filled(service, { model, tuples: ['document:1#viewer@user:anne'] });
    await ask(service, store, [allowed('document:1#reader@user:anne')]);
    await service.ask('DeleteStore', { store_id: store });
    await writeModel(service, store, model);
    await warm(service, store);
    await ask(service, store, [denied('document:1#reader@user:anne')]);
    await write(service, store, ['document:1#viewer@user:beth']);
    await ask(service, store, [
      denied('document:1#reader@user:anne'),
      allowed('document:1#reader@user:beth'),
    ]);
  });
});

describe('what is kept too long', () => {
  test('stale caches, revision order: while graphs are built and folded, no answer is from before a write', async () => {
    const service = await folding(temporaryFile());
    const store = await filled(service, { model });
    const random = new RandomSource(9);
    const writer = async (name: string) => {
      const key = tupleKey(`document:${name}#viewer@user:anne`);
      const ban = tupleKey(`document:${name}#banned@user:anne`);
      let before = 0;
      for (let round = 0; round < 40; round++) {
        const [on, banned] = [round % 2 === 0, round % 4 < 2];
        const [add, remove] = [on ? [key] : [], on ? [] : [key]];
        if (round % 4 === 0) add.push(ban);
        if (round % 4 === 2) remove.push(ban);
        const { headers } = await service.ask('Write', {
          store_id: store,
          ...(add.length > 0 ? { writes: { tuple_keys: add } } : {}),
          ...(remove.length > 0 ? { deletes: { tuple_keys: remove } } : {}),
        });
        const token = headers['pemba-consistency-token'] as string;
        for (let turns = random.below(3); turns > 0; turns--) await setImmediate();
        const asked = { store_id: store, tuple_key: { ...key, relation: 'reader' } };
        const options = random.chance(0.5) ? { token } : {};
        const answer = await service.ask('Check', asked, options);
        expect(answer.body.allowed).toBe(on && !banned);
        const shown = service.datastore.local.view(store, ({ revision }) => revision);
        expect(shown).toBeGreaterThanOrEqual(before);
        before = shown;
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(writer));
    await service.settled();
    const { body } = await service.ask('ReadGraphs', { store_id: store });
    expect(body.graphs[0].place).toBe('PLACE_MEMORY');
  });

  test('results cached on cancel: of a write that is refused, or changes nothing, nothing is kept', async () => {
    const service = await folding(':memory:');
    const store = await filled(service, { model, tuples: ['document:1#viewer@user:anne'] });
    const never = 'document:new#viewer@user:new';
    const tuple_keys = [tupleKey(never), tupleKey('document:1#viewer@user:anne')];
    for (let round = 0; round < 5; round++) {
      const refusal = await service.refusal('Write', { store_id: store, writes: { tuple_keys } });
      expect(refusal.code).toBe('write_failed_due_to_invalid_input');
      await ask(service, store, [
        denied(never),
        { check: never, contextual: [never], expected: 'allowed' },
        allowed('document:1#viewer@user:anne'),
      ]);
      await write(service, store, [`document:${round + 2}#viewer@user:new-${round}`]);
      await ask(service, store, [allowed(`document:${round + 2}#reader@user:new-${round}`)]);
    }
  });

  test('leaks: what lists held of a graph is let go of, however they end', async () => {
    const service = await folding(temporaryFile());
    const store = await filled(service, {
      model,
      raw: Array.from({ length: 3_000 }, (_, i) => `document:${i}#viewer@user:anne`),
    });
    await service.settled();
    const list = { store_id: store, type: 'document', relation: 'reader', user: 'user:anne' };
    for (let round = 0; round < 10; round++) {
      const stream = service.ask('StreamedListObjects', list);
      const cut = service
        .ask('ListObjects', list, { signal: AbortSignal.abort() })
        .catch(() => undefined);
      await writeRaw(service.datastore, store, [`document:x${round}#viewer@user:anne`]);
      expect((await stream).body.length).toBeGreaterThanOrEqual(3_000);
      await cut;
    }
    await service.settled();
    const before = await bytesOf(service, store);
    for (let round = 0; round < 6; round++) {
      const tuples = { writes: { tuple_keys: [tupleKey('document:y#viewer@user:beth')] } };
      await service.ask('Write', { store_id: store, ...tuples });
      await service.ask('Write', { store_id: store, deletes: tuples.writes });
    }
    await service.settled();
    expect(await bytesOf(service, store)).toBeLessThan(before + 5_000);
  });

  async function bytesOf(service: TestService, store: StoreId): Promise<number> {
    const { body } = await service.ask('ReadGraphs', { store_id: store });
    return Number(body.graphs[0].bytes);
  }
});

describe('what is left out', () => {
  test.each([65_535, 65_536, 65_537])('A34: the last of %i members is one', async (count) => {
    const members = Array.from({ length: count - 1 }, (_, i) => `group:g#member@user:u${i}`);
    const tuples = [...members, 'group:g#member@user:last', 'document:1#viewer@group:g#member'];
    const path = temporaryFile();
    const grown = await opened(path);
    const store = await filled(grown, { model });
    await writeRaw(grown.datastore, store, tuples);
    const check = async (service: TestService, user: string) => {
      const tuple_key = tupleKey(`document:1#reader@user:${user}`);
      return (await service.ask('Check', { store_id: store, tuple_key })).body.allowed;
    };
    const asked = ['u0', 'u1023', 'u1024', `u${count - 2}`, 'last', 'nobody'];
    for (const user of asked) expect(await check(grown, user)).toBe(user !== 'nobody');
    await grown.close();
    const built = await opened(path);
    await warm(built, store);
    for (const user of asked) expect(await check(built, user)).toBe(user !== 'nobody');
    await write(built, store, ['group:g#member@user:later']);
    for (const user of [...asked, 'later'])
      expect(await check(built, user)).toBe(user !== 'nobody');
  });

  test('missed results, sort assumption: sizes around every chunk, doubled by contextual tuples', async () => {
    for (const count of [1_023, 1_024, 1_025, 2_048, 2_049]) {
      const groups = Array.from({ length: count }, (_, i) => `group:g${i}`);
      const last = groups.at(-1);
      const contextual = [`document:1#viewer@${last}#member`, `document:1#viewer@group:g0#member`];
      await askBoth(
        [
          ...new RandomSource(count)
            .shuffled(groups)
            .map((group) => `document:1#viewer@${group}#member`),
          `${last}#member@user:anne`,
          'group:g0#member@user:beth',
        ],
        [
          allowed('document:1#reader@user:anne'),
          allowed('document:1#reader@user:beth'),
          { ...allowed('document:1#reader@user:anne'), contextual },
          { ...allowed('document:1#reader@user:beth'), contextual: contextual.toReversed() },
          denied('document:1#reader@user:carl'),
        ],
      );
    }
  });

  test('A14: in a knot of groups every order of questions has the same answers, folded or not', async () => {
    const random = new RandomSource(14);
    const knot = [
      'group:a#member@group:b#member',
      'group:b#member@group:c#member',
      'group:c#member@group:a#member',
      'group:c#member@user:anne',
      'document:1#viewer@group:a#member',
      'document:1#banned@group:d#member',
      'group:d#member@group:e#member',
      'group:e#member@group:d#member',
    ];
    const items = [
      ...['a', 'b', 'c'].map((group) => allowed(`group:${group}#member@user:anne`)),
      ...['d', 'e'].map((group) => denied(`group:${group}#member@user:anne`)),
      allowed('document:1#reader@user:anne'),
      denied('document:1#reader@user:beth'),
    ];
    for (let round = 0; round < 5; round++) {
      const service = await folding(':memory:');
      const store = await filled(service, { model, tuples: random.shuffled(knot) });
      for (let again = 0; again < 3; again++) await ask(service, store, random.shuffled(items));
      await write(service, store, ['group:e#member@user:anne']);
      await ask(service, store, [denied('document:1#reader@user:anne')]);
    }
  });
});
