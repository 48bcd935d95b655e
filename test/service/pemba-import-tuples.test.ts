/** ImportTuples and ExportTuples: judged as WriteTuples judges, and what goes in comes out, counted. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { joinChecksums } from '../../src/model/tuple-checksum.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { openService, type TestService } from './harness.ts';

const definition = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user', relations: {} },
    {
      type: 'team',
      relations: { member: { this: {} } },
      metadata: {
        relations: {
          member: {
            directly_related_user_types: [
              { type: 'user' },
              { type: 'team', relation: 'member' },
              { type: 'user', condition: 'weekday' },
            ],
          },
        },
      },
    },
    {
      type: 'doc',
      relations: { parent: { this: {} }, viewer: { this: {} } },
      metadata: {
        relations: {
          parent: { directly_related_user_types: [{ type: 'doc' }] },
          viewer: {
            directly_related_user_types: [
              { type: 'user' },
              { type: 'user', wildcard: {} },
              { type: 'team', relation: 'member' },
            ],
          },
        },
      },
    },
  ],
  conditions: {
    weekday: {
      name: 'weekday',
      expression: 'day < 6',
      parameters: { day: { type_name: 'TYPE_NAME_INT' } },
    },
  },
};

let service: TestService;
let stores: readonly string[];
beforeEach(async () => {
  service = await openService();
  stores = await Promise.all(['one', 'two'].map(storeWithModel));
});
afterEach(() => service.close());

async function storeWithModel(name: string): Promise<string> {
  const { body } = await service.ask('CreateStore', { name });
  await service.ask('WriteAuthorizationModel', { store_id: body.id, ...definition });
  return body.id;
}

const inFirst = (more: object) => ({ store_id: stores[0], ...more }) as never;
const importing = (more: object) => service.ask('ImportTuples', inFirst(more));
const refusal = (more: object) => service.refusal('ImportTuples', inFirst(more));

function tuple(object: string, relation: string, subject: string, more: object = {}) {
  return { object, relation, subject, ...more };
}
const viewers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => tuple(`doc:${from + i}`, 'viewer', `user:u${i % 70}`));

async function exported(more: object = {}, store = stores[0]) {
  const { body } = await service.ask('ExportTuples', { store_id: store, ...more } as never);
  const last = body.at(-1);
  return { tuples: body.flatMap((part: { tuples: object[] }) => part.tuples), last, parts: body };
}

test('tuples are written, with the header that says when, and checks see them', async () => {
  const { body, headers } = await importing({ tuples: viewers(3) });
  expect(body.consistency_token).toBe(headers['pemba-consistency-token']);
  const tuple_key = { user: 'user:u1', relation: 'viewer', object: 'doc:1' };
  expect((await service.ask('Check', inFirst({ tuple_key }))).body.allowed).toBe(true);
});

/** Parts of tuples, good and bad, that random ones are put together from. */
const objects = [
  'doc:1',
  'doc:2',
  'team:a',
  'team:b',
  'user:x',
  'doc:*',
  'doc',
  'no:1',
  'doc:a#b',
  'doc:x*',
];
const relations = ['viewer', 'parent', 'member', 'none', ''];
const subjects = [
  ...['user:x', 'user:y', 'user:*', 'team:a#member', 'team:b#member', 'team:*#member', 'doc:1'],
  ...[
    'team:a',
    'no:1',
    'user:x#member',
    'team:a#',
    'user',
    'doc:2#parent',
    'team:x*#member',
    'user:x*',
  ],
];
const guards = [
  { condition: { name: 'weekday', context: { day: 1 } } },
  { condition: { name: 'weekday', context: { day: 'x' } } },
  { condition: { name: 'none' } },
  { expires_at: '2030-01-01T00:00:00Z' },
];

test('random tuples, good and bad: accepted and refused as WriteTuples does, word for word', async () => {
  const random = new RandomSource(5);
  const outcomes = new Map<string, number>();
  const choices = ['ON_DUPLICATE_ERROR', 'ON_DUPLICATE_IGNORE', 'ON_DUPLICATE_REPLACE'];
  const ask = async (method: string, request: object) =>
    await service.ask(method, request as never).then(
      () => 'done',
      (error: Error & { code: string }) => `${error.code}: ${error.message}`,
    );
  for (let round = 0; round < 3_000; round++) {
    // Most are good but for one, so that what was found good before does not cover for it.
    const good = [tuple('doc:7', 'viewer', 'user:x'), tuple('doc:7', 'viewer', 'team:a#member')];
    const some = Array.from({ length: random.between(1, 3) }, () =>
      tuple(random.pick(objects), random.pick(relations), random.pick(subjects), {
        ...(random.below(5) === 0 ? random.pick(guards) : {}),
      }),
    );
    const tuples = [...good, tuple('team:a', 'member', 'user:x'), ...some];
    const on_duplicate = round % 3 === 0 ? choices[0] : random.pick(choices);
    const imported = await ask('ImportTuples', { store_id: stores[0], tuples, on_duplicate });
    const written = await ask('WriteTuples', { store_id: stores[1], writes: tuples, on_duplicate });
    // Storage names the first tuple in the order of its keys.
    const named = (text: string) => text.replace(/(exists.*): user: '.*', object: '[^']*'/, '$1');
    expect(named(imported)).toBe(named(written));
    const kind = written.slice(0, 40);
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    if (round % 100 === 0) {
      const all = { all: true, limit: 10_000 };
      for (const store_id of stores) await service.ask('DeleteTuples', { store_id, ...all });
    }
  }
  expect(outcomes.get('done')).toBeGreaterThan(20);
  expect(outcomes.size).toBeGreaterThan(8);
  const [one, two] = [await exported({}, stores[0]), await exported({}, stores[1])];
  expect(one.last.checksum).toBe(two.last.checksum);
});

