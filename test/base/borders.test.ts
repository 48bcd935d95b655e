/** Limits at their border, just below and just above, where no test of the part itself has it. */
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { explain } from '../../src/engine/explain.ts';
import type { ExplainNode } from '../../src/engine/explanation.ts';
import { ModelCache } from '../../src/service/model-cache.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { watched } from '../advisories/reads.ts';
import { type TupleText, tupleOf, World } from '../engine/world.ts';
import {
  driveModel,
  openDrive,
  openService,
  serviceOver,
  testClock,
  tupleKey,
} from '../service/harness.ts';

/** Just below, at and just above the limit. */
function around(limit: number): [count: number, passes: boolean][] {
  return [
    [limit - 1, true],
    [limit, true],
    [limit + 1, false],
  ];
}

async function explained(
  model: string,
  tuples: readonly TupleText[],
  check: string,
  nodesMax?: number,
) {
  const world = await World.open(model, tuples);
  onTestFinished(() => world.close());
  const { object, relation, subject } = tupleOf(check);
  const request = { object, relation, subject, contextualTuples: [], context: {}, now: 0 };
  return world.view((reader, compiled) =>
    explain(reader, compiled, { ...request, ...(nodesMax === undefined ? {} : { nodesMax }) }),
  );
}

const groups = `
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member]`;

const members = (count: number) =>
  Array.from({ length: count }, (_, i) => `document:1#viewer@group:${i}#member`);

test.each(around(limits.explainTuplesMax))(
  'an explanation weighs %d tuples and is whole: %s',
  async (count, whole) => {
    const roomy = 10 * limits.explainTuplesMax;
    const tuples = [...members(count), 'group:x#member@user:anne'];
    const found = await explained(groups, tuples, 'document:1#viewer@user:anne', roomy);
    expect(found.tree.tuples.length + found.tree.children.length).toBe(
      Math.min(count, limits.explainTuplesMax),
    );
    expect(found.truncated).toBe(!whole);
  },
);

test.each(around(limits.explainNodesMax))(
  'an explanation of %d nodes is whole: %s',
  async (count, whole) => {
    const size = (node: ExplainNode): number =>
      node.children.reduce((sum, child) => sum + size(child), 1);
    // One node, and two for each group; one more for what is computed from it.
    const [relation, own] = count % 2 === 1 ? ['viewer', 1] : ['reader', 2];
    const model = `${groups}\n    define reader: viewer`;
    const tuples = [...members((count - own) / 2), 'group:x#member@user:anne'];
    const found = await explained(model, tuples, `document:1#${relation}@user:anne`);
    expect(found.truncated).toBe(!whole);
    expect(size(found.tree)).toBe(Math.min(count, limits.explainNodesMax));
  },
);

test.each(around(limits.explainNestingMax))(
  'an explanation nests %d levels and is whole: %s',
  async (levels, whole) => {
    const lines = Array.from({ length: levels - 1 }, (_, i) => `    define r${i}: r${i + 1}`);
    const model = `
type user
type node
  relations
${lines.join('\n')}
    define r${levels - 1}: [user]`;
    const found = await explained(model, [], 'node:1#r0@user:anne');
    expect(found.truncated).toBe(!whole);
    const height = (node: ExplainNode): number => 1 + Math.max(0, ...node.children.map(height));
    expect(height(found.tree)).toBe(Math.min(levels, limits.explainNestingMax));
  },
);

test.each(around(limits.explainSetsMax))(
  'of %d sets of tuples all are suggested: %s',
  async (count, all) => {
    const names = Array.from({ length: count }, (_, i) => `r${i}`);
    const model = `
type user
type node
  relations
${names.map((name) => `    define ${name}: [user]`).join('\n')}
    define any: ${names.join(' or ')}`;
    const found = await explained(model, [], 'node:1#any@user:anne');
    expect(found.wouldAllow).toHaveLength(all ? count : limits.explainSetsMax);
  },
);

