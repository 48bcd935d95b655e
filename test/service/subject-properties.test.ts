/**
 * What a question under a subject token means, tried on many made at random: the same as the question
 * of the mapped subject, with the mapped tuples and context, to a service that knows no tokens.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { serviceOver, tupleKey } from './harness.ts';
import { apis, listsOfSubjects } from './subject-answers.ts';
import { model, openSubjectWorld, type SubjectWorld } from './subject-world.ts';

const runs = { seed: 20_261_122, numRuns: Number(process.env.PEMBA_TEST_RUNS ?? 60) };

const [users, groups, orgs] = [
  ['alice', 'bob'],
  ['eng', 'ops'],
  ['acme', 'zeta'],
];
const relations = ['viewer', 'can_view', 'can_edit', 'secret', 'rated'];

const subjects = [...users.map((id) => `user:${id}`), 'group:eng#member', 'group:ops#member'];
const usual = [
  ...groups.flatMap((group) => users.map((user) => `group:${group}#member@user:${user}`)),
  ...subjects.map((subject) => `doc:1#viewer@${subject}`),
  ...['doc:1#blocked@group:ops#member', 'doc:1#org@org:acme', 'doc:1#viewer@user:*'],
  ...['doc:1#viewer@agent:bot', 'group:eng#member@agent:bot'],
];
const memberships = orgs.flatMap((org) => users.map((user) => `org:${org}#member@user:${user}`));

const level = fc.constantFrom('low', 'high');
const guarded = fc
  .tuple(fc.constantFrom('secret', 'rated'), fc.constantFrom(...users), level)
  .map(([relation, user, level]): JsonObject => {
    const condition = { name: 'strong', context: { level } };
    return { ...tupleKey(`doc:1#${relation}@user:${user}`), condition };
  });
const keyed = (texts: readonly string[]) =>
  fc.subarray([...texts]).map((some): JsonObject[] => some.map(tupleKey));

const worlds = fc.record({
  stored: fc.tuple(keyed([...usual, ...memberships]), fc.array(guarded, { maxLength: 2 })),
  tuples: fc.tuple(
    keyed([...usual, 'org:acme#member@user:bob']),
    fc.array(guarded, { maxLength: 1 }),
  ),
  claims: fc.record({
    groups: fc.subarray(groups),
    org: fc.option(fc.constantFrom(...orgs), { nil: undefined }),
    acr: fc.option(level, { nil: undefined }),
    act: fc.constantFrom(undefined, undefined, { sub: 'bot' }),
    scope: fc.constantFrom('', 'docs.write'),
  }),
  context: fc.record(
    {
      token_acr: level,
      token_age: fc.integer(),
      token_: level,
      acr: level,
      level,
    },
    { requiredKeys: [] },
  ),
});

const textOf = ({ object, relation, user }: JsonObject) => `${object}#${relation}@${user}`;
const once = (tuples: readonly JsonObject[]) => [
  ...new Map(tuples.map((tuple) => [textOf(tuple), tuple])).values(),
];

/** `yes`, `no`, or the code of the refusal. */
const outcomeOf = (answer: Promise<{ allowed: boolean }>) =>
  answer.then(
    ({ allowed }) => (allowed ? 'yes' : 'no'),
    ({ code, message }: { code?: string; message: string }) => code ?? message,
  );

async function newStore(world: SubjectWorld): Promise<string> {
  const { store_id } = {
    store_id: (await world.ask('CreateStore', { name: 'one of many' })).body.id,
  };
  const definition = (await modelFromDsl(model)) as object;
  await world.ask('WriteAuthorizationModel', { store_id, ...definition });
  return store_id;
}

test('a question under a token is that of its subject, and no request makes it another', async () => {
  const world = await openSubjectWorld();
  const plain = serviceOver(world.datastore, world.clock);
  const count = { yes: 0, no: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(worlds, async ({ stored, tuples, claims, context }) => {
      const all = once(stored.flat());
      const own = once(tuples.flat());
      const [store, reference] = [await newStore(world), await newStore(world)];
      const write = async (store_id: string, tuple_keys: JsonObject[]) => {
        if (tuple_keys.length > 0) await plain.ask('Write', { store_id, writes: { tuple_keys } });
      };
      await write(store, all);
      // The token alone says of which organizations its subject is a member.
      await write(
        reference,
        all.filter((tuple) => !/^org:.*@user:alice$/.test(textOf(tuple))),
      );
      const mapped = [
        ...claims.groups.map((group) => tupleKey(`group:${group}#member@user:alice`)),
        ...(claims.org === undefined ? [] : [tupleKey(`org:${claims.org}#member@user:alice`)]),
      ];
      const options = { subjectToken: world.token(claims) };
      const expanded = {
        tuples: once([...own, ...mapped]),
        context: { ...context, token_acr: claims.acr ?? '', token_age: 0 },
      };
      for (const relation of relations) {
        const ceiling = relation === 'can_edit' && claims.scope === '';
        const asked = { relation, object: 'doc:1' };
        const verdicts: string[] = [];
        for (const user of ['user:alice', ...(claims.act === undefined ? [] : ['agent:bot'])]) {
          const target = { ...world, ...plain, store: reference };
          verdicts.push(await outcomeOf(apis.Check!(target, { ...asked, ...expanded, user }, {})));
        }
        const [first = '', second = 'yes'] = verdicts;
        const both = first === 'no' || second === 'no' ? 'no' : first === 'yes' ? second : first;
        const expected = ceiling ? 'no' : both;
        count[expected === 'yes' || expected === 'no' ? expected : 'other']++;
        for (const [name, ask] of Object.entries({ ...apis, ...listsOfSubjects })) {
          const question = { ...asked, user: 'user:alice', tuples: own, context };
          const answer = await outcomeOf(ask({ ...world, store }, question, options));
          expect(answer, `${name} ${relation}`).toBe(expected);
        }
      }
    }),
    runs,
  );
  // Neither answer is a rarity here.
  expect(Math.min(count.yes, count.no)).toBeGreaterThan(runs.numRuns / 2);
  expect(count.other).toBe(0);
  await world.close();
});