test('none twice, whatever its guard', async () => {
  const twice = [...viewers(2), { ...viewers(1)[0], expires_at: '2030-01-01T00:00:00Z' }];
  expect((await refusal({ tuples: twice })).code).toBe(
    'cannot_allow_duplicate_tuples_in_one_request',
  );
});

describe('size', () => {
  const border = limits.tuplesPerImportMax;

  test.each([1, border - 1, border])('%d tuples in one import', async (count) => {
    await importing({ tuples: viewers(count) });
    expect((await exported()).last.count).toBe(String(count));
  });

  test('none, and one too many', async () => {
    expect((await refusal({ tuples: [] })).code).toBe('invalid_write_input');
    const refused = await refusal({ tuples: viewers(border + 1) });
    expect(refused).toMatchObject({ code: 'exceeded_entity_limit' });
    expect(refused.message).toContain(`${border + 1} tuples exceed the ${border}`);
  });
});

test('the same chunk again is no second write; another one under its key is refused', async () => {
  const chunk = { tuples: viewers(5), idempotency_key: 'load/1' };
  const first = await importing(chunk);
  expect(first.body.repeated_write).toBe(false);
  const again = await importing(chunk);
  expect(again.body).toEqual({ ...first.body, repeated_write: true });
  const other = await refusal({ tuples: viewers(6), idempotency_key: 'load/1' });
  expect(other.code).toBe('validation_error');
});

describe('export', () => {
  const page = limits.exportPageTuples;

  test.each([0, 1, page - 1, page, page + 1, 2 * page + 3])(
    'an export of %d tuples',
    async (count) => {
      let sum = 0n;
      for (let at = 0; at < count; at += 900) {
        const { body } = await importing({ tuples: viewers(Math.min(900, count - at), at) });
        sum = joinChecksums(sum, BigInt(body.checksum));
      }
      const { tuples, last, parts } = await exported();
      const order = (a: { object: string }, b: { object: string }) =>
        a.object.localeCompare(b.object);
      const expected = Array.from({ length: Math.ceil(count / 900) }, (_, i) =>
        viewers(Math.min(900, count - 900 * i), 900 * i),
      );
      const bare = tuples.map(({ object, relation, subject }: ReturnType<typeof tuple>) =>
        tuple(object, relation, subject),
      );
      expect(bare.sort(order)).toEqual(expected.flat().sort(order));
      expect(last).toMatchObject({ count: String(count), checksum: String(sum), cursor: '' });
      const tokens = parts.map((part: { consistency_token: string }) => part.consistency_token);
      expect(new Set(tokens).size).toBe(1);
    },
  );

  test('goes on from a cursor, and by filter', async () => {
    await importing({ tuples: viewers(page + 10) });
    await importing({ tuples: [tuple('team:a', 'member', 'user:u1')] });
    const { parts } = await exported();
    const rest = await exported({ cursor: parts[0].cursor });
    expect(rest.tuples).toHaveLength(11);
    const ofTeam = await exported({ filter: { object_type: 'team' } });
    expect(ofTeam.last.count).toBe('1');
    const refused = await service.refusal('ExportTuples', inFirst({ cursor: 'abcd' }));
    expect(refused.code).toBe('invalid_continuation_token');
  });

  test('the checksum counts what a tuple says, and not the order', async () => {
    const guarded = { condition: { name: 'weekday', context: { day: 1 } } };
    const variants = [{}, guarded, { expires_at: '2030-01-01T00:00:00Z' }];
    const sums = [];
    for (const more of variants) {
      const tuples = [
        tuple('team:a', 'member', 'user:x', more),
        tuple('team:b', 'member', 'user:y'),
      ];
      const onDuplicate = { on_duplicate: 'ON_DUPLICATE_REPLACE' };
      sums.push((await importing({ tuples, ...onDuplicate })).body.checksum);
      sums.push((await importing({ tuples: tuples.toReversed(), ...onDuplicate })).body.checksum);
      sums.push((await exported()).last.checksum);
    }
    expect(new Set(sums).size).toBe(variants.length);
  });
});
