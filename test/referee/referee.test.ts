// A few worlds before a real SpiceDB, and what the comparison has to notice: a bug planted in Pemba's
// data, and each way in which SpiceDB is known to stand apart. `npm run referee` is the long run.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlainModel } from '../oracle/facts.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { Pemba } from '../oracle/served-world.ts';
import type { World } from '../oracle/world.ts';
import { Comparison } from './compare.ts';
import { schemaOf } from './schema.ts';
import { inTime, SpiceDb, voteOn, whyUnavailable } from './spicedb.ts';
import { emptyTally } from './tally.ts';
import { type Api, Triage, unexplained } from './triage.ts';
import { refereeWorld, worldSeed } from './world.ts';

const reason = whyUnavailable();
if (reason !== undefined) console.warn(`SKIPPED, nothing was compared with SpiceDB: ${reason}`);

const guardedModel: PlainModel = {
  schema_version: '1.1',
  type_definitions: [
    {
      type: 'user',
      relations: { member: { this: {} } },
      metadata: relations({ member: ['user'] }),
    },
    {
      type: 'doc',
      relations: {
        viewer: { this: {} },
        editor: { this: {} },
        reader: { difference: { base: { this: {} }, subtract: { this: {} } } },
        maker: { union: { child: [{ this: {} }, { computedUserset: { relation: 'editor' } }] } },
        all: {
          union: {
            child: [
              {
                difference: {
                  base: { this: {} },
                  subtract: { computedUserset: { relation: 'maker' } },
                },
              },
              { computedUserset: { relation: 'some' } },
            ],
          },
        },
        some: { this: {} },
      },
      metadata: relations({
        viewer: ['user:*'],
        editor: ['user with c', 'user#member'],
        reader: ['user with c'],
        maker: ['user', 'user with c'],
        all: ['user:*'],
        some: ['user:* with c'],
      }),
    },
  ],
  conditions: {
    c: {
      name: 'c',
      expression: 'p || q',
      parameters: { p: { type_name: 'TYPE_NAME_BOOL' }, q: { type_name: 'TYPE_NAME_BOOL' } },
    },
  },
};

describe('the translation', () => {
  test('a relation that is rewritten has a direct one beside it, all in brackets', () => {
    expect(schemaOf(guardedModel)).toBe(`caveat caveat_c(p bool, q bool) {
  p || q
}

definition user {
  relation member: user
}

definition doc {
  relation viewer: user:*
  relation editor: user with caveat_c | user#member
  relation direct_reader: user with caveat_c
  permission reader = (direct_reader - direct_reader)
  relation direct_maker: user | user with caveat_c
  permission maker = (direct_maker + editor)
  relation direct_all: user:*
  permission all = ((direct_all - maker) + some)
  relation some: user:* with caveat_c
}
`);
  });

  test('a list tells of those whom its wildcard lets in, and of those taken out', () => {
    const list = {
      listed: new Map([
        ['user:*', 'allowed'],
        ['user:c', 'allowed'],
      ] as const),
      everyone: 'allowed',
      excluded: new Map([
        ['user:a', 'allowed'],
        ['user:b', 'error'],
        ['user:c', 'allowed'],
      ] as const),
    } as const;
    const votes = ['user:*', 'user:a', 'user:b', 'user:c', 'user:d'].map((s) => voteOn(list, s));
    expect(votes).toEqual(['allowed', 'denied', 'error', 'allowed', 'allowed']);
    expect(voteOn(list, 'user:a#member')).toBe('denied');
  });
});