/** Whether a list is cut that has taken so long before its first pause. */
async function isCut(tookMs: number, leftMs: number): Promise<boolean> {
  const clock = testClock();
  const datastore = await openSqlite({ path: ':memory:', clock });
  let goesOn = false;
  const slow = watched(datastore, () => {
    if (goesOn) clock.time += tookMs;
    goesOn = false;
  });
  const service = serviceOver(slow, clock, { lists: { sliceSteps: 1 } });
  onTestFinished(() => service.close());
  const store = (await service.ask('CreateStore', { name: 'list' })).body.id;
  await service.ask('WriteAuthorizationModel', { store_id: store, ...driveModel });
  const tuple_keys = [1, 2, 3].map((i) => tupleKey(`document:${i}#viewer@user:anne`));
  await service.ask('Write', { store_id: store, writes: { tuple_keys } });
  goesOn = true;
  const { headers } = await service.ask(
    'ListObjects',
    { store_id: store, type: 'document', relation: 'viewer', user: 'user:anne' },
    { deadline: clock.monotonic() + leftMs },
  );
  return headers['pemba-truncated'] === 'true';
}

test('a list has its time to the millisecond, and leaves some for its answer', async () => {
  const [own, answer] = [limits.listTimeoutMs, limits.listAnswerMs];
  for (const [ms, cut] of [
    [own - 1, false],
    [own, true],
    [own + 1, true],
  ] as const) {
    expect(await isCut(ms, 10 * own), `${ms} ms of its own`).toBe(cut);
  }
  const left = 10 * answer + 500;
  for (const [ms, cut] of [
    [left - answer - 1, false],
    [left - answer, true],
    [left - answer + 1, true],
  ] as const) {
    expect(await isCut(ms, left), `${ms} ms of ${left}`).toBe(cut);
  }
});

test('a read waits so long for a revision, or as long as its deadline leaves', async () => {
  const clock = testClock();
  const datastore = await openSqlite({ path: ':memory:', clock });
  const waits: number[] = [];
  const waiting = {
    ...datastore,
    local: {
      ...datastore.local,
      reach: async (_store: unknown, _revision: number, waitMs: number) => {
        waits.push(waitMs);
        return false;
      },
    },
  };
  const service = serviceOver(waiting, clock);
  onTestFinished(() => service.close());
  const drive = await openDrive();
  onTestFinished(() => drive.close());
  const most = limits.revisionWaitMs;
  for (const leftMs of [most - 1, most, most + 1]) {
    const request = {
      store_id: drive.store,
      tuple_key: { user: 'user:anne', relation: 'viewer', object: 'document:1' },
      consistency: 'HIGHER_CONSISTENCY',
    };
    const deadline = clock.monotonic() + leftMs;
    expect((await service.refusal('Check', request, { deadline })).code).toBe('unavailable');
  }
  expect(waits).toEqual([most - 1, most, most]);
});

test('so many models are kept compiled; of one more the oldest is compiled anew', async () => {
  const service = await openService();
  onTestFinished(() => service.close());
  const cache = new ModelCache();
  const models: { store: string; id: string }[] = [];
  for (let i = 0; i <= limits.compiledModelsMax; i++) {
    const store =
      i < 2 ? (await service.ask('CreateStore', { name: `store ${i}` })).body.id : models[1]?.store;
    const model = { schema_version: '1.1', type_definitions: [{ type: 'user' }] };
    const written = await service.ask('WriteAuthorizationModel', { store_id: store, ...model });
    models.push({ store, id: written.body.authorization_model_id });
  }
  const resolve = (at: number) => {
    const { store, id } = models[at] as { store: string; id: string };
    return service.datastore.local.view(store as never, (snapshot) =>
      cache.resolve(store as never, snapshot, id as never),
    ).model;
  };
  const first = resolve(0);
  for (let at = 1; at < limits.compiledModelsMax; at++) resolve(at);
  expect(resolve(0)).toBe(first);
  // The one that was asked for just now is the newest; all others but it go first.
  for (let at = 1; at <= limits.compiledModelsMax; at++) resolve(at);
  expect(resolve(0)).not.toBe(first);
});