describe.skipIf(reason !== undefined)('before SpiceDB', () => {
  let spicedb: SpiceDb;
  let pemba: Pemba;
  beforeAll(async () => {
    spicedb = await SpiceDb.start();
    pemba = await Pemba.open();
  });
  afterAll(async () => {
    spicedb.close();
    await pemba.close();
  });

  test('nothing is unexplained in a few worlds', async () => {
    const tally = emptyTally();
    for (let index = 0; index < 4; index++) {
      const seed = worldSeed(11, index);
      await Comparison.over(refereeWorld(seed), { pemba, spicedb }, (comparison) =>
        comparison.run(new RandomSource(seed), tally),
      );
    }
    expect(tally.unexplained).toBe(0);
    expect(tally.decisions).toBeGreaterThan(1_000);
    expect(tally.lists.resources).toBeGreaterThan(20);
    expect(tally.lists.subjects).toBeGreaterThan(20);
  });

  test('a tuple that Pemba forgets is noticed', async () => {
    const forgetful = await Pemba.open((world) => ({ ...world, stored: world.stored.slice(1) }));
    const tally = emptyTally();
    const seed = worldSeed(12, 0);
    await Comparison.over(refereeWorld(seed), { pemba: forgetful, spicedb }, (comparison) =>
      comparison.run(new RandomSource(seed), tally),
    );
    await forgetful.close();
    expect(tally.unexplained).toBeGreaterThan(0);
  });

  // Should one of these begin to agree, SpiceDB has changed: take it out of the table.
  test.each<
    [api: Api, asked: [string, string, string], context: object, vote: string, why: RegExp]
  >([
    ['check', ['doc:1', 'maker', 'user:a'], { p: true }, 'allowed', /missing parameters/],
    ['check', ['doc:1', 'viewer', 'user:a#member'], {}, 'allowed', /wildcard of SpiceDB/],
    ['check', ['doc:1', 'editor', 'user:a'], { p: true, q: true }, 'denied', /passes over/],
    ['resources', ['doc:1', 'reader', 'user:a'], {}, 'denied', /contradicts/],
    ['subjects', ['doc:1', 'all', 'user:b'], { p: false, q: false }, 'allowed', /contradicts/],
  ])(
    '%s %j under %j: SpiceDB says %s',
    async (api, [object, relation, subject], context, vote, why) => {
      const world = guardedWorld(context);
      const [decision] = await Comparison.over(world, { pemba, spicedb }, (comparison) =>
        comparison.decide(api, [{ object, relation, subject, setting: 0 }]),
      );
      expect(decision?.spicedb).toBe(vote);
      expect(decision?.oracle).not.toBe(vote);
      const reasons = decision === undefined ? [] : new Triage(world).reasons(decision);
      expect(reasons).toContainEqual(expect.stringMatching(why));
      expect(reasons).not.toContain(unexplained);
    },
  );
});

function guardedWorld(context: object): World {
  const condition = { name: 'c', context: {} };
  const stored = [
    { object: 'doc:1', relation: 'viewer', subject: 'user:*' },
    { object: 'doc:1', relation: 'editor', subject: 'user:a', condition },
    { object: 'doc:1', relation: 'reader', subject: 'user:a', condition },
    { object: 'doc:1', relation: 'maker', subject: 'user:a', condition },
    { object: 'doc:1', relation: 'maker', subject: 'user:b' },
    { object: 'doc:1', relation: 'all', subject: 'user:*' },
    { object: 'doc:1', relation: 'some', subject: 'user:*', condition },
  ];
  return {
    models: [guardedModel],
    stored: stored.map((tuple) => ({ tuple, model: 0, deleted: false })),
    settings: [{ model: 0, contextual: [], context: { ...context } }],
    ids: ['1', 'a', 'b'],
  };
}

/** `user`, `user:*`, `user#member`, each perhaps `with c`. */
function relations(subjects: Readonly<Record<string, readonly string[]>>) {
  const restriction = (text: string) => {
    const [subject, condition] = text.split(' with ') as [string, string | undefined];
    const [type, relation] = subject.replace(':*', '').split('#') as [string, string | undefined];
    return {
      type,
      ...(relation !== undefined && { relation }),
      ...(subject.endsWith(':*') && { wildcard: {} }),
      ...(condition !== undefined && { condition }),
    };
  };
  return {
    relations: Object.fromEntries(
      Object.entries(subjects).map(([name, texts]) => [
        name,
        { directly_related_user_types: texts.map(restriction) },
      ]),
    ),
  };
}

test('SpiceDB is asked again where it was late, and not for ever', async () => {
  const late = new Error('rpc error: code = DeadlineExceeded desc = context deadline exceeded');
  const answers = [late, late, 'denied', late, new Error('another')];
  const ask = async () => {
    const answer = answers.shift() ?? late;
    if (typeof answer !== 'string') throw answer;
    return answer;
  };
  expect(await inTime(ask)).toBe('denied');
  await expect(inTime(ask)).rejects.toThrow('another');
  await expect(inTime(ask)).rejects.toBe(late);
});
